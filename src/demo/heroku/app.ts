import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { aboveSizeLimit } from './api-error.ts';
import type { Dyno, Release } from './dyno.ts';
import { createDynoManager, type DynoManager, type DynoManagerOptions } from './dyno-manager.ts';
import {
  findProcessType,
  updateFormation,
  type FormationUpdate,
  type ProcessType,
} from './formation.ts';
import { defaultSize, sizeOf } from './sizes.ts';

export type AppOptions = Omit<DynoManagerOptions, 'current'> & {
  readonly appName: string;
  /** Process types and their commands. */
  readonly commands: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string>>;
};

/** Who owns the app and makes every request. */
export type User = { readonly id: string; readonly email: string };

export type OneOff = {
  readonly command: string;
  readonly type: string;
  readonly size: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeToLiveSeconds: number | undefined;
};

export type App = {
  readonly id: string;
  readonly name: string;
  readonly owner: User;
  readonly createdAtMs: number;
  readonly dynos: DynoManager;
  isInMaintenance(): boolean;
  setMaintenance(maintenance: boolean): void;
  formation(): readonly ProcessType[];
  /**
   * Answers the rows that were named.
   * @throws {ApiError} when one of the updates is refused; then nothing has changed
   */
  scale(updates: readonly FormationUpdate[]): readonly ProcessType[];
  /** @throws {ApiError} for an unknown size, or above the limit on one-off dynos */
  runOnce(oneOff: OneOff): Dyno;
  configVars(): Readonly<Record<string, string>>;
  /** Null removes. Makes a release, and so restarts every dyno. */
  setConfigVars(changes: Readonly<Record<string, string | null>>): void;
  releases(): readonly Release[];
  /** A release of new code, which for the emulator is the same as before. */
  deploy(): void;
};

/** The one app of the emulator: everything that the API can show or change. */
export function createApp(options: AppOptions): App {
  const owner = { id: randomUUID(), email: 'developer@example.com' };
  const createdAtMs = Date.now();
  let isInMaintenance = false;
  let configVars = options.env;
  let formation: readonly ProcessType[] = [...options.commands].map(([type, command]) => ({
    id: randomUUID(),
    type,
    command,
    quantity: 0,
    size: defaultSize,
    createdAtMs,
    updatedAtMs: createdAtMs,
  }));
  let latest = firstRelease(createdAtMs);
  const releases = [latest];

  const dynos = createDynoManager({
    ...options,
    current: () => ({ release: latest, env: { ...systemEnv(), ...configVars } }),
  });

  function log(line: string): void {
    options.log(`app[api]: ${line} by user ${owner.email}`);
  }

  function release(description: string): void {
    latest = {
      id: randomUUID(),
      version: latest.version + 1,
      description,
      createdAtMs: Date.now(),
    };
    releases.push(latest);
    log(description);
    log(`Release v${latest.version} created`);
    dynos.restart(dynos.list().filter(({ plan }) => !plan.isOneOff));
  }

  return {
    id: randomUUID(),
    name: options.appName,
    owner,
    createdAtMs,
    dynos,
    isInMaintenance: () => isInMaintenance,
    setMaintenance(maintenance) {
      isInMaintenance = maintenance;
    },
    formation: () => formation,
    scale(updates) {
      formation = updateFormation(formation, updates, Date.now());
      const rows = updates.map(({ type }) => findProcessType(formation, type));
      for (const row of rows) dynos.fit(row);
      const all = rows.map(({ type, quantity, size }) => `${type}@${quantity}:${size.name}`);
      log(`Scaled to ${all.join(' ')}`);
      return rows;
    },
    runOnce: (oneOff) => runOnce(dynos, oneOff),
    configVars: () => configVars,
    setConfigVars(changes) {
      const merged = Object.entries({ ...configVars, ...changes });
      configVars = Object.fromEntries(
        merged.filter((entry): entry is [string, string] => entry[1] !== null),
      );
      release(describe(changes));
    },
    releases: () => releases,
    deploy() {
      release(`Deploy ${randomBytes(4).toString('hex')}`);
    },
  };
}

function firstRelease(createdAtMs: number): Release {
  return { id: randomUUID(), version: 1, description: 'Initial release', createdAtMs };
}

function describe(changes: Readonly<Record<string, string | null>>): string {
  const names = Object.keys(changes);
  const set = names.filter((name) => changes[name] !== null);
  const removed = names.filter((name) => changes[name] === null);
  return [
    ...(set.length === 0 ? [] : [`Set ${set.join(', ')} config vars`]),
    ...(removed.length === 0 ? [] : [`Remove ${removed.join(', ')} config vars`]),
  ].join(' and ');
}

function runOnce(
  dynos: DynoManager,
  { command, type, size, env, timeToLiveSeconds }: OneOff,
): Dyno {
  const { name: sizeName, maxOneOffs } = size === undefined ? defaultSize : sizeOf(size);
  const running = dynos.list().filter(({ plan }) => plan.isOneOff && plan.sizeName === sizeName);
  if (running.length >= maxOneOffs) throw aboveSizeLimit(sizeName, maxOneOffs, running.length + 1);
  const name = `${type}.${randomInt(1_000, 10_000)}`;
  const dyno = dynos.runOnce({ name, type, command, sizeName, isOneOff: true }, env);
  if (timeToLiveSeconds !== undefined) {
    const timer = setTimeout(() => {
      dynos.restart([dyno]);
    }, timeToLiveSeconds * 1000);
    void dyno.ended.then(() => {
      clearTimeout(timer);
    });
  }
  return dyno;
}

/** The processes get what a shell needs to find programs, and otherwise config vars alone. */
function systemEnv(): Readonly<Record<string, string>> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME };
}
