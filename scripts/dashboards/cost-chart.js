import { chart } from './panels.js';
import { growth } from './queries.js';

/** What an hour costs, and would cost otherwise. Only one daemon counts at a time, so that the sum over all is right. */
export const costChart = (title) =>
  chart(title, {
    description:
      'What an hour costs at list price, what it would cost with the most workers allowed all along, and with what the bare ratio asked for.',
    unit: 'currencyUSD',
    queries: [
      ['used', `3600 * sum(${growth('autoscaler_cost_dollars_total')})`],
      [
        'with {{alternative}}',
        `3600 * sum by (alternative) (${growth('autoscaler_alternative_cost_dollars_total')})`,
      ],
    ],
    dashed: '/^with /',
  });
