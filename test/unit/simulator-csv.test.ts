import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OperationalError } from '../../src/errors.ts';
import { readCsvTrace } from '../../src/simulator/csv/csv-trace.ts';
import type { Trace } from '../../src/simulator/trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'traces-'));
const path = join(folder, 'trace.csv');
const header = 'arrival_seconds,service_seconds,queue,name,known_at_seconds';

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a trace in a CSV file', () => {
  it('needs two columns; a job without the others is known when it is due', () => {
    const trace = read('arrival_seconds,service_seconds\n1.5,2\n3,0\n');
    expect([...trace.jobs()]).toEqual([
      {
        arrivalSeconds: 1.5,
        serviceSeconds: 2,
        queue: 'default',
        name: 'default',
        knownAtSeconds: 1.5,
      },
      {
        arrivalSeconds: 3,
        serviceSeconds: 0,
        queue: 'default',
        name: 'default',
        knownAtSeconds: 3,
      },
    ]);
    expect(trace).toMatchObject({
      name: 'trace.csv',
      queues: ['default'],
      horizonSeconds: 3,
      meanServiceSeconds: 1,
    });
  });

  it('may name queues and jobs, and tell when a delayed job was added, with columns in any order', () => {
    const trace = read(
      'name,known_at_seconds,Queue,service_seconds,arrival_seconds\nsend,1,mail,2,10\n,,report,3,11\n',
    );
    expect([...trace.jobs()]).toEqual([
      { arrivalSeconds: 10, serviceSeconds: 2, queue: 'mail', name: 'send', knownAtSeconds: 1 },
      {
        arrivalSeconds: 11,
        serviceSeconds: 3,
        queue: 'report',
        name: 'report',
        knownAtSeconds: 11,
      },
    ]);
    expect(trace.queues).toEqual(['mail', 'report']);
  });

  it('may come from a spreadsheet: byte order mark, quotes, Windows line ends, empty lines, no last line end', () => {
    const trace = read(
      `\uFEFF"arrival_seconds",service_seconds , name\r\n1,"2","a, ""b"""\r\n\r\n 2 ,1e0,c`,
    );
    expect([...trace.jobs()].map(({ name, serviceSeconds }) => [name, serviceSeconds])).toEqual([
      ['a, "b"', 2],
      ['c', 1],
    ]);
  });

  it('gives the same jobs each time it is played, however long it is', () => {
    // Longer than what is read at once, and with letters of several bytes where it is cut.
    const rows = Array.from({ length: 20_000 }, (_, index) => `${index},1,mail,größe ${index},`);
    const trace = read([header, ...rows].join('\r\n'));
    for (let time = 1; time <= 2; time += 1) {
      let count = 0;
      for (const { arrivalSeconds, name } of trace.jobs()) {
        if (arrivalSeconds !== count || name !== `größe ${count}`)
          throw new Error(`job ${count} is ${name} at ${arrivalSeconds}`);
        count += 1;
      }
      expect(count).toBe(20_000);
    }
  });

  it('may be in any order: jobs come in that in which they become known', () => {
    const trace = read(`${header}\n5,1,,late,\n3,1,,early,\n9,1,,delayed,0\n`);
    const names = [...trace.jobs()].map(({ name }) => name);
    expect(names).toEqual(['delayed', 'early', 'late']);
    expect(trace.horizonSeconds).toBe(9);
  });

  it('may have columns of its own, which are said to be ignored', () => {
    const warnings: string[] = [];
    read('arrival_seconds,service_seconds,customer\n1,2,3\n', warnings);
    expect(warnings).toEqual([expect.stringContaining('ignored "customer"')]);
  });
});

describe('a file that is no trace', () => {
  it.each([
    ['', 'the file is empty'],
    ['arrival_seconds,service_seconds\n', 'has a header but no jobs'],
    ['1,2\n', 'line 1: "1,2" names no column arrival_seconds and no service_seconds'],
    [
      'arrival_seconds;service_seconds\n1;2\n',
      'line 1: "arrival_seconds;service_seconds" names no',
    ],
    ['arrival_seconds,service_seconds,queue,queue\n', 'line 1: names queue twice'],
    ['arrival_seconds,service_seconds\n1\n', 'line 2: has 1 values for 2 columns'],
    ['arrival_seconds,service_seconds\n1,2,3\n', 'line 2: has 3 values for 2 columns'],
    ['arrival_seconds,service_seconds\n1,"2\n', 'line 2: a quoted value does not end on its line'],
    ['arrival_seconds,service_seconds\nsoon,2\n', 'line 2: arrival_seconds="soon" is not a number'],
    ['arrival_seconds,service_seconds\n1,0x10\n', 'line 2: service_seconds="0x10" is not a number'],
    ['arrival_seconds,service_seconds\n1,Infinity\n', 'service_seconds="Infinity" is not a number'],
    ['arrival_seconds,service_seconds\n1,\n', 'line 2: service_seconds="" is missing'],
    ['arrival_seconds,service_seconds\n1,-2\n', 'line 2: service_seconds="-2" is negative'],
    ['arrival_seconds,service_seconds\n1,1e999\n', 'line 2: service_seconds="1e999" is more than'],
    ['arrival_seconds,service_seconds\n1767571200,2\n', 'is more than a year: times count'],
    [`${header}\n1,2,,,3\n`, 'line 2: known_at_seconds="3" is after arrival_seconds'],
  ])('%j is refused: %s', (text, problem) => {
    expect(problemOf(text)).toContain(problem);
  });

  it('is told of with all its problems, as far as a person reads them', () => {
    const problem = problemOf(`arrival_seconds,service_seconds\n${'x,y\n'.repeat(15)}`);
    expect(problem.match(/line \d+: \w+="[xy]" is not a number/g)).toHaveLength(20);
    expect(problem).toContain('line 11');
    expect(problem).not.toContain('line 12');
    expect(problem).toContain('and 10 more');
  });

  it('is not there, or a folder', () => {
    for (const absent of [join(folder, 'absent.csv'), folder])
      expect(() => readCsvTrace(absent, () => undefined)).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INVALID',
          message: expect.stringContaining(`${absent}: cannot be read`) as string,
        }),
      );
  });

  it('has a line without an end, as a file of another kind may', () => {
    expect(problemOf(`${header}\n${'x'.repeat(1_000_000)}`)).toContain('line 2: has 1 values');
  });
});

function read(text: string, warnings: string[] = []): Trace {
  writeFileSync(path, text);
  return readCsvTrace(path, (warning) => warnings.push(warning));
}

function problemOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof OperationalError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}
