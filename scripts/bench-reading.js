/**
 * Measures what one reading of many queues costs on a real Redis: ours, BullMQ's own API one queue after another and
 * all at once, ioredis pipelines, and plain commands sent ready-made over a bare socket. All take turns in one
 * process, so that the ratios hold although machines differ. Writes docs/reading-benchmark.md: `npm run bench:reading`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Queue } from 'bullmq';
import prettier from 'prettier';
import { createBullmqQueues } from '../dist/queues/bullmq/bullmq-queues.js';
import { connectRedis } from '../dist/redis.js';
import { measureDaemon } from './bench-reading/daemon.js';
import {
  askApi,
  createBareSocket,
  plainCommands,
  readByPipelines,
} from './bench-reading/others.js';
import { line, report } from './bench-reading/report.js';
import { median } from './bench-reading/median.js';
import { measureOverNetwork } from './bench-reading/network.js';
import { createStage, moreEvents } from './bench-reading/stage.js';

const scenarios = [
  { queues: 10, busyShare: 1, rounds: 15 },
  { queues: 1_000, busyShare: 1, rounds: 7 },
  { queues: 1_000, busyShare: 0.05, rounds: 9 },
  { queues: 10_000, busyShare: 1, rounds: 2 },
  { queues: 10_000, busyShare: 0.05, rounds: 2 },
];
const networkScenarios = [
  { queues: 1_000, busyShare: 1, rounds: 5 },
  { queues: 1_000, busyShare: 0.05, rounds: 5 },
];
const daemonScenarios = [
  { queues: 1_000, busyShare: 0.05 },
  { queues: 1_000, busyShare: 1 },
];

const stage = await createStage();
const { client } = stage;
const connection = connectRedis(stage.url, {
  rejectUnauthorized: true,
  name: 'bench',
});
const results = [];
const overNetwork = [];
const daemons = [];
try {
  for (const scenario of scenarios) results.push(await measure(scenario));
  for (const scenario of networkScenarios)
    overNetwork.push({ ...scenario, ...(await measureOverNetwork(stage, scenario)) });
  for (const scenario of daemonScenarios) {
    const names = await stage.fill(scenario);
    daemons.push({ ...scenario, ...(await measureDaemon(stage.url, names)) });
  }
} finally {
  connection.close();
  await stage.stop();
}
mkdirSync(new URL('../docs', import.meta.url), { recursive: true });
const document = await prettier.format(report({ results, overNetwork, daemons, stage }), {
  parser: 'markdown',
  proseWrap: 'preserve',
});
writeFileSync(new URL('../docs/reading-benchmark.md', import.meta.url), document);

async function measure(scenario) {
  const names = await stage.fill(scenario);
  const busy = names.slice(0, names.length * scenario.busyShare);
  const ours = createBullmqQueues({
    redis: connection,
    queues: names,
    prefix: 'bull',
    nowMs: Date.now,
  });
  const read = () => ours.read(new AbortController().signal);
  const queues = names.map(
    (name) =>
      new Queue(name, {
        connection: client,
        skipMetasUpdate: true,
        skipVersionCheck: true,
      }),
  );
  await read();
  await moreEvents(client, busy);
  const { commands, calls } = await stage.commandsOf(read);
  const callCpuMs = await cpuTimesOfCalls(names, busy);
  const plain = plainCommands(names, commands);
  const bare = createBareSocket(stage.port, plain);
  const variants = {
    ours: read,
    'bare socket': () => bare.send(),
    pipelines: () => readByPipelines(client, names),
    'API at once': () => Promise.all(queues.map(askApi)),
    'API one by one': async () => {
      for (const queue of queues) await askApi(queue);
    },
  };
  const times = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  const cpuTimes = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  await stage.watchSlowCalls();
  for (let round = 0; round <= scenario.rounds; round += 1) {
    await moreEvents(client, busy);
    for (const [name, run] of Object.entries(variants)) {
      const serverBefore = await stage.cpuMs();
      const cpu = process.cpuUsage();
      const startedAt = performance.now();
      await run();
      const took = performance.now() - startedAt;
      const { user, system } = process.cpuUsage(cpu);
      // The first round warms up.
      if (round === 0) continue;
      times[name].push(took);
      const serverMs = (await stage.cpuMs()) - serverBefore;
      cpuTimes[name].push((user + system) / 1000 + serverMs);
    }
  }
  const callMs = inBrief(await stage.callMs());
  bare.close();
  await Promise.all(queues.map((queue) => queue.close()));
  const medians = (all) =>
    Object.fromEntries(Object.entries(all).map(([name, each]) => [name, median(each)]));
  const result = {
    ...scenario,
    wallMs: medians(times),
    cpuMs: medians(cpuTimes),
    commands: commands.length,
    plainCommands: plain.length,
    calls,
    callMs,
    callCpuMs: inBrief(callCpuMs),
  };
  console.log(line(result).join(' | '));
  return result;
}

/** The processor time that each call of some readings takes of the server, whoever else wants the processor. */
async function cpuTimesOfCalls(names, busy) {
  const times = [];
  const timed = (real) =>
    new Proxy(real, {
      get(target, name) {
        if (name !== 'evalsha') return target[name];
        return async (...words) => {
          const before = await stage.cpuMs();
          const reply = await target.evalsha(...words);
          times.push((await stage.cpuMs()) - before);
          return reply;
        };
      },
    });
  const redis = {
    run: (code, signal, command) => connection.run(code, signal, (real) => command(timed(real))),
  };
  const ours = createBullmqQueues({
    redis,
    queues: names,
    prefix: 'bull',
    nowMs: Date.now,
  });
  // The first finds out what is busy.
  for (let reading = 0; reading < 4; reading += 1) {
    if (reading === 1) times.length = 0;
    await moreEvents(client, busy);
    await ours.read(new AbortController().signal);
  }
  return times;
}

function inBrief(times) {
  return { median: median(times), longest: Math.max(...times) };
}
