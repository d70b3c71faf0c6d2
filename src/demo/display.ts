import { styleText } from 'node:util';
import type { LoggedTick } from './daemon-log.ts';
import type { DynoState } from './heroku/dyno.ts';
import type { Counts } from './summary.ts';

/** Everything that is shown of one moment. */
export type Scene = {
  readonly atMs: number;
  readonly jobs: Counts;
  /** Worker dynos in the order of their numbers. */
  readonly workers: readonly DynoState[];
  readonly lastTick: LoggedTick | null;
  readonly changes: readonly LoggedTick[];
};

export type Display = {
  /** Says what is to be said once. */
  say(text: string): void;
  /** What has just happened to the queues. */
  announce(says: string): void;
  show(scene: Scene): void;
};

type Print = (text: string) => void;
type Format = Parameters<typeof styleText>[0];
type Segment = string | readonly [text: string, format: Format];

const samplesShown = 40;
const levels = '▁▂▃▄▅▆▇█';
const marks: Readonly<Record<'starting' | 'up' | 'down', readonly [mark: string, format: Format]>> =
  { up: ['●', 'green'], starting: ['○', 'yellow'], down: ['×', 'red'] };

/** A panel that is redrawn in place, for terminals. */
export function createPanel(print: Print, startedAtMs: number): Display {
  const samples: number[] = [];
  let lastAnnouncement = 'A job now and then';
  let linesDrawn = 0;

  return {
    say(text) {
      print(text);
      linesDrawn = 0;
    },
    announce(says) {
      lastAnnouncement = `${since(startedAtMs, Date.now())} ${says}`;
    },
    show(scene) {
      samples.push(scene.jobs.ready);
      if (samples.length > samplesShown) samples.shift();
      const lines = draw(scene, samples, lastAnnouncement, startedAtMs);
      const width = (process.stdout.columns || 80) - 1;
      // Up to where the last panel began, then over it line by line.
      const back = linesDrawn === 0 ? '' : `\r\x1b[${linesDrawn}A`;
      print(back + lines.map((line) => `\x1b[2K${paint(line, width)}\n`).join(''));
      linesDrawn = lines.length;
    },
  };
}

function draw(
  { atMs, jobs, workers, lastTick, changes }: Scene,
  samples: readonly number[],
  lastAnnouncement: string,
  startedAtMs: number,
): readonly (readonly Segment[])[] {
  const row = (name: string, value: number): Segment =>
    `  ${name.padEnd(14)}${String(value).padStart(5)}  `;
  const last = lastTick === null ? '' : lastTick.sentence;
  return [
    [[`After ${since(startedAtMs, atMs).trim()}`, 'bold']],
    [row('Jobs waiting', jobs.ready), [sparkline(samples), 'cyan']],
    [row('Jobs running', jobs.running)],
    [row('Jobs done', jobs.done)],
    [row('Workers', workers.length), ...workers.map((state) => markOf(state)), '   ', ...legend()],
    [],
    [['  Queues      ', 'bold'], lastAnnouncement],
    [['  Autoscaler  ', 'bold'], last],
    [],
    [['  Changes of the number of workers, and why', 'bold']],
    ...Array.from({ length: 4 }, (_, index): readonly Segment[] => {
      const change = changes[index];
      return change === undefined
        ? []
        : [`  ${since(startedAtMs, change.atMs)} ${change.sentence}`];
    }),
  ];
}

function markOf(state: DynoState): readonly [mark: string, format: Format] {
  if (state === 'up' || state === 'starting') return marks[state];
  return marks.down;
}

function legend(): readonly Segment[] {
  return [marks.up, ' at work  ', marks.starting, ' starting  ', marks.down, ' stopping'];
}

/** Heights in proportion to the highest sample. */
function sparkline(samples: readonly number[]): string {
  const highest = Math.max(1, ...samples);
  const level = (sample: number) => Math.ceil((sample / highest) * (levels.length - 1));
  return samples.map((sample) => levels[level(sample)]).join('');
}

/** Cuts the line to the width of the terminal, since a line that wraps could not be drawn over. */
function paint(line: readonly Segment[], width: number): string {
  let room = width;
  const painted = line.map((segment) => {
    const [text, format] = typeof segment === 'string' ? [segment, null] : segment;
    const visible = text.slice(0, room);
    room -= visible.length;
    return format === null || process.env['NO_COLOR'] ? visible : styleText(format, visible);
  });
  return painted.join('');
}

const quietSecondsMax = 5;

/** One line for whatever changes, for pipes and log files. */
export function createLines(print: Print, startedAtMs: number): Display {
  let shownTickAtMs = 0;
  let shownAtMs = 0;
  let shownWorkers = '';
  const write = (atMs: number, text: string) => {
    print(`${since(startedAtMs, atMs)}  ${text}\n`);
  };

  return {
    say: print,
    announce(says) {
      write(Date.now(), `queues: ${says}`);
    },
    show({ atMs, jobs, workers, changes }) {
      for (const change of changes.filter((tick) => tick.atMs > shownTickAtMs)) {
        write(change.atMs, `autoscaler: ${change.sentence}`);
        shownTickAtMs = change.atMs;
      }
      const elapsedSeconds = (atMs - shownAtMs) / 1000;
      const isNews = workers.join() !== shownWorkers;
      if (elapsedSeconds < (isNews ? 1 : quietSecondsMax)) return;
      write(atMs, status(jobs, workers));
      shownAtMs = atMs;
      shownWorkers = workers.join();
    },
  };
}

function status({ ready, running, done }: Counts, workers: readonly DynoState[]): string {
  const count = (wanted: DynoState) => workers.filter((state) => state === wanted).length;
  const states = [
    `${count('up')} at work`,
    ...(count('starting') > 0 ? [`${count('starting')} starting`] : []),
    ...(count('down') > 0 ? [`${count('down')} stopping`] : []),
  ];
  return `jobs: ${ready} waiting, ${running} running, ${done} done; workers: ${states.join(', ')}`;
}

function since(startedAtMs: number, atMs: number): string {
  return `${String(Math.max(0, Math.round((atMs - startedAtMs) / 1000))).padStart(3)} s`;
}
