import { z } from 'zod';
import { OperationalError, type ErrorCode } from '../../errors.ts';
import type { Call, Reply } from './connection.ts';
import type { Quote } from '../../quote.ts';

/** What Heroku says when it does not do as asked; whatever it leaves out, or is nonsense, is null. */
export type Refusal = {
  readonly status: number;
  readonly id: string | null;
  readonly message: string | null;
  readonly resource: string | null;
  /** The most dynos allowed, in a refusal for asking too many. */
  readonly limit: number | null;
};

const errorBody = z.object({
  id: z.string().nullable().catch(null),
  message: z.string().nullable().catch(null),
  resource: z.string().nullable().catch(null),
  limit: z.int().min(0).nullable().catch(null),
});

/** Reads the body of a reply that is not a success. Proxies answer in HTML, so it need not be JSON. */
export function readRefusal(reply: Reply): Refusal {
  const nothing = { id: null, message: null, resource: null, limit: null };
  let json: unknown;
  try {
    json = JSON.parse(reply.text);
  } catch {
    return { status: reply.status, ...nothing };
  }
  const parsed = errorBody.safeParse(json);
  return { status: reply.status, ...(parsed.success ? parsed.data : nothing) };
}

export function isSuccess(status: number): boolean {
  // 206 is a part of a list, and a part must never be taken for the whole.
  return status >= 200 && status < 300 && status !== 206;
}

export function refusalError(
  call: Call,
  reply: Reply,
  refusal: Refusal,
  quote: Quote,
): OperationalError {
  const said = [refusal.id, refusal.message].filter((part) => part !== null).join(': ');
  const answer = quote(said === '' ? String(reply.status) : `${String(reply.status)} ${said}`);
  return new OperationalError(codeOf(reply.status), `${heading(call, reply)}: ${answer}`, {
    hint: hintFor(refusal),
  });
}

/** A success whose body cannot be used. */
export function unreadable(call: Call, reply: Reply, why: string): OperationalError {
  return new OperationalError('TARGET_UNREADABLE', `${heading(call, reply)}: ${why}`, {
    hint: 'The next tick tries again. If this goes on, check that HEROKU_API_URL names the API of Heroku itself.',
  });
}

function heading(call: Call, reply: Reply): string {
  return `Heroku’s answer to ${call.method} ${call.path} (Request-Id ${reply.requestId})`;
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'TARGET_RATE_LIMITED';
  if (status >= 500) return 'TARGET_UNAVAILABLE';
  return status >= 400 ? 'TARGET_REJECTED' : 'TARGET_UNREADABLE';
}

function hintFor(refusal: Refusal): string {
  const said = [refusal.id, refusal.resource, refusal.message].join(' ');
  const row = hints.find(
    ({ status, says }) => status === refusal.status && (says === undefined || says.test(said)),
  );
  if (row) return row.hint;
  if (refusal.status >= 500)
    return 'Heroku is in trouble and the next tick tries again. If this goes on, see https://status.heroku.com.';
  return refusal.status >= 400
    ? 'Heroku will not do this: its message says why. If it makes no sense to you, give its support the Request-Id.'
    : 'Only a plain, whole reply counts: check that HEROKU_API_URL names the API itself, as https://api.heroku.com does.';
}

const malformed =
  'The request was malformed, which is a fault of this program or of something in between: please report it.';

/** What to do about each refusal; the first row that matches counts. `says` looks at its id, resource and message. */
const hints: readonly {
  readonly status: number;
  readonly says?: RegExp;
  readonly hint: string;
}[] = [
  { status: 400, hint: malformed },
  {
    status: 401,
    hint: 'The token is wrong, expired or revoked: make a new one with `heroku authorizations:create -s write` and set HEROKU_API_KEY to it.',
  },
  {
    status: 402,
    hint: 'The account owes money: settle it at https://dashboard.heroku.com/account/billing.',
  },
  {
    status: 403,
    says: /\bsuspended\b/,
    hint: 'The account or the app is suspended: write to https://help.heroku.com.',
  },
  {
    status: 403,
    says: /\btwo_factor\b/,
    hint: 'This token needs a second factor, which a daemon does not have: make one with `heroku authorizations:create -s write` and set HEROKU_API_KEY to it.',
  },
  {
    status: 403,
    hint: 'The token lacks the scope, or its user the access: make one with `heroku authorizations:create -s write`, and see who has access with `heroku access -a <app>`.',
  },
  {
    status: 404,
    says: /\bformation\b/,
    hint: 'The app has no such process type: compare PROCESS_TYPE with `heroku ps:scale -a <app>`. A type appears when a release whose Procfile names it has been deployed.',
  },
  {
    status: 404,
    hint: 'This token sees no such app: compare HEROKU_APP_NAME with `heroku apps --all`.',
  },
  {
    status: 406,
    hint: 'What answers does not speak version 3 of the API: check that HEROKU_API_URL names the API of Heroku itself.',
  },
  {
    status: 409,
    hint: 'Another change of the app is under way, such as a deploy or preboot: the next tick tries again.',
  },
  {
    status: 410,
    hint: 'Heroku has taken this away: see `heroku apps:info -a <app>`, and https://devcenter.heroku.com/changelog for what was retired.',
  },
  { status: 416, hint: malformed },
  {
    status: 422,
    says: /\bcannot_(run|update)_above_limit\b/,
    hint: 'The app may not have that many dynos: lower MAX_WORKERS, or ask for more at https://help.heroku.com.',
  },
  {
    status: 422,
    says: /\bverification_(required|needed)\b/,
    hint: 'The account has to be verified before it may scale: add a payment method at https://heroku.com/verify.',
  },
  {
    status: 422,
    says: /dyno types in the same app/,
    hint: 'These dyno sizes do not go together: give all process types sizes that do with `heroku ps:type -a <app>`.',
  },
  {
    status: 422,
    hint: 'Heroku does not accept this number of workers: its message says why. `heroku ps:scale -a <app>` shows what it has.',
  },
  {
    status: 429,
    hint: 'All that uses this Heroku account shares its 4,500 calls an hour: lengthen POLL_INTERVAL, or give the daemon an account of its own. Calls begin again by themselves.',
  },
];
