import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { leaveOutUnless } from '../support/left-out.ts';

type Alert = {
  readonly alert: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
};
type Case = {
  readonly name: string;
  readonly promql_expr_test: readonly { readonly exp_samples: readonly { labels: string }[] }[];
};

const read = (path: string) => readFileSync(path, 'utf8');
const { groups } = parse(read('config/prometheus/alerts.yml')) as { groups: { rules: Alert[] }[] };
const alerts = groups.flatMap(({ rules }) => rules);
const { tests: cases } = parse(read('config/prometheus/alerts_test.yml'), { merge: true }) as {
  tests: Case[];
};
const noPromtool = leaveOutUnless('promtool');

/** Throws, with what promtool says, when it finds a fault. */
function promtool(...words: string[]): string {
  return execFileSync('promtool', words, {
    cwd: 'config/prometheus',
    encoding: 'utf8',
    stdio: 'pipe',
  });
}

test.skipIf(noPromtool)(
  'promtool finds no fault in the rules and the example configuration',
  () => {
    promtool('check', 'rules', '--lint-fatal', 'recording.yml', 'alerts.yml');
    promtool('check', 'config', '--lint-fatal', 'prometheus.example.yml');
  },
);

test.skipIf(noPromtool)(
  'each alert fires when it should, and no other does',
  () => {
    expect(promtool('test', 'rules', 'alerts_test.yml')).toContain('SUCCESS');
  },
  180_000,
);

test('each alert has a case in which it fires, beside the healthy one in which none does', () => {
  const [healthy, ...others] = cases;
  expect(healthy?.promql_expr_test.flatMap(({ exp_samples }) => exp_samples)).toEqual([]);
  const expected = others.flatMap((each) =>
    each.promql_expr_test.flatMap(({ exp_samples }) => exp_samples.map(({ labels }) => labels)),
  );
  const firing = expected.map((labels) => /alertname="(\w+)"/.exec(labels)?.[1]);
  expect([...new Set(firing)].sort()).toEqual(alerts.map(({ alert }) => alert).sort());
});

test.each(alerts)('$alert says what is wrong, why, and what to do first', (alert) => {
  expect(['critical', 'warning']).toContain(alert.labels.severity);
  expect(Object.keys(alert.annotations)).toEqual(['summary', 'description', 'first_step']);
  const { summary, description, first_step: firstStep } = alert.annotations;
  expect(summary).toMatch(/^[A-Z].*[^.]$/);
  expect(description).toMatch(/^[A-Z][^]*\.$/);
  expect(firstStep).toMatch(/^[A-Z][^]*\.$/);
  for (const [, label] of Object.values(alert.annotations)
    .join('')
    .matchAll(/\$labels\.(\w+)/g))
    expect(label).toBe('pool');
});

test('the runbook has a paragraph for each alert, and for no other', () => {
  const headings = [...read('docs/runbook.md').matchAll(/^## (Autoscaler\w+)\n\n\S/gm)];
  expect(headings.map(([, name]) => name)).toEqual(alerts.map(({ alert }) => alert));
});
