/** What all pages look like: light and dark, on a phone and on a desk. */
export const baseStyle = `
:root { color-scheme: light dark; --back: #f3f5f8; --card: #fff; --text: #1b2430; --quiet: #5a6573; --line: #dde2e8; --edge: #7d8794; --good: #11703a; --bad: #b3261e; --accent: #0b5cad; --on-accent: #fff; --band: #0b5cad14; }
@media (prefers-color-scheme: dark) { :root { --back: #11151b; --card: #1a2029; --text: #e6eaf0; --quiet: #9ba7b6; --line: #2e3743; --edge: #8995a5; --good: #5fd08f; --bad: #ff8a80; --accent: #7ab8f5; --on-accent: #10151b; --band: #7ab8f51c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
.card { margin: 0 0 1rem; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.quiet { color: var(--quiet); font-weight: normal; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right; } th:first-child { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; } thead th { color: var(--quiet); font-size: .875rem; font-weight: normal; white-space: nowrap; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.chart { display: block; overflow: visible; touch-action: pan-y; } .chart path { fill: none; }
.grid { stroke: var(--line); } .tick { fill: var(--quiet); font-size: 12px; paint-order: stroke; stroke: var(--card); stroke-width: 3px; stroke-linejoin: round; }
.mark { stroke: var(--bad); stroke-dasharray: 5 4; } .cursor { stroke: var(--quiet); visibility: hidden; }
.line { stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; vector-effect: non-scaling-stroke; } .chart .band { fill: var(--band); }
`;
