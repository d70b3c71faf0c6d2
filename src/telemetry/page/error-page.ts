import { escape } from '../../html/escape.ts';
import type { ErrorReport } from '../report.ts';
import { document } from './document.ts';

/** Says why there is nothing to show. */
export function errorPage({ code, message, hint }: ErrorReport): string {
  return document({
    title: '⚠ backlog-autoscaler',
    header: '',
    main: `<p class="card error"><b>${code}</b> ${escape(message)}<br>${escape(hint)}</p>
<p><a href="/">Try again</a></p>`,
  });
}
