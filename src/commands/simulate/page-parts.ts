/** How the page looks. */
export const style = `
:root { color-scheme: light dark; --back: #f4f5f7; --card: #fff; --text: #1c2430; --quiet: #5b6675; --line: #dfe3e8; --bar: #0b84d82b; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --card: #1b212a; --text: #e6eaf0; --quiet: #9aa6b5; --line: #303945; --bar: #0b84d84d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1rem; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { margin: .5rem 0 0; font-size: 1.6rem; } h2 { margin: 1rem 0 .25rem; font-size: 1rem; } h2 small { color: var(--quiet); font-weight: normal; }
header p { margin: .25rem 0 1rem; color: var(--quiet); max-width: 48rem; }
.card { position: relative; margin-bottom: 1rem; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
.card > h2:first-child { margin-top: 0; } .wide { overflow-x: auto; } .quiet, footer { color: var(--quiet); font-size: .875rem; } .quiet { margin: .75rem 0 0; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .35rem .5rem; border-bottom: 1px solid var(--line); text-align: right; } th:first-child { text-align: left; } tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--quiet); font-size: .875rem; font-weight: normal; } tbody th { font-weight: 600; }
.bar { background: linear-gradient(to left, var(--bar) var(--share), transparent var(--share)); }
i { display: inline-block; width: .8em; height: .8em; margin-right: .45em; border-radius: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; } .legend label { cursor: pointer; }
svg { display: block; width: 100%; height: auto; touch-action: pan-y; } svg path { fill: none; }
.grid { stroke: var(--line); } .tick { fill: var(--quiet); font-size: 12px; } .mark { stroke: var(--quiet); stroke-dasharray: 5 4; }
.line { stroke-width: 1.5; stroke-linejoin: round; } .line.off { display: none; } .cursor { stroke: var(--quiet); visibility: hidden; }
.tip { position: absolute; z-index: 1; pointer-events: none; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--card); box-shadow: 0 2px 8px #0003; font-size: .8125rem; white-space: nowrap; }
.tip[hidden] { display: none; } .tip td, .tip th { padding: 0 .35rem; border: 0; } .tip b { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; } dt { font-weight: 600; } dd { margin: 0; }
@media (max-width: 40rem) { .tick { font-size: 17px; } dl { display: block; } dd { margin-bottom: .5rem; } }
`;

/** What happens under the pointer: everything the page says is there without it. */
export const script = `
const data = JSON.parse(document.getElementById('data').textContent);
const tip = document.querySelector('.tip');
const charts = [...document.querySelectorAll('svg')];
const off = new Set();
for (const box of document.querySelectorAll('[data-toggle]')) box.addEventListener('change', () => {
  const line = box.dataset.toggle;
  if (box.checked) off.delete(line); else off.add(line);
  for (const path of document.querySelectorAll('[data-line="' + line + '"]')) path.classList.toggle('off', !box.checked);
});
function spoken(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 120) return seconds + ' s';
  return seconds < 7200 ? (seconds / 60).toFixed(1) + ' min' : (seconds / 3600).toFixed(1) + ' h';
}
function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return Math.floor(minutes / 60) + ':' + String(minutes % 60).padStart(2, '0') + ' h';
}
function cell(row, text, tag) { row.append(Object.assign(document.createElement(tag), { textContent: text })); }
function show(event) {
  const svg = event.currentTarget.getBoundingClientRect();
  const x = (event.clientX - svg.left) * data.width / svg.width;
  const seconds = (x - data.left) / (data.width - data.left - data.right) * data.endSeconds;
  if (seconds < 0 || seconds > data.endSeconds) return hide();
  for (const chart of charts) {
    const cursor = chart.querySelector('.cursor');
    cursor.style.visibility = 'visible';
    cursor.setAttribute('transform', 'translate(' + x + ' 0)');
  }
  const table = document.createElement('table');
  const head = table.insertRow();
  for (const text of [clock(seconds), 'workers', 'ready', 'p95 wait']) cell(head, text, 'th');
  data.policies.forEach(({ name, stepSeconds, values: [workers, ready, waits] }, line) => {
    if (off.has(String(line))) return;
    const place = Math.floor(seconds / stepSeconds);
    const row = table.insertRow();
    for (const text of [name, workers[place] ?? '–', ready[place] ?? '–', spoken(waits[place])]) cell(row, text, 'td');
  });
  tip.replaceChildren(table);
  tip.hidden = false;
  const card = tip.parentElement.getBoundingClientRect();
  const left = event.clientX - card.left;
  const isRight = left > card.width / 2;
  tip.style.left = isRight ? 'auto' : left + 16 + 'px';
  tip.style.right = isRight ? card.width - left + 16 + 'px' : 'auto';
  tip.style.top = event.clientY - card.top + 16 + 'px';
}
function hide() {
  tip.hidden = true;
  for (const chart of charts) chart.querySelector('.cursor').style.visibility = 'hidden';
}
for (const chart of charts) {
  chart.addEventListener('pointermove', show);
  chart.addEventListener('pointerleave', hide);
}
`;
