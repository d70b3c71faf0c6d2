import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:net';
import type { Stage } from '../faults/stage.ts';

/** What a daemon meets in the course of days: it must leave nothing behind. Each ends with all being well again. */
export type Trouble = {
  readonly name: string;
  readonly strike: (stage: SoakStage) => Promise<void>;
};
export type SoakStage = Stage & { readonly httpPort: number };

const longerThanATickMs = 1_500;

/** Another daemon's name in every lease, for as long as that one would have it. */
const usurpScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'holder', 'usurper', 'untilMs', string.format('%.0f', now + 1500))
return 1
`;

export const troubles: readonly Trouble[] = [
  {
    name: 'connections are reset',
    strike({ toRedis, toHeroku }) {
      toRedis.cut();
      toHeroku.cut();
      return Promise.resolve();
    },
  },
  {
    name: 'Heroku fails',
    async strike({ heroku }) {
      heroku.always({ kind: 'reply', status: 503, body: 'down' });
      await sleep(longerThanATickMs);
      heroku.always(null);
    },
  },
  {
    name: 'Redis restarts',
    async strike({ admin }) {
      await admin.save();
      await admin.call('DEBUG', 'RESTART').catch(() => undefined);
    },
  },
  {
    name: 'another daemon takes the leases',
    async strike({ admin }) {
      const leases = await admin.keys('backlog-autoscaler:lease:*');
      for (const lease of leases) await admin.eval(usurpScript, 1, lease);
      await sleep(longerThanATickMs);
    },
  },
  {
    name: 'Heroku hangs',
    async strike({ heroku, toHeroku }) {
      heroku.always({ kind: 'hang' });
      await sleep(longerThanATickMs);
      heroku.always(null);
      toHeroku.cut();
    },
  },
  {
    name: 'Redis is silent',
    async strike({ toRedis }) {
      toRedis.isSilent = true;
      await sleep(longerThanATickMs);
      toRedis.isSilent = false;
      toRedis.cut();
    },
  },
  {
    name: 'Redis refuses connections',
    async strike({ toRedis }) {
      toRedis.isRefusing = true;
      toRedis.cut();
      await sleep(longerThanATickMs);
      toRedis.isRefusing = false;
    },
  },
  {
    name: 'readers of the metrics go away halfway',
    async strike({ httpPort }) {
      const sockets = Array.from({ length: 20 }, () => connect(httpPort, '127.0.0.1'));
      for (const socket of sockets) {
        socket.on('error', () => undefined);
        socket.write('GET /metrics HTTP/1.1\r\nHost: ');
      }
      await sleep(200);
      for (const socket of sockets) socket.resetAndDestroy();
    },
  },
];
