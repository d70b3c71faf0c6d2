import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  conditionNames,
  conditionsOf,
  type Conditions,
} from '../../src/notifications/conditions.ts';
import type { Decision, Observation } from '../../src/decision/types.ts';
import { messageFor } from '../../src/notifications/message.ts';
import { forgetPool, nextNotices, nothingNoticed } from '../../src/notifications/notices.ts';
import {
  hold,
  observation,
  orphans,
  reading,
  redisGone,
  refused,
  tick,
} from '../support/tick-records.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const nothing: Conditions = Object.fromEntries(conditionNames.map((name) => [name, null]));

describe('a tick shows', () => {
  const report = {
    ...{ marked: [], cancelled: [], unknown: [], freedAfterSeconds: [], tailUnknownSinceMs: null },
  };
  const blocked = {
    dyno: 'worker.3',
    verdict: 'busy',
    jobs: [{ queue: 'mail', jobId: '7', startedAtMs: 0, worker: 'worker.3', jobName: null }],
    sinceMs: 0,
  } as const;

  test('that more workers are wanted than may be, while jobs wait', () => {
    expect(conditionsOf(tick())['at-max']).toBe(
      'at most 10 (MAX_WORKERS), although 13 workers would be needed: 1,240 jobs wait',
    );
    const idle = observation({ queues: [reading({ readyJobs: 0 })] });
    expect(conditionsOf(tick({ observation: idle }))['at-max']).toBeNull();
    expect(conditionsOf(tick({ decision: hold }))['at-max']).toBeNull();
  });

  test('what a scale-down waits for, unless it did not look', () => {
    const drain = { ...report, blocked: [blocked, { ...blocked, dyno: 'worker.2' }] };
    expect(conditionsOf(tick({ drain })).blocked).toBe(
      'a scale-down waits for worker.3, which runs job 7 of mail and 1 more',
    );
    expect(conditionsOf(tick()).blocked).toBeNull();
    expect(conditionsOf(tick({ error: refused() }))).not.toHaveProperty('blocked');
  });

  test('what failed, and then nothing of what it could not see', () => {
    const gone = tick({ outcome: 'failed', observation: null, decision: null, error: redisGone() });
    expect(conditionsOf(gone)).toEqual({
      failing: `cannot see, and removes nobody meanwhile: Redis at 127.0.0.1:1: ECONNREFUSED (No server answers there.)`,
    });
    expect(conditionsOf(tick({ error: refused() })).failing).toMatch(/^cannot scale: /);
    expect(conditionsOf(tick()).failing).toBeNull();
  });

  test('a limit of the platform and the number of a person, in the words of the decision', () => {
    const why = 'the platform allows 5 workers of this type';
    const steps = [...hold.steps, { step: 'platform-limit', workers: 5, why } as const];
    const manualHold = { workers: 12, untilMs: 0, why: 'someone set 12 workers' };
    const conditions = conditionsOf(tick({ decision: { ...hold, steps, manualHold } }));
    expect(conditions).toMatchObject({
      'platform-limit': why,
      'manual-scale': 'someone set 12 workers',
    });
  });
});

describe('a tick shows of stuck work', () => {
  const shown = (
    stuck: Decision['stuck'],
    unreadableQueues: Observation['unreadableQueues'] = [],
  ) =>
    conditionsOf(
      tick({ decision: { ...hold, stuck }, observation: observation({ unreadableQueues }) }),
    );

  test('each kind, by queue and with its jobs', () => {
    const sms = { ...orphans, queue: 'sms', jobIds: ['1'], why: 'nobody recovers' };
    const stalling = { ...orphans, kind: 'stalling', jobIds: [], why: 'workers die' } as const;
    expect(shown([orphans, sms, stalling])).toMatchObject({
      orphaned: new Map([
        [
          'mail',
          'work is stuck, orphaned: nobody has recovered 2 orphaned jobs of mail for 12m (job 8, job 9)',
        ],
        ['sms', 'work is stuck, orphaned: nobody recovers (job 1)'],
      ]),
      'no-progress': null,
      stalling: new Map([['mail', 'work is stuck, stalling: workers die']]),
    });
  });

  test('that there is none only when all queues could be read', () => {
    const unreadable = [{ queue: 'sms', why: 'WRONGTYPE' }];
    expect(shown([], unreadable)).not.toHaveProperty('orphaned');
    expect(shown([orphans], unreadable)).toHaveProperty('orphaned');
    expect(shown([]).orphaned).toBeNull();
  });
});

/** What people are told at each of these minutes. */
function told(course: readonly (readonly [minute: number, conditions: Conditions])[]) {
  let state = nothingNoticed;
  return course.map(([minute, conditions]) => {
    const next = nextNotices(state, 'worker', { ...nothing, ...conditions }, minute * minuteMs);
    state = next.state;
    return next.notices.map(({ sentence }) => sentence);
  });
}

describe('people are told', () => {
  test('when it has lasted, and when it has ended', () => {
    const atMax = { 'at-max': 'at most 10' };
    expect(
      told([
        [0, atMax],
        [4, atMax],
        [5, atMax],
        [6, atMax],
        [9, {}],
        [10, {}],
      ]),
    ).toEqual([
      [],
      [],
      ['at most 10 (for 5m)'],
      [],
      ['no longer at its maximum with jobs waiting (it was so for 9m)'],
      [],
    ]);
  });

  test('nothing of what passed soon', () => {
    expect(
      told([
        [0, { failing: 'x' }],
        [1, { failing: 'x' }],
        [2, {}],
      ]).flat(),
    ).toEqual([]);
  });

  test('at once of what a person or the platform decided', () => {
    const limits = { 'manual-scale': 'someone set 3', 'platform-limit': 'allows 5' };
    expect(told([[0, limits]])).toEqual([['allows 5', 'someone set 3']]);
  });

  test('of stuck work when it has been there for two minutes, and when it has gone', () => {
    const stalling = { stalling: 'work is stuck, stalling: workers die' };
    expect(
      told([
        [0, stalling],
        [2, stalling],
        [30, {}],
      ]),
    ).toEqual([
      [],
      ['work is stuck, stalling: workers die (for 2m)'],
      ['jobs no longer stall again and again (it was so for 30m)'],
    ]);
  });

  test('of each queue that is stuck, together at first and of another when it joins, but not anew of one that comes and goes', () => {
    const stuck = (...queues: string[]) => ({
      stalling: new Map(queues.map((queue) => [queue, `workers die of ${queue}`])),
    });
    expect(
      told([
        [0, stuck('mail', 'sms')],
        [2, stuck('mail', 'sms')],
        [3, stuck('mail')],
        [4, stuck('sms', 'mail')],
        [5, stuck('mail', 'push', 'fax')],
        [6, stuck('mail', 'push', 'fax')],
        [7, {}],
        [8, stuck('push')],
        [61, stuck('push')],
        [65, stuck('push')],
        [66, stuck('mail', 'push')],
      ]),
    ).toEqual([
      [],
      ['workers die of mail, and so in 1 other queue (for 2m)'],
      [],
      [],
      ['workers die of push, and so in 1 other queue'],
      [],
      ['jobs no longer stall again and again (it was so for 7m)'],
      [],
      [],
      ['workers die of push (for 57m)'],
      ['workers die of mail'],
    ]);
  });

  test('once an hour of what comes and goes, and once a day of what stays', () => {
    const person = { 'manual-scale': 'someone set 3' };
    expect(
      told([
        [0, person],
        [1, {}],
        [2, person],
        [3, {}],
        [59, person],
        [60, person],
      ]),
    ).toEqual([
      ['someone set 3'],
      ['the number that someone set is no longer respected (it was so for 60s)'],
      [],
      [],
      [],
      ['someone set 3 (for 60s)'],
    ]);
    const days = [0, 1, 23 * 60, 24 * 60, 25 * 60].map((minute) => [minute, person] as const);
    expect(told(days).map((sentences) => sentences.length)).toEqual([1, 0, 0, 1, 0]);
  });

  test('nothing of a condition that the tick could not see, which goes on', () => {
    let state = nothingNoticed;
    const at = (minute: number, conditions: Conditions) => {
      const next = nextNotices(state, 'worker', conditions, minute * minuteMs);
      state = next.state;
      return next.notices.map(({ sentence }) => sentence);
    };
    expect(at(0, { blocked: 'waits for worker.3' })).toEqual([]);
    expect(at(10, { failing: null })).toEqual([]);
    expect(at(15, { blocked: 'waits for worker.3' })).toEqual(['waits for worker.3 (for 15m)']);
  });

  test('nothing of how it went before, by a daemon that has just begun to act again', () => {
    const person = { 'manual-scale': 'someone set 3' };
    const { state } = nextNotices(nothingNoticed, 'worker', person, 0);
    const forgotten = forgetPool(state, 'worker');
    expect(nextNotices(forgotten, 'worker', nothing, minuteMs).notices).toEqual([]);
    expect(nextNotices(state, 'worker', nothing, minuteMs).notices).toHaveLength(1);
  });

  test('no more than twenty times an hour, whatever happens in however many pools', () => {
    const step = fc.record({
      pool: fc.integer({ min: 1, max: 40 }).map((number) => `pool-${number}`),
      minutes: fc.integer({ min: 0, max: 20 }),
      conditions: fc.record(
        Object.fromEntries(
          conditionNames.map((name) => [name, fc.constantFrom('it is so', null)] as const),
        ),
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let state = nothingNoticed;
        let nowMs = 0;
        const times: number[] = [];
        for (const { pool, minutes, conditions } of steps) {
          nowMs += minutes * minuteMs;
          const next = nextNotices(state, pool, conditions, nowMs);
          state = next.state;
          times.push(...next.notices.map(() => nowMs));
        }
        for (const atMs of times)
          expect(
            times.filter((other) => other >= atMs && other < atMs + hourMs).length,
          ).toBeLessThan(21);
      }),
    );
  });
});

describe('a message', () => {
  const textOf = (sentence: string, app: string | null = 'my-shop') =>
    (JSON.parse(messageFor({ pool: 'worker', sentence, app })) as { text: string }).text;

  test('names the pool and links to where one scales it', () => {
    expect(textOf('someone set 3')).toBe(
      'worker: someone set 3\nhttps://dashboard.heroku.com/apps/my-shop/resources',
    );
    expect(textOf('someone set 3', null)).toBe('worker: someone set 3');
  });

  test('calls nobody, disguises no link and stays one line, whatever a queue is called', () => {
    const text = textOf(
      'runs job 1 of <!channel> @here @everyone <https://evil|a>\n& \u0007b',
      null,
    );
    expect(text).toBe(
      'worker: runs job 1 of &lt;!channel&gt; @\u200bhere @\u200beveryone &lt;https://evil|a&gt; &amp;  b',
    );
    expect(textOf('x'.repeat(5_000)).length).toBeLessThan(1_100);
  });
});
