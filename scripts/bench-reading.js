/**
 * Measures what one reading of many queues costs on a real Redis: ours, BullMQ's own API one queue after another and
 * all at once, ioredis pipelines, and plain commands sent ready-made over a bare socket. All take turns in one
 * process, so that the ratios hold although machines differ. Writes docs/reading-benchmark.md: `npm run bench:reading`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { Queue } from 'bullmq';
import prettier from 'prettier';
import { createBullmqQueues } from '../dist/queues/bullmq/bullmq-queues.js';
import { connectRedis } from '../dist/redis.js';
import { measureDaemon } from './bench-reading/daemon.js';
import { createStage, moreEvents } from './bench-reading/stage.js';

const scenarios = [
  { queues: 10, busyShare: 1, rounds: 15 },
  { queues: 1_000, busyShare: 1, rounds: 7 },
  { queues: 1_000, busyShare: 0.05, rounds: 9 },
  { queues: 10_000, busyShare: 1, rounds: 2 },
  { queues: 10_000, busyShare: 0.05, rounds: 2 },
];
const daemonScenarios = [
  { queues: 1_000, busyShare: 0.05 },
  { queues: 1_000, busyShare: 1 },
];

const stage = await createStage();
const { client } = stage;
const connection = connectRedis(stage.url, { rejectUnauthorized: true, name: 'bench' });
const results = [];
const daemons = [];
try {
  for (const scenario of scenarios) results.push(await measure(scenario));
  for (const scenario of daemonScenarios) {
    const names = await stage.fill(scenario);
    daemons.push({ ...scenario, ...(await measureDaemon(stage.url, names)) });
  }
} finally {
  connection.close();
  await stage.stop();
}
mkdirSync(new URL('../docs', import.meta.url), { recursive: true });
const document = await prettier.format(report(), { parser: 'markdown', proseWrap: 'preserve' });
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
      new Queue(name, { connection: client, skipMetasUpdate: true, skipVersionCheck: true }),
  );
  await read();
  await moreEvents(client, busy);
  const { commands, calls } = await stage.commandsOf(read);
  const plain = plainCommands(names, commands);
  const bare = await createBareSocket(stage.port, plain);
  const variants = {
    ours: read,
    'bare socket': () => bare.send(),
    pipelines: () => readByPipelines(names),
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
  const callMs = await stage.callMs();
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
  };
  console.log(line(result).join(' | '));
  return result;
}

/** Less than ours tells: no names, no running jobs, nothing of what has ended or is due soon. */
function askApi(queue) {
  return Promise.all([
    queue.getJobCounts(),
    queue.getDelayedCount(Date.now()),
    queue.getMeta(),
    queue.getWaiting(0, 0),
  ]);
}

/** The same as ours in two steps, as far as fixed commands can tell it: nothing of what has ended. */
async function readByPipelines(names) {
  for (let first = 0; first < names.length; first += 200) {
    const chunk = names.slice(first, first + 200);
    const counts = client.pipeline();
    const now = Date.now();
    for (const name of chunk) {
      const key = (suffix) => `bull:${name}:${suffix}`;
      counts.hmget(key('meta'), 'version', 'paused', 'concurrency', 'max').get(key('id'));
      counts.lrange(key('wait'), -5, -1).llen(key('wait')).llen(key('paused'));
      counts.lrange(key('active'), -10, -1).llen(key('active'));
      counts.zrange(key('prioritized'), 0, 0).zcard(key('prioritized')).zcard(key('delayed'));
      counts.zcount(key('delayed'), '-inf', now * 4096).zcard(key('waiting-children'));
      counts.zrangebyscore(key('delayed'), now * 4096, (now + 120_000) * 4096, 'LIMIT', 0, 12);
      counts.pttl(key('limiter'));
    }
    const replies = (await counts.exec()).map(([, value]) => value);
    const details = client.pipeline();
    chunk.forEach((name, index) => {
      const [, , waiting, , , active, , prioritized] = replies.slice(14 * index, 14 * index + 14);
      for (const id of waiting) details.hget(`bull:${name}:${id}`, 'name');
      for (const id of [...waiting.slice(-1), ...prioritized])
        details.hmget(`bull:${name}:${id}`, 'timestamp', 'opts', 'processedOn', 'ats', 'atm');
      for (const id of active)
        details
          .exists(`bull:${name}:${id}:lock`)
          .hmget(`bull:${name}:${id}`, 'pb', 'processedOn', 'name');
    });
    if (details.length > 0) await details.exec();
  }
}

/**
 * What tells as much as ours without a script: the same ten commands for each queue, whether it is idle or not, and
 * whatever ours looks up beyond counts, with ids known in advance.
 */
function plainCommands(names, commands) {
  const isCount = ([name, key, ...rest]) =>
    ['llen', 'zcard', 'pttl'].includes(name.toLowerCase()) ||
    /:(meta|id|limiter)$/.test(key) ||
    (name.toLowerCase() === 'exists' && key.endsWith(':wait')) ||
    (name.toLowerCase() === 'lindex' && rest[0] === '-1');
  const counts = names.flatMap((name) => {
    const key = (suffix) => `bull:${name}:${suffix}`;
    return [
      ['HMGET', key('meta'), 'version', 'paused', 'concurrency', 'max'],
      ['GET', key('id')],
      ['LLEN', key('wait')],
      ['LINDEX', key('wait'), '-1'],
      ['LLEN', key('paused')],
      ['LLEN', key('active')],
      ['ZCARD', key('delayed')],
      ['ZCARD', key('prioritized')],
      ['ZCARD', key('waiting-children')],
      ['GET', key('limiter')],
    ];
  });
  return [...counts, ...commands.filter((words) => !isCount(words))];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The least that a client could do: ready-made bytes out, and bytes in that are only counted. */
async function createBareSocket(port, commands) {
  const socket = createConnection(port, '127.0.0.1').setNoDelay(true);
  const bytes = Buffer.concat([...commands.map(encode), encode(['ECHO', 'that is all'])]);
  const end = Buffer.from('$11\r\nthat is all\r\n');
  return {
    send: () =>
      new Promise((resolve) => {
        let tail = Buffer.alloc(0);
        socket.on('data', function listen(chunk) {
          tail = Buffer.concat([tail, chunk.subarray(-end.length)]).subarray(-end.length);
          if (!tail.equals(end)) return;
          socket.off('data', listen);
          resolve();
        });
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

function encode(words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}

function line({ queues, busyShare, wallMs, cpuMs, commands, plainCommands, calls, callMs }) {
  const cells = Object.keys(wallMs).map((name) => {
    const ratio = (all) => (name === 'ours' ? '' : ` (${(all[name] / all.ours).toFixed(1)}×)`);
    const both = [wallMs, cpuMs].map((all) => milliseconds(all[name]) + ratio(all));
    return both.join(', ');
  });
  return [
    `${queues.toLocaleString('en')}, ${busyShare * 100} % busy`,
    ...cells,
    `${commands.toLocaleString('en')}, ${plainCommands.toLocaleString('en')}`,
    String(calls),
    `${milliseconds(callMs.median)}, ${milliseconds(callMs.longest)}`,
  ];
}

function report() {
  const heads = [
    'queues',
    'ours',
    'bare socket',
    'ioredis pipelines',
    'BullMQ’s API, all at once',
    'API, one by one',
    'commands: ours, bare',
    'calls',
    'one call: median, longest',
  ];
  const row = (cells) => `| ${cells.join(' | ')} |`;
  const daemonRows = daemons.map(({ queues, busyShare, ...cost }) =>
    row([
      `${queues.toLocaleString('en')}, ${busyShare * 100} % busy`,
      `${cost.residentMegabytes.toFixed(0)} MB`,
      `${cost.cpuPercent.toFixed(2)} %`,
      milliseconds(cost.tickMs),
    ]),
  );
  return `# What a reading costs

Written by \`npm run bench:reading\`, which measures it anew: ${cpus()[0]?.model.trim() ?? 'unknown CPU'} (${cpus().length} threads), Node ${process.version}, Redis ${stage.version}, over loopback. Medians of several rounds in which all variants take turns: the time from question to answer, then the processor time of client and server together, in brackets divided by that of ours. The second suffers less when the machine is busy with other things. With a network in between, round trips count instead: ours makes as many as it has calls, BullMQ’s API one by one at least as many as there are queues.

${row(heads)}
${row(heads.map(() => '---'))}
${results.map((result) => row(line(result))).join('\n')}

- A busy queue has ${stage.busyQueue}. An idle one has only been used before.
- **Ours** reads everything the daemon knows of a queue: counts, age of the oldest job, pause and limits, running jobs with worker, start and name, orphans, names along the line, jobs due soon, counters for arrivals and completions, and durations of jobs that ended.
- **BullMQ’s API** is \`getJobCounts\`, \`getDelayedCount\`, \`getMeta\` and \`getWaiting(0, 0)\`, on one connection: it tells less.
- **ioredis pipelines** ask for the same in two steps of 200 queues each, without durations and without telling which waiting job is the oldest.
- **Bare socket** is a bound: plain commands that tell as much as ours, ten for each queue and then whatever ours looks up beyond counts, with ids that are known in advance, as ready-made bytes in one pipeline whose replies are only counted, not read. It cannot see all of a queue at one moment, as ours does.
- In **ours**, names are looked up of 480 jobs, spread over the busy queues (of one each at least), event streams are followed of 10 busy queues in turn, and the settings of idle queues are read in turn, all within 10 readings.
- **One call** is how long a call of ours kept the server, by its slow log; the longest includes whatever interrupted the server meanwhile.

## The daemon

\`DRY_RUN=true\`, a tick every 10 s, for half a minute after the first ticks:

${row(['queues', 'resident memory', 'CPU of one core', 'tick (mean)'])}
${row(['---', '---', '---', '---'])}
${daemonRows.join('\n')}
`;
}

function milliseconds(value) {
  return `${value.toFixed(value < 1 ? 2 : value < 100 ? 1 : 0)} ms`;
}
