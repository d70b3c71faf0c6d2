import { document } from './document.ts';
import { spanQuery, type Span } from './span.ts';

/** The form behind which the status page with these charts is; `complaint` says why the last attempt failed. */
export function loginPage(span: Span, complaint: string | null): string {
  return document({
    title: 'Log in · backlog-autoscaler',
    header: '',
    main: `<form class="card login" method="post" action="/login${spanQuery(span)}">
<h2>Log in</h2>
<input name="username" autocomplete="username" value="backlog-autoscaler" hidden>
<label for="token">METRICS_TOKEN</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus${complaint === null ? '' : ' aria-invalid="true" aria-describedby="complaint"'}>
${complaint === null ? '' : `<p class="error" id="complaint" role="alert">${complaint}</p>`}
<button>Log in</button>
<p class="quiet">The config var of the app that serves this page. Programs send it as a bearer token instead.</p>
</form>`,
  });
}
