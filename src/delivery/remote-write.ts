import type { Registry } from 'prom-client';
import { compress } from 'snappyjs';
import { jobLabel, type PushTarget } from './push-target.ts';
import { createReceiver } from './receiver.ts';
import { encodeWriteRequest, type Label, type TimeSeries } from './write-request.ts';

type Current = { readonly labels: readonly Label[]; readonly value: number };

/**
 * A server that takes Prometheus remote write 1.0: Grafana Cloud, Mimir, VictoriaMetrics, or Prometheus itself. Only what
 * the metrics are now is sent; what could not be sent is not kept for later.
 */
export function createRemoteWrite(parts: {
  readonly url: string;
  /** Tells this daemon from others that write there. */
  readonly instance: string;
  readonly registry: Pick<Registry, 'getMetricsAsJSON'>;
}): PushTarget {
  const own: readonly Label[] = [
    ['instance', parts.instance],
    ['job', jobLabel],
  ];
  const receiver = createReceiver({ variable: 'REMOTE_WRITE_URL', url: parts.url, secrets: [] });
  /** The series that the receiver has and that have not ended, by their labels. */
  let lasting: ReadonlyMap<string, Current> = new Map();

  const send = (series: readonly TimeSeries[], signal: AbortSignal) =>
    receiver.send(
      {
        method: 'POST',
        path: '',
        headers: {
          'content-encoding': 'snappy',
          'content-type': 'application/x-protobuf',
          'x-prometheus-remote-write-version': '0.1.0',
        },
        body: compress(encodeWriteRequest(series)),
      },
      signal,
    );

  /** Without a marker, a series that ended would keep its last value for five minutes. */
  function endedSince(current: ReadonlyMap<string, Current>, nowMs: number): readonly TimeSeries[] {
    return [...lasting]
      .filter(([key]) => !current.has(key))
      .map(([, { labels }]) => ({ labels, samples: [{ value: 'stale', atMs: nowMs }] }));
  }

  return {
    name: 'remote-write',
    host: receiver.host,
    async push(nowMs, signal) {
      const current = await currentSeries(parts.registry, own);
      const series = [...current.values()].map(({ labels, value }) => ({
        ...{ labels, samples: [{ value, atMs: nowMs }] },
      }));
      const failure = await send([...series, ...endedSince(current, nowMs)], signal);
      if (failure === null) lasting = current;
      return failure;
    },
    async leave(nowMs, signal) {
      const current = await currentSeries(parts.registry, own);
      const series = [...current.values()].map(({ labels, value }) => ({
        labels,
        samples: [
          { value, atMs: nowMs },
          { value: 'stale' as const, atMs: nowMs + 1 },
        ],
      }));
      return send([...series, ...endedSince(current, nowMs)], signal);
    },
    probe: (signal) => send([], signal),
    close: () => receiver.close(),
  };
}

/** Every series as it is now, a histogram as its buckets, sum and count. */
async function currentSeries(
  registry: Pick<Registry, 'getMetricsAsJSON'>,
  own: readonly Label[],
): Promise<ReadonlyMap<string, Current>> {
  const families = await registry.getMetricsAsJSON();
  const series = families.flatMap(({ name, values }) =>
    // prom-client's types leave out the name that each series of a histogram has.
    (values as readonly Value[]).map(({ metricName, labels, value }): [string, Current] => {
      const all = [['__name__', metricName ?? name] as const, ...labelsOf(labels), ...own];
      const sorted = all.toSorted(([one], [other]) => (one < other ? -1 : 1));
      return [JSON.stringify(sorted), { labels: sorted, value }];
    }),
  );
  return new Map(series);
}

type Value = {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
};

/** An empty label is the same as none, and must not be sent. */
function labelsOf(labels: Value['labels']): readonly Label[] {
  return Object.entries(labels)
    .map(([name, value]): Label => [name, String(value)])
    .filter(([, value]) => value !== '');
}
