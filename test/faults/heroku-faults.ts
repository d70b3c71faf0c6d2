import { expect } from 'vitest';
import { jsonFault, type Fault as Reply } from '../support/scripted-heroku.ts';
import type { Fault } from './fault.ts';
import { quantitiesAsked, workersAfter, type Stage } from './stage.ts';

const reply = (status: number, body: string): Reply => ({ kind: 'reply', status, body });
const calls = ({ heroku }: Stage) => heroku.requests.length;

/** Every call gets this until the fault is over. */
function lasting(parts: {
  readonly name: string;
  readonly done: string;
  readonly reply: Reply;
  readonly code: string;
  readonly lastsMs?: number;
}): Fault {
  return {
    ...parts,
    isOfHeroku: true,
    strike: ({ heroku }) => {
      heroku.always(parts.reply);
    },
    heal({ heroku }) {
      heroku.always(null);
      return undefined;
    },
  };
}

export const herokuFaults: readonly Fault[] = [
  lasting({
    name: 'Heroku is down for long (5xx)',
    done: '503 to every call for 12 ticks',
    reply: reply(503, '<h1>Sorry</h1>'),
    code: 'TARGET_UNAVAILABLE',
    lastsMs: 12_000,
  }),
  lasting({
    name: 'Heroku never answers',
    done: 'takes every request and keeps silent',
    reply: { kind: 'hang' },
    code: 'TARGET_UNAVAILABLE',
  }),
  lasting({
    name: 'Heroku’s answer never ends',
    done: 'a byte now and then, for ever',
    reply: { kind: 'drip', status: 200 },
    code: 'TARGET_UNAVAILABLE',
  }),
  lasting({
    name: 'The connection to Heroku breaks',
    done: 'every request is reset',
    reply: { kind: 'reset' },
    code: 'TARGET_UNAVAILABLE',
  }),
  lasting({
    name: 'Something else answers for Heroku',
    done: '200 with a page, as a captive portal does',
    reply: reply(200, '<html>Log in</html>'),
    code: 'TARGET_UNREADABLE',
  }),
  lasting({
    name: 'Heroku’s answer is huge',
    done: '20 MB of JSON',
    reply: reply(200, `[${'{"type":"worker","quantity":0},'.repeat(700_000)}0]`),
    code: 'TARGET_UNREADABLE',
  }),
  lasting({
    name: 'Heroku’s answer is nested 100,000 deep',
    done: '200 with brackets in brackets',
    reply: reply(200, `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    code: 'TARGET_UNREADABLE',
  }),
  lasting({
    name: 'The token is revoked for a while',
    done: '401 to every call',
    reply: jsonFault(401, { id: 'unauthorized', message: 'Invalid credentials provided.' }),
    code: 'TARGET_REJECTED',
  }),
  {
    ...lasting({
      name: 'A storm of 429 meets two pools of one account',
      done: '429 with Retry-After: 3 to every call, for 9 s',
      reply: jsonFault(429, { id: 'rate_limit', message: 'Too many' }, { 'Retry-After': '3' }),
      code: 'TARGET_RATE_LIMITED',
      lastsMs: 9_000,
    }),
    stage: twoPools(),
    verify(stage) {
      // Both pools together: one call for each pause of 3 s or more, and what it takes to scale both afterwards.
      const refused = stage.daemon.log.filter(({ code }) => code === 'TARGET_RATE_LIMITED').length;
      expect(refused).toBeGreaterThan(8);
      expect(calls(stage)).toBeLessThan(24);
    },
  },
  {
    name: 'Heroku’s account has few calls left',
    done: 'RateLimit-Remaining: 100 for 5 s',
    isOfHeroku: true,
    strike({ heroku }) {
      heroku.remainingCalls = 100;
    },
    code: null,
    lastsMs: 5_000,
    heal({ heroku }) {
      heroku.remainingCalls = 4_500;
      return undefined;
    },
  },
  {
    name: 'Heroku obeys, and says so too late',
    done: 'the change is made at once, its answer comes 3 s later',
    isOfHeroku: true,
    strike({ heroku }) {
      heroku.changeReplyDelayMs = 3_000;
    },
    code: 'TARGET_UNAVAILABLE',
    heal({ heroku }) {
      heroku.changeReplyDelayMs = 0;
      return undefined;
    },
    verify(stage) {
      // Asked once, or again for the same: never for more.
      expect(new Set(quantitiesAsked(stage))).toEqual(new Set([workersAfter]));
    },
  },
  {
    name: 'A person scales between reading and writing',
    done: 'after each of the next readings somebody sets 7, then 8',
    isOfHeroku: true,
    strike({ heroku }) {
      const quantities = [7, 8];
      heroku.onReading = () => {
        const quantity = quantities.shift();
        if (quantity !== undefined) heroku.formation['worker'] = { quantity, size: 'Standard-1X' };
        if (quantities.length === 0) heroku.onReading = null;
      };
    },
    code: null,
    heal: () => undefined,
    verify(stage) {
      expect(quantitiesAsked(stage)).toEqual([workersAfter]);
    },
  },
];

function twoPools(): NonNullable<Fault['stage']> {
  return {
    environment: { POOLS_FILE: new URL('two-pools.yml', import.meta.url).pathname },
  };
}
