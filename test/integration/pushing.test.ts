import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPushing } from '../../src/delivery/pushing.ts';
import { createPushgateway } from '../../src/delivery/pushgateway.ts';
import type { PushTarget } from '../../src/delivery/push-target.ts';
import type { Failure } from '../../src/delivery/receiver.ts';
import { createRemoteWrite } from '../../src/delivery/remote-write.ts';
import { createMetrics, type MetricsRecorder } from '../../src/telemetry/metrics.ts';
import { leaveOutUnless } from '../support/left-out.ts';
import {
  monitoringUser,
  startPushgateway,
  startRemoteWriteReceiver,
  withCredentials,
  type Prometheus,
  type Pushgateway,
} from '../support/prometheus.ts';
import { bounds, observation, reading, tick, ticksOfAllKinds } from '../support/tick-records.ts';

const instance = 'my-shop.worker.clock.1';
const never = new AbortController().signal;
const targets: PushTarget[] = [];
afterEach(async () => {
  for (const target of targets.splice(0)) await target.close();
});

/** A daemon that has seen everything, and a queue with the oddest name. */
function busyMetrics(): MetricsRecorder {
  const metrics = createMetrics([{ pool: 'worker', policy: bounds }], { version: '1.2.3' });
  for (const record of ticksOfAllKinds()) metrics.recordTick(record);
  metrics.recordTick(tick({ observation: observation({ queues: [reading(), odd] }) }));
  return metrics;
}
const odd = reading({ queue: 'a"b\\c\nd é' });
const withoutOdd = tick({ observation: observation() });

function pushgateway(url: string, { registry } = busyMetrics()): PushTarget {
  const target = createPushgateway({ url, instance, registry });
  targets.push(target);
  return target;
}

function remoteWrite(url: string, { registry } = busyMetrics()): PushTarget {
  const target = createRemoteWrite({ url, instance, registry });
  targets.push(target);
  return target;
}

describe.skipIf(leaveOutUnless('prometheus-pushgateway'))('a Pushgateway', () => {
  let gateway: Pushgateway;
  beforeAll(async () => {
    gateway = await startPushgateway();
  });
  afterAll(() => gateway.stop());

  const shown = async () => seriesIn(await gateway.metrics());

  test('shows exactly what the daemon says, until the daemon ends', async () => {
    const metrics = busyMetrics();
    const target = pushgateway(withCredentials(`${gateway.url}/`), metrics);
    expect(await target.probe(never)).toBeNull();
    expect(await shown()).toEqual({});
    expect(await target.push(0, never)).toBeNull();
    expect(await shown()).toEqual(seriesIn(await metrics.registry.metrics()));
    expect(await gateway.metrics()).toContain(`instance="${instance}",job="backlog-autoscaler"`);

    metrics.recordTick(withoutOdd);
    expect(await target.push(0, never)).toBeNull();
    expect(Object.keys(await shown()).filter((key) => key.includes('é'))).toEqual([]);
    expect(await shown()).toEqual(seriesIn(await metrics.registry.metrics()));

    expect(await target.leave(0, never)).toBeNull();
    expect(await shown()).toEqual({});
  });

  test('that does not know the password is told from one that is not there', async () => {
    const wrong = await pushgateway(withCredentials(gateway.url, 'wr0ng-pass')).push(0, never);
    expect(wrong?.message).toMatch(/^127\.0\.0\.1:\d+ Unauthorized \(HTTP 401\)$/);
    expect(wrong?.hint).toContain('credentials: check those in PUSHGATEWAY_URL');
    const gone = await pushgateway('http://127.0.0.1:9').probe(never);
    expect(gone).toEqual({
      message: expect.stringContaining('ECONNREFUSED') as string,
      hint: 'Check PUSHGATEWAY_URL and the network.',
    });
    const path = await pushgateway(withCredentials(`${gateway.url}/elsewhere`)).push(0, never);
    expect(path?.hint).toContain('at that path');
  });
});

/** The program's own series in a text for Prometheus, by name and sorted labels without those that say who pushed. */
function seriesIn(text: string): Readonly<Record<string, number>> {
  const lines = text.split('\n').filter((line) => line.startsWith('autoscaler_'));
  const series = lines.map((line) => {
    const [, name = '', labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    const own = (labels.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).filter(
      (label) => !/^(job|instance)=/.test(label),
    );
    return [`${name} ${own.sort().join(' ')}`, Number(value)] as const;
  });
  return Object.fromEntries(series);
}

type Found = { readonly metric: Record<string, string>; readonly value: readonly [number, string] };

describe.skipIf(leaveOutUnless('prometheus'))('a server that takes remote write', () => {
  let prometheus: Prometheus;
  // Whole seconds, and from now on, as a Prometheus takes no samples from the past.
  const startMs = Math.ceil(Date.now() / 1000) * 1000;
  const path = '/api/v1/write';
  beforeEach(async () => {
    prometheus = await startRemoteWriteReceiver();
  });
  afterEach(() => prometheus.stop());

  async function ask(query: string, atMs: number): Promise<readonly Found[]> {
    const time = String(atMs / 1000);
    const { result } = (await prometheus.get('query', { query, time })) as { result: Found[] };
    return result;
  }

  /** Everything that was written, by name and labels. */
  async function shown(atMs: number): Promise<Readonly<Record<string, number>>> {
    const found = await ask(`{job="backlog-autoscaler",instance="${instance}"}`, atMs);
    return Object.fromEntries(found.map(({ metric, value }) => [keyOf(metric), Number(value[1])]));
  }

  test('has every series with its value and time, histograms in all their parts', async () => {
    const metrics = busyMetrics();
    const target = remoteWrite(withCredentials(prometheus.url + path), metrics);
    expect(await target.push(startMs, never)).toBeNull();

    const series = await shown(startMs);
    expect(onlyOwn(series)).toEqual(onlyOwn(await expected(metrics)));
    expect(Object.keys(series).some((key) => key.includes('nodejs_'))).toBe(true);
    const [at] = await ask('timestamp(autoscaler_workers_desired)', startMs + 2_000);
    expect(at?.value[1]).toBe(String(startMs / 1000));
    const median = 'histogram_quantile(0.5, autoscaler_tick_duration_seconds_bucket)';
    const [quantile] = await ask(median, startMs);
    expect(Number(quantile?.value[1])).toBeGreaterThan(0.1);
  });

  test('is told that a series ended, and at the end that all have', async () => {
    const metrics = busyMetrics();
    const target = remoteWrite(withCredentials(prometheus.url + path), metrics);
    await target.push(startMs, never);
    metrics.recordTick(withoutOdd);
    await target.push(startMs + 1_000, never);
    expect(Object.keys(await shown(startMs)).filter(isOdd)).not.toEqual([]);
    expect(Object.keys(await shown(startMs + 1_000)).filter(isOdd)).toEqual([]);

    metrics.recordTick(withoutOdd);
    expect(await target.leave(startMs + 2_000, never)).toBeNull();
    expect(onlyOwn(await shown(startMs + 2_000))).toEqual(onlyOwn(await expected(metrics)));
    expect(await shown(startMs + 3_000)).toEqual({});
  });

  test('is told later of a series that ended while it could not be told', async () => {
    const metrics = busyMetrics();
    const target = remoteWrite(withCredentials(prometheus.url + path), metrics);
    await target.push(startMs, never);
    metrics.recordTick(withoutOdd);
    const broken = new AbortController();
    broken.abort();
    expect((await target.push(startMs + 1_000, broken.signal))?.message).toMatch(/in time/);
    expect(await target.push(startMs + 2_000, never)).toBeNull();
    expect(Object.keys(await shown(startMs + 2_000)).filter(isOdd)).toEqual([]);
  });

  test('writes nothing when it is only asked whether it lets us in', async () => {
    expect(await remoteWrite(withCredentials(prometheus.url + path)).probe(never)).toBeNull();
    expect(await shown(startMs)).toEqual({});
    const wrong = await remoteWrite(withCredentials(prometheus.url + path, 'wrong')).probe(never);
    expect(wrong?.hint).toContain('credentials: check those in REMOTE_WRITE_URL');
    const nowhere = await remoteWrite(withCredentials(`${prometheus.url}/none`)).probe(never);
    expect(nowhere?.message).toContain('HTTP 404');
  });

  const isOdd = (key: string) => key.includes('é');

  async function expected({ registry }: MetricsRecorder): Promise<Record<string, number>> {
    const families = await registry.getMetricsAsJSON();
    return Object.fromEntries(
      families.flatMap(({ name, values }) =>
        (values as readonly Value[]).map(({ metricName = name, labels, value }) => [
          keyOf({ ...labels, __name__: metricName }),
          value,
        ]),
      ),
    );
  }
  type Value = { metricName?: string; labels: Record<string, string | number>; value: number };

  function keyOf(labels: Readonly<Record<string, string | number>>): string {
    const entries = Object.entries(labels).filter(([name]) => !/^(job|instance)$/.test(name));
    return entries
      .map(([name, value]) => `${name}=${value}`)
      .sort()
      .join(' ');
  }

  /** Those of the process change while one looks. */
  function onlyOwn(series: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(series).filter(([key]) => /=autoscaler_/.test(key)));
  }
});

/** However busy the machine is. */
const until = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 });

describe('pushing', () => {
  let server: Server;
  /** What the server was sent, and how it answers. */
  const bodies: string[] = [];
  let answer: 'hang' | { readonly status: number; readonly body: string };
  const told: (Failure | null)[] = [];
  beforeEach(async () => {
    bodies.length = 0;
    told.length = 0;
    server = createServer((request, response) => {
      let body = `${request.method ?? ''} `;
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        bodies.push(body);
        if (answer !== 'hang') response.writeHead(answer.status).end(answer.body);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const url = () => `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;

  /** A metric that grows whenever somebody looks. */
  function counting(): Registry {
    const registry = new Registry();
    let looks = 0;
    const gauge = new Gauge({
      ...{ name: 'looks', help: 'Looks.', registers: [registry] },
      collect: () => {
        gauge.set(++looks);
      },
    });
    return registry;
  }

  const start = (address: string) =>
    startPushing([createPushgateway({ url: address, instance, registry: counting() })], {
      intervalMs: 40,
      nowMs: () => 0,
      onPushed: (_to, failure) => told.push(failure),
    });

  test('goes on with the newest values after a server that hangs or refuses, and says its last word', async () => {
    answer = 'hang';
    const pushing = start(url());
    await until(() => told.length).toBeGreaterThan(1);
    expect(told[0]?.message).toMatch(/^127\.0\.0\.1:\d+: it did not answer in time$/);
    answer = { status: 500, body: 'no disk' };
    await until(() => told.at(-1)?.message).toMatch(/no disk \(HTTP 500\)$/);
    answer = { status: 200, body: '' };
    await until(() => told.at(-1)).toBeNull();
    await pushing.end(5_000);
    const values = bodies.flatMap((body) => /^PUT [^]*looks (\d+)/.exec(body)?.[1] ?? []);
    // None again, and none out of order: nothing was kept for later.
    const numbers = values.map(Number);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(bodies.at(-1)).toBe('DELETE ');
    expect(bodies.filter((body) => body.startsWith('DELETE'))).toHaveLength(1);
  });

  test('ends although the server hangs', async () => {
    answer = 'hang';
    const pushing = start(url());
    await until(() => bodies.length).toBeGreaterThan(0);
    await expect(pushing.end(50)).resolves.toBeUndefined();
  });

  test('lets no secret out, also where the server repeats it', async () => {
    const { name, password } = monitoringUser;
    const base64 = Buffer.from(`${name}:${password}`).toString('base64');
    const texts = [password, encodeURIComponent(password), base64];
    answer = { status: 400, body: `bad: ${texts.join(' and ')}` };
    const pushing = start(withCredentials(url()));
    await until(() => told.length).toBeGreaterThan(0);
    await pushing.end(5_000);
    expect(told[0]?.message).toMatch(
      / bad: \[secret\] and \[secret\] and \[secret\] \(HTTP 400\)$/,
    );
  });
});
