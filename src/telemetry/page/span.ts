/** How far back the charts of the page reach, and how closely the history is read for that. */
export type Span = {
  readonly hours: number;
  readonly name: string;
  /** Of what is long ago, ticks are kept at every such step, and when something changed. */
  readonly stepMs: number;
  /** Most ticks to read. */
  readonly ticksMax: number;
};

const minuteMs = 60_000;
const shortest: Span = { hours: 6, name: '6 h', stepMs: 5 * minuteMs, ticksMax: 300 };
const spans: readonly Span[] = [
  shortest,
  { hours: 24, name: '24 h', stepMs: 5 * minuteMs, ticksMax: 1_000 },
  { hours: 7 * 24, name: '7 days', stepMs: 60 * minuteMs, ticksMax: 1_000 },
];

/** What the query of the page's address asks for, `hours=24`; the shortest unless it is one of the others. */
export function spanOf(query: URLSearchParams): Span {
  const asked = query.get('hours');
  return spans.find(({ hours }) => String(hours) === asked) ?? shortest;
}

/** What to add to an address so that it leads to these charts; nothing for the shortest. */
export function spanQuery({ hours }: Span): string {
  return hours === shortest.hours ? '' : `?hours=${hours}`;
}

/** The way to the others. */
export function spanLinks(current: Span): string {
  const links = spans.map((span) => {
    const here = span.hours === current.hours ? ' aria-current="page"' : '';
    return `<a href="/${spanQuery(span)}"${here}>${span.name}</a>`;
  });
  return `<nav class="spans" aria-label="How far back the charts reach"><span class="quiet">charts of</span>${links.join('')}</nav>`;
}
