import { expect, test } from 'vitest';
import { createDeliveryNotices } from '../../src/telemetry/deliveries.ts';
import { noOverrides } from '../../src/decision/overrides.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createNotices } from '../../src/telemetry/notices.ts';
import { tick } from '../support/tick-records.ts';

test('what keeps the tail from draining is said once each time that it was learned', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const notice = createNotices(createLog({ level: 'info', secrets: [], destination }));
  const report = {
    ...{ marked: [], cancelled: [], blocked: [], unknown: [], freedAfterSeconds: [] },
  };
  for (const tailUnknownSinceMs of [null, 1_000, 1_000, null, 90_000_000, 90_000_000])
    notice(tick({ drain: { ...report, tailUnknownSinceMs } }));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('for a day workers are removed only when all are idle');
});

test('that something no longer arrives is said once, and once that it does again', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const notice = createDeliveryNotices(createLog({ level: 'info', secrets: [], destination }));
  const failure = { message: 'no disk (HTTP 500)', hint: 'Wait.' };
  for (const each of [null, failure, failure, null, null, failure]) notice('remote-write', each);
  notice('pushgateway', null);
  expect(lines.map((line) => (JSON.parse(line) as { level: string; msg: string }).msg)).toEqual([
    'remote-write: what is sent does not arrive: no disk (HTTP 500)',
    'remote-write: what is sent arrives again',
    'remote-write: what is sent does not arrive: no disk (HTTP 500)',
  ]);
  expect(lines[0]).toContain('"level":"warn"');
});

test('what was set and cannot be understood is said once, with what mends it', () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const notice = createNotices(createLog({ level: 'info', secrets: [], destination }));
  const overrides = { ...noOverrides, damaged: ['pause' as const], unknown: ['queueWeight'] };
  for (const known of [overrides, null, overrides]) notice(tick({ overrides: known }));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain('nothing is changed until `backlog-autoscaler resume`');
  expect(lines[1]).toContain('a newer version');
});
