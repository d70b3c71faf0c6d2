/** What `bench:policies` found, as text. */
import { conditions } from './conditions.js';

/** A policy keeps the target on a trace when at most this share of its jobs is late. */
const lateShareMax = 0.01;
/** Anything may be tuned on this one, so that it does not count. */
const tuningSeed = 1;

/** The tables, for the terminal. */
export function summary({ comparison, kinds, ...others }, { seeds, minutes }) {
  const counted = countedPlays(comparison);
  const lines = [
    `${counted.length} runs of each policy, seeds ${seedsOf(counted)} of ${seeds.join(', ')}; ${minutes.toFixed(1)} min`,
  ];
  const open = counted.filter(({ boundSeconds }) => boundSeconds !== null);
  if (open.length > 0) lines.push(aligned(overview(open, kinds)));
  const held = counted.filter(({ boundSeconds }) => boundSeconds === null);
  if (held.length > 0) lines.push(aligned(pathologicalTable(held, kinds)));
  if (others.conditions.length > 0)
    lines.push(aligned(conditionTable(others.conditions, others.conditionKinds)));
  if (others.tuned.length > 0) {
    lines.push(aligned(hindsightTable(others.tuned, others.tunedKinds)));
    lines.push(aligned(familyTable(others.tuned, others.tunedKinds)));
  }
  return lines.join('\n\n');
}

/** The whole document. */
export function report({ comparison, kinds, ...others }, scenarios, facts) {
  const { settings } = facts;
  const counted = countedPlays(comparison);
  const open = counted.filter(({ boundSeconds }) => boundSeconds !== null);
  const held = counted.filter(({ boundSeconds }) => boundSeconds === null);
  const tuning = comparison.filter(
    ({ seed, boundSeconds }) => seed === tuningSeed && boundSeconds !== null,
  );
  const boot = `${settings.bootSecondsMin} to ${settings.bootSecondsMax} s`;
  return `# Policies compared

Written by \`npm run bench:policies\` on ${facts.date}: version ${facts.product}, Node ${facts.node}, HiGHS ${facts.highs}. The same command gives the same numbers, on any machine.

Every policy plays every trace in the simulator: ${settings.minWorkers} to ${settings.maxWorkers} dynos that boot in ${boot}, jobs that shall start within T = ${settings.targetWaitSeconds} s. The number of slots of a dyno belongs to the scenario. Whatever may be tuned was tuned on seed ${tuningSeed}; the tables show seeds ${seedsOf(counted)}, unless they say otherwise.

**Cost** is dyno-seconds from the order to the exit, until all work is done, divided by a lower bound: what somebody who knows the whole trace in advance must pay so that 99 % of the jobs start within T (a linear program with fractional dynos that boot just in time and interrupt nothing). It is the geometric mean over the traces. **Kept** counts the traces on which at least 99 % of the jobs started within T. Neither means anything without the other: a policy that misses the target on a trace may not be called cheaper on it, and can be below 1.

${markdown(overview(open, kinds))}

Killed jobs ran on a dyno that was removed, and are begun anew; a job that is killed twice is lost. A lost job counts as late, and as never started in the percentiles, which are means over the traces.

The same for seed ${tuningSeed}:

${markdown(overview(tuning, kinds))}

## By trace

Cost ÷ bound · late jobs · p95 wait, means over the seeds; **bold** where the target was kept with every seed.

${markdown(traceTable(open, kinds))}

## Where more workers do not help

No bound is known here. Dyno-hours, and the p95 wait, means over the seeds. Little is only good where the wait is not longer than that of others.

${markdown(pathologicalTable(held, kinds))}

## Under other conditions

Cost ÷ bound · traces on which the target was kept, of ${others.conditions.length / conditions.length}, with seed ${facts.laterSeed}. The bound is that of the same conditions.

${markdown(conditionTable(others.conditions, others.conditionKinds))}

- **T = 60 s** is as long as the longest boot, so that a batch cannot be met by anybody who does not see it coming.
- **Min 0**: the bound buys fractions of a dyno for batches that ours needs a whole one for, and a whole boot.
- **Half of all ticks fail**: after looks that were missed for half a minute the policy goes on, because counters tell what came and went; after a longer gap nobody is removed for 45 s, so that trouble costs money, not jobs.
- **Restarted each hour, memory lost**: the daemon keeps its memory in Redis, so that this happens only when that was deleted, too.

## Against peers that were tuned to the very trace

${others.tunedKinds.length - 1} settings of all families play each trace (seed ${facts.laterSeed}); shown is the cheapest one that kept the target there, chosen with hindsight. Nobody can make that choice in advance. Ours has the same settings on all.

${markdown(hindsightTable(others.tuned, others.tunedKinds))}

The same settings taken as one for all traces: of each family the one that kept the target most often, then the cheapest.

${markdown(familyTable(others.tuned, others.tunedKinds))}

## Scenarios

${markdown([['scenario', 'slots of a dyno', 'what it stands for'], ...scenarios.map(({ name, concurrency, about }) => [name, concurrency, about])])}

## Policies

${markdown([['policy', 'what it does'], ...kinds.map(({ name, source }) => [name, source])])}

## What is not claimed

- Nothing is said of other vendors' products: the policies that end in \`-like\` are written anew from public documentation, in the settings shown.
- The traces are made up. They stand for common shapes of traffic, not for yours; \`simulate --trace\` plays your own.
- Where T is not much longer than a boot, nobody who cannot see the future keeps it when a batch comes.
- The simulator knows first come, first served, and no priorities, deployments, daily restarts or platform errors. Slots of one dyno do not slow each other down.
- The bound takes late jobs to be of average length, and counts time in steps of 10 s. With whole dynos it would be higher by less than 1 %.
`;
}

function overview(plays, kinds) {
  const title = [
    ...['policy', 'cost ÷ bound', 'kept', 'late (mean)', 'late (worst)', 'p50 s', 'p95 s', 'p99 s'],
    ...['changes', 'starts', 'killed', 'lost', 'peak'],
  ];
  const rows = kinds.map(({ name }, index) => {
    const results = plays.map((play) => play.results[index]);
    const ratios = plays.map((play) => play.results[index].dynoSeconds / play.boundSeconds);
    const kept = results.filter(({ lateShare }) => lateShare <= lateShareMax).length;
    const late = results.map(({ lateShare }) => lateShare);
    return [
      name,
      geometricMean(ratios).toFixed(2),
      `${kept}/${results.length}`,
      percent(mean(late)),
      percent(Math.max(...late)),
      ...['p50WaitSeconds', 'p95WaitSeconds', 'p99WaitSeconds'].map((field) =>
        whole(mean(results.map((result) => result[field]))),
      ),
      ...['actions', 'starts', 'kills', 'lost'].map((field) =>
        whole(sum(results.map((result) => result[field]))),
      ),
      Math.max(...results.map(({ peakWorkers }) => peakWorkers)),
    ];
  });
  return [title, ...rows];
}

function traceTable(plays, kinds) {
  const names = [...new Set(plays.map(({ scenario }) => scenario))];
  const title = ['trace', 'bound h', ...kinds.map(({ name }) => name)];
  const rows = names.map((name) => {
    const same = plays.filter(({ scenario }) => scenario === name);
    const bound = mean(same.map(({ boundSeconds }) => boundSeconds)) / 3600;
    return [name, bound.toFixed(1), ...kinds.map((_, index) => traceCell(same, index))];
  });
  return [title, ...rows];
}

function traceCell(plays, index) {
  const results = plays.map((play) => play.results[index]);
  const ratio = geometricMean(
    plays.map((play) => play.results[index].dynoSeconds / play.boundSeconds),
  );
  const late = mean(results.map(({ lateShare }) => lateShare));
  const p95 = whole(mean(results.map(({ p95WaitSeconds }) => p95WaitSeconds)));
  const isKept = results.every(({ lateShare }) => lateShare <= lateShareMax);
  const text = isKept ? `**${ratio.toFixed(2)}**` : ratio.toFixed(2);
  return `${text} · ${percent(late)} · ${p95} s`;
}

function conditionTable(plays, kinds) {
  const rows = conditions.map(({ name }, condition) => {
    const same = plays.filter((play) => play.condition === condition);
    return [name, ...kinds.map((_, index) => costAndKept(same, index))];
  });
  return [['condition', ...kinds.map(({ name }) => name)], ...rows];
}

function costAndKept(plays, index) {
  const ratios = plays.map((play) => play.results[index].dynoSeconds / play.boundSeconds);
  return `${geometricMean(ratios).toFixed(2)} · ${keptOf(plays, index)}`;
}

function keptOf(plays, index) {
  return plays.filter(({ results }) => results[index].lateShare <= lateShareMax).length;
}

/** Of each trace the peer that was best there, and ours, which stands first among the kinds. */
function hindsightTable(plays, kinds) {
  const ratioOf = ({ results, boundSeconds }, index) => results[index].dynoSeconds / boundSeconds;
  const both = plays.map((play) => {
    const kept = kinds
      .map((_, index) => index)
      .filter((index) => index > 0 && play.results[index].lateShare <= lateShareMax);
    const best = kept.sort((a, b) => ratioOf(play, a) - ratioOf(play, b))[0];
    return { play, best };
  });
  const cells = ({ play, best }) => {
    const ours = play.results[0];
    if (best === undefined) return [play.scenario, 'none kept it', '', '', '', ''];
    const peer = play.results[best];
    return [
      play.scenario,
      kinds[best].name,
      ratioOf(play, best).toFixed(2),
      `${whole(peer.p95WaitSeconds)} s · ${peer.lost}`,
      ratioOf(play, 0).toFixed(2),
      `${whole(ours.p95WaitSeconds)} s · ${ours.lost}`,
    ];
  };
  const found = both.filter(({ best }) => best !== undefined);
  const mean = (indexOf) => geometricMean(found.map((pair) => ratioOf(pair.play, indexOf(pair))));
  return [
    ['trace', 'best setting in hindsight', 'cost ÷ bound', 'p95 · lost', 'learned', 'p95 · lost'],
    ...both.map(cells),
    [
      ...['geometric mean', '', mean(({ best }) => best).toFixed(2), ''],
      ...[mean(() => 0).toFixed(2), ''],
    ],
  ];
}

function familyTable(plays, kinds) {
  const families = [...new Set(kinds.map(({ name }) => familyOf(name)))];
  const rows = families.map((family) => {
    const members = kinds
      .map(({ name }, index) => ({ name, index }))
      .filter(({ name }) => familyOf(name) === family)
      .map(({ name, index }) => ({
        ...{ name, index, kept: keptOf(plays, index) },
        ratio: geometricMean(
          plays.map(({ results, boundSeconds }) => results[index].dynoSeconds / boundSeconds),
        ),
        lost: sum(plays.map(({ results }) => results[index].lost)),
      }));
    const [best] = members.sort((a, b) => b.kept - a.kept || a.ratio - b.ratio);
    const { name, ratio, kept, lost } = best;
    return [name, members.length, ratio.toFixed(2), `${kept}/${plays.length}`, whole(lost)];
  });
  return [['best of its family', 'settings', 'cost ÷ bound', 'kept', 'lost'], ...rows];
}

function familyOf(name) {
  return name.replace(/\(.*/, '');
}

function pathologicalTable(plays, kinds) {
  const names = [...new Set(plays.map(({ scenario }) => scenario))];
  const rows = kinds.map(({ name }, index) => [
    name,
    ...names.map((scenario) => {
      const results = plays
        .filter((play) => play.scenario === scenario)
        .map((play) => play.results[index]);
      const hours = mean(results.map(({ dynoSeconds }) => dynoSeconds)) / 3600;
      const p95 = mean(results.map(({ p95WaitSeconds }) => p95WaitSeconds));
      return `${hours.toFixed(1)} h · ${whole(p95)} s`;
    }),
  ]);
  return [['policy', ...names], ...rows];
}

/** Seeds that nothing was tuned on; when only that one was played, it. */
function countedPlays(plays) {
  const untuned = plays.filter(({ seed }) => seed !== tuningSeed);
  return untuned.length > 0 ? untuned : plays;
}

function seedsOf(plays) {
  return [...new Set(plays.map(({ seed }) => seed))].join(', ');
}

function markdown([title, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(title), line(title.map(() => '---')), ...rows.map(line)].join('\n');
}

function aligned(rows) {
  const widths = rows[0].map((_, column) =>
    Math.max(...rows.map((cells) => String(cells[column]).length)),
  );
  return rows
    .map((cells) => cells.map((cell, column) => String(cell).padEnd(widths[column])).join('  '))
    .join('\n');
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.0995 ? 2 : 1)} %`;
}

function whole(value) {
  return value.toLocaleString('en', { maximumFractionDigits: 0 });
}

function sum(values) {
  return values.reduce((all, value) => all + value, 0);
}

function mean(values) {
  return sum(values) / values.length;
}

function geometricMean(values) {
  return Math.exp(mean(values.map((value) => Math.log(value))));
}
