/** How the pages look, in light and dark, on a phone and on a desk. */
export const style = `
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1c2430; --quiet: #5b6675; --line: #dfe3e8; --good: #11733b; --bad: #b3261e; --edge: #7d8794; --accent: #0b5cad; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1b212a; --text: #e6eaf0; --quiet: #9aa6b5; --line: #303945; --good: #5fd08f; --bad: #ff8a80; --edge: #8995a5; --accent: #7ab8f5; --on-accent: #10151b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3 { margin: 0; font-size: 1.15rem; } h2 { font-size: 1.3rem; } h3 { font-size: 1rem; }
header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: 1rem; }
.card { margin: 0 0 1rem; padding: 1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .quiet { color: var(--quiet); font-weight: normal; }
.good, header .bad { white-space: nowrap; font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(2, 1fr); gap: .75rem; margin: 0 0 1rem; }
@media (min-width: 36rem) { dl { grid-template-columns: repeat(4, 1fr); } }
dt { color: var(--quiet); font-size: .875rem; } dd { margin: 0; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
ol { margin: .25rem 0 1rem; padding: 0; list-style: none; } li { display: flex; gap: .75rem; } li b { min-width: 2ch; text-align: right; font-variant-numeric: tabular-nums; }
.error { margin: .5rem 0 1rem; padding: .5rem .75rem; border-left: 4px solid var(--bad); background: color-mix(in srgb, var(--bad) 10%, transparent); }
.scroll { overflow-x: auto; } table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right; } th:first-child, td.wide { text-align: left; } thead th { white-space: nowrap; color: var(--quiet); font-size: .875rem; font-weight: normal; }
p { margin: .75rem 0 0; }
.login { display: grid; gap: .5rem; max-width: 24rem; margin: 3rem auto; }
label { font-weight: 600; } input, button { font: inherit; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: .4rem; background: var(--card); color: var(--text); }
.login button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
header form { margin-left: auto; } header button { padding: .15rem .75rem; font-size: .875rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;
