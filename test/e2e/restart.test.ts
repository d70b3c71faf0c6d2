import { expect, test } from 'vitest';
import { marksKey } from '../../src/drain/protocol.ts';
import { runCommand, startDaemon } from '../support/daemon.ts';
import { until } from '../support/pool.ts';
import { startRunningApp, troubled } from '../support/running-app.ts';

type Document = { dynos: { dyno: string; outcome: string; why: string | null }[] };
const documentIn = (stdout: string) => JSON.parse(stdout) as Document;

test('restart replaces every worker, one at a time, while jobs go on and the daemon runs, and interrupts none', async () => {
  const app = await startRunningApp(3);
  const produced = app.produce();
  await until(() => produced.added() > 20);
  const before = await app.pool.heartbeats();

  const { exitCode, stdout, stderr } = await runCommand(['restart', '--json'], app.environment);
  expect(stderr).toMatch(/worker\.2: asked to drain, /);
  expect(documentIn(stdout).dynos.map(({ dyno, outcome }) => [dyno, outcome])).toEqual([
    ['worker.1', 'restarted'],
    ['worker.2', 'restarted'],
    ['worker.3', 'restarted'],
  ]);
  expect(exitCode).toBe(0);
  await produced.stop();

  const startedBefore = Math.max(...before.map(({ startedAtMs }) => startedAtMs));
  const after = await app.pool.heartbeats();
  expect(after.map(({ dyno }) => dyno).toSorted()).toEqual(['worker.1', 'worker.2', 'worker.3']);
  for (const { startedAtMs } of after) expect(startedAtMs).toBeGreaterThan(startedBefore);
  expect(mostMissing(app.heroku.lines)).toBe(1);
  const ledger = await app.ledger();
  expect(ledger).toHaveLength(produced.added());
  expect(troubled(ledger)).toEqual([]);
  expect(app.heroku.lines.filter((line) => line.includes('SIGKILL'))).toEqual([]);
}, 60_000);

test('restart leaves a dyno alone that does not drain, lets it go on, and restarts it when forced to', async () => {
  const app = await startRunningApp(1, { DRAIN_TIMEOUT: '2s' });
  await app.queue.add('export', { workMs: 600_000 });
  await until(async () => (await app.queue.getActiveCount()) === 1);

  const left = await runCommand(['restart'], app.environment);
  expect(left.stdout).toMatch(
    /^worker: 0 of 1 dynos restarted\n {2}worker\.1: left alone .*runs 1 job/,
  );
  expect(left.exitCode).toBe(1);
  await app.pool.until('worker.1', 'working');

  // Whoever stops it leaves nothing behind.
  const stopped = startDaemon({ ...app.environment, DRAIN_TIMEOUT: '1h' }, ['restart']);
  await app.pool.until('worker.1', 'draining');
  stopped.kill('SIGINT');
  expect((await stopped.finished).exitCode).toBe(1);
  expect(await app.client.hexists(marksKey('worker'), 'worker.1')).toBe(0);

  const forced = await runCommand(['restart', '--force', '--json'], app.environment);
  expect(documentIn(forced.stdout).dynos).toMatchObject([
    { dyno: 'worker.1', outcome: 'restarted', why: 'although it runs 1 job' },
  ]);
  // The companion handed it back: it is run again, without having failed.
  await until(async () => (await app.queue.getActiveCount()) === 1);
  const [job] = await app.queue.getActive();
  expect(job?.attemptsMade).toBe(0);
}, 60_000);

test('restart says which pools there are, and names all that is wrong at once', async () => {
  const environment = {
    ...{ REDIS_URL: 'redis://127.0.0.1:1', QUEUES: 'emails' },
    ...{ HEROKU_APP_NAME: 'demo', HEROKU_API_KEY: 'HRKU-test' },
  };
  const wrong = await runCommand(['restart', '--pool', 'wroker', '--at-once', '0'], environment);
  expect(wrong.exitCode).toBe(64);
  expect(wrong.stderr).toContain('there is no pool wroker: did you mean worker?');
  expect(wrong.stderr).toContain('--at-once "0" must be a whole number from 1 on');
  const dry = await runCommand(['restart'], { ...environment, DRY_RUN: 'true' });
  expect(dry).toMatchObject({ exitCode: 78, stdout: '' });
});

/** How many workers at most were on their way at the same time, by what the platform logged. */
function mostMissing(lines: readonly string[]): number {
  const restarting = new Set<string>();
  return lines.reduce((most, line) => {
    const [, dyno = '', says = ''] = /^heroku\[(worker\.\d+)\]: (.*)$/.exec(line) ?? [];
    if (says === 'Restarting') restarting.add(dyno);
    if (says.endsWith('from starting to up')) restarting.delete(dyno);
    return Math.max(most, restarting.size);
  }, 0);
}
