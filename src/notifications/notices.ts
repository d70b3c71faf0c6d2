import { counted, spoken } from '../decision/words.ts';
import { conditionNames, type ConditionName, type Conditions } from './conditions.ts';

/** What is known of one condition of one pool. */
type Course = {
  /** Since when it holds; null while it does not. */
  readonly sinceMs: number | null;
  /** When people were told last that it holds; null if never. */
  readonly toldAtMs: number | null;
  /** Whether they believe that it holds. */
  readonly isTold: boolean;
  /** The queues of which they were told so. */
  readonly toldQueues: readonly string[];
};

const nothingTold: Course = { sinceMs: null, toldAtMs: null, isTold: false, toldQueues: [] };

/** What must be remembered from tick to tick: bounded by the number of pools, and by the cap. */
export type NoticeState = {
  readonly courses: ReadonlyMap<string, Course>;
  /** When people were told something, within the last hour. */
  readonly toldAtMs: readonly number[];
};

export const nothingNoticed: NoticeState = { courses: new Map(), toldAtMs: [] };

/** One thing to tell people, as a sentence about a pool. */
export type Notice = { readonly condition: ConditionName; readonly sentence: string };

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** What passes by itself soon is not worth a word. */
const patienceMs: Readonly<Record<ConditionName, number>> = {
  'at-max': 5 * minuteMs,
  blocked: 15 * minuteMs,
  failing: 3 * minuteMs,
  'platform-limit': 0,
  'manual-scale': 0,
  // It has lasted for long before it is called so.
  orphaned: 2 * minuteMs,
  'no-progress': 2 * minuteMs,
  stalling: 2 * minuteMs,
};
/** What comes and goes is told once in this time. */
const quietMs = hourMs;
/** What goes on is told again after this time, lest it be forgotten. */
const reminderMs = 24 * hourMs;
/** However many pools there are. */
const perHourMax = 20;

const endings: Readonly<Record<ConditionName, string>> = {
  'at-max': 'no longer at its maximum with jobs waiting',
  blocked: 'nothing is in the way of scaling down any more',
  failing: 'sees and scales again',
  'platform-limit': 'the limit of the platform is no longer in the way',
  'manual-scale': 'the number that someone set is no longer respected',
  orphaned: 'no orphaned job is left that nobody recovers',
  'no-progress': 'jobs start and end again',
  stalling: 'jobs no longer stall again and again',
};

/**
 * Which of the conditions of a pool people are told of now: when it has held for a while, once more a day later, and when
 * it has ended; but the same at most once an hour, and no more than twenty an hour in all.
 */
export function nextNotices(
  state: NoticeState,
  pool: string,
  conditions: Conditions,
  nowMs: number,
): { readonly state: NoticeState; readonly notices: readonly Notice[] } {
  const courses = new Map(state.courses);
  let toldAtMs = state.toldAtMs.filter((atMs) => nowMs - atMs < hourMs);
  const notices: Notice[] = [];
  for (const condition of conditionNames) {
    const found = conditions[condition];
    if (found === undefined) continue;
    const key = `${pool} ${condition}`;
    const mayTell = toldAtMs.length < perHourMax;
    const course = courses.get(key) ?? nothingTold;
    const { next, text } = follow(course, { condition, found, nowMs, mayTell });
    courses.set(key, next);
    if (text === null) continue;
    toldAtMs = [...toldAtMs, nowMs];
    const isLast = toldAtMs.length === perHourMax;
    notices.push({ condition, sentence: isLast ? `${text}. ${lastOfHour}` : text });
  }
  return { state: { courses, toldAtMs }, notices };
}

const lastOfHour = `That makes ${perHourMax} messages within an hour: no more until it is over`;

/** A daemon that no longer acts for a pool has nothing to say of it, and begins anew when it does. */
export function forgetPool(state: NoticeState, pool: string): NoticeState {
  const others = [...state.courses].filter(([key]) => !key.startsWith(`${pool} `));
  return { ...state, courses: new Map(others) };
}

function follow(
  course: Course,
  now: {
    readonly condition: ConditionName;
    readonly found: string | ReadonlyMap<string, string> | null;
    readonly nowMs: number;
    readonly mayTell: boolean;
  },
): { readonly next: Course; readonly text: string | null } {
  const { condition, found, nowMs, mayTell } = now;
  const { toldAtMs, isTold } = course;
  const lasting = (sinceMs: number) => `for ${spoken((nowMs - sinceMs) / 1000)}`;
  if (found === null) {
    const next = { ...nothingTold, toldAtMs };
    if (!isTold || course.sinceMs === null || !mayTell) return { next, text: null };
    return { next, text: `${endings[condition]} (it was so ${lasting(course.sinceMs)})` };
  }
  const sinceMs = course.sinceMs ?? nowMs;
  const byQueue: readonly (readonly [queue: string, sentence: string])[] =
    typeof found === 'string' ? [['', found]] : [...found];
  const joined = isTold ? byQueue.filter(([queue]) => !course.toldQueues.includes(queue)) : [];
  const pauseMs = isTold ? reminderMs : quietMs;
  const isDue = nowMs - sinceMs >= patienceMs[condition];
  const isQuiet = joined.length === 0 && toldAtMs !== null && nowMs - toldAtMs < pauseMs;
  if (!isDue || isQuiet || !mayTell) return { next: { ...course, sinceMs }, text: null };
  const [first, ...others] = joined.length > 0 ? joined : byQueue;
  const more = others.length === 0 ? '' : `, and so in ${counted(others.length, 'other queue')}`;
  // Of a queue that joined, its own sentence says since when.
  const isLong = joined.length === 0 && nowMs - sinceMs >= minuteMs;
  const long = isLong ? ` (${lasting(sinceMs)})` : '';
  const toldQueues = [...new Set([...course.toldQueues, ...byQueue.map(([queue]) => queue)])];
  return {
    next: { sinceMs, toldAtMs: nowMs, isTold: true, toldQueues },
    text: `${first?.[1] ?? ''}${more}${long}`,
  };
}
