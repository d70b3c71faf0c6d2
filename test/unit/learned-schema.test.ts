import { expect, test } from 'vitest';
import { decide, emptyMemory } from '../../src/decision/decide.ts';
import { createMemoryStore } from '../../src/state/memory-store.ts';
import type { RedisConnection } from '../../src/redis.ts';
import { observation, policy, reading, startMs } from '../support/builders.ts';

const { signal } = new AbortController();

/** A Redis of one key, because only what is written in it is of interest here. */
function oneKey(text: string | null): RedisConnection & { readonly text: () => string | null } {
  let value = text;
  const client = {
    get: () => Promise.resolve(value),
    set: (_key: string, written: string) => {
      value = written;
      return Promise.resolve('OK');
    },
  };
  return {
    run: (_code: unknown, _signal: unknown, work: (client: never) => unknown) =>
      work(client as never),
    text: () => value,
  } as never;
}

const store = (redis: RedisConnection) => createMemoryStore(redis, 'pool', 1000);

const learned = (() => {
  let memory = emptyMemory;
  for (let look = 0; look < 20; look += 1) {
    const queues = [
      reading({
        readyJobs: look,
        activeJobs: 3,
        addedJobs: 9 * look,
        unfinishedJobs: 3 + look,
        finished: [{ jobName: 'mail', durationSeconds: 1.25 }],
      }),
    ];
    const seen = observation(0, {
      queues,
      observedAtMs: startMs + look * 5000,
      currentWorkers: look,
    });
    ({ memory } = decide(seen, policy(), memory));
  }
  return memory;
})();

test('what was learned is the same after it was stored and loaded', async () => {
  const redis = oneKey(null);
  await store(redis).save(learned, signal);
  expect(await store(redis).load(signal)).toEqual(learned);
  expect(learned.learned.services).not.toEqual([]);
});

test.each([
  ['of an older version', { version: 3 }],
  ['without what was learned', { memory: { ...learned, learned: undefined } }],
  [
    'with a time that cannot be',
    { memory: { ...learned, learned: { ...learned.learned, seenAtMs: 1e300 } } },
  ],
  [
    'with too much in it',
    {
      memory: {
        ...learned,
        learned: {
          ...learned.learned,
          holds: Array.from({ length: 2000 }, () => ({ madeAtMs: 1, workers: 1 })),
        },
      },
    },
  ],
])('a memory %s counts as none', async (_name, change) => {
  const text = JSON.stringify({ version: 4, memory: learned, ...change });
  expect(await store(oneKey(text)).load(signal)).toEqual(emptyMemory);
});
