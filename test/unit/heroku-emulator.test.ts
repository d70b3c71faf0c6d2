import { describe, expect, it } from 'vitest';
import { ApiError } from '../../src/demo/heroku/api-error.ts';
import { updateFormation, type ProcessType } from '../../src/demo/heroku/formation.ts';
import { parseProcfile } from '../../src/demo/heroku/procfile.ts';
import { pageOf } from '../../src/demo/heroku/ranges.ts';
import { createRateLimit } from '../../src/demo/heroku/rate-limit.ts';
import { sizeOf } from '../../src/demo/heroku/sizes.ts';

describe('parseProcfile', () => {
  it('reads types and commands in order, and skips comments', () => {
    const commands = parseProcfile(
      '# all of it\nweb: node web.js --port $PORT\n\nworker: node a.js: b\r\n',
    );
    expect([...commands]).toEqual([
      ['web', 'node web.js --port $PORT'],
      ['worker', 'node a.js: b'],
    ]);
  });

  it('refuses a line without a command', () => {
    expect(() => parseProcfile('worker')).toThrow('"worker" is not');
  });
});

describe('updateFormation', () => {
  const row = (type: string, quantity: number, size = 'Standard-1X'): ProcessType => ({
    ...{ id: `id-of-${type}`, type, command: 'true', quantity, size: sizeOf(size) },
    ...{ createdAtMs: 0, updatedAtMs: 0 },
  });
  const summary = (rows: readonly ProcessType[]) =>
    rows.map(({ type, quantity, size }) => `${type}@${quantity}:${size.name}`);
  const refusal = (
    formation: readonly ProcessType[],
    ...updates: Parameters<typeof updateFormation>[1]
  ) => {
    try {
      updateFormation(formation, updates, 1);
    } catch (error) {
      if (error instanceof ApiError) return { status: error.status, ...error.body };
      throw error;
    }
    throw new Error('was not refused');
  };

  it.each([
    [3, 3],
    ['3', 3],
    ['+2', 4],
    ['-1', 1],
    ['+0', 2],
  ])('takes the quantity %j as %j when there were 2', (quantity, expected) => {
    const updated = updateFormation([row('worker', 2)], [{ type: 'worker', quantity }], 1);
    expect(updated[0]).toMatchObject({ quantity: expected, updatedAtMs: 1 });
  });

  it('finds process types and sizes by name or id, and sizes in any case', () => {
    const updated = updateFormation(
      [row('web', 1), row('worker', 1)],
      [
        { type: 'id-of-worker', size: 'standard-2x' },
        { type: 'web', size: sizeOf('Performance-L').id },
      ],
      1,
    );
    expect(summary(updated)).toEqual(['web@1:Performance-L', 'worker@1:Standard-2X']);
  });

  it('leaves rows that no update names as they are', () => {
    const [web, worker] = [row('web', 1), row('worker', 1)];
    const updated = updateFormation([web, worker], [{ type: 'worker', quantity: 2 }], 1);
    expect(updated[0]).toBe(web);
  });

  it('refuses a type that is not in the Procfile', () => {
    expect(refusal([row('worker', 1)], { type: 'nosuch', quantity: 1 })).toEqual({
      status: 404,
      resource: 'formation',
      id: 'not_found',
      message: "Couldn't find that formation.",
    });
  });

  it('refuses a change to less than none, and names the sizes when one is unknown', () => {
    const worker = row('worker', 2);
    expect(refusal([worker], { type: 'worker', quantity: '-3' }).id).toBe('invalid_params');
    expect(refusal([worker], { type: 'worker', size: '1X' }).message).toMatch(
      /^No such size as 1X. Available dyno sizes are Eco, Basic, Standard-1X, /,
    );
  });

  it('refuses tiers that do not mix among the types that run', () => {
    const formation = [row('web', 0, 'Basic'), row('worker', 0)];
    const withWeb = updateFormation(formation, [{ type: 'web', quantity: 1 }], 1);
    expect(refusal(withWeb, { type: 'worker', quantity: 1 })).toEqual({
      status: 422,
      id: 'invalid_params',
      message: 'Cannot use the following dyno types in the same app: Basic and Standard-1X',
    });
  });

  it.each([
    ['Basic', 2, 1],
    ['Eco', 2, 1],
    ['Performance-M', 11, 10],
  ])('allows a type of size %s fewer than %i dynos', (size, quantity, limit) => {
    const formation = [row('worker', 0, size)];
    updateFormation(formation, [{ type: 'worker', quantity: limit }], 1);
    expect(refusal(formation, { type: 'worker', quantity })).toEqual({
      status: 422,
      id: 'cannot_run_above_limit',
      limit,
      size: quantity,
      message: `Cannot run more than ${String(limit)} ${size} size dynos.`,
      url: 'https://devcenter.heroku.com/articles/dyno-size#default-scaling-limits',
    });
  });

  it('allows an app two Eco dynos, and 100 dynos in all', () => {
    const eco = ['a', 'b', 'c'].map((type) => row(type, type === 'c' ? 0 : 1, 'Eco'));
    expect(refusal(eco, { type: 'c', quantity: 1 })).toMatchObject({ limit: 2 });
    const many = [row('web', 40), row('worker', 0)];
    updateFormation(many, [{ type: 'worker', quantity: 60 }], 1);
    expect(refusal(many, { type: 'worker', quantity: 61 })).toMatchObject({
      status: 422,
      id: 'cannot_update_above_limit',
      limit: 100,
    });
  });

  it('judges a batch by its result alone', () => {
    const updated = updateFormation(
      [row('web', 60), row('worker', 40)],
      [
        { type: 'worker', quantity: 60 },
        { type: 'web', quantity: 40 },
      ],
      1,
    );
    expect(summary(updated)).toEqual(['web@40:Standard-1X', 'worker@60:Standard-1X']);
  });
});

describe('createRateLimit', () => {
  it('lets a burst through, then one request for each that trickles in', () => {
    const limit = createRateLimit({ capacity: 3, refillPerMinute: 60 });
    for (const expected of [2, 1, 0]) {
      limit.take(0);
      expect(limit.remaining(0)).toBe(expected);
    }
    expect(() => {
      limit.take(999);
    }).toThrow('rate limit');
    limit.take(1_000);
    expect(limit.remaining(1_000)).toBe(0);
    expect(limit.remaining(60_000)).toBe(3);
  });
});

describe('pageOf', () => {
  const items = [1, 2, 3, 4, 5].map((version) => ({ version, name: `v${String(version)}` }));
  const keys = {
    version: ({ version }: { version: number }) => version,
    name: ({ name }: { name: string }) => name,
  };
  const versions = (header?: string) =>
    pageOf(items, keys, header).items.map(({ version }) => version);

  it('gives the whole of a short list', () => {
    expect(pageOf(items, keys, undefined)).toEqual({
      status: 200,
      items,
      headers: { 'Accept-Ranges': 'version, name', 'Content-Range': 'version 1..5' },
    });
  });

  it('leads through a list page by page', () => {
    const seen: number[] = [];
    let header: string | undefined = 'version ..; max=2, order=desc';
    while (header !== undefined) {
      const page: ReturnType<typeof pageOf<(typeof items)[number]>> = pageOf(items, keys, header);
      seen.push(...page.items.map(({ version }) => version));
      header = page.headers['Next-Range'];
      expect(page.status).toBe(header === undefined ? 200 : 206);
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });

  it.each([
    ['version 2..4', [2, 3, 4]],
    ['version ]2..', [3, 4, 5]],
    ['version 4..2; order=desc', [4, 3, 2]],
    ['name ]v3..', [4, 5]],
    ['version 9..', []],
  ])('understands %j', (header, expected) => {
    expect(versions(header)).toEqual(expected);
  });

  it.each(['size ..', 'nonsense', 'version ..; max=1001'])('refuses %j', (header) => {
    expect(() => versions(header)).toThrow(ApiError);
  });
});
