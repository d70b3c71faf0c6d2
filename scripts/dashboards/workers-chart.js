import { chart, dashes } from './panels.js';
import { gauge } from './queries.js';

/** What was recommended, wanted and there, within the band of what is allowed. */
export function workersChart(title, rest = {}) {
  return chart(title, {
    description:
      'Recommended: what the formula asked for. Wanted: after every limit. Current: asked of Heroku. The band is what the pool may have.',
    unit: 'none',
    shape: 'steps',
    queries: [
      ['at most', gauge('autoscaler_workers_max')],
      ['at least', gauge('autoscaler_workers_min')],
      ['recommended', gauge('autoscaler_workers_recommended')],
      ['wanted', gauge('autoscaler_workers_desired')],
      ['current', gauge('autoscaler_workers_current')],
    ],
    styles: {
      'at most': { color: 'text', lineWidth: 0, fillBelowTo: 'at least', fillOpacity: 8 },
      'at least': { color: 'text', lineWidth: 0 },
      recommended: { color: 'purple', lineStyle: dashes },
      wanted: { color: 'orange' },
      current: { color: 'green', lineWidth: 2 },
    },
    ...rest,
  });
}
