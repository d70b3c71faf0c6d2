/**
 * Plays every scenario through every policy and compares them with the clairvoyant bound: `npm run bench:policies`. Then
 * again under other conditions, and against peers in many settings. `--seeds 1,2`, `--scenarios cron,flash` and
 * `--policies learned,ratio` make it quicker and leave these two out, unless `--parts comparison,conditions,tuned` names
 * them; without any of that the result also becomes docs/policies-benchmark.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import prettier from 'prettier';
import { bootMeanSeconds } from '../dist/simulator/dynos.js';
import { simulate } from '../dist/simulator/engine.js';
import { clairvoyantDynoSeconds } from '../dist/simulator/oracle.js';
import { findPolicy, policies } from '../dist/simulator/policies/registry.js';
import { tunedPeers } from '../dist/simulator/policies/tuned-peers.js';
import { scenarios } from '../dist/simulator/scenarios/catalogue.js';
import { conditions } from './bench-policies/conditions.js';
import { report, summary } from './bench-policies/report.js';

const root = new URL('..', import.meta.url);
const settings = {
  minWorkers: 1,
  maxWorkers: 50,
  targetWaitSeconds: 120,
  eventsPerWorker: 100,
  pollSeconds: 5,
  bootSecondsMin: 20,
  bootSecondsMax: 60,
};
/** What limits the workers is no part of the bound, which would be far too low there. */
const hasBound = (trace) =>
  Object.values(trace.environment).every((limit) => limit === null || limit.length === 0);

/** Any seed but the one that things were tuned on. */
const laterSeed = 2;
/** Ours with most and with least to see, and the peers that keep the target most often. */
const conditionPolicies = ['learned', 'learned-counts', 'knative-like', 'keda-like'];

if (isMainThread) await main();
else parentPort.on('message', async (task) => parentPort.postMessage(await play(task)));

async function main() {
  const words = ['parts', 'seeds', 'scenarios', 'policies'];
  const { values } = parseArgs({
    options: Object.fromEntries(words.map((word) => [word, { type: 'string' }])),
  });
  const isWhole = Object.keys(values).length === 0;
  const parts =
    listed(values.parts) ?? (isWhole ? ['comparison', 'conditions', 'tuned'] : ['comparison']);
  const seeds = listed(values.seeds)?.map(Number) ?? [1, 2, 3, 4, 5];
  const names = listed(values.scenarios) ?? scenarios.map(({ name }) => name);
  const chosen = listed(values.policies) ?? policies.map(({ name }) => name);
  const unknown = [
    ...names.filter((name) => !scenarios.some((scenario) => scenario.name === name)),
    ...chosen.filter((name) => findPolicy(name) === undefined),
  ];
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}`);

  const startedAt = performance.now();
  const tasks = {
    comparison: names.flatMap((scenario) =>
      seeds.map((seed) => ({ scenario, seed, policies: chosen, condition: 0 })),
    ),
    conditions: conditions.flatMap((_, condition) =>
      openScenarios(names).map((scenario) => ({
        ...{ scenario, seed: laterSeed, policies: conditionPolicies, condition },
      })),
    ),
    tuned: openScenarios(names).map((scenario) => ({
      ...{ scenario, seed: laterSeed, condition: 0 },
      policies: ['learned', ...tunedPeers.map(({ name }) => name)],
    })),
  };
  const plays = await playAll(parts.flatMap((part) => tasks[part].map((t) => ({ part, ...t }))));
  const minutes = (performance.now() - startedAt) / 60_000;
  const facts = { settings, seeds, minutes, laterSeed, ...versions() };
  const all = {
    comparison: plays.filter(({ part }) => part === 'comparison'),
    kinds: chosen.map(findPolicy),
    conditions: plays.filter(({ part }) => part === 'conditions'),
    conditionKinds: conditionPolicies.map(findPolicy),
    tuned: plays.filter(({ part }) => part === 'tuned'),
    tunedKinds: [findPolicy('learned'), ...tunedPeers],
  };
  console.log(summary(all, facts));
  if (!isWhole) return;
  const file = new URL('docs/policies-benchmark.md', root);
  const style = await prettier.resolveConfig(file);
  const text = report(all, scenarios, facts);
  writeFileSync(file, await prettier.format(text, { ...style, filepath: fileURLToPath(file) }));
  console.log(`Wrote ${fileURLToPath(file)}`);
}

function listed(text) {
  return text?.split(',').map((name) => name.trim());
}

function openScenarios(names) {
  return names.filter((name) =>
    hasBound(scenarios.find((scenario) => scenario.name === name).create(laterSeed)),
  );
}

/** Two processors are enough for half an hour, and leave something of a laptop. */
function playAll(tasks) {
  const waiting = tasks.map((task, index) => ({ ...task, index }));
  const plays = [];
  const threads = Math.min(2, availableParallelism(), tasks.length);
  return new Promise((resolve, reject) => {
    for (let index = 0; index < threads; index++) {
      const worker = new Worker(new URL(import.meta.url));
      const next = () => {
        const task = waiting.shift();
        if (task === undefined) void worker.terminate();
        else worker.postMessage(task);
      };
      worker.on('error', reject);
      worker.on('message', (play) => {
        plays.push(play);
        console.error(
          `${plays.length}/${tasks.length} ${play.part}: ${play.scenario}, seed ${play.seed}`,
        );
        if (plays.length === tasks.length) resolve(inOrder(plays, tasks));
        next();
      });
      next();
    }
  });
}

/** Whichever was done first, the same document. */
function inOrder(plays, tasks) {
  return tasks.map((_, index) => plays.find((play) => play.index === index));
}

async function play(task) {
  const scenario = scenarios.find((each) => each.name === task.scenario);
  const condition = conditions[task.condition];
  const trace = scenario.create(task.seed);
  const all = {
    ...settings,
    ...condition.settings,
    seed: task.seed,
    concurrency: scenario.concurrency,
    meanServiceSeconds: trace.meanServiceSeconds,
  };
  const boundSeconds = hasBound(trace)
    ? await clairvoyantDynoSeconds(trace, { ...all, bootMeanSeconds: bootMeanSeconds(all) })
    : null;
  const results = task.policies.map((name) =>
    simulate(trace, condition.trouble(findPolicy(name)), all, all),
  );
  return { ...task, boundSeconds, results };
}

function versions() {
  const read = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));
  return {
    date: new Date().toISOString().slice(0, 10),
    product: read('package.json').version,
    node: process.version,
    highs: read('node_modules/highs/package.json').version,
  };
}
