/**
 * What a browser that runs scripts does beyond showing the page: it brings the page up to date in place, so that nobody
 * loses the place, the focus or what was unfolded, and reads values of the charts under the pointer.
 */
export const script = `
const refreshMs = 10_000;
document.documentElement.classList.add('scripted');
const live = document.querySelector('.live input');
let pointed = null;

function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [olds, freshes] = [[...old.childNodes], [...fresh.childNodes]];
  freshes.forEach((child, place) => place < olds.length ? morph(olds[place], child) : old.append(child));
  for (const child of olds.slice(freshes.length)) child.remove();
}

function complain(text) {
  const place = document.querySelector('.connection');
  if (place.textContent !== text) place.textContent = text;
}

async function refresh() {
  try {
    const response = await fetch(location.href, { cache: 'no-store' });
    if (response.status === 401) return location.reload();
    if (!response.ok) return complain('This is not up to date: the service answers with ' + response.status + '.');
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
    document.title = fresh.title;
    morph(document.body, fresh.body);
    read();
  } catch {
    complain('This is not up to date: the service does not answer.');
  }
}

/** Shows in the legends what was at the place of the pointer, or what is now. */
function read() {
  for (const charts of document.querySelectorAll('.charts')) {
    const here = pointed !== null && charts.contains(pointed.chart);
    const { at, from, to, times, values } = JSON.parse(charts.querySelector('script').textContent);
    const ms = here ? from + pointed.share * (to - from) : Infinity;
    const next = at.findIndex((each) => each > ms);
    const place = next < 0 ? at.length - 1 : next - 1;
    charts.querySelectorAll('[data-value]').forEach((value) => value.textContent = values[value.dataset.value][place] ?? '–');
    const when = charts.querySelector('.when');
    when.textContent = here && place >= 0 ? times[place] + ' UTC' : when.dataset.now;
    for (const cursor of charts.querySelectorAll('.cursor')) {
      cursor.style.visibility = here ? 'visible' : 'hidden';
      if (here) for (const end of ['x1', 'x2']) cursor.setAttribute(end, 100 * pointed.share + '%');
    }
  }
}

document.addEventListener('pointermove', ({ target, clientX }) => {
  const chart = target.closest?.('.chart') ?? null;
  if (chart === null && pointed === null) return;
  const box = chart?.getBoundingClientRect();
  pointed = chart && { chart, share: (clientX - box.left) / box.width };
  read();
});
document.addEventListener('pointerleave', () => { pointed = null; read(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && live.checked) refresh(); });
live.addEventListener('change', () => { if (live.checked) refresh(); });
setInterval(() => { if (live.checked && !document.hidden) refresh(); }, refreshMs);
`;
