import { describe, expect, it } from 'vitest';
import type { QueueReading } from '../../src/decision/types.ts';
import type { PolicyKind, PolicySettings } from '../../src/simulator/policy.ts';
import { peerPolicies } from '../../src/simulator/policies/peers.ts';
import { findPolicy } from '../../src/simulator/policies/registry.ts';
import { tunedPeers } from '../../src/simulator/policies/tuned-peers.ts';
import { reading, observation, startMs } from '../support/builders.ts';

describe('keda-like', () => {
  it('asks for one replica for five jobs, as in the examples of its documentation', () => {
    const at = playing('keda-like');
    expect(at(0, { readyJobs: 20 }, 3)).toBe(4);
  });

  it('leaves what is within 10 % of the target', () => {
    expect(playing('keda-like')(0, { readyJobs: 54 }, 10)).toBe(10);
    expect(playing('keda-like')(0, { readyJobs: 56 }, 10)).toBe(12);
    expect(playing('keda-like')(0, { readyJobs: 46 }, 10)).toBe(10);
  });

  it('doubles at most, or adds four, in 15 seconds', () => {
    const at = playing('keda-like');
    expect(at(0, { readyJobs: 1_000 }, 1)).toBe(5);
    expect(at(15, { readyJobs: 1_000 }, 5)).toBe(10);
    expect(at(30, { readyJobs: 1_000 }, 30)).toBe(50);
  });

  it('goes down only to the highest recommendation of five minutes', () => {
    const at = playing('keda-like');
    expect(at(0, { readyJobs: 50 }, 10)).toBe(10);
    expect(at(15, { readyJobs: 15 }, 10)).toBe(10);
    expect(at(300, { readyJobs: 5 }, 10)).toBe(10);
    expect(at(315, { readyJobs: 5 }, 10)).toBe(3);
    expect(at(330, { readyJobs: 5 }, 3)).toBe(1);
  });

  it('starts the first replica within 30 seconds, and stops the last after 300 idle ones', () => {
    const at = playing('keda-like', { minWorkers: 0 });
    expect(at(0, {}, 0)).toBe(0);
    expect(at(15, { readyJobs: 100 }, 0)).toBe(0);
    expect(at(30, { readyJobs: 100 }, 0)).toBe(1);
    expect(at(315, {}, 1)).toBe(1);
    expect(at(345, {}, 1)).toBe(0);
  });

  it('takes what the queue with most jobs asks for', () => {
    const at = playing('keda-like');
    expect(at(0, [{ readyJobs: 30 }, { readyJobs: 40 }], 6)).toBe(8);
  });
});

describe('judoscale-like', () => {
  it('adds one when the queue time leaves its range, and no other for three minutes', () => {
    const at = playing('judoscale-like');
    expect(at(0, { oldestWaitSeconds: 60 }, 2)).toBe(2);
    expect(at(10, { oldestWaitSeconds: 61 }, 2)).toBe(3);
    expect(at(180, { oldestWaitSeconds: 90 }, 3)).toBe(3);
    expect(at(190, { oldestWaitSeconds: 90 }, 3)).toBe(4);
  });

  it('removes one after ten calm minutes, and the next after ten more', () => {
    const at = playing('judoscale-like');
    expect(at(0, { oldestWaitSeconds: 20 }, 4)).toBe(4);
    expect(at(10, { oldestWaitSeconds: 9 }, 4)).toBe(4);
    expect(at(600, {}, 4)).toBe(4);
    expect(at(610, {}, 4)).toBe(3);
    expect(at(620, {}, 3)).toBe(3);
    expect(at(1_210, {}, 3)).toBe(2);
  });

  it('begins to count anew when the queue time was up in between', () => {
    const at = playing('judoscale-like');
    expect(at(0, {}, 4)).toBe(4);
    expect(at(590, { oldestWaitSeconds: 11 }, 4)).toBe(4);
    expect(at(600, {}, 4)).toBe(4);
    expect(at(1_200, {}, 4)).toBe(3);
  });
});

describe('hirefire-like', () => {
  it('divides all jobs, running ones too, by the ratio', () => {
    expect(playing('hirefire-like')(0, { readyJobs: 195, activeJobs: 6 }, 1)).toBe(3);
    expect(playing('hirefire-r25-like')(0, { readyJobs: 195, activeJobs: 6 }, 1)).toBe(9);
  });

  it('removes nothing while there is a job, and then everything above the minimum', () => {
    const at = playing('hirefire-like');
    expect(at(0, { activeJobs: 1 }, 8)).toBe(8);
    expect(at(60, {}, 8)).toBe(1);
  });
});

describe('aws-like', () => {
  // The example of its documentation: 10 s of acceptable latency, 0.1 s for each message, so 100 messages an instance.
  const example = { targetWaitSeconds: 10, meanServiceSeconds: 0.1, concurrency: 1 };

  it('goes from 10 to 15 instances for 1,500 messages, after three datapoints', () => {
    const at = playing('aws-like', example);
    expect(at(0, { readyJobs: 1_500 }, 10)).toBe(10);
    expect(at(60, { readyJobs: 1_500 }, 10)).toBe(10);
    expect(at(120, { readyJobs: 1_500 }, 10)).toBe(15);
  });

  it('counts what an instance does at once', () => {
    const at = playing('aws-like', { ...example, concurrency: 5 });
    for (const second of [0, 60, 120]) expect(at(second, { readyJobs: 1_500 }, 3)).toBe(3);
  });

  it('goes in after fifteen datapoints below 90 %, no further than the highest of them asks', () => {
    const at = playing('aws-like', example);
    expect(at(0, { readyJobs: 899 }, 10)).toBe(10);
    for (let minute = 1; minute < 14; minute++)
      expect(at(60 * minute, { readyJobs: 300 }, 10)).toBe(10);
    expect(at(840, { readyJobs: 300 }, 10)).toBe(9);
    expect(at(900, { readyJobs: 900 }, 9)).toBe(9);
  });
});

describe('knative-like', () => {
  it('wants pods that are 70 % full, over a minute', () => {
    const at = playing('knative-like');
    for (let second = 0; second < 120; second += 2) at(second, { activeJobs: 21 }, 6);
    expect(at(120, { activeJobs: 21 }, 6)).toBe(6);
    for (let second = 122; second < 152; second += 2) at(second, { activeJobs: 10 }, 6);
    expect(at(152, { activeJobs: 10 }, 6)).toBe(5);
  });

  it('panics when six seconds ask for twice the ready pods, and then removes none for a minute', () => {
    const at = playing('knative-like');
    for (let second = 0; second < 60; second += 2) at(second, {}, 1);
    expect(at(60, { readyJobs: 28 }, 1)).toBe(2);
    for (const second of [62, 64, 66]) at(second, { readyJobs: 28 }, 2);
    expect(at(68, { readyJobs: 28 }, 2)).toBe(8);
    for (let second = 70; second <= 128; second += 2) expect(at(second, {}, 8)).toBe(8);
    expect(at(130, {}, 8)).toBe(4);
  });
});

describe('flink-like', () => {
  const settings = { concurrency: 1, meanServiceSeconds: 1 };

  it('keeps what is used between 40 % and all of the time', () => {
    expect(flowing('flink-like', settings, { rate: 4, workers: 5 }).at(-1)).toBe(5);
  });

  it('scales to 70 % utilization, with what a change costs made good in half an hour', () => {
    // 4 a second at 70 % is 5.71; a minute of them in half an hour is 0.13 more.
    expect(flowing('flink-like', settings, { rate: 4, workers: 3 }).at(-1)).toBe(6);
    expect(flowing('flink-like', settings, { rate: 4, workers: 30 }).at(-1)).toBe(12);
  });

  it('rests for five minutes after a change', () => {
    const orders = flowing('flink-like', settings, { rate: 4, workers: 30, seconds: 420 });
    expect(orders).toEqual([12, 30, 30, 30, 30, 12, 30, 30]);
  });
});

describe('ds2-like', () => {
  const settings = { concurrency: 2, meanServiceSeconds: 9 };

  it('takes one step to the target rate divided by the true processing rate', () => {
    const orders = flowing('ds2-like', settings, { rate: 4, workers: 1, step: 10, busy: 10 });
    // 4 a second, of which each took 2.5 s: 10 slots, 5 workers.
    expect(orders.at(-1)).toBe(5);
  });

  it('adds the backlog within a quarter of the target wait', () => {
    const at = playing('ds2-like', { ...settings, meanServiceSeconds: 2 });
    expect(at(0, { readyJobs: 600, addedJobs: 600, unfinishedJobs: 600 }, 1)).toBe(20);
  });

  it('holds the highest result of a minute where it is told to', () => {
    const none = { addedJobs: 600, unfinishedJobs: 0 };
    const at = playing('ds2-hold-like', { ...settings, meanServiceSeconds: 2 });
    expect(at(0, { readyJobs: 600, addedJobs: 600, unfinishedJobs: 600 }, 1)).toBe(20);
    expect(at(60, none, 20)).toBe(20);
    expect(at(70, none, 20)).toBe(0);
  });
});

describe('queue-autoscale-like', () => {
  const settings = { concurrency: 2, meanServiceSeconds: 2 };

  it('follows arrivals while the backlog is young', () => {
    const backlog = { readyJobs: 600, addedJobs: 600, unfinishedJobs: 600, oldestWaitSeconds: 41 };
    expect(playing('queue-autoscale-like', settings)(0, backlog, 1)).toBe(1);
  });

  it('drains it before its oldest job is late, from half of the time on', () => {
    // 84 s after the boot; 42 s are left for 600 jobs of 2 s: 29 slots.
    const backlog = { readyJobs: 600, addedJobs: 600, unfinishedJobs: 600, oldestWaitSeconds: 42 };
    expect(playing('queue-autoscale-like', settings)(0, backlog, 1)).toBe(15);
  });

  it('removes at most a quarter at once, and nothing for a minute after it added', () => {
    const backlog = { readyJobs: 600, addedJobs: 600, unfinishedJobs: 600, oldestWaitSeconds: 42 };
    const none = { addedJobs: 600, unfinishedJobs: 0 };
    const at = playing('queue-autoscale-like', settings);
    expect(at(0, backlog, 1)).toBe(15);
    expect(at(55, none, 15)).toBe(15);
    expect(at(65, none, 15)).toBe(11);
    expect(at(70, none, 11)).toBe(8);
  });
});

describe('every peer', () => {
  it('is named after what it is like, says where its formula comes from, and names no dyno for removal', () => {
    for (const kind of peerPolicies) {
      expect(kind.name).toMatch(/-like$/);
      expect(kind.source.length).toBeGreaterThan(20);
      const policy = kind.create(settings());
      const order = policy.look(view(0, [{ addedJobs: 0, unfinishedJobs: 0 }], 5));
      expect(order).toMatchObject({ marked: [], lookAgainAfterSeconds: null });
    }
    expect(new Set(peerPolicies.map(({ name }) => name)).size).toBe(peerPolicies.length);
  });
});

type Queues = Partial<QueueReading> | readonly Partial<QueueReading>[];

/** Looks at a time, with that to be seen and so many workers up; returns the number it asks for. */
describe('peers in other settings', () => {
  it('keep fewer jobs for each replica, and let go of it sooner', () => {
    const at = playing('keda-like(listLength=50 downStabilizationSeconds=0)');
    expect(at(0, { readyJobs: 500 }, 8)).toBe(10);
    expect(at(15, { readyJobs: 100 }, 10)).toBe(2);
  });

  it('go down while there are jobs, if they may', () => {
    const at = playing('hirefire-like(ratio=25 checkupSeconds=15 isDecrementable=true)');
    expect(at(0, { readyJobs: 100 }, 10)).toBe(4);
    expect(at(15, {}, 4)).toBe(1);
  });

  it('each have a name of their own, by which they are found', () => {
    const names = tunedPeers.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const peer of tunedPeers) expect(findPolicy(peer.name)).toBe(peer);
  });
});

function playing(name: string, known: Partial<PolicySettings> = {}) {
  const policy = kindOf(name).create(settings(known));
  return (seconds: number, queues: Queues, workers: number): number =>
    policy.look(view(seconds, 'length' in queues ? queues : [queues], workers)).workers;
}

/** A steady flow of jobs that start at once; every look with the same workers, whatever was ordered. */
function flowing(
  name: string,
  known: Partial<PolicySettings>,
  flow: { rate: number; workers: number; seconds?: number; step?: number; busy?: number },
): number[] {
  const { rate, workers, seconds = 1_200, step = 60, busy = rate } = flow;
  const at = playing(name, known);
  const orders: number[] = [];
  for (let now = 0; now <= seconds; now += step) {
    const jobs = { addedJobs: rate * now + busy, unfinishedJobs: busy, activeJobs: busy };
    orders.push(at(now, jobs, workers));
  }
  return orders;
}

function kindOf(name: string): PolicyKind {
  const kind = findPolicy(name);
  if (kind === undefined) throw new Error(`There is no peer ${name}.`);
  return kind;
}

function settings(known: Partial<PolicySettings> = {}): PolicySettings {
  return {
    minWorkers: 1,
    maxWorkers: 50,
    targetWaitSeconds: 120,
    concurrency: 5,
    eventsPerWorker: 100,
    pollSeconds: 5,
    meanServiceSeconds: 1,
    ...known,
  };
}

function view(seconds: number, queues: readonly Partial<QueueReading>[], workers: number) {
  return {
    observation: observation(0, {
      observedAtMs: startMs + seconds * 1000,
      queues: queues.map((queue, index) => reading({ queue: `queue-${index}`, ...queue })),
      currentWorkers: workers,
      workers: {
        readyWorkers: workers,
        concurrency: null,
        protection: 'none',
        handedBackJobs: null,
      },
    }),
    dynos: [],
    processes: [],
  };
}
