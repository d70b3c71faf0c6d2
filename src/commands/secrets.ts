import type { Config } from '../config/load.ts';
import { secretOfWebhook } from '../delivery/webhook.ts';

/** Every text of the configuration that no log line may show. */
export function secretsOf(config: Config): readonly string[] {
  const ofPools = config.pools.flatMap((pool) => [pool.REDIS_URL, pool.HEROKU_API_KEY]);
  const { STATE_REDIS_URL, METRICS_TOKEN, PUSHGATEWAY_URL, REMOTE_WRITE_URL, WEBHOOK_URL } =
    config.process;
  const ofProcess = [STATE_REDIS_URL, METRICS_TOKEN, PUSHGATEWAY_URL, REMOTE_WRITE_URL];
  const ofWebhook = WEBHOOK_URL === null ? [] : [WEBHOOK_URL, secretOfWebhook(WEBHOOK_URL)];
  return [...ofPools, ...ofProcess, ...ofWebhook].filter((secret) => secret !== null);
}
