import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { Command, ExitCode, Surroundings } from '../../src/commands/command.ts';
import { maintenance } from '../../src/commands/maintenance.ts';
import type { DataMaintenanceOptions } from '../../src/demo/heroku/data-maintenance.ts';
import { marksKey, workersKey, type Heartbeat } from '../../src/drain/protocol.ts';
import { apiKey, startTestHeroku, type TestHeroku } from './heroku-emulator.ts';
import { startRedis } from './redis.ts';
import { guidedRulesOf } from './security-guide.ts';

export type Ended = {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
};
type Choice = {
  readonly ask?: Surroundings['ask'];
  readonly shutdown?: AbortSignal;
  readonly options?: Readonly<Record<string, string | boolean>>;
  /** Config vars that differ. */
  readonly config?: Readonly<Record<string, string>>;
  /** Hears what is said while it is said. */
  readonly complain?: (text: string) => void;
};

/** An app with two workers that do nothing, a Redis with the user of the guide, and commands in this process. */
export type MaintenanceStage = {
  readonly heroku: TestHeroku;
  readonly admin: Redis;
  readonly environment: Readonly<Record<string, string>>;
  readonly journalPath: string;
  /** What a command sees of the process; `nowMs` runs thirty times as fast, so that no tick is waited for. */
  surroundings(): Surroundings;
  execute(command: Command, operands: readonly string[], choice?: Choice): Promise<Ended>;
  /** `maintenance VERB --yes`, which does not wait long for processes that were told to end. */
  maintain(verb: string, choice?: Choice): Promise<Ended>;
  /** Has the dynos have companions, which drain as soon as they are asked to, unless they run jobs. */
  joinPool(activeJobs?: number): void;
  workers(): number | undefined;
  /** What the server refused so far. */
  refusals(): Promise<readonly string[]>;
};

export async function startMaintenanceStage(
  dataMaintenance: DataMaintenanceOptions = { seconds: 1 },
): Promise<MaintenanceStage> {
  const redis = await startRedis();
  const admin = new Redis(redis.url);
  onTestFinished(async () => {
    admin.disconnect();
    await redis.stop();
  });
  await admin.call(
    'ACL',
    'SETUSER',
    'autoscaler',
    'reset',
    'on',
    '>secret',
    ...guidedRulesOf('autoscaler'),
  );
  const redisUrl = redis.url.replace('://', '://autoscaler:secret@');
  const heroku = await startTestHeroku({
    procfile: 'worker: exec sleep 600',
    formation: { worker: { quantity: 2 } },
    env: { REDIS_URL: redisUrl },
    dataMaintenance,
  });
  const directory = mkdtempSync(join(tmpdir(), 'autoscaler-maintenance-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const journalPath = join(directory, 'journal.json');
  const environment = {
    ...{ REDIS_URL: redisUrl, QUEUES: 'emails' },
    ...{ HEROKU_API_URL: heroku.url, HEROKU_API_KEY: apiKey, HEROKU_APP_NAME: 'demo' },
  };
  const startedMs = Date.now();

  const surroundings = (): Surroundings => ({
    environment,
    nowMs: () => startedMs + (Date.now() - startedMs) * 30,
    shutdown: new AbortController().signal,
    ...{ print: () => undefined, complain: () => undefined },
    ...{ scrub: (text) => text, hide: () => undefined, ask: null },
    ...{ isTerminal: false, showsProgress: false },
  });
  const execute: MaintenanceStage['execute'] = async (command, operands, choice = {}) => {
    let [stdout, stderr] = ['', ''];
    const { options = {}, config = {}, complain, ...others } = choice;
    const exitCode = await command.execute(
      options,
      {
        ...{ ...surroundings(), ...others, environment: { ...environment, ...config } },
        print: (text) => (stdout += text),
        complain(text) {
          stderr += text;
          complain?.(text);
        },
      },
      operands,
    );
    return { exitCode, stdout, stderr };
  };
  return {
    ...{ heroku, admin, environment, journalPath, surroundings, execute },
    maintain: (verb, choice = {}) =>
      execute(maintenance, [verb], {
        ...choice,
        options: { yes: true, journal: journalPath, 'kill-grace': '2s', ...choice.options },
      }),
    joinPool(activeJobs = 0) {
      const speaking = setInterval(() => void speak(admin, heroku, activeJobs), 100);
      onTestFinished(() => {
        clearInterval(speaking);
      });
    },
    workers: () => heroku.quantities()['worker'],
    async refusals() {
      const entries = (await admin.call('ACL', 'LOG')) as unknown[][];
      return entries.map((entry) => entry.map(String).join(' '));
    },
  };
}

async function speak(admin: Redis, heroku: TestHeroku, activeJobs: number): Promise<void> {
  const atMs = Date.now();
  for (const { plan } of heroku.livingDynos()) {
    const dyno = plan.name;
    const isMarked = (await admin.hexists(marksKey('worker'), dyno)) === 1;
    const isDrained = isMarked && activeJobs === 0;
    const heartbeat: Heartbeat = {
      ...{ dyno, activeJobs, concurrency: 1, startedAtMs: atMs, atMs },
      state: isDrained ? 'drained' : isMarked ? 'draining' : 'working',
    };
    await admin.hset(workersKey('worker'), dyno, JSON.stringify(heartbeat));
  }
}
