/** What else a policy may meet: other settings, another platform, and a daemon that has troubles of its own. */
import { seeded } from '../../dist/simulator/scenarios/random.js';

const same = (kind) => kind;

/** Each with what differs from the usual settings, and what happens to the daemon. */
export const conditions = [
  { name: 'as in the tables above', settings: {}, trouble: same },
  { name: 'T = 60 s', settings: { targetWaitSeconds: 60 }, trouble: same },
  { name: 'T = 300 s', settings: { targetWaitSeconds: 300 }, trouble: same },
  { name: 'min 0', settings: { minWorkers: 0 }, trouble: same },
  { name: 'min 3', settings: { minWorkers: 3 }, trouble: same },
  {
    name: 'boots of 8 to 15 s',
    settings: { bootSecondsMin: 8, bootSecondsMax: 15 },
    trouble: same,
  },
  {
    name: 'boots of 60 to 120 s',
    settings: { bootSecondsMin: 60, bootSecondsMax: 120 },
    trouble: same,
  },
  { name: 'a look each minute', settings: { pollSeconds: 60 }, trouble: same },
  { name: 'EVENTS_PER_WORKER = 10', settings: { eventsPerWorker: 10 }, trouble: same },
  { name: 'EVENTS_PER_WORKER = 1000', settings: { eventsPerWorker: 1_000 }, trouble: same },
  { name: 'half of all ticks fail', settings: {}, trouble: failing(0.5) },
  { name: 'restarted each hour, memory lost', settings: {}, trouble: forgetting(3_600) },
];

/** A daemon that is started anew every so often and knows nothing of what was before. */
function forgetting(everySeconds) {
  return (kind) => ({
    ...kind,
    create(settings) {
      let policy = kind.create(settings);
      let untilMs = null;
      const look = (view) => {
        const nowMs = view.observation.observedAtMs;
        untilMs ??= nowMs + 1000 * everySeconds;
        if (nowMs >= untilMs) {
          policy = kind.create(settings);
          untilMs = nowMs + 1000 * everySeconds;
        }
        return policy.look(view);
      };
      return { ...policy, look };
    },
  });
}

/** A daemon of whose ticks some come to nothing, because of Redis or of Heroku. */
function failing(share) {
  return (kind) => ({
    ...kind,
    create(settings) {
      const policy = kind.create(settings);
      const random = seeded('failing ticks');
      let last = { workers: policy.minWorkers, marked: [], lookAgainAfterSeconds: null };
      const look = (view) => {
        const workers = view.observation.currentWorkers ?? last.workers;
        const fails = random() < share;
        last = fails ? { ...last, workers, lookAgainAfterSeconds: null } : policy.look(view);
        return last;
      };
      return { ...policy, look };
    },
  });
}
