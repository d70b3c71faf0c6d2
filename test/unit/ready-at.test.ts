import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readyAtMs, type WaitingJob } from '../../src/queues/bullmq/ready-at.ts';

const added = '1700000000000';
const addedMs = Number(added);
const started = '1700000500000';
const startedMs = Number(started);

const job = (fields: WaitingJob, options: object = {}): WaitingJob => ({
  timestamp: added,
  opts: JSON.stringify(options),
  ...fields,
});
const failedOnce: WaitingJob = { processedOn: started, starts: '1', attemptsMade: '1' };
const failedThrice: WaitingJob = { processedOn: started, starts: '3', attemptsMade: '3' };

describe('a job that was never started', () => {
  it('is ready since it was added', () => {
    expect(readyAtMs(job({}))).toBe(addedMs);
  });

  it('is ready since its delay was over', () => {
    expect(readyAtMs(job({}, { delay: 60_000 }))).toBe(addedMs + 60_000);
  });

  it('has no known time when it waited for its children', () => {
    expect(readyAtMs(job({ waitedForChildren: true }))).toBeNull();
  });
});

describe('a job that was started before', () => {
  it('is ready since its last start when it was given back', () => {
    expect(readyAtMs(job({ processedOn: started, starts: '1' }))).toBe(startedMs);
  });

  it('is ready since its last start when it is retried at once', () => {
    expect(readyAtMs(job(failedOnce))).toBe(startedMs);
    expect(readyAtMs(job(failedOnce, { backoff: 0 }))).toBe(startedMs);
  });

  it.each([
    [1_000, 1_000],
    [{ type: 'fixed', delay: 1_000 }, 1_000],
    [{ type: 'exponential', delay: 1_000 }, 4_000],
    [{ type: 'fixed', delay: 1_000, jitter: 0.25 }, 750],
    [{ type: 'exponential', delay: 1_000, jitter: 0.5 }, 2_000],
  ])('is ready after the back-off %j of a third attempt', (backoff, waitMs) => {
    expect(readyAtMs(job(failedThrice, { backoff }))).toBe(startedMs + waitMs);
  });

  it('backs off for the whole delay first when the back-off is exponential', () => {
    const backoff = { type: 'exponential', delay: 1_000 };
    expect(readyAtMs(job(failedOnce, { backoff }))).toBe(startedMs + 1_000);
  });

  it('has no known time when the back-off is the application’s own', () => {
    expect(readyAtMs(job(failedOnce, { backoff: { type: 'weekly' } }))).toBeNull();
  });

  it('did not back off when the last start was no attempt', () => {
    const givenBack: WaitingJob = { processedOn: started, starts: '2', attemptsMade: '1' };
    expect(readyAtMs(job(givenBack, { backoff: 90_000 }))).toBe(startedMs);
  });

  it('does not count its first delay again', () => {
    expect(readyAtMs(job(failedOnce, { delay: 60_000 }))).toBe(startedMs);
  });

  it('has no known time when it was retried by hand, which erases its last start', () => {
    expect(readyAtMs(job({ starts: '1', attemptsMade: '1' }))).toBeNull();
  });
});

describe('a job that makes no sense', () => {
  it.each<[string, WaitingJob]>([
    ['was removed', {}],
    ['lacks its options', { timestamp: added }],
    ['has options that are no JSON', { timestamp: added, opts: '{' }],
    ['has options that are no object', { timestamp: added, opts: 'null' }],
    ['has no time', { timestamp: 'yesterday', opts: '{}' }],
  ])('has no known time when it %s', (_, fields) => {
    expect(readyAtMs(fields)).toBeNull();
  });

  it('never makes the reading fail, nor a time that is no number', () => {
    const text = fc.oneof(fc.string(), fc.integer().map(String), fc.json());
    const anyJob = fc.record(
      { timestamp: text, opts: text, processedOn: text, starts: text, attemptsMade: text },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(anyJob, (fields) => {
        const readyAt = readyAtMs(fields);
        expect(readyAt === null || Number.isFinite(readyAt)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    const anyOptions = fc.record({ delay: fc.anything(), backoff: fc.anything() });
    fc.assert(
      fc.property(anyOptions, (options) => {
        const opts = JSON.stringify(options, (_, value: unknown) =>
          typeof value === 'bigint' ? 1 : value,
        );
        const readyAt = readyAtMs({ timestamp: added, opts, ...failedThrice });
        expect(readyAt === null || Number.isFinite(readyAt)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
