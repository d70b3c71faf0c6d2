import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'simulate-'));
const csv = join(folder, '<b>shop & "co".csv');
const rows = Array.from({ length: 3_000 }, (_, index) => {
  const burst = index < 1_500 ? 600 : 600 + index / 10;
  return `${burst},2,mail,"</script><script>alert(1)</script>"`;
});
writeFileSync(csv, ['arrival_seconds,service_seconds,queue,name', ...rows].join('\n'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('simulate', () => {
  it('prints one JSON document with a run for each policy, without any config var', async () => {
    const { exitCode, stdout, stderr } = await simulate('--trace', csv, '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { runs, ...rest } = JSON.parse(stdout) as { runs: Record<string, unknown>[] };
    expect(rest).toEqual({});
    expect(runs.map(({ policy }) => policy)).toEqual(['learned', 'ratio']);
    for (const run of runs) {
      expect(Object.keys(run)).toEqual([
        ...['policy', 'dynoSeconds', 'jobs', 'lateJobs', 'lateShare'],
        ...['p50WaitSeconds', 'p95WaitSeconds', 'p99WaitSeconds'],
        ...['actions', 'starts', 'kills', 'lost', 'peakWorkers'],
      ]);
      const figures = Object.values(run).slice(1);
      for (const figure of figures) expect(figure).toEqual(expect.any(Number));
      expect(run['jobs']).toBe(3_000);
    }
  });

  it('does what its options say', async () => {
    const options = [
      ...['--policy', 'fixed', '--min=2', '--max=3', '--concurrency=1', '--target-wait=10s'],
      ...['--boot', '5s', '--poll', '30s', '--seed', '7', '--events-per-worker', '10'],
    ];
    const { stdout } = await simulate('--trace', csv, '--json', ...options);
    // Three workers with one slot each do the first 1,500 jobs of 2 s in 1,000 s; those who begin after 10 s are late.
    const [run] = (JSON.parse(stdout) as { runs: Record<string, number>[] }).runs;
    expect(run).toMatchObject({ peakWorkers: 3, lateJobs: 3_000 - 18 });
    expect(run?.['dynoSeconds']).toBe(3 * (600 + 2_000));
  });

  it('prints a table for a person', async () => {
    const words = ['--scenario', 'newsletter', '--policy', 'recipe,fixed-2'];
    const { exitCode, stdout } = await simulate(...words);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^policy +dyno-hours +÷ recipe +late/m);
    expect(stdout).toMatch(/^fixed-2 +48\.0 /m);
  });

  it('writes a page that needs nothing else and in which names of the trace are no markup', async () => {
    const path = join(folder, 'page.html');
    const { exitCode, stderr } = await simulate('--trace', csv, '--html', path);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: `simulate: wrote ${path}\n` });
    const page = readFileSync(path, 'utf8');
    const title = '&lt;b&gt;shop &amp; &quot;co&quot;.csv';
    expect(page.match(/<h1>.*?<\/h1>/)?.[0]).toBe(`<h1>${title}</h1>`);
    expect(page.match(/<svg class="chart"/g)).toHaveLength(3);
    expect(page.match(/<(script|b)\b/g)).toEqual(['<script', '<script']);
    expect(page.match(/\b(src|href)="(?!data:).*/g)).toBeNull();
    const charts = page.slice(page.indexOf('<svg'), page.lastIndexOf('</svg>'));
    expect(charts.match(/NaN|undefined|Infinity/g)).toBeNull();
  });

  it.each([
    [[], ['give --trace FILE.csv or --scenario NAME']],
    [['--trace', 'a.csv', '--scenario', 'newsletter'], ['both --trace and --scenario']],
    [['--scenario', 'newsleter'], ['did you mean newsletter?']],
    [
      [
        '--scenario',
        'newsletter',
        '--policy',
        'lerned,rocket',
        '--min',
        '9',
        '--max',
        '8',
        '--poll',
        '5',
      ],
      [
        'no policy "lerned": did you mean learned?',
        'no policy "rocket"',
        'learned, learned-names',
        '--min=9 is above --max=8',
        '5s or 5m?',
      ],
    ],
    [
      ['--scenario', 'newsletter', '--boot', '60s-20s', '--seed', 'x'],
      ['--boot', '--seed'],
    ],
    [
      ['--scnario', 'newsletter', '--oracl', 'word', '--trace'],
      ['did you mean --scenario?', 'did you mean --oracle?', '"word"', '--trace needs a value'],
    ],
  ])('refuses %j with exit code 64, all problems at once', async (words, complaints) => {
    const { exitCode, stdout, stderr } = await simulate(...words);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: '' });
    for (const complaint of complaints) expect(stderr).toContain(complaint);
  });

  it('refuses a bad file with exit code 78, also in JSON', async () => {
    const path = join(folder, 'bad.csv');
    writeFileSync(path, 'arrival_seconds,service_seconds\n1,2\nsoon,-1\n');
    const { exitCode, stdout, stderr } = await simulate('--trace', path, '--json');
    expect(exitCode).toBe(78);
    const { runs, error } = JSON.parse(stdout) as { runs: []; error: Record<string, string> };
    expect({ runs, code: error['code'] }).toEqual({ runs: [], code: 'CONFIG_INVALID' });
    for (const text of [error['message'], stderr]) {
      expect(text).toContain('line 3: arrival_seconds="soon" is not a number');
      expect(text).toContain('line 3: service_seconds="-1" is negative');
    }
  });

  it('says when the page cannot be written', async () => {
    const { exitCode, stderr } = await simulate('--trace', csv, '--html', join(folder, 'no', 'x'));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('could not be written');
  });
});

function simulate(...words: string[]) {
  return runCommand(['simulate', ...words], {});
}
