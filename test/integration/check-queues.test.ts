import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { workersKey } from '../../src/drain/protocol.ts';
import { bullmqMajors, startApplication, type Application } from '../support/bullmq.ts';
import { checkReport, fixOf, told } from '../support/check-stage.ts';
import { contentsOf } from '../support/redis-contents.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

describe.each(bullmqMajors)('check of the queues of BullMQ $major', ({ library }) => {
  let server: RedisServer;
  let application: Application;
  let client: Redis;
  let environment: Readonly<Record<string, string>>;
  beforeEach(async () => {
    server = await startRedis();
    application = startApplication(library, server.url);
    client = new Redis(server.url);
    environment = { DRY_RUN: 'true', REDIS_URL: server.url, QUEUES: 'emails' };
  });
  afterEach(async () => {
    await application.close();
    client.disconnect();
    await server.stop();
  });

  test('counts the jobs of each queue and how long the oldest waits', async () => {
    await application.queue('emails').addBulk([
      { name: 'one', data: {} },
      { name: 'two', data: {} },
      { name: 'later', data: {}, opts: { delay: 3_600_000 } },
    ]);
    expect(told(await checkReport(environment))).toContainEqual(
      expect.stringMatching(
        /^ok queues: emails: 2 ready jobs \(the oldest waits \d+s\), 0 active, 1 delayed$/,
      ),
    );
  });

  test('warns of a name that no queue has, and lists the names that it may have meant', async () => {
    for (const name of ['reports', 'emails']) await application.queue(name).add('job', {});
    const report = await checkReport({ ...environment, QUEUES: 'emials,reports' });
    expect(report).toMatchObject({ exitCode: 0, problems: 0 });
    expect(fixOf(report, 'emials was never seen')).toBe(
      'Known queues with prefix "bull": emails, reports',
    );
    expect(told(report).filter((line) => line.includes('emials'))).toHaveLength(1);

    const elsewhere = await checkReport({ ...environment, QUEUE_PREFIX: 'jobs' });
    expect(fixOf(elsewhere, 'emails was never seen')).toContain('compare QUEUE_PREFIX');
  });

  test('says which queues * stands for', async () => {
    for (const name of ['reports', 'emails']) await application.queue(name).add('job', {});
    const all = { ...environment, QUEUES: '*' };
    expect(told(await checkReport(all))).toContain(
      'ok queues: * stands for 2 queues: emails, reports',
    );
    await client.flushall();
    expect(told(await checkReport(all))).toContain(
      'warning queues: No queue has the prefix "bull"',
    );
  });

  test('finds a queue that is paused, and one that something else wrote over', async () => {
    const emails = application.queue('emails');
    await emails.add('job', {});
    await emails.pause();
    await application.queue('reports').waitUntilReady();
    await client.set('bull:reports:wait', 'not a list');
    const before = await contentsOf(client);

    const report = await checkReport({ ...environment, QUEUES: 'emails,reports' });

    expect(report).toMatchObject({ exitCode: 1, problems: 1 });
    expect(fixOf(report, 'emails is paused and asks for no workers, with 1 job in it')).toContain(
      '.resume()',
    );
    expect(fixOf(report, 'reports cannot be read')).toContain('heroku config:set QUEUES=emails');
    expect(told(report)).toContainEqual(expect.stringContaining('WRONGTYPE'));
    expect(await contentsOf(client)).toEqual(before);
  });

  test('warns of jobs whose worker is gone', async () => {
    const holding = await application.hold('emails', { name: 'worker.1' });
    const { id = '?' } = await application.queue('emails').add('job', {});
    await holding.taken();
    await client.del(`bull:emails:${id}:lock`);
    expect(told(await checkReport(environment))).toContain(
      `warning queues: emails has 1 job marked as active whose worker is gone (${id})`,
    );
  });

  test('says what a global concurrency means for MAX_WORKERS', async () => {
    await application.queue('emails').setGlobalConcurrency(4);
    const bounded = await checkReport({ ...environment, CONCURRENCY: '2' });
    expect(fixOf(bounded, 'of 10 (MAX_WORKERS), only 2 can be of use')).toContain(
      'heroku config:set MAX_WORKERS=2',
    );
    const several = await checkReport({ ...environment, QUEUES: 'emails,reports' });
    expect(told(several)).toContainEqual(
      expect.stringMatching(
        /^ok queues: emails lets 4 jobs run .* at most 4 workers can be of use/,
      ),
    );
  });

  test('says when a queue is at its rate limit', async () => {
    const emails = application.queue('emails');
    await emails.add('job', {});
    await emails.rateLimit(60_000);
    expect(told(await checkReport(environment))).toContainEqual(
      expect.stringMatching(/^ok queues: emails is at its rate limit for another \d+s/),
    );
  });

  test('warns of workers without a name, connected or only running a job', async () => {
    const holding = await application.hold('emails');
    const nameless = 'warning workers: Workers of emails have no name, so a busy dyno';
    const connected = await checkReport(environment);
    expect(told(connected)).toContainEqual(expect.stringContaining(nameless));
    expect(fixOf(connected, 'have no name')).toContain('name: process.env.DYNO');

    await application.queue('emails').add('job', {});
    await holding.taken();
    // A worker that closes takes its blocking connection away first.
    const closing = holding.worker.close();
    await expect
      .poll(async () => await client.client('LIST'))
      .not.toMatch(/name=bull:ZW1haWxz( |$)/m);
    expect(told(await checkReport(environment))).toContainEqual(expect.stringContaining(nameless));
    holding.release();
    await closing;
  });

  test('hears the companions of the pool, and sees those of another', async () => {
    const companion = client.duplicate({ connectionName: 'backlog-autoscaler:worker:mailer.1' });
    await companion.ping();
    expect(told(await checkReport(environment))).toContain(
      'warning workers: Companions of mailer.1 are connected, but none speaks to pool worker, so its dynos cannot drain',
    );
    await client.hset(workersKey('worker'), 'a', JSON.stringify({ dyno: 'mailer.1' }), 'b', '{');
    expect(told(await checkReport(environment))).toContain(
      'ok workers: 1 companion heard of: mailer.1',
    );
    companion.disconnect();
  });

  test('knows workers that are named after their dynos from others', async () => {
    await application.hold('emails', { name: 'worker.1' });
    await application.hold('emails', { name: 'worker.12' });
    expect(told(await checkReport(environment))).toContain(
      'ok workers: 2 workers named after the dyno: worker.1, worker.12',
    );
    await application.hold('emails', { name: 'mailer' });
    expect(told(await checkReport(environment))).toContain(
      'warning workers: Workers are named mailer, but a dyno of worker is called worker.1 and so on',
    );
  });
});
