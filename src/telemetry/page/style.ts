import { baseStyle } from '../../html/style.ts';

/** How the status page and the way to it look. */
export const style = `${baseStyle}
:root { --demand: #0b6fc7; --current: #00805a; --desired: #c2560c; --wait: #8a4fc4; }
@media (prefers-color-scheme: dark) { :root { --demand: #5aa9f0; --current: #41c795; --desired: #f0975a; --wait: #bf95ec; } }
body { max-width: 80rem; }
h1, h2, h3, h4, figure, dl, dd, ol, ul { margin: 0; padding: 0; } ol, ul { list-style: none; }
h1 { font-size: 1.15rem; } h2 { font-size: 1.35rem; } h3 { margin: 1rem 0 .25rem; font-size: 1rem; } h4 { font-size: .9375rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; margin-bottom: .75rem; }
header > .quiet { margin-left: auto; font-size: .875rem; } .live { display: none; margin-left: auto; font-size: .875rem; } .scripted .live { display: inline; } header form { margin-left: auto; } .scripted header form { margin-left: 0; }
.badge { white-space: nowrap; font-weight: 600; } .badge::before { content: "● "; } .badge.bad::before { content: "▲ "; } .good { color: var(--good); } .bad { color: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(2, 1fr); gap: .75rem 1rem; } dt { color: var(--quiet); font-size: .875rem; } dd { font-size: 1.6rem; line-height: 1.25; font-variant-numeric: tabular-nums; } dd small { color: var(--quiet); font-size: .875rem; white-space: nowrap; }
.columns { display: grid; gap: .5rem 2rem; } .columns > * { min-width: 0; } .columns > :first-child > h3:first-child { margin-top: .75rem; }
.steps li { display: flex; gap: .75rem; } .past { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; } .steps b { flex: none; min-width: 2ch; text-align: right; font-variant-numeric: tabular-nums; }
.past li { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; padding: .2rem 0; border-top: 1px solid var(--line); font-size: .9375rem; } .past li:first-child { border-top: 0; } .times { white-space: nowrap; color: var(--quiet); font-variant-numeric: tabular-nums; }
.error, .notice { margin: .75rem 0 0; padding: .5rem .75rem; border-left: 4px solid var(--accent); background: var(--band); } .error { border-left-color: var(--bad); background: color-mix(in srgb, var(--bad) 10%, transparent); } .notice:empty { display: none; } main > .notice { margin: 0 0 1rem; }
.charts > .quiet { margin: .75rem 0 .25rem; font-size: .875rem; } figcaption { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; } figure { margin-top: .75rem; } figcaption span { font-size: .875rem; } figcaption b { display: inline-block; min-width: 2ch; font-variant-numeric: tabular-nums; }
figcaption i { display: inline-block; width: 1em; height: .25em; margin-right: .4em; border-radius: 2px; vertical-align: middle; }
i.demand { background: var(--demand); } i.current { background: var(--current); } i.desired { background: var(--desired); } i.wait { background: var(--wait); }
.line.demand { stroke: var(--demand); } .line.current { stroke: var(--current); } .line.desired { stroke: var(--desired); } .line.wait { stroke: var(--wait); }
details { margin-top: .25rem; } summary { cursor: pointer; color: var(--quiet); font-size: .875rem; } details .scroll { max-height: 20rem; }
.scroll { overflow: auto; margin-top: .75rem; overflow-wrap: normal; } td.wide { text-align: left; }
header { row-gap: .5rem; } .spans { display: flex; gap: .75rem; font-size: .875rem; } .spans [aria-current] { color: var(--text); text-decoration: none; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 2rem; } a { color: var(--accent); font-weight: 600; }
.login { display: grid; gap: .5rem; max-width: 24rem; margin: 3rem auto; } label { font-weight: 600; } .live { font-weight: normal; }
input, button { font: inherit; padding: .5rem .75rem; border: 1px solid var(--edge); border-radius: .4rem; background: var(--card); color: var(--text); } button { cursor: pointer; } header button { padding: .15rem .75rem; font-size: .875rem; } input[type=checkbox] { accent-color: var(--accent); }
.login button { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; } .login .error { margin: 0; }
@media (max-width: 40rem) { .live { margin-left: 0; } .card { padding: .75rem; } .scroll th, .scroll td { padding-inline: .2rem; } .scroll thead th { font-size: .75rem; white-space: normal; vertical-align: bottom; } .past, .past li { display: block; } .times { display: block; } }
@media (min-width: 40rem) { .figures { grid-template-columns: repeat(6, 1fr); } }
@media (min-width: 64rem) { .columns { grid-template: auto 1fr / 5fr 6fr; } .columns > :nth-child(2) { grid-area: 1 / 2 / 3; align-self: start; } }
`;
