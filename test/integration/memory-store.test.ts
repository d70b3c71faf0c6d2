import { describe, expect, test } from 'vitest';
import { decide, emptyMemory } from '../../src/decision/decide.ts';
import type { Memory } from '../../src/decision/types.ts';
import { connectRedis } from '../../src/redis.ts';
import { createMemoryStore, type Oblivion } from '../../src/state/memory-store.ts';
import { observation, policy, reading, startMs } from '../support/builders.ts';
import { soon } from '../support/lease.ts';
import { useStateStage } from '../support/state-stage.ts';

const key = 'backlog-autoscaler:memory:{demo:worker:worker}';
const stage = useStateStage();

/** A store whose lease is always held, and what it said. */
function open() {
  const said: Oblivion[] = [];
  const store = createMemoryStore({
    ...{ redis: stage.connection, identity: 'demo:worker:worker', expiryMs: 60_000 },
    lease: {
      async write(name, text, ttlMs) {
        await stage.client.set(name, text, 'PX', ttlMs);
      },
    },
    onOblivion: (why) => said.push(why),
  });
  return { store, said };
}

/** What twenty looks at a busy queue teach. */
const { learned } = Array.from({ length: 20 }).reduce<Memory>((memory, _, look) => {
  const queue = reading({
    ...{ readyJobs: look, activeJobs: 3, addedJobs: 9 * look, unfinishedJobs: 3 + look },
    finished: [{ jobName: 'mail', durationSeconds: 1.25, waitSeconds: null }],
  });
  const observedAtMs = startMs + look * 5_000;
  const seen = observation(0, { queues: [queue], observedAtMs, currentWorkers: look });
  return decide(seen, policy(), memory).memory;
}, emptyMemory);

const full: Memory = {
  lastSeenAtMs: startMs,
  recommendations: [{ madeAtMs: startMs, workers: 4, isFound: false }],
  orphans: [{ job: 'emails 7', seenAtMs: startMs }],
  stalls: [
    {
      job: 'emails:8',
      stalls: 2,
      sinceMs: startMs,
      stalledAtMs: startMs,
      seenAtMs: startMs,
      endedJobs: 40,
    },
  ],
  platformLimit: { workers: 20, learnedAtMs: startMs },
  drains: [{ dyno: 'worker.4', sinceMs: startMs, isAsked: true }],
  removal: { workers: 3, madeAtMs: startMs },
  tailUnknownSinceMs: startMs,
  learned,
  intent: { workers: 3, formerWorkers: 4, madeAtMs: startMs },
  manual: { workers: 3, setAtMs: startMs, untilMs: startMs + 1_000 },
};
const { intent, manual, ...ofVersion3 } = full;

describe('memory', () => {
  test('is read back as it was saved, in silence, and ends by itself', async () => {
    const { store, said } = open();
    await store.save(full, soon());
    expect(await open().store.load(soon())).toEqual(full);
    expect(learned.services).not.toEqual([]);
    expect(await store.load(soon())).toEqual(full);
    expect(said).toEqual([]);
    expect(await stage.client.pttl(key)).toBeGreaterThan(0);
  });

  test('that is missing is an empty one, which is said once', async () => {
    const { store, said } = open();
    expect(await store.load(soon())).toEqual(emptyMemory);
    await store.load(soon());
    expect(said).toEqual(['missing']);
  });

  test('of an older version is kept as far as it goes', async () => {
    await stage.client.set(key, JSON.stringify({ version: 3, memory: ofVersion3 }));
    const { store, said } = open();
    expect(await store.load(soon())).toEqual({ ...full, intent: null, manual: null });
    expect(said).toEqual(['older']);
    expect([intent, manual]).not.toContain(null);
  });

  test('of an older version that wrote a field otherwise loses that field alone', async () => {
    const memory = { ...ofVersion3, drains: ['worker.4'], color: 'blue' };
    await stage.client.set(key, JSON.stringify({ version: 2, memory }));
    const { store } = open();
    expect(await store.load(soon())).toEqual({ ...full, drains: [], intent: null, manual: null });
  });

  const holds = Array.from({ length: 2_000 }, () => ({ madeAtMs: 1, workers: 1 }));
  const tooMuch = { ...full, learned: { ...learned, holds } };
  const beyondTime = { ...full, learned: { ...learned, seenAtMs: 1e300 } };
  // Said as a time, either would end the process, at every start anew.
  const setBeyondTime = { ...full, manual: { workers: 3, setAtMs: 1e300, untilMs: 1e300 } };
  const drainsSinceEver = { ...full, drains: [{ ...full.drains[0], sinceMs: -1e300 }] };
  const damaged = { ...full, platformLimit: { workers: -1, learnedAtMs: startMs } };
  test.each([
    ['of a newer version', JSON.stringify({ version: 1e6, memory: full }), 'newer'],
    ['in which a field makes no sense', JSON.stringify({ version: 7, memory: damaged }), 'damaged'],
    ['in which a field is missing', JSON.stringify({ version: 7, memory: ofVersion3 }), 'damaged'],
    ['with too much in it', JSON.stringify({ version: 7, memory: tooMuch }), 'damaged'],
    ['with a time that cannot be', JSON.stringify({ version: 7, memory: beyondTime }), 'damaged'],
    ['set at no time', JSON.stringify({ version: 7, memory: setBeyondTime }), 'damaged'],
    ['draining since no time', JSON.stringify({ version: 7, memory: drainsSinceEver }), 'damaged'],
    ['that is no JSON', '{"version":7,', 'damaged'],
    ['that is another kind of JSON', '[]', 'damaged'],
    ['that is binary', '\u0000\ufffd', 'damaged'],
    ['without a version', JSON.stringify({ memory: full }), 'damaged'],
    ['with a prototype', '{"version":3,"memory":{"__proto__":{"tailUnknownSinceMs":1}}}', 'older'],
  ])('%s is an empty one, and that is said', async (_what, text, why) => {
    await stage.client.set(key, text);
    const { store, said } = open();
    expect(await store.load(soon())).toEqual(emptyMemory);
    expect(said).toEqual([why]);
  });

  test('that was lost again after it was there is said again', async () => {
    const { store, said } = open();
    await store.load(soon());
    await store.save(full, soon());
    await store.load(soon());
    await stage.client.del(key);
    await store.load(soon());
    expect(said).toEqual(['missing', 'missing']);
  });
});

test('says that the state is out of reach when Redis is', async () => {
  const closed = connectRedis('redis://127.0.0.1:1', { rejectUnauthorized: true, name: 'test' });
  const store = createMemoryStore({
    ...{ redis: closed, identity: 'demo:worker:worker', expiryMs: 60_000 },
    lease: { write: () => Promise.resolve() },
    onOblivion: () => undefined,
  });
  await expect(store.load(soon())).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' });
  closed.close();
});
