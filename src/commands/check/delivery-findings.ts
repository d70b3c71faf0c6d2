import type { PushTarget } from '../../delivery/push-target.ts';
import type { Failure, ReceiverName } from '../../delivery/receiver.ts';
import { ok, problem, type Remark } from './finding.ts';

/** Whether somebody who is to be told answered and accepted the credentials. */
export type DeliveryFacts = {
  readonly to: ReceiverName;
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

const offers: Readonly<Record<ReceiverName, string>> = {
  pushgateway: 'The Pushgateway',
  'remote-write': 'The server for remote write',
};

export function judgeDelivery({ to, host, failure }: DeliveryFacts): Remark {
  return failure === null
    ? ok(`${offers[to]} at ${host} answers and lets us in`)
    : problem(`${offers[to]} does not take the metrics: ${failure.message}`, failure.hint);
}
