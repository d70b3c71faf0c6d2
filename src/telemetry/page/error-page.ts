import { escape } from '../../html/escape.ts';
import type { ErrorReport } from '../report.ts';
import { document } from './document.ts';

/** Says why there is nothing to show, and tries again by itself. */
export function errorPage({ code, message, hint }: ErrorReport): string {
  return document({
    title: '⚠ backlog-autoscaler',
    head: '\n<meta http-equiv="refresh" content="10">',
    header: '',
    main: `<p class="card error"><b>${code}</b> ${escape(message)}<br>${escape(hint)}</p>`,
  });
}
