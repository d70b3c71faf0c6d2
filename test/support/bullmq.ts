import * as bullmq6 from 'bullmq';
import * as bullmq5 from 'bullmq-v5';
import { Redis } from 'ioredis';
import type { QueueReading } from '../../src/decision/types.ts';
import { createBullmqQueues } from '../../src/queues/bullmq/bullmq-queues.ts';
import type { QueuesReading } from '../../src/queues/queue-source.ts';
import { connectRedis, type RedisConnection } from '../../src/redis.ts';
import { startRedis, type RedisServer } from './redis.ts';
import type {
  FlowProducer,
  Job,
  JobsOptions,
  Processor,
  Queue,
  Worker,
  WorkerOptions,
} from 'bullmq';

/** The two majors in use. What the tests need has the same types in both; only those of connections differ. */
export const bullmqMajors = [
  { major: 6, library: bullmq6 },
  { major: 5, library: bullmq5 as unknown as typeof bullmq6 },
] as const;

export type BullmqLibrary = typeof bullmq6;

/** An application that uses BullMQ: its producers and workers on one Redis, closed together. */
export type Application = {
  queue(name: string): Queue;
  flows(): FlowProducer;
  work(name: string, processor: Processor, options?: Partial<WorkerOptions>): Worker;
  /** Takes one job at a time and keeps it until it is released; then takes the next. */
  hold(name: string, options?: Partial<WorkerOptions>): Promise<HoldingWorker>;
  close(): Promise<void>;
};

export type HoldingWorker = {
  readonly worker: Worker;
  /** The next job that the worker takes. */
  taken(): Promise<Job>;
  /** Lets the job that is held complete. */
  release(): void;
  /** Makes the job that is held fail. */
  fail(): void;
  /** Gives the job that is held back to its queue and takes no other. */
  handBack(): Promise<void>;
};

export function startApplication(
  library: BullmqLibrary,
  url: string,
  prefix = 'bull',
): Application {
  const options = { connection: { url }, prefix };
  const opened: { close(force?: boolean): Promise<void> }[] = [];
  const track = <T extends { close(force?: boolean): Promise<void> }>(thing: T): T => {
    opened.push(thing);
    return thing;
  };

  const application: Application = {
    queue: (name) => track(new library.Queue(name, options)),
    flows: () => track(new library.FlowProducer(options)),
    work(name, processor, extra = {}) {
      const worker = track(new library.Worker(name, processor, { ...options, ...extra }));
      // Connections that a test cuts on purpose complain here.
      worker.on('error', () => undefined);
      return worker;
    },
    async hold(name, extra = {}) {
      const taken: Job[] = [];
      const waiting: ((job: Job) => void)[] = [];
      let finish: { release: () => void; fail: (error: Error) => void; token: string } | undefined;
      let current: Job | undefined;
      const worker = application.work(
        name,
        (job, token = '') =>
          new Promise<void>((resolve, reject) => {
            current = job;
            finish = { release: resolve, fail: reject, token };
            const next = waiting.shift();
            if (next) next(job);
            else taken.push(job);
          }),
        extra,
      );
      await worker.waitUntilReady();
      return {
        worker,
        taken() {
          const job = taken.shift();
          return job ? Promise.resolve(job) : new Promise((resolve) => waiting.push(resolve));
        },
        release: () => finish?.release(),
        fail: () => finish?.fail(new Error('on purpose')),
        async handBack() {
          const closing = worker.close();
          await current?.moveToWait(finish?.token);
          finish?.fail(new library.WaitingError());
          await closing;
        },
      };
    },
    async close() {
      await Promise.all(opened.map((thing) => thing.close(true)));
    },
  };
  return application;
}

/** Adds jobs one after the other, so that their order is certain. */
export async function addInOrder(queue: Queue, jobs: readonly JobsOptions[]): Promise<Job[]> {
  const added: Job[] = [];
  for (const options of jobs) added.push(await queue.add('job', {}, options));
  return added;
}

/** A Redis server, an application on it, and the autoscaler's view of its queues. */
export type BullmqStage = {
  readonly application: Application;
  /** For what no library does: looking around, damage, data of old versions. */
  readonly client: Redis;
  readonly connection: RedisConnection;
  readonly server: RedisServer;
  read(queues: readonly string[], nowMs?: number): Promise<QueuesReading>;
  /** One source that reads again and again, as the daemon does. */
  reader(queues: readonly string[]): () => Promise<QueuesReading>;
  /** Reads one queue that must be readable. */
  readOne(queue: string, nowMs?: number): Promise<QueueReading>;
  readonly stop: () => Promise<void>;
};

export async function startBullmqStage(
  library: BullmqLibrary,
  prefix = 'bull',
): Promise<BullmqStage> {
  const server = await startRedis();
  const application = startApplication(library, server.url, prefix);
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  const connection = connectRedis(server.url, { rejectUnauthorized: true, name: 'test' });
  const reader = (queues: readonly string[], nowMs?: number) => {
    const now = () => nowMs ?? Date.now();
    const source = createBullmqQueues({ redis: connection, queues, prefix, nowMs: now });
    return () => source.read(AbortSignal.timeout(20_000));
  };
  const read = (queues: readonly string[], nowMs?: number) => reader(queues, nowMs)();
  let stopped: Promise<void> | undefined;
  return {
    application,
    client,
    connection,
    server,
    read,
    reader,
    async readOne(queue, nowMs) {
      const { queues, unreadableQueues } = await read([queue], nowMs);
      const [reading] = queues;
      if (!reading) throw new Error(JSON.stringify(unreadableQueues));
      return reading;
    },
    stop: () =>
      (stopped ??= (async () => {
        await application.close();
        connection.close();
        client.disconnect();
        await server.stop();
      })()),
  };
}
