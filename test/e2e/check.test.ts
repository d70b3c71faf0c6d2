import { expect, test } from 'vitest';
import { runCommand } from '../support/daemon.ts';
import { startRedis } from '../support/redis.ts';

test('check reports on stdout and exits 0 without problems, 1 with one and 78 without a configuration', async () => {
  const redis = await startRedis();
  const environment = { REDIS_URL: redis.url, QUEUES: 'emails', DRY_RUN: 'true' };

  const fine = await runCommand(['check'], environment);
  expect(fine).toMatchObject({ exitCode: 0, stderr: '' });
  expect(fine.stdout).toMatch(/^ok {7}Redis answers \(.*\n0 problems, 1 warning\n$/ms);

  await redis.stop();
  const failed = await runCommand(['check', '--json'], environment);
  expect(failed.exitCode).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({ problems: 1, warnings: 1 });

  const invalid = await runCommand(['check'], {});
  expect(invalid).toMatchObject({ exitCode: 78, stdout: '' });
  expect(invalid.stderr).toContain('REDIS_URL');
});
