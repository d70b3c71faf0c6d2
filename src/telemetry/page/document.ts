import { createHash } from 'node:crypto';
import { script } from './script.ts';
import { style } from './style.ts';

/** What a page may do: its own style and script, its own forms, and to ask this server. Nothing else is loaded. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src ${source(style)}`,
  `script-src ${source(script)}`,
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** One HTML document that needs nothing else; `main` and `header` are HTML, the title is not. */
export function document(parts: {
  readonly title: string;
  readonly header: string;
  readonly main: string;
  /** What belongs into the head of this document alone. */
  readonly head?: string;
}): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${parts.title}</title>
<style>${style}</style>${parts.head ?? ''}
</head>
<body>
<header><h1>backlog-autoscaler</h1>${parts.header}</header>
<main>
${parts.main}
</main>
</body>
</html>
`;
}

/** Names a text by its hash, so that a browser takes this one and no other that somebody smuggled in. */
function source(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
