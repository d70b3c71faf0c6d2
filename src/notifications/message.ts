const lengthMax = 1_000;

/**
 * The body of a message for Slack and everything that takes the same. Names of queues, jobs and errors are anyone's text:
 * they can neither form a link, nor call people, nor break the line.
 */
export function messageFor(notice: {
  readonly pool: string;
  readonly sentence: string;
  readonly app: string | null;
}): string {
  const line = plain(`${notice.pool}: ${notice.sentence}`);
  const link =
    notice.app === null
      ? []
      : [`https://dashboard.heroku.com/apps/${encodeURIComponent(notice.app)}/resources`];
  return JSON.stringify({ text: [line, ...link].join('\n') });
}

/** The three characters that Slack gives a meaning are escaped; a zero-width space keeps others from heeding an `@`. */
function plain(text: string): string {
  const line = text.replace(/\p{Cc}+/gu, ' ');
  const cut = line.length > lengthMax ? `${line.slice(0, lengthMax)}…` : line;
  return cut
    .replaceAll('@', '@\u200b')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
