import { decide, emptyMemory } from '../../decision/decide.ts';
import type { Decision, Memory, Observation, Policy, PolicyName } from '../../decision/types.ts';
import { planRemoval, type Plan } from '../../drain/plan.ts';
import { whereaboutsOf, type WorkerProcess } from '../../drain/verdict.ts';
import type { Order, PolicyKind, PolicySettings, View } from '../policy.ts';

/** The daemon's own defaults. */
const stabilizationSeconds: Readonly<Record<PolicyName, number>> = { ratio: 300, learned: 0 };
const drainTimeoutMs = 3_600_000;
/** While dynos drain, whether they are done is looked at this often, however long the interval. */
const drainingLookSeconds = 5;

type Protection = Observation['workers']['protection'];

/** The decision of the product, carried out through its own plan of removals. */
function production(
  name: string,
  leading: PolicyName,
  protection: Protection,
  source: string,
): PolicyKind {
  return {
    name,
    source,
    create(settings) {
      const policy = policyOf(leading, settings);
      let memory = emptyMemory;
      return {
        pollSeconds: settings.pollSeconds,
        minWorkers: settings.minWorkers,
        protection,
        look(view) {
          const observation = protection === 'none' ? countsOf(view.observation) : view.observation;
          const decided = decide(observation, policy, memory);
          const carriedOut = carryOut(decided.decision, { ...view, observation }, decided.memory);
          memory = { ...decided.memory, drains: carriedOut.drains };
          return carriedOut.order;
        },
      };
    },
  };
}

function policyOf(leading: PolicyName, settings: PolicySettings): Policy {
  const { pollSeconds } = settings;
  return {
    leading,
    targetWaitSeconds: settings.targetWaitSeconds,
    intervalSeconds: pollSeconds,
    continuitySeconds: Math.max(stabilizationSeconds[leading], 2 * pollSeconds),
    minWorkers: settings.minWorkers,
    maxWorkers: settings.maxWorkers,
    eventsPerWorker: settings.eventsPerWorker,
    concurrency: null,
    scaleDownStabilizationSeconds: stabilizationSeconds[leading],
    stabilizationWithTargetSeconds: stabilizationSeconds.learned,
    scaleUpStep: null,
    scaleDownStep: null,
    // Nobody scales by hand in a simulation.
    manualHoldSeconds: 0,
    schedule: [],
    window: null,
    nextChangeAtMs: null,
    origins: {},
    pause: null,
  };
}

function carryOut(
  { action, desiredWorkers, lookAgainAfterSeconds }: Decision,
  view: View,
  memory: Memory,
): { readonly order: Order; readonly drains: Memory['drains'] } {
  if (action !== 'scale-down') {
    const order = { workers: desiredWorkers, marked: [], lookAgainAfterSeconds };
    return { order, drains: [] };
  }
  const first = plan(desiredWorkers, view, memory.drains, view.processes);
  // The daemon waits within its tick until idle dynos have noticed their mark, which takes less than a second.
  const settled = view.processes.map((process) => settle(process, first));
  const { workers, marked, drains } = plan(desiredWorkers, view, first.drains, settled);
  const isDraining = marked.length > 0;
  return {
    order: {
      ...{ workers, marked },
      lookAgainAfterSeconds: isDraining ? drainingLookSeconds : lookAgainAfterSeconds,
    },
    drains,
  };
}

function plan(
  desiredWorkers: number,
  { observation, dynos }: View,
  drains: Memory['drains'],
  processes: readonly WorkerProcess[],
): Plan {
  return planRemoval({
    processType: 'worker',
    currentWorkers: observation.currentWorkers ?? 0,
    desiredWorkers,
    dynos,
    processes,
    whereabouts: whereaboutsOf(observation),
    isJoined: observation.workers.protection === 'drain',
    isStrict: false,
    drains,
    isTailUnknown: false,
    drainTimeoutMs,
    nowMs: observation.observedAtMs,
  });
}

function settle(process: WorkerProcess, { marked }: Plan): WorkerProcess {
  const isIdle = process.state === 'working' && process.activeJobs === 0;
  return isIdle && marked.includes(process.dyno) ? { ...process, state: 'drained' } : process;
}

/** What is left of an observation when nothing but the lengths of the lists can be read. */
function countsOf(observation: Observation): Observation {
  const queues = observation.queues.map((queue) => ({
    ...queue,
    running: [],
    readyJobNames: [],
    finished: [],
  }));
  return { ...observation, queues };
}

export const learned = production(
  'learned',
  'learned',
  'drain',
  'The product with TARGET_WAIT, and its companion in the workers, so that those to go drain first.',
);

export const learnedNames = production(
  'learned-names',
  'learned',
  'names',
  'The product with TARGET_WAIT and workers that are named after their dyno, so that only idle ones go.',
);

export const learnedCounts = production(
  'learned-counts',
  'learned',
  'none',
  'The product with TARGET_WAIT where only the lengths of the queues can be seen.',
);

export const ratio = production(
  'ratio',
  'ratio',
  'drain',
  'The product by default: ⌈ready jobs ÷ EVENTS_PER_WORKER⌉, held for 5 minutes, with its companion in the workers.',
);
