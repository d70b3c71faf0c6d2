/**
 * Plays every scenario through every policy and compares them with the clairvoyant bound: `npm run bench:policies`.
 * `--seeds 1,2`, `--scenarios cron,flash` and `--policies learned,ratio` make it quicker; without them the result also
 * becomes docs/policies-benchmark.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import prettier from 'prettier';
import { bootMeanSeconds } from '../dist/simulator/dynos.js';
import { simulate } from '../dist/simulator/engine.js';
import { clairvoyantDynoSeconds } from '../dist/simulator/oracle.js';
import { findPolicy, policies } from '../dist/simulator/policies/registry.js';
import { scenarios } from '../dist/simulator/scenarios/catalogue.js';
import { report, summary } from './policies-report.js';

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

if (isMainThread) await main();
else parentPort.on('message', async (task) => parentPort.postMessage(await play(task)));

async function main() {
  const options = { seeds: { type: 'string' }, scenarios: { type: 'string' } };
  const { values } = parseArgs({ options: { ...options, policies: { type: 'string' } } });
  const seeds = listed(values.seeds)?.map(Number) ?? [1, 2, 3, 4, 5];
  const names = listed(values.scenarios) ?? scenarios.map(({ name }) => name);
  const chosen = listed(values.policies) ?? policies.map(({ name }) => name);
  const unknown = [
    ...names.filter((name) => !scenarios.some((scenario) => scenario.name === name)),
    ...chosen.filter((name) => findPolicy(name) === undefined),
  ];
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}`);

  const startedAt = performance.now();
  const tasks = names.flatMap((scenario) =>
    seeds.map((seed) => ({ scenario, seed, policies: chosen })),
  );
  const plays = await playAll(tasks);
  const minutes = (performance.now() - startedAt) / 60_000;
  const facts = { settings, seeds, minutes, ...versions() };
  const kinds = chosen.map(findPolicy);
  console.log(summary(plays, kinds, facts));
  if (Object.keys(values).length > 0) return;
  const file = new URL('docs/policies-benchmark.md', root);
  const style = await prettier.resolveConfig(file);
  const text = report(plays, kinds, scenarios, facts);
  writeFileSync(file, await prettier.format(text, { ...style, filepath: fileURLToPath(file) }));
  console.log(`Wrote ${fileURLToPath(file)}`);
}

function listed(text) {
  return text?.split(',').map((name) => name.trim());
}

/** Two processors are enough for a quarter of an hour, and leave something of a laptop. */
function playAll(tasks) {
  const waiting = [...tasks];
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
        console.error(`${plays.length}/${tasks.length} ${play.scenario}, seed ${play.seed}`);
        if (plays.length === tasks.length) resolve(inOrder(plays, tasks));
        next();
      });
      next();
    }
  });
}

/** Whichever was done first, the same document. */
function inOrder(plays, tasks) {
  return tasks.map(({ scenario, seed }) =>
    plays.find((play) => play.scenario === scenario && play.seed === seed),
  );
}

async function play({ scenario: name, seed, policies: chosen }) {
  const scenario = scenarios.find((each) => each.name === name);
  const trace = scenario.create(seed);
  const all = {
    ...settings,
    seed,
    concurrency: scenario.concurrency,
    meanServiceSeconds: trace.meanServiceSeconds,
  };
  const boundSeconds = hasBound(trace)
    ? await clairvoyantDynoSeconds(trace, { ...all, bootMeanSeconds: bootMeanSeconds(all) })
    : null;
  const results = chosen.map((policy) => simulate(trace, findPolicy(policy), all, all));
  return { scenario: name, seed, boundSeconds, results };
}

function versions() {
  const read = (path) => JSON.parse(readFileSync(new URL(path, root), 'utf8'));
  return {
    date: new Date().toISOString().slice(0, 10),
    product: read('package.json').version,
    node: process.version,
    highs: read('node_modules/highs/package.json').version,
    processor: cpus()[0]?.model ?? 'unknown',
  };
}
