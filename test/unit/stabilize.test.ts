import { expect, test } from 'vitest';
import { highest, remember } from '../../src/decision/stabilize.ts';
import type { Memory, Observation } from '../../src/decision/types.ts';
import { memory, observation, policy, startMs } from '../support/builders.ts';

const wishes = policy({ scaleDownStabilizationSeconds: 300, continuitySeconds: 120 });

const recommended = (workers: number, secondsAgo: number, isFound = false) => ({
  ...{ madeAtMs: startMs - secondsAgo * 1000, workers, isFound },
});

/** Recommends two workers where eight run, a minute after the last look unless a test says more. */
const recommend = (
  recommendations: Memory['recommendations'],
  lastSeenSecondsAgo: number | null = 60,
  seen: Partial<Observation> = {},
) => {
  const lastSeenAtMs = lastSeenSecondsAgo === null ? null : startMs - lastSeenSecondsAgo * 1000;
  const before = memory({ recommendations, lastSeenAtMs });
  return remember(before, observation(0, { currentWorkers: 8, ...seen }), 2, wishes);
};

test('only recommendations that are higher than all later ones are kept, with the time of the last', () => {
  const earlier = [recommended(9, 200), recommended(4, 100), recommended(2, 60)];
  expect(recommend(earlier)).toEqual([
    ...[recommended(9, 200), recommended(4, 100), recommended(2, 0)],
  ]);
  expect(highest(recommend(earlier))).toEqual(recommended(9, 200));
  expect(recommend([recommended(1, 60)])).toEqual([recommended(2, 0)]);
});

test('a recommendation counts until the window is over', () => {
  expect(recommend([recommended(9, 299.9)])).toHaveLength(2);
  expect(recommend([recommended(9, 300)])).toEqual([recommended(2, 0)]);
});

test('after a gap the workers found running count as recommended now', () => {
  const found = [recommended(8, 0, true), recommended(2, 0)];
  expect(recommend([recommended(9, 200)], 120)[0]).toEqual(recommended(9, 200));
  expect(recommend([recommended(9, 200)], 121)).toEqual(found);
  expect(recommend([recommended(9, 200)], null)).toEqual(found);
});

test('after a gap nothing is known as long as nobody knows how many workers run', () => {
  expect(recommend([recommended(9, 200)], 121, { currentWorkers: null })).toEqual([]);
  expect(recommend([recommended(9, 200)], 60, { currentWorkers: null })).toHaveLength(2);
});
