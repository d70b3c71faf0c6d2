import { describe, expect, test } from 'vitest';
import type { QueueReading } from '../../src/decision/types.ts';
import type { DrainBoard, PoolProcesses } from '../../src/drain/board.ts';
import type { WorkerProcess } from '../../src/drain/verdict.ts';
import { createWorkersSource } from '../../src/drain/workers.ts';
import { OperationalError } from '../../src/errors.ts';
import { reading } from '../support/builders.ts';

const silence: PoolProcesses = { processes: [], isJoined: false, handedBackJobs: null };
const trouble = () =>
  Promise.reject(new OperationalError('STATE_UNAVAILABLE', 'gone', { hint: 'wait' }));

function process(known: Partial<WorkerProcess> = {}): WorkerProcess {
  return {
    dyno: 'worker.1',
    state: 'working',
    activeJobs: 0,
    concurrency: 10,
    queues: 2,
    startedAtMs: 0,
    atMs: 0,
    ageMs: 100,
    ...known,
  };
}

/** What is seen of the workers when this is on the board, connected and running, one look after another. */
function look(isProtecting = true) {
  let world: {
    board: () => Promise<PoolProcesses>;
    connected: readonly { queue: string; name: string | null }[] | null;
  };
  let lists = 0;
  const source = createWorkersSource({
    board: { read: () => world.board() } as Partial<DrainBoard> as DrainBoard,
    connected: () => {
      lists += 1;
      return Promise.resolve(world.connected);
    },
    isProtecting,
  });
  const sees = (known: {
    board?: PoolProcesses | null;
    connected?: readonly { queue: string; name: string | null }[];
    queues?: readonly QueueReading[] | null;
  }) => {
    const { board = silence, connected = null, queues = [reading()] } = known;
    world = { board: () => (board === null ? trouble() : Promise.resolve(board)), connected };
    const seen = queues === null ? trouble() : Promise.resolve({ queues, unreadableQueues: [] });
    return source.read(seen, new AbortController().signal);
  };
  return { lists: () => lists, sees };
}

const running = (...workers: (string | null)[]) => [
  reading({
    activeJobs: workers.length,
    running: workers.map((worker) => ({ jobId: '1', worker, startedAtMs: null, jobName: null })),
  }),
];

describe('what is known of the workers', () => {
  test('is nothing when nobody says anything', async () => {
    const nothing = {
      readyWorkers: null,
      concurrency: null,
      handedBackJobs: null,
      protection: 'none',
    };
    expect(await look().sees({})).toMatchObject(nothing);
  });

  test('counts dynos whose companions spoke lately and are not ending', async () => {
    const processes = [
      process(),
      process(),
      process({ dyno: 'worker.2', state: 'draining' }),
      process({ dyno: 'worker.3', state: 'closing' }),
      process({ dyno: 'worker.4', ageMs: 6_000 }),
    ];
    const looking = look();
    const seen = await looking.sees({ board: { processes, isJoined: true, handedBackJobs: 4 } });
    expect(seen).toMatchObject({ readyWorkers: 2, protection: 'drain', handedBackJobs: 4 });
    expect(looking.lists()).toBe(0);
  });

  test('are no workers, but companions, while a deploy replaces all of them', async () => {
    const board = { processes: [], isJoined: true, handedBackJobs: null };
    expect(
      await look().sees({ board, connected: [{ queue: 'emails', name: null }] }),
    ).toMatchObject({
      readyWorkers: 0,
      concurrency: null,
      protection: 'drain',
    });
  });

  test.each([
    [5, [process()]],
    [10, [process(), process()]],
    [8, [process({ concurrency: 12 }), process({ dyno: 'worker.2', concurrency: 20 })]],
    [1, [process({ concurrency: 1, queues: 3 })]],
    [10, [process({ queues: null })]],
    [null, [process({ concurrency: 0 })]],
  ])('is that a dyno runs %s jobs of a queue at once', async (slots, processes) => {
    const seen = await look().sees({ board: { processes, isJoined: true, handedBackJobs: null } });
    expect(seen.concurrency).toBe(slots);
  });

  test('leaves the slots open when an old companion serves one of several queues', async () => {
    const board = { processes: [process({ queues: null })], isJoined: true, handedBackJobs: null };
    const seen = await look().sees({ board, queues: [reading(), reading()] });
    expect(seen.concurrency).toBeNull();
  });

  test('counts connected workers by their dyno, or else by the queue that has most', async () => {
    const connected = [
      ...['worker.1', 'worker.1', 'worker.2'].map((name) => ({ queue: 'emails', name })),
      { queue: 'emails', name: null },
      { queue: 'emails', name: 'mailer' },
      { queue: 'images', name: 'mailer' },
    ];
    expect(await look().sees({ connected })).toMatchObject({ readyWorkers: 4, protection: 'none' });
  });

  test('is protection by names while every running job has the name of a dyno', async () => {
    const { sees } = look();
    expect(await sees({ queues: running('worker.1') })).toMatchObject({ protection: 'names' });
    expect(await sees({})).toMatchObject({ protection: 'names' });
    expect(await sees({ queues: running('worker.1', null) })).toMatchObject({ protection: 'none' });
    expect(await sees({})).toMatchObject({ protection: 'none' });
    const connected = [{ queue: 'emails', name: 'worker.1' }];
    expect(await sees({ connected })).toMatchObject({ protection: 'names' });
  });

  test('keeps its protection, and rejects nothing, while nothing can be read', async () => {
    const { sees } = look();
    const blind = { readyWorkers: null, concurrency: null, handedBackJobs: null };
    await sees({ board: { processes: [process()], isJoined: true, handedBackJobs: null } });
    expect(await sees({ board: null })).toEqual({ ...blind, protection: 'drain' });
    expect(await sees({ board: null, queues: null })).toEqual({ ...blind, protection: 'drain' });
    expect(await sees({})).toMatchObject({ protection: 'none' });
  });

  test('is no protection where it is switched off', async () => {
    const board = { processes: [process()], isJoined: true, handedBackJobs: null };
    expect(await look(false).sees({ board })).toMatchObject({
      readyWorkers: 1,
      protection: 'none',
    });
  });
});
