import type { Registry } from 'prom-client';
import type { PushTarget } from './push-target.ts';
import { createPushgateway } from './pushgateway.ts';
import { createRemoteWrite } from './remote-write.ts';

/** The targets that the config vars name. */
export function createPushTargets(
  urls: { readonly PUSHGATEWAY_URL: string | null; readonly REMOTE_WRITE_URL: string | null },
  parts: { readonly instance: string; readonly registry: Registry },
): readonly PushTarget[] {
  const { PUSHGATEWAY_URL: pushgateway, REMOTE_WRITE_URL: remoteWrite } = urls;
  return [
    ...(pushgateway === null ? [] : [createPushgateway({ url: pushgateway, ...parts })]),
    ...(remoteWrite === null ? [] : [createRemoteWrite({ url: remoteWrite, ...parts })]),
  ];
}
