import { randomUUID } from 'node:crypto';
import type { App, User } from './app.ts';
import type { DataMaintenance } from './data-maintenance.ts';
import type { Dyno, Release } from './dyno.ts';
import type { ProcessType } from './formation.ts';
import type { DynoSize } from './sizes.ts';

// What every app of the emulator has in common; replies stay the same as long as the ids do.
const generation = named('cedar');
const region = named('us');
const stack = named('heroku-24');
const redis = named('redis-emulated-12345');
const redisService = named('heroku-redis');
const redisPlan = named('heroku-redis:premium-0');

// The JSON of the API's objects, with every key of the published schema.
// See https://devcenter.heroku.com/articles/platform-api-reference

export function formationBody(app: App, row: ProcessType) {
  return {
    app: reference(app),
    command: row.command,
    created_at: time(row.createdAtMs),
    dyno_size: reference(row.size),
    id: row.id,
    quantity: row.quantity,
    size: row.size.name,
    type: row.type,
    updated_at: time(row.updatedAtMs),
  };
}

export function dynoBody(app: App, { id, plan, state, createdAtMs, updatedAtMs }: Dyno) {
  return {
    // One-off dynos run detached: there is no terminal to attach to.
    attach_url: null,
    app: reference(app),
    command: plan.command,
    created_at: time(createdAtMs),
    id,
    name: plan.name,
    release: { id: plan.release.id, version: plan.release.version },
    size: plan.sizeName,
    state,
    type: plan.type,
    updated_at: time(updatedAtMs),
  };
}

export function appBody(app: App) {
  const [anyRow] = app.formation();
  const released = app.releases().at(-1);
  return {
    acm: false,
    archived_at: null,
    build_stack: stack,
    buildpack_provided_description: 'Node.js',
    created_at: time(app.createdAtMs),
    generation,
    git_url: `https://git.heroku.com/${app.name}.git`,
    id: app.id,
    internal_routing: null,
    maintenance: app.isInMaintenance(),
    name: app.name,
    organization: null,
    owner: app.owner,
    // Not in the schema, but in real replies; Heroku's own client reads it.
    process_tier: anyRow?.size.tier ?? 'production',
    region,
    released_at: released === undefined ? null : time(released.createdAtMs),
    repo_size: null,
    slug_size: null,
    space: null,
    stack,
    team: null,
    updated_at: time(released?.createdAtMs ?? app.createdAtMs),
    web_url: `https://${app.name}.herokuapp.com/`,
  };
}

export function dynoSizeBody(size: DynoSize) {
  return {
    architecture: 'amd64',
    compute: size.compute,
    cost: { cents: size.centsPerMonth, unit: 'month' },
    dedicated: size.dedicated,
    generation,
    id: size.id,
    memory: size.memoryGb,
    name: size.name,
    precise_dyno_units: size.dynoUnits,
    private_space_only: false,
  };
}

export function releaseBody(app: App, release: Release) {
  return {
    addon_plan_names: [],
    app: reference(app),
    artifacts: [],
    created_at: time(release.createdAtMs),
    current: release === app.releases().at(-1),
    description: release.description,
    eligible_for_rollback: true,
    id: release.id,
    output_stream_url: null,
    slug: null,
    status: 'succeeded',
    updated_at: time(release.createdAtMs),
    user: app.owner,
    version: release.version,
  };
}

export function accountBody(owner: User, createdAtMs: number) {
  return {
    allow_tracking: false,
    beta: false,
    country_of_residence: null,
    created_at: time(createdAtMs),
    default_organization: null,
    default_team: null,
    delinquent_at: null,
    email: owner.email,
    federated: false,
    id: owner.id,
    identity_provider: null,
    last_login: time(createdAtMs),
    name: 'Developer',
    sms_number: null,
    suspended_at: null,
    two_factor_authentication: true,
    updated_at: time(createdAtMs),
    verified: true,
  };
}

/** The Heroku Key-Value Store that goes by the config var REDIS_URL. */
export function redisAddonBody(app: App) {
  return {
    actions: [],
    addon_service: redisService,
    app: reference(app),
    billed_price: { cents: 1_500, contract: false, unit: 'month' },
    billing_entity: { ...reference(app), type: 'app' },
    config_vars: ['REDIS_URL'],
    created_at: time(app.createdAtMs),
    ...redis,
    plan: redisPlan,
    provider_id: redis.id,
    provision_message: '',
    state: 'provisioned',
    updated_at: time(app.createdAtMs),
    web_url: null,
  };
}

/** As Heroku's data API has it, which calls an id uuid. */
export function maintenanceBody(app: App, maintenance: DataMaintenance) {
  const [startedAtMs, completedAtMs] = [maintenance.startedAtMs(), maintenance.completedAtMs()];
  const isCompleted = startedAtMs !== null && completedAtMs !== null;
  const window = 'Sundays 13:30 to 17:30 UTC';
  return {
    addon: {
      attachments: ['REDIS'],
      kind: redisService.name,
      name: redis.name,
      plan: redisPlan.name,
      uuid: redis.id,
      window,
    },
    addon_description: `${redis.name} on ${app.name}`,
    app: { name: app.name, uuid: app.id },
    completed_at: completedAtMs === null ? null : time(completedAtMs),
    duration_seconds: isCompleted ? Math.round((completedAtMs - startedAtMs) / 1000) : null,
    method: 'changeover',
    reason: 'routine_maintenance',
    required_by: time(maintenance.announcedAtMs + 14 * 24 * 60 * 60_000),
    scheduled_for: time(maintenance.announcedAtMs + 7 * 24 * 60 * 60_000),
    server_created_at: time(app.createdAtMs),
    started_at: startedAtMs === null ? null : time(startedAtMs),
    status: maintenance.status(),
    window,
  };
}

export type Authorization = {
  readonly id: string;
  readonly description: string | undefined;
  readonly scope: readonly string[];
  readonly token: string;
  readonly expiresInSeconds: number | null;
  readonly createdAtMs: number;
};

export function authorizationBody(owner: User, granted: Authorization) {
  return {
    access_token: {
      expires_in: granted.expiresInSeconds,
      id: randomUUID(),
      token: granted.token,
    },
    client: null,
    created_at: time(granted.createdAtMs),
    description: granted.description ?? 'Long-lived user authorization',
    grant: null,
    id: granted.id,
    refresh_token: null,
    scope: granted.scope,
    session: null,
    updated_at: time(granted.createdAtMs),
    user: { ...owner, full_name: 'Developer' },
  };
}

function reference({ id, name }: { readonly id: string; readonly name: string }) {
  return { id, name };
}

function named(name: string): { readonly id: string; readonly name: string } {
  return { id: randomUUID(), name };
}

/** To the second, as the API writes it. */
function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
