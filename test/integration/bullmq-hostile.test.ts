import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBullmqQueues } from '../../src/queues/bullmq/bullmq-queues.ts';
import { connectRedis } from '../../src/redis.ts';
import { addInOrder, bullmqMajors, startBullmqStage, type BullmqStage } from '../support/bullmq.ts';
import { contentsOf } from '../support/redis-contents.ts';

const [{ library }] = bullmqMajors;

describe('reading queues that somebody has damaged', () => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());
  beforeEach(() => stage.client.flushall());

  it.each([
    ['wait', 'set'],
    ['paused', 'set'],
    ['active', 'set'],
    ['prioritized', 'set'],
    ['delayed', 'set'],
    ['meta', 'set'],
    ['1', 'set'],
    ['limiter', 'rpush'],
  ] as const)('names the key %s when it is of the wrong type', async (suffix, write) => {
    await addInOrder(stage.application.queue('images'), [{}, {}]);
    await addInOrder(stage.application.queue('mail'), [{}, { priority: 1 }, { delay: 1 }]);
    await stage.client.del(`bull:mail:${suffix}`);
    await stage.client.call(write, `bull:mail:${suffix}`, 'something else');
    const { queues, unreadableQueues } = await stage.read(['mail', 'images']);
    expect(queues).toMatchObject([{ queue: 'images', readyJobs: 2 }]);
    expect(unreadableQueues).toHaveLength(1);
    expect(unreadableQueues[0]?.queue).toBe('mail');
    expect(unreadableQueues[0]?.why).toContain(`bull:mail:${suffix}:`);
    expect(unreadableQueues[0]?.why).toContain('rename or delete it');
  });

  it.each(['bullmq:7.0.0', 'bullmq:10.1.0', 'bullmq-pro:7.21.1', 'bull:4.0.0', 'bullmq', ''])(
    'refuses a queue of “%s”, idle or busy, rather than misread it',
    async (version) => {
      await stage.application.queue('images').waitUntilReady();
      await addInOrder(stage.application.queue('mail'), [{}]);
      for (const queue of ['images', 'mail'])
        await stage.client.hset(`bull:${queue}:meta`, 'version', version);
      const { queues, unreadableQueues } = await stage.read(['images', 'mail']);
      expect(queues).toEqual([]);
      expect(unreadableQueues.map(({ queue }) => queue)).toEqual(['images', 'mail']);
      for (const { why } of unreadableQueues) {
        expect(why).toContain(`“${version}”`);
        expect(why).toContain('upgrade the autoscaler');
      }
    },
  );

  it.each(['bullmq:6.7.0', 'bullmq:5.81.5', 'bullmq:4.17.0', 'bullmq:6.8.0-rc.1'])(
    'reads a queue of %s',
    async (version) => {
      await addInOrder(stage.application.queue('mail'), [{}]);
      await stage.client.hset('bull:mail:meta', 'version', version);
      expect(await stage.readOne('mail')).toMatchObject({ readyJobs: 1 });
    },
  );

  it('reads a queue that does not tell its version', async () => {
    await addInOrder(stage.application.queue('mail'), [{}]);
    await stage.client.del('bull:mail:meta');
    expect(await stage.readOne('mail')).toMatchObject({ readyJobs: 1 });
  });

  it.each([
    ['timestamp', 'nan'],
    ['timestamp', '-inf'],
    ['timestamp', '0x10'],
    ['timestamp', 'yesterday'],
    ['timestamp', ''],
    ['opts', '{"delay":NaN}'],
    ['opts', '{"lifo":1,"delay":{},"backoff":[]}'],
    ['opts', '[1,2'],
    ['opts', '['.repeat(2_000)],
    ['processedOn', 'inf'],
    ['ats', 'many'],
  ])('reads on when a job has the %s %s', async (field, value) => {
    await addInOrder(stage.application.queue('mail'), [{}, {}]);
    await stage.client.hset('bull:mail:1', field, value);
    const reading = await stage.readOne('mail');
    expect(reading.readyJobs).toBe(2);
    expect(reading.oldestWaitSeconds ?? 0).toBeGreaterThanOrEqual(0);
  });

  it('copies no name and no options of megabytes, and reads everything else', async () => {
    const holding = await stage.application.hold('mail', { name: 'worker.1' });
    const queue = stage.application.queue('mail');
    await queue.add('runs', {});
    await holding.taken();
    const old = { timestamp: Date.now() - 60_000 };
    await addInOrder(queue, [old, old, { priority: 1 }, { priority: 2 }, { delay: 1 }]);
    await addInOrder(queue, [{ delay: 60_000 }]);
    const read = stage.reader(['mail']);
    const reading = async () => (await read()).queues[0];
    await vi.waitUntil(async () => (await reading())?.delayedJobs === 1);

    const huge = 'x'.repeat(3_000_000);
    for (const id of ['1', '2', '4', '6', '7'])
      await stage.client.hset(`bull:mail:${id}`, 'name', huge, 'opts', `{"huge":"${huge}"}`);
    const asked: string[] = [];
    const monitor = await stage.client.monitor();
    monitor.on('monitor', (_time: string, words: string[]) => {
      const [command = '', key = '', ...fields] = words;
      if (['hget', 'hmget'].includes(command.toLowerCase()))
        asked.push(...fields.map((field) => `${key.slice('bull:mail:'.length)} ${field}`));
    });
    await stage.client.config('RESETSTAT');
    expect(await reading()).toMatchObject({
      ...{ readyJobs: 5, activeJobs: 1, delayedJobs: 1 },
      readyJobNames: ['job', 'job'],
      running: [{ jobId: '1', worker: 'worker.1', jobName: null }],
    });
    const statistics = await stage.client.info('stats');
    expect(Number(/total_net_output_bytes:(\d+)/.exec(statistics)?.[1])).toBeLessThan(20_000);
    await vi.waitUntil(() => asked.includes('5 opts'));
    monitor.disconnect();
    const copied = asked.filter((ask) => /^(1|2|4|6|7) (name|opts)$/.test(ask));
    expect(copied).toEqual([]);
  });

  it('tells of ids and worker names of megabytes no more than their beginning', async () => {
    const long = (letter: string) => letter.repeat(1_000_000);
    await addInOrder(stage.application.queue('mail'), [{}]);
    for (const [id, pb] of [
      [long('a'), long('w')],
      [long('b'), ''],
    ] as const) {
      await stage.client.lpush('bull:mail:active', id);
      await stage.client.hset(`bull:mail:${id}`, { name: 'job', processedOn: '1', pb });
    }
    await stage.client.set(`bull:mail:${long('a')}:lock`, 'token');
    const { running, orphanedJobIds } = await stage.readOne('mail');
    expect(running).toMatchObject([{ jobId: 'a'.repeat(128), worker: 'w'.repeat(128) }]);
    expect(orphanedJobIds).toEqual(['b'.repeat(128)]);
  });

  it('takes a rate limit that is no number for none', async () => {
    await addInOrder(stage.application.queue('mail'), [{}]);
    await stage.client.hset('bull:mail:meta', 'max', 'many');
    await stage.client.set('bull:mail:limiter', 'few', 'EX', 600);
    expect(await stage.readOne('mail')).toMatchObject({ rateLimitedForSeconds: null });
  });

  it('reports bytes in a job that are no text without failing', async () => {
    await addInOrder(stage.application.queue('mail'), [{}]);
    await stage.client.lpush('bull:mail:active', Buffer.from([0xff, 0xfe, 0x22, 0x0a, 0x00]));
    expect(await stage.readOne('mail')).toMatchObject({ readyJobs: 1, orphanedJobs: 1 });
  });
});

describe.each(bullmqMajors)('reading queues of BullMQ $major that are many or large', (version) => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(version.library)));
  afterAll(() => stage.stop());
  beforeEach(() => stage.client.flushall());

  it('reads queues whatever their names', async () => {
    const names = [
      `it's "quoted" \\ back\\slashed`,
      'ünïcödé 队列 😀',
      'with space',
      'line\nbreak\ttab\u0000nul',
      '%s %d $1 {0} ${x}',
      ']] .. redis.call("FLUSHALL") --',
      '*?[a-z]',
      '{tag}',
      '__proto__',
      '0',
      'long'.repeat(2_000),
    ];
    for (const name of names)
      await addInOrder(stage.application.queue(name), [{}, { jobId: `"${name}"` }]);
    const listed = await stage.read(names);
    expect(listed.unreadableQueues).toEqual([]);
    expect(listed.queues.map(({ queue, readyJobs }) => [queue, readyJobs])).toEqual(
      names.map((name) => [name, 2]),
    );
    const found = await stage.read(['*']);
    expect(found.queues.map(({ queue }) => queue)).toEqual([...names].sort());
  });

  it('reads far more queues than fit in one call, each with its own numbers', async () => {
    const names = Array.from({ length: 250 }, (_, index) => `queue-${index}`);
    const pipeline = stage.client.pipeline();
    names.forEach((name, index) => {
      for (let job = 0; job < index; job++) pipeline.lpush(`bull:${name}:wait`, `job-${job}`);
    });
    await pipeline.exec();
    const { queues } = await stage.read(names);
    expect(queues.map(({ queue, readyJobs }) => [queue, readyJobs])).toEqual(
      names.map((name, index) => [name, index]),
    );
  });

  it('asks only two questions about a queue without jobs', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `queue-${index}`);
    await stage.read(names);
    await stage.client.config('RESETSTAT');
    await stage.read(names);
    const statistics = await stage.client.info('commandstats');
    const calls = [...statistics.matchAll(/cmdstat_(\w+):calls=(\d+)/g)];
    expect(Object.fromEntries(calls.map(([, command, count]) => [command, Number(count)]))).toEqual(
      expect.objectContaining({ hmget: 50, exists: 50, evalsha: 1 }),
    );
    expect(calls.map(([, command]) => command)).not.toContain('llen');
  });

  it('reads the settings of many idle queues in turn, and those of a busy one every time', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `queue-${index}`);
    const read = stage.reader(names);
    const pausedQueues = async () => {
      const { queues } = await read();
      return queues.filter(({ isPaused }) => isPaused).map(({ queue }) => queue);
    };
    await stage.client.hset('bull:queue-0:meta', 'paused', '1');
    expect(await pausedQueues()).toEqual(['queue-0']);

    for (const name of names) await stage.client.hset(`bull:${name}:meta`, 'paused', '1');
    await stage.client.lpush('bull:queue-499:wait', 'job');
    await stage.client.config('RESETSTAT');
    expect(await pausedQueues()).toContain('queue-499');
    const statistics = await stage.client.info('commandstats');
    expect(Number(/cmdstat_hmget:calls=(\d+)/.exec(statistics)?.[1])).toBeLessThanOrEqual(102);
    for (let reading = 0; reading < 4; reading += 1) await read();
    expect(await pausedQueues()).toHaveLength(500);
  });

  it('goes on refusing an idle queue once its version is found unknown, and reads it again as soon as it can', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `queue-${index}`);
    const read = stage.reader(names);
    expect((await read()).unreadableQueues).toEqual([]);
    await stage.client.hset('bull:queue-0:meta', 'version', 'bullmq:7.0.0');
    for (let reading = 0; reading < 5; reading += 1) await read();
    for (let reading = 0; reading < 6; reading += 1)
      expect((await read()).unreadableQueues).toMatchObject([{ queue: 'queue-0' }]);
    await stage.client.hset('bull:queue-0:meta', 'version', 'bullmq:6.7.0');
    expect((await read()).unreadableQueues).toEqual([]);
  });

  it('examines a bounded number of active jobs, takes the rest for active, and is fair to other queues', async () => {
    const ids = Array.from({ length: 5_000 }, (_, index) => `job-${index}`);
    const many = Array.from({ length: 40 }, (_, index) => `large-${index}`);
    for (const name of many) await stage.client.lpush(`bull:${name}:active`, ...ids);
    await stage.client.lpush('bull:small:active', 'orphan');
    const { queues } = await stage.read([...many, 'small']);
    const [first] = queues;
    const examined = queues.map(({ orphanedJobs }) => orphanedJobs);
    expect(first?.orphanedJobs).toBeGreaterThanOrEqual(200);
    expect(examined.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(10_000);
    expect(first?.orphanedJobIds[0]).toBe(`job-${(first?.orphanedJobs ?? 0) - 1}`);
    expect((first?.orphanedJobs ?? 0) + (first?.activeJobs ?? 0)).toBe(5_000);
    expect(queues.at(-1)).toMatchObject({ orphanedJobs: 1, orphanedJobIds: ['orphan'] });
    const alone = await stage.readOne('large-0');
    expect(alone.orphanedJobs).toBe(1_000);
  });
});

describe('reading as a Redis user with few permissions', () => {
  let stage: BullmqStage;
  beforeAll(async () => (stage = await startBullmqStage(library)));
  afterAll(() => stage.stop());

  const readAs = async (permissions: readonly string[], queues: readonly string[]) => {
    await stage.client.call('ACL', 'SETUSER', 'reader', 'reset', 'on', '>secret', ...permissions);
    const url = stage.server.url.replace('redis://', 'redis://reader:secret@');
    const redis = connectRedis(url, { rejectUnauthorized: true, name: 'test' });
    const source = createBullmqQueues({ redis, queues, prefix: 'bull', nowMs: Date.now });
    try {
      return await source.read(AbortSignal.timeout(5_000));
    } finally {
      redis.close();
    }
  };
  const evaluate = ['+@connection', '+info', '+eval', '+evalsha'];

  it('needs nothing but commands that read, and changes nothing', async () => {
    const queue = stage.application.queue('mail');
    const holding = await stage.application.hold('mail');
    await addInOrder(queue, [{}, {}, { priority: 1 }, { delay: 1 }, { lifo: true }]);
    await holding.taken();
    await queue.setGlobalRateLimit(1, 600_000);
    await stage.client.lpush('bull:mail:active', 'orphan');
    await stage.client.rpush('bull:mail:wait', '0:0');
    const before = await contentsOf(stage.client);
    const { queues } = await readAs(['~*', ...evaluate, '+@read'], ['*']);
    expect(queues).toMatchObject([{ queue: 'mail', activeJobs: 1, orphanedJobs: 1 }]);
    expect(await contentsOf(stage.client)).toEqual(before);
  });

  it('says which permission is missing when scripts are not allowed', async () => {
    await expect(readAs(['~*', '+@connection', '+info', '+@read'], ['mail'])).rejects.toMatchObject(
      {
        code: 'QUEUE_UNREADABLE',
        message: expect.stringContaining('NOPERM') as string,
      },
    );
  });

  it('names the queue that the user may not read, and reads the others', async () => {
    const { queues, unreadableQueues } = await readAs(
      ['~bull:images:*', ...evaluate, '+@read'],
      ['mail', 'images'],
    );
    expect(queues).toMatchObject([{ queue: 'images' }]);
    expect(unreadableQueues).toMatchObject([{ queue: 'mail' }]);
    expect(unreadableQueues[0]?.why).toMatch(/bull:mail:meta.*must be allowed/);
  });

  it('finds its way again after the server has forgotten the script', async () => {
    expect((await stage.read(['mail'])).queues).toHaveLength(1);
    await stage.client.script('FLUSH');
    expect((await stage.read(['mail'])).queues).toHaveLength(1);
  });
});
