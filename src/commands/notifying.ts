import type { Logger } from 'pino';
import type { Config } from '../config/load.ts';
import { createWebhook } from '../delivery/webhook.ts';
import { conditionsOf } from '../notifications/conditions.ts';
import { messageFor } from '../notifications/message.ts';
import { forgetPool, nextNotices, nothingNoticed } from '../notifications/notices.ts';
import { createScrubber } from '../scrub.ts';
import type { TickRecord } from '../tick-record.ts';
import { secretsOf } from './secrets.ts';
import type { Recorder } from './recorder.ts';

/** A recorder that also tells people what ticks show of the pools this daemon acts for. */
export type Notifying = {
  readonly recorder: Recorder;
  /** Waits for what is being told, at most so long. */
  readonly end: (timeoutMs: number) => Promise<void>;
};

/** Leaves the recorder as it is unless WEBHOOK_URL says where to tell people. */
export function createNotifying(
  config: Config,
  recorder: Recorder,
  { nowMs, log }: { readonly nowMs: () => number; readonly log: Logger },
): Notifying {
  const { WEBHOOK_URL: url } = config.process;
  if (url === null) return { recorder, end: () => Promise.resolve() };
  const scrub = createScrubber(secretsOf(config));
  const webhook = createWebhook(url, (failure) => {
    recorder.recordDelivery('webhook', failure);
  });
  log.info({ to: 'webhook', host: webhook.host }, `people are told at ${webhook.host}`);
  let state = nothingNoticed;

  function tellOf(record: TickRecord): void {
    const { pool } = record;
    if (record.outcome === 'not-leader') {
      state = forgetPool(state, pool);
      return;
    }
    const next = nextNotices(state, pool, conditionsOf(record), nowMs());
    state = next.state;
    const app = config.pools.find(({ POOL }) => POOL === pool)?.HEROKU_APP_NAME ?? null;
    for (const { sentence } of next.notices)
      webhook.send(messageFor({ pool, sentence: scrub(sentence), app }));
  }

  return {
    recorder: {
      ...recorder,
      recordTick(pool, record) {
        tellOf(record);
        return recorder.recordTick(pool, record);
      },
    },
    end: (timeoutMs) => webhook.end(timeoutMs),
  };
}
