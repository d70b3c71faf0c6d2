import { cpus, loadavg } from 'node:os';

export function line(result) {
  const { queues, busyShare, wallMs, cpuMs, commands, plainCommands, calls } = result;
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
    ...[result.callCpuMs, result.callMs].map(
      ({ median: usual, longest }) => `${milliseconds(usual)}, ${milliseconds(longest)}`,
    ),
  ];
}

function bestRatio(results) {
  const { wallMs } = results.find(({ queues, busyShare }) => queues === 1_000 && busyShare < 1);
  return (wallMs['API one by one'] / wallMs['bare socket']).toFixed(0);
}

function networkLine({ queues, busyShare, ms }) {
  const { 'round trip': roundTrip, ours, ...others } = ms;
  return [
    `${queues.toLocaleString('en')}, ${busyShare * 100} % busy`,
    milliseconds(roundTrip),
    milliseconds(ours),
    ...Object.values(others).map((each) => `${milliseconds(each)} (${(each / ours).toFixed(1)}×)`),
  ];
}

export function report({ results, overNetwork, daemons, stage }) {
  const heads = [
    'queues',
    'ours',
    'bare socket',
    'ioredis pipelines',
    'BullMQ’s API, all at once',
    'API, one by one',
    'commands: ours, bare',
    'calls',
    'one call, processor time: median, longest',
    'by the slow log',
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

Written by \`npm run bench:reading\`, which measures it anew: ${cpus()[0]?.model.trim() ?? 'unknown CPU'} (${cpus().length} threads), Node ${process.version}, Redis ${stage.version}, over loopback. Medians of several rounds in which all variants take turns: the time from question to answer, then the processor time of client and server together, in brackets divided by that of ours. The second suffers less when the machine is busy with other things: on average ${loadavg()[2].toFixed(0)} processes wanted a processor during the last quarter of an hour.

${row(heads)}
${row(heads.map(() => '---'))}
${results.map((result) => row(line(result))).join('\n')}

- A busy queue has ${stage.busyQueue}. An idle one has only been used before.
- **Ours** reads everything the daemon knows of a queue: counts, age of the oldest job, pause and limits, running jobs with worker, start and name, orphans, names along the line, jobs due soon, counters for arrivals and completions, and durations of jobs that ended.
- **BullMQ’s API** is \`getJobCounts\`, \`getDelayedCount\`, \`getMeta\` and \`getWaiting(0, 0)\`, on one connection: it tells less.
- **ioredis pipelines** ask for the same in two steps of 200 queues each, without durations and without telling which waiting job is the oldest.
- **Bare socket** is a bound: plain commands that tell as much as ours, ten for each queue and then whatever ours looks up beyond counts, with ids that are known in advance, as ready-made bytes in one pipeline whose replies are only counted, not read. It cannot see all of a queue at one moment, as ours does, nor know the ids.
- In **ours**, names are looked up of 480 running jobs and of 480 in the lines, spread evenly over the busy queues (so of none where more queues than that are busy), event streams are followed of 10 busy queues in turn, and the settings of idle queues are read in turn, all within 10 readings.
- **One call** is what a call of ours took of the server: the processor time that it used, and how long it lasted by the slow log, which includes whatever else the machine did meanwhile.

## With a network in between

Then round trips count: ours makes as many as it has calls, BullMQ’s API one by one as many as there are queues. Here every packet is held up by a millisecond each way, as it is between a dyno and a Redis in the same region:

${row(['queues', 'one round trip', 'ours', 'ioredis pipelines', 'BullMQ’s API, all at once', 'API, one by one'])}
${row(['---', '---', '---', '---', '---', '---'])}
${overNetwork.map((each) => row(networkLine(each))).join('\n')}

## What it could cost at best

Counted in instructions of Redis 7.0 (\`valgrind --tool=callgrind\`), which do not depend on what else a machine does:

| what | in a script | as a plain command |
| --- | --- | --- |
| \`LLEN\` | 2,800 | 3,100 |
| \`HGET\` | 3,900 | 4,100 |
| \`HMGET\` of two fields | 7,800 | 6,100 |
| \`HMGET\` of four fields | 10,500 | 7,400 |
| \`LRANGE\` of four entries | 11,000 | 7,800 |

- **A busy queue** takes 310,000 instructions: about half for its 29 commands, 30,000 for the JSON, and the rest for Lua, which makes a string of every key and every value. The plain commands of the bare socket come to some 120,000, and do neither. So more than twice the bound is what it costs to have the answer of one moment in one round trip; a client that reads plain replies spends more than that (see ioredis).
- **The bare socket** beats BullMQ’s API one by one, over loopback with 1,000 queues of which 5 % are busy, ${bestRatio(results)} times; nothing that tells as much can do better there.
- **An idle queue** takes 18,000 instructions, nearly all for the names of its seven keys and for looking them up. Asking for 50 idle queues in one command was tried, and saves nothing.
- **The running jobs** of a busy queue (what lost its worker apart, which is looked at every time) take 50,000. Reading them in turn would save a sixth, and was left out: who runs what must be complete and of this moment whenever a worker is to be removed.
- **The length** of names and options is asked for before they are read, so that a job with megabytes in them costs no more than others; that is 4,000 for each field. With few queues, of which all jobs are named, it is half of the commands.

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
