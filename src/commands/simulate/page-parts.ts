import { baseStyle } from '../../html/style.ts';

/** Colours that the colour-blind can tell apart, and that show on light and dark (after Okabe and Ito). */
export const colors = [
  '#0b84d8',
  '#d55e00',
  '#00996b',
  '#c45c9c',
  '#b98900',
  '#7a5fd0',
  '#3aa6c9',
  '#808a96',
];
const colored = colors.map(
  (color, index) =>
    `.line.color${index} { stroke: ${color}; } i.color${index} { background: ${color}; }`,
);

/** How the page looks. */
export const style = `${baseStyle}
:root { --bar: #0b84d82b; }
@media (prefers-color-scheme: dark) { :root { --bar: #0b84d84d; } }
body { max-width: 66rem; }
h1 { margin: .5rem 0 0; font-size: 1.6rem; } h2 { margin: 1rem 0 .25rem; font-size: 1rem; } h2 small { color: var(--quiet); font-weight: normal; }
header p { margin: .25rem 0 1rem; color: var(--quiet); max-width: 48rem; }
.card { position: relative; } .card > h2:first-child { margin-top: 0; } .wide { overflow-x: auto; } .quiet, footer { color: var(--quiet); font-size: .875rem; } .quiet { margin: .75rem 0 0; }
table { white-space: nowrap; } tbody th { font-weight: 600; }
.bar { background: linear-gradient(to left, var(--bar) var(--share), transparent var(--share)); }
i { display: inline-block; width: .8em; height: .8em; margin-right: .45em; border-radius: 2px; } ${colored.join(' ')}
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; } .legend label { cursor: pointer; } .line.off { display: none; }
.tip { position: absolute; z-index: 1; pointer-events: none; padding: .5rem .75rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--card); box-shadow: 0 2px 8px #0003; font-size: .8125rem; white-space: nowrap; }
.tip[hidden] { display: none; } .tip td, .tip th { padding: 0 .35rem; border: 0; } .tip b { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0; } dt { font-weight: 600; } dd { margin: 0; }
@media (max-width: 40rem) { dl { display: block; } dd { margin-bottom: .5rem; } }
`;

/** What happens under the pointer: everything the page says is there without it. */
export const script = `
const data = JSON.parse(document.getElementById('data').textContent);
const tip = document.querySelector('.tip');
const charts = [...document.querySelectorAll('.chart')];
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
  const share = (event.clientX - svg.left) / svg.width;
  const seconds = share * data.endSeconds;
  if (seconds < 0 || seconds > data.endSeconds) return hide();
  for (const chart of charts) {
    const cursor = chart.querySelector('.cursor');
    cursor.style.visibility = 'visible';
    for (const end of ['x1', 'x2']) cursor.setAttribute(end, 100 * share + '%');
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
