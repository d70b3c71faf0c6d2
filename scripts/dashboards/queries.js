import { metricFamilies } from '../../dist/telemetry/metric-families.js';

/**
 * PromQL selectors of the program's own metrics, narrowed by the dashboards' variables. A name that is not a metric is
 * an error here already, rather than an empty panel later.
 */
export function series(name, where = '') {
  const family = metricFamilies[name] ?? metricFamilies[name.replace(/_(bucket|sum|count)$/, '')];
  if (family === undefined) throw new Error(`${name} is not a metric`);
  const labels = ['job', 'instance', ...(family.labels.includes('pool') ? ['pool'] : [])];
  const all = [...labels.map((label) => `${label}=~"$${label}"`), ...(where === '' ? [] : [where])];
  return `${name}{${all.join(', ')}}`;
}

/** A gauge. The highest counts: while two versions overlap, both tell of the same pool. */
export function gauge(name, { by = 'pool', where } = {}) {
  return `max by (${by}) (${series(name, where)})`;
}

/** How often something happened between two points of a chart. */
export function increase(name, { by = 'pool', where } = {}) {
  return `sum by (${by}) (increase(${series(name, where)}[$__rate_interval]))`;
}

/** How much a counter grew in a second, each series by itself. */
export function growth(name) {
  return `rate(${series(name)}[$__rate_interval])`;
}

/** A quantile of a histogram between two points of a chart. */
export function quantile(share, name, { by = 'pool', where } = {}) {
  return `histogram_quantile(${share}, sum by (le, ${by}) (rate(${series(`${name}_bucket`, where)}[$__rate_interval])))`;
}

/** Jobs of all queues of each pool that the workers should be there for: ready and active. */
export const demand = `sum by (pool) (${gauge('autoscaler_queue_jobs', {
  by: 'pool, queue, state',
  where: 'state=~"ready|active"',
})})`;

/** The job that waits longest, of each pool. */
export const oldestWait = gauge('autoscaler_queue_oldest_wait_seconds');

/** Seconds since the last good tick of each pool. */
export const goodTickAge = `time() - ${gauge('autoscaler_last_good_tick_timestamp_seconds')}`;

/** The same, as a multiple of the pool's interval: from 3 on the daemon itself calls the pool unhealthy. */
export const goodTickAgeInIntervals = `(${goodTickAge}) / ${gauge('autoscaler_poll_interval_seconds')}`;
