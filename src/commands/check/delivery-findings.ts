import type { Config } from '../../config/load.ts';
import type { PushTarget } from '../../delivery/push-target.ts';
import type { Failure } from '../../delivery/receiver.ts';
import { ok, problem, type Remark } from './finding.ts';

/** Whether somebody who is to be told answered and accepted the credentials. */
export type DeliveryFacts = {
  readonly to: PushTarget['name'];
  readonly host: string;
  readonly failure: Failure | null;
};

/** Asks every target, changes nothing there, and settles soon after the signal aborts. */
export async function lookAtPushTargets(
  targets: readonly PushTarget[],
  signal: AbortSignal,
): Promise<readonly DeliveryFacts[]> {
  return Promise.all(
    targets.map(async (target) => {
      const failure = await target.probe(signal);
      await target.close();
      return { to: target.name, host: target.host, failure };
    }),
  );
}

const offers: Readonly<Record<PushTarget['name'], string>> = {
  pushgateway: 'The Pushgateway',
  'remote-write': 'The server for remote write',
};

export function judgeDelivery({ to, host, failure }: DeliveryFacts): Remark {
  return failure === null
    ? ok(`${offers[to]} at ${host} answers and lets us in`)
    : problem(`${offers[to]} does not take the metrics: ${failure.message}`, failure.hint);
}

/** Whether it takes what it is told shows only when it is told something. */
export function judgeWebhook({ WEBHOOK_URL: url }: Config['process']): readonly Remark[] {
  if (url === null) return [];
  return [ok(`People are told at ${new URL(url).host}; this was not tried, as it would tell them`)];
}
