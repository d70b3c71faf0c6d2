import { readFileSync } from 'node:fs';
import { rateInterval } from './prometheus.js';

const files = ['config/grafana/overview.json', 'config/grafana/pool.json'];
const values = {
  ...{ job: '.+', instance: '.+', pool: '.+', queue: '.+' },
  __rate_interval: rateInterval,
};

/**
 * Asks for every panel of every dashboard what Grafana would, over the time since `startMs`. Answers a row for each:
 * dashboard, panel, and how many lines or numbers it shows; and the panels without any.
 */
export async function askDashboards(prometheus, startMs) {
  const range = { start: startMs / 1_000, end: Date.now() / 1_000, step: 2 };
  const rows = [];
  for (const file of files) {
    const { title, panels } = JSON.parse(readFileSync(file, 'utf8'));
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      let series = 0;
      for (const { expr, instant } of panel.targets) {
        const query = expr.replaceAll(/\$(\w+)/g, (_, name) => values[name]);
        const { result } = await (instant
          ? prometheus.ask('query', { query })
          : prometheus.ask('query_range', { query, ...range }));
        series += result.filter(hasNumbers).length;
      }
      rows.push({ dashboard: title, panel: panel.title, queries: panel.targets.length, series });
    }
  }
  return rows;
}

/** A quantile of nothing is NaN: a series, but an empty panel. */
function hasNumbers({ value, values: all = [] }) {
  return [...all, ...(value === undefined ? [] : [value])].some(([, each]) => each !== 'NaN');
}
