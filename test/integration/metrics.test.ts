import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { leaveOutUnless } from '../support/left-out.ts';
import { bounds, observation, reading, tick, ticksOfAllKinds } from '../support/tick-records.ts';

const noPromtool = leaveOutUnless('promtool');

function daemon(pools: readonly string[]) {
  return createMetrics(
    pools.map((pool) => ({ pool, policy: bounds })),
    { version: '1.2.3' },
  );
}

/** Throws, with what promtool says, when it finds the least fault. */
function checkWithPromtool(text: string): void {
  execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: 'pipe' });
}

/** The series of the program's own, in no order. */
function ownSeries(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('autoscaler_'))
    .sort();
}

test.skipIf(noPromtool)(
  'promtool finds no fault before, during and after ticks of all kinds',
  async () => {
    const metrics = daemon(['worker', 'other']);
    checkWithPromtool(await metrics.registry.metrics());
    metrics.recordHerokuReply({
      method: 'GET',
      status: 200,
      durationSeconds: 0.1,
      remainingCalls: 9,
    });
    const odd = observation({ queues: [reading({ queue: 'a"b\\c\nd é' })] });
    for (const record of [...ticksOfAllKinds(), tick({ observation: odd })]) {
      metrics.recordTick(record);
      checkWithPromtool(await metrics.registry.metrics());
    }
  },
);

test.skipIf(noPromtool)(
  'promtool finds no fault in what is rendered for pools that others published',
  async () => {
    const worker = daemon(['worker']);
    worker.recordTick(tick());
    const web = daemon([]);
    checkWithPromtool(await web.render([]));
    checkWithPromtool(await web.render([await worker.seriesOf('worker')]));
  },
);

test.skipIf(noPromtool)('promtool would find a fault', () => {
  expect(() => {
    checkWithPromtool('# HELP wrong_total A gauge.\n# TYPE wrong_total gauge\nwrong_total 1\n');
  }).toThrow();
});

test('what another process renders is what the daemon itself says', async () => {
  const metrics = daemon(['worker', 'other']);
  for (const record of ticksOfAllKinds()) metrics.recordTick(record);
  metrics.recordTick(tick({ pool: 'other' }));
  metrics.recordHerokuReply({
    method: 'GET',
    status: 200,
    durationSeconds: 0.1,
    remainingCalls: 9,
  });
  const published = await Promise.all(['worker', 'other'].map((pool) => metrics.seriesOf(pool)));
  const transported = JSON.parse(JSON.stringify(published)) as typeof published;

  const text = await daemon([]).render(transported);
  expect(ownSeries(text)).toEqual(ownSeries(await metrics.registry.metrics()));
  expect(text).toContain('process_cpu_seconds_total');
  expect(text).toContain('nodejs_version_info');
});

test('all families are rendered while nothing was published', async () => {
  const families = (text: string) => text.match(/^# (HELP|TYPE) .*$/gm)?.sort();
  const web = daemon([]);
  expect(families(await web.render([]))).toEqual(families(await web.registry.metrics()));
});

test('of one process that published twice the newest word counts', async () => {
  const metrics = daemon(['worker', 'other']);
  metrics.recordHerokuReply({
    method: 'GET',
    status: 200,
    durationSeconds: 0.1,
    remainingCalls: 9,
  });
  const older = await metrics.seriesOf('worker');
  metrics.recordHerokuReply({
    method: 'GET',
    status: 200,
    durationSeconds: 0.1,
    remainingCalls: 8,
  });
  const newer = await metrics.seriesOf('other');

  const series = ownSeries(await daemon([]).render([newer, older]));
  expect(series).toContain('autoscaler_heroku_remaining_calls 8');
  expect(series).toContain('autoscaler_heroku_requests_total{method="GET",status="200"} 2');
});

test('families that this version does not know are left out', async () => {
  const text = await daemon([]).render([
    [{ name: 'process_cpu_seconds_total', values: [{ labels: {}, value: 1e9 }] }],
    [{ name: 'autoscaler_of_tomorrow', values: [{ labels: { pool: 'worker' }, value: 1 }] }],
  ]);
  expect(text).not.toContain('tomorrow');
  expect(text).not.toContain('process_cpu_seconds_total 1000000000');
});
