import type { Registry } from 'prom-client';
import { jobLabel, type PushTarget } from './push-target.ts';
import { createReceiver, type Message } from './receiver.ts';

/**
 * A Prometheus Pushgateway. Each push replaces the whole group of this daemon, so that a series which ended ends there
 * too. The gateway keeps a group for ever, and so a daemon that ends deletes its own.
 */
export function createPushgateway(parts: {
  readonly url: string;
  /** Tells this daemon from others that push there. */
  readonly instance: string;
  readonly registry: Pick<Registry, 'metrics' | 'contentType'>;
}): PushTarget {
  const { registry } = parts;
  const receiver = createReceiver({ variable: 'PUSHGATEWAY_URL', url: parts.url, secrets: [] });
  const group = `/metrics/job/${jobLabel}/instance/${encodeURIComponent(parts.instance)}`;
  const nothing: Pick<Message, 'headers' | 'body'> = { headers: {}, body: null };
  return {
    name: 'pushgateway',
    host: receiver.host,
    async push(_nowMs, signal) {
      const headers = { 'content-type': registry.contentType };
      const body = await registry.metrics();
      return receiver.send({ method: 'PUT', path: group, headers, body }, signal);
    },
    leave: (_nowMs, signal) => receiver.send({ method: 'DELETE', path: group, ...nothing }, signal),
    probe: (signal) => receiver.send({ method: 'GET', path: '/api/v1/status', ...nothing }, signal),
    close: () => receiver.close(),
  };
}
