import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { startProcessGroup, type ProcessGroup } from './process-group.ts';

/** As the API names them; `complete` is only ever seen in the log, when a one-off dyno has ended. */
export type DynoState = 'starting' | 'up' | 'crashed' | 'down' | 'complete';

export type Release = {
  readonly id: string;
  readonly version: number;
  readonly description: string;
  readonly createdAtMs: number;
};

export type DynoRole = {
  /** Such as `worker.3`; two dynos may have it for a while, when one replaces the other. */
  readonly name: string;
  readonly type: string;
  readonly command: string;
  readonly sizeName: string;
  /** One-off dynos run once; the others are started again whenever they end. */
  readonly isOneOff: boolean;
};

export type DynoPlan = DynoRole & {
  readonly release: Release;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
};

export type DynoTimes = {
  /** From the request until the process starts. */
  readonly bootMs: number;
  /** From the moment the API calls the dyno down until SIGTERM. */
  readonly stopDelayMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly killGraceMs: number;
};

export type Dyno = {
  readonly id: string;
  readonly plan: DynoPlan;
  readonly createdAtMs: number;
  readonly state: DynoState;
  readonly updatedAtMs: number;
  /** Of the process group's leader, while there is one. */
  readonly pid: number | null;
  /** Where a `web` dyno should listen, once its process is started. */
  readonly port: number | null;
  /** Whether the process had to be ended with SIGKILL because it ignored SIGTERM for too long. */
  readonly wasKilled: boolean;
  /** Settles when no process of the dyno is left. */
  readonly ended: Promise<void>;
  /** Down for the API at once; the process gets SIGTERM, and SIGKILL after the grace. */
  stop(becoming: 'down' | 'starting'): void;
  /** Ends the processes at once and without a word in the log. */
  discard(): void;
};

export type DynoLog = {
  /** What the platform says about the dyno. */
  readonly platform: (line: string) => void;
  /** What its processes print. */
  readonly output: (line: string) => void;
};

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Starts one life of a dyno, which ends when its processes do; a restart is another dyno with the same name. */
export function startDyno(plan: DynoPlan, times: DynoTimes, log: DynoLog): Dyno {
  const stopping = new AbortController();
  const killing = new AbortController();
  let group: ProcessGroup | null = null;
  let isDiscarded = false;

  const dyno: Writable<Dyno> = {
    id: randomUUID(),
    plan,
    createdAtMs: Date.now(),
    state: 'starting',
    updatedAtMs: Date.now(),
    pid: null,
    port: null,
    wasKilled: false,
    ended: Promise.resolve(),
    stop(becoming) {
      if (stopping.signal.aborted) return;
      become(becoming);
      dyno.state = 'down';
      stopping.abort();
    },
    discard() {
      isDiscarded = true;
      killing.abort();
      stopping.abort();
      group?.kill();
    },
  };

  function become(state: DynoState): void {
    if (state !== dyno.state) log.platform(`State changed from ${dyno.state} to ${state}`);
    dyno.state = state;
    dyno.updatedAtMs = Date.now();
  }

  async function live(): Promise<void> {
    if (plan.type === 'web') dyno.port = await freePort();
    if (!(await pause(times.bootMs, stopping.signal))) return;
    log.platform(`Starting process with command \`${plan.command}\``);
    const env = environment(plan, dyno.port);
    group = startProcessGroup({ ...plan, env, onLine: log.output });
    dyno.pid = group.pid;
    become('up');
    const isAskedToStop = await Promise.race([
      group.commandEnded.then(() => false),
      aborted(stopping.signal).then(() => true),
    ]);
    if (isAskedToStop) dyno.wasKilled = await endInOrder(group, times, log, killing.signal);
    // What the command leaves behind ends with it.
    else group.kill();
    const status = await group.ended;
    dyno.pid = null;
    if (isDiscarded) return;
    log.platform(`Process exited with status ${dyno.wasKilled ? 137 : status}`);
    if (!isAskedToStop) become(plan.isOneOff ? 'complete' : 'crashed');
  }

  dyno.ended = live();
  return dyno;
}

/** Answers whether the group had to be killed because it took longer than the grace. */
async function endInOrder(
  group: ProcessGroup,
  times: DynoTimes,
  log: DynoLog,
  killing: AbortSignal,
): Promise<boolean> {
  if (!(await pause(times.stopDelayMs, killing))) return false;
  log.platform('Stopping all processes with SIGTERM');
  group.signal('SIGTERM');
  const over = new AbortController();
  void group.ended.then(() => {
    over.abort();
  });
  if (!(await pause(times.killGraceMs, AbortSignal.any([killing, over.signal])))) return false;
  const graceSeconds = times.killGraceMs / 1000;
  log.platform(
    `Error R12 (Exit timeout) -> At least one process failed to exit within ${graceSeconds} seconds of SIGTERM`,
  );
  log.platform('Stopping remaining processes with SIGKILL');
  group.kill();
  return true;
}

function environment(plan: DynoPlan, port: number | null): Readonly<Record<string, string>> {
  return { ...plan.env, DYNO: plan.name, ...(port === null ? {} : { PORT: String(port) }) };
}

/** Answers whether the time has passed before the signal. */
async function pause(ms: number, until: AbortSignal): Promise<boolean> {
  return sleep(ms, true, { signal: until }).catch(() => false);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
