import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { runCommand, startDaemon } from '../support/daemon.ts';
import { until } from '../support/pool.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startRunningApp, troubled, type RunningApp } from '../support/running-app.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'autoscaler-maintenance-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
});
const journal = () => join(directory, 'journal.json');
const words = (verb: string, ...more: string[]) => [
  ...['maintenance', verb, '--journal', journal(), '--yes', '--kill-grace', '2s', ...more],
];
const workers = ({ heroku }: RunningApp) => heroku.quantities()['worker'];
const isClosed = async ({ heroku }: RunningApp) =>
  ((await heroku.call('GET', '/apps/demo')).body as { maintenance: boolean }).maintenance;
const steps = [
  ...['pause', 'note-workers', 'close-app', 'drain', 'scale-to-zero', 'prove-zero'],
  ...['run-maintenance', 'find-redis', 'restore-workers', 'resume', 'open-app', 'verify'],
];

/** Replaces a Redis by another with the same data, as a failover does: the old one is gone afterwards. */
async function failOver(from: RedisServer): Promise<string> {
  const to = await startRedis();
  onTestFinished(() => to.stop());
  const { hostname, port } = new URL(from.url);
  const client = new Redis(to.url);
  await client.replicaof(hostname, port);
  await until(async () => (await client.info('replication')).includes('master_link_status:up'));
  await client.replicaof('NO', 'ONE');
  client.disconnect();
  await from.stop();
  return to.url;
}

test('maintenance survives being killed at every step, finds the Redis at its new address, and loses and interrupts no job', async () => {
  let movedTo = '';
  let seenAtWork = -1;
  let endProduction: () => Promise<void> = () => Promise.resolve();
  const app: RunningApp = await startRunningApp(
    2,
    {},
    {
      dataMaintenance: {
        seconds: 1,
        async failOver() {
          seenAtWork = app.heroku.livingDynos().filter(({ plan }) => plan.type === 'worker').length;
          await endProduction();
          const url = await failOver(app.redis);
          movedTo = url;
          return url;
        },
      },
    },
  );
  const produced = app.produce();
  await until(() => produced.added() > 20);
  // Jobs keep coming until the old Redis goes.
  endProduction = () => produced.pause();

  const run = words('run', '--redis', 'REDIS', '--app-maintenance');
  const passed: string[] = [];
  for (const step of steps) {
    const running = startDaemon(app.environment, run);
    await running.said(new RegExp(`  ${step}: `));
    running.kill('SIGKILL');
    await running.finished;
    passed.push((JSON.parse(readFileSync(journal(), 'utf8')) as { step: string }).step);
  }
  expect(passed).toEqual(steps);
  const status = await runCommand(words('status'), app.environment);
  expect(status.stdout).toContain('is at verify. Workers before: worker 2.');
  const { exitCode, stdout, stderr } = await runCommand([...run, '--json'], app.environment);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ outcome: 'finished', pools: [{ pool: 'worker', workers: 2 }] },
  });

  expect(seenAtWork).toBe(0);
  expect(workers(app)).toBe(2);
  expect(await isClosed(app)).toBe(false);
  const url = movedTo;
  const client = new Redis(url);
  const queue = new Queue('emails', { connection: client });
  onTestFinished(async () => {
    await queue.close();
    client.disconnect();
  });
  await queue.add('e-mail', { workMs: 10 });
  await until(async () => (await queue.getJobCountByTypes('wait', 'active', 'delayed')) === 0);
  const ledger = await app.ledger(queue, client);
  expect(ledger).toHaveLength(produced.added() + 1);
  expect(troubled(ledger)).toEqual([]);
  // Neither the way down nor the way up was taken for a person's wish.
  expect(app.heroku.lines.filter((line) => line.includes('"manualHold"'))).toEqual([]);
  expect(readFileSync(journal(), 'utf8')).not.toContain('redis://');
}, 180_000);
