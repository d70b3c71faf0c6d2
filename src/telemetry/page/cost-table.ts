import type { UsageReport } from '../cost-report.ts';
import { hours, isCounted, money } from '../cost-words.ts';
import type { TickReport } from '../report.ts';

const columns = ['used', 'at max', 'by ratio'];

/** What the workers cost, beside what they would have cost otherwise; nothing while nobody can tell. */
export function costTable({ cost }: TickReport): string {
  if (cost === null || !isCounted(cost.month)) return '';
  const { dollarsPerHour, today, month } = cost;
  const isPriced = month.dollars !== null;
  const rate = dollarsPerHour === null ? '' : `${money(dollarsPerHour)} an hour now`;
  const note = isPriced ? rate : 'in worker-hours, as no price is known';
  const heads = columns.map((name) => `<th scope="col">${name}</th>`);
  return `<h3>Cost <span class="quiet">${note}</span></h3>
<div class="scroll" tabindex="0" role="group" aria-label="Cost"><table>
<thead><tr><td></td>${heads.join('')}</tr></thead>
<tbody>${row('today', today, isPriced)}${row('month', month, isPriced)}</tbody>
</table></div>${missing(month)}`;
}

function row(name: string, usage: UsageReport, isPriced: boolean): string {
  const { max, ratio } = usage.alternatives;
  const cells = [usage, max, ratio].map(({ workerHours, dollars }) => {
    if (!isPriced) return hours(workerHours);
    return dollars === null ? '–' : money(dollars);
  });
  return `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/** What of the month is in no figure. */
function missing({ uncountedHours, unpricedHours, dollars }: UsageReport): string {
  const gaps = [
    ...(uncountedHours < 0.05 ? [] : [`Nobody counted ${hours(uncountedHours)} h of this month.`]),
    ...(unpricedHours < 0.05 || dollars === null
      ? []
      : [`For ${hours(unpricedHours)} h the price was not known.`]),
  ];
  return gaps.length === 0 ? '' : `\n<p class="quiet">${gaps.join(' ')}</p>`;
}
