/**
 * Types the commands that the README shows at an app of the Heroku emulator, with real processes, a real Redis and jobs,
 * and writes what they said there. Run it when their words have changed: `npm run transcripts`. It takes four minutes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, type } from './transcripts/app.js';

const schedule =
  'mon-fri 08:00-18:00 Europe/Berlin minWorkers=5; sat,sun 00:00-24:00 Europe/Berlin maxWorkers=4';
const secondsMax = 120;

const app = await startApp({
  ...{ MIN_WORKERS: '3', MAX_WORKERS: '6', POLL_INTERVAL: '5s', SCALE_DOWN_STABILIZATION: '10s' },
  GRACE_SECONDS: '20',
});
try {
  write('simulate', [await type('simulate --scenario newsletter --policy learned,ratio,recipe')]);
  write('check', await typeAll(['check'], { SCHEDULE: schedule }));

  await app.add(1_240, 700);
  write('once', await typeAll(['once']));
  await app.startClock();
  await sleep(12_000);
  const busyAt = new Date().toISOString().slice(11, 19);
  await untilWorkers(3);
  write('explain', await typeAll([`explain --at ${busyAt}`, 'explain --last 6']));
  write('history', await typeAll(['history --csv --since 20s']));

  write(
    'wheel',
    await typeAll([
      'pause --for 2h',
      'set minWorkers=5 maxWorkers=20 --for 4h',
      'overrides',
      'set minWorkers=30',
      'unset minWorkers maxWorkers',
      'resume',
    ]),
  );

  const producer = setInterval(() => void app.add(1, 3_000), 500);
  await sleep(10_000);
  write('restart', await typeAll(['restart --pool worker']));
  write(
    'maintenance',
    await typeAll(['maintenance run --redis REDIS --app-maintenance --yes', 'maintenance status']),
  );
  clearInterval(producer);
  write('report', await typeAll(['report --since 1d']));
} finally {
  await app.close();
}

async function typeAll(lines, config) {
  const seen = [];
  for (const line of lines) seen.push(await app.type(line, config));
  return seen;
}

async function untilWorkers(count) {
  for (let second = 0; app.heroku.quantities().worker !== count; second += 1) {
    if (second > secondsMax) throw new Error(`there never were ${String(count)} workers`);
    await sleep(1_000);
  }
}

/** At once, so that a scene that fails costs only those after it. */
function write(name, seen) {
  const readme = readFileSync('README.md', 'utf8');
  const place = new RegExp(
    `(<!-- transcript-${name}:begin -->)[^]*(<!-- transcript-${name}:end -->)`,
  );
  if (!place.test(readme)) throw new Error(`README has no place for ${name}`);
  // The lines of a CSV end as RFC 4180 wants it.
  const shown = seen.map((text) => text.replaceAll('\r\n', '\n').trimEnd()).join('\n');
  const block = (_, begin, end) => `${begin}\n\n\`\`\`console\n${shown}\n\`\`\`\n\n${end}`;
  writeFileSync('README.md', readme.replace(place, block));
}
