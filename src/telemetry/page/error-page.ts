import { escape } from '../../html/escape.ts';
import type { ErrorReport } from '../report.ts';
import { document } from './document.ts';
import { spanQuery, type Span } from './span.ts';

/** Says why there is nothing to show of these charts. */
export function errorPage(span: Span, { code, message, hint }: ErrorReport): string {
  return document({
    title: '⚠ backlog-autoscaler',
    header: '',
    main: `<p class="card error"><b>${code}</b> ${escape(message)}<br>${escape(hint)}</p>
<p><a href="/${spanQuery(span)}">Try again</a></p>`,
  });
}
