import { setTimeout as sleep } from 'node:timers/promises';
import { killGraceSeconds, minWorkers, untilDaemonTicks, type DemoApp } from './app.ts';
import { createLines, createPanel, type Display, type Scene } from './display.ts';
import type { Dyno } from './heroku/dyno.ts';
import { startStage, type Stage } from './stage.ts';
import { countJobs, isGood, readable, startAccount, type Counts } from './summary.ts';
import { produceBursts, trickle } from './traffic.ts';

export type ShowOptions = {
  /** Stay up after the bursts, until the shutdown. */
  readonly isKept: boolean;
  readonly isJson: boolean;
  readonly isTerminal: boolean;
  readonly shutdown: AbortSignal;
  /** Writes to stdout, which with JSON is one document. */
  readonly print: (text: string) => void;
  /** Writes to stderr. */
  readonly complain: (text: string) => void;
};

/** Bursts take some 40 s, and what they leave to do less than 30; the demo is not to be waited for any longer. */
const showSecondsMax = 80;
const sceneIntervalMs = 500;

const introduction = `
Jobs are queued in bursts. The autoscaler looks at the queues every 2 s and has
workers added while jobs wait, and removed when they are no longer needed.
Redis, the queues (BullMQ), the workers and the autoscaler are real. Heroku is a
stand-in: its dynos are processes here, and get ${killGraceSeconds} s to end instead of 30.
A second app, not shown, gets the same jobs but does not protect them.

`;

/**
 * Plays the demo from an empty machine to an empty machine. Answers whether all went well.
 * @throws {OperationalError} when its Redis is lost
 * @throws {Error} when the autoscaler does not come up, or a package is not installed
 */
export async function playShow(options: ShowOptions): Promise<boolean> {
  // A terminal window that is closed would otherwise end this process alone, and leave the others.
  process.once('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
  options.complain('Starting Redis, a stand-in for Heroku, and the autoscaler…\n');
  const stage = await startStage();
  try {
    const apps = [stage.app, stage.unprotected];
    await Promise.all(apps.map((app) => untilDaemonTicks(app, options.shutdown)));
    return await Promise.race([play(stage, options), stage.redis.lost]);
  } finally {
    await stage.close();
  }
}

async function play(stage: Stage, options: ShowOptions): Promise<boolean> {
  const { isKept, isJson, isTerminal, shutdown, print, complain } = options;
  if (isKept) print(isJson ? `${JSON.stringify(stage.exports)}\n` : instructions(stage));
  const canRedraw = isTerminal && !isJson && process.env['TERM'] !== 'dumb';
  const display = (canRedraw ? createPanel : createLines)(isJson ? complain : print, Date.now());
  display.say(introduction);

  const account = startAccount(stage);
  await playBursts(stage, display, shutdown);
  if (isKept && shutdown.aborted) return true;
  const summary = await account();
  if (isJson && !isKept) print(`${JSON.stringify(summary)}\n`);
  display.say(readable(summary));
  if (!isKept) return isGood(summary) && !shutdown.aborted;

  await stage.unprotected.close();
  display.say('\nA few jobs go on being queued, until you end this with Ctrl-C.\n\n');
  // Kept completed jobs would pile up. The bursts left fewer than these: the number of those done goes on growing.
  const opts = { removeOnComplete: 1_000 };
  await Promise.all([
    trickle(stage.app.queues, shutdown, opts),
    watch(stage.app, display, () => Promise.resolve(shutdown.aborted)),
  ]);
  return true;
}

/** Resolves when every job is done and the workers are back at the least, or there is no more to wait for. */
async function playBursts(stage: Stage, display: Display, shutdown: AbortSignal): Promise<void> {
  const { app, unprotected } = stage;
  const startedAtMs = Date.now();
  const over = new AbortController();
  let isProducing = true;
  const producing = Promise.all([
    produceBursts(app.queues, over.signal, (says) => {
      display.announce(says);
    }),
    produceBursts(unprotected.queues, over.signal, () => undefined),
  ]).finally(() => (isProducing = false));
  const watching = watch(app, display, async (jobs) => {
    if (shutdown.aborted || app.daemon.hasCrashed()) return true;
    if (Date.now() - startedAtMs > showSecondsMax * 1000) return true;
    if (isProducing || !isDone(jobs) || workersOf(app).length > minWorkers) return false;
    return isDone(await countJobs(unprotected.queues));
  }).finally(() => {
    over.abort();
  });
  await Promise.all([producing, watching]);
}

function isDone({ ready, running, later }: Counts): boolean {
  return ready + running + later === 0;
}

async function watch(
  app: DemoApp,
  display: Display,
  isOver: (jobs: Counts) => Promise<boolean>,
): Promise<void> {
  for (;;) {
    const jobs = await countJobs(app.queues);
    display.show(sceneOf(app, jobs));
    if (await isOver(jobs)) return;
    await sleep(sceneIntervalMs);
  }
}

function sceneOf(app: DemoApp, jobs: Counts): Scene {
  const { daemon } = app;
  const workers = workersOf(app).map(({ state }) => state);
  return {
    ...{ atMs: Date.now(), jobs, workers },
    lastTick: daemon.lastTick(),
    changes: daemon.changes(),
  };
}

function workersOf({ heroku }: DemoApp): readonly Dyno[] {
  return heroku
    .livingDynos()
    .filter(({ plan }) => plan.type === 'worker')
    .sort((a, b) => a.plan.name.localeCompare(b.plan.name, 'en', { numeric: true }));
}

/** Lines for a shell: what other programs need to find the demo, and where to look. */
function instructions({ exports, url }: Stage): string {
  const lines = Object.entries(exports).map(([name, value]) => `export ${name}=${value}`);
  const places = ['/', '/metrics', '/status.json', '/healthz'].map((path) => `# ${url}${path}`);
  return [...lines, '# Status page, metrics and health of the autoscaler:', ...places, ''].join(
    '\n',
  );
}
