import { escape } from '../../html/escape.ts';
import type { Health } from '../health.ts';
import { document } from './document.ts';
import { anchorOf, poolCard } from './pool-card.ts';
import type { PoolView } from './pool-view.ts';
import { script } from './script.ts';
import { spanLinks, type Span } from './span.ts';
import { badge, number } from './text.ts';

export type PageView = {
  readonly pools: readonly PoolView[];
  readonly health: Health;
  /** How far back the charts reach. */
  readonly span: Span;
  /** Whether one has to log in, and so can log out. */
  readonly isGuarded: boolean;
  /** Why all this is not the latest; null when it is. */
  readonly outdated: string | null;
  readonly nowMs: number;
};

/** The status page. It says all without a script; with one it stays up to date in place. */
export function statusPage(view: PageView): string {
  const { pools, health, span, isGuarded, outdated, nowMs } = view;
  const sorted = pools.toSorted((one, other) => one.report.pool.localeCompare(other.report.pool));
  const cards = sorted.map((view) => poolCard(view, nowMs));
  const nothing = '<p class="card">No pool has been looked at yet.</p>';
  return document({
    title: `${health.isHealthy ? '' : '⚠ '}backlog-autoscaler`,
    // Without a script the whole page is loaded anew.
    head: `<noscript><meta http-equiv="refresh" content="10"></noscript>
<script type="module">${script}</script>`,
    header: `<span role="status">${badge(health.isHealthy)}</span>
${spanLinks(span)}
<label class="live"><input type="checkbox" checked> keep up to date</label>${isGuarded ? logout : ''}`,
    main: `<p class="notice connection" role="status">${outdated === null ? '' : escape(outdated)}</p>
${sorted.length > 1 ? overview(sorted) : ''}
${cards.length === 0 ? nothing : cards.join('\n')}`,
  });
}

const logout = '<form method="post" action="/logout"><button>Log out</button></form>';

/** Of several pools, first how each is, in a line. */
function overview(pools: readonly PoolView[]): string {
  const items = pools.map(({ report: { pool, currentWorkers, desiredWorkers }, health }) => {
    const workers = `${number(currentWorkers)} → ${number(desiredWorkers)}`;
    return `<li><a href="#${anchorOf(pool)}">${escape(pool)}</a> ${workers} ${badge(health?.isHealthy ?? false)}</li>`;
  });
  return `<nav class="card" aria-label="Pools"><ul>${items.join('')}</ul></nav>`;
}
