import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { metricFamilies } from '../../src/telemetry/metric-families.ts';
import { dashboardFiles, panelsOf, readDashboard } from '../support/dashboards.ts';

/** The units that the dashboards use; a misspelt one would be shown behind the number as it is. */
const units = ['none', 'short', 's', 'currencyUSD'];
const templated = { type: 'prometheus', uid: '${datasource}' };
const selectors = (query: string) =>
  [...query.matchAll(/(autoscaler_\w+)(\{[^}]*\})?/g)].map(([, name = '', matchers = '']) => ({
    name,
    matchers,
  }));

test('every dashboard of the folder is examined here', () => {
  const found = readdirSync('config/grafana').filter((name) => name.endsWith('.json'));
  expect(found.map((name) => `config/grafana/${name}`)).toEqual(dashboardFiles);
});

// The rules of Grafana's own dashboard-linter that matter here, which is a Go program and not at hand.
describe.each(dashboardFiles)('%s', (file) => {
  const dashboard = readDashboard(file);
  const panels = panelsOf(dashboard);
  const variables = new Map(dashboard.templating.list.map((variable) => [variable.name, variable]));
  const queries = [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...dashboard.annotations.list.map(({ expr }) => expr),
  ];

  test('has an address, a title, a description, and cannot be changed where it is shown', () => {
    expect(dashboard.uid).toMatch(/^backlog-autoscaler-\w+$/);
    expect(dashboard.title).not.toBe('');
    expect(dashboard.description).not.toBe('');
    expect(dashboard.editable).toBe(false);
  });

  test('lets the data source be chosen', () => {
    expect(variables.get('datasource')).toMatchObject({
      type: 'datasource',
      query: 'prometheus',
      label: 'Data source',
    });
  });

  test.each(['job', 'instance'])('lets %s be chosen, also several and all', (name) => {
    expect(variables.get(name)).toMatchObject({
      type: 'query',
      label: name === 'job' ? 'Job' : 'Instance',
      multi: true,
      allValue: '.+',
    });
  });

  test('lets the pool be chosen, and looks for new values whenever the time changes', () => {
    expect(variables.has('pool')).toBe(true);
    for (const variable of [...variables.values()].filter(({ type }) => type === 'query')) {
      expect(variable).toMatchObject({ refresh: 2, datasource: templated });
      expect(variable.query).toMatch(new RegExp(`^label_values\\(.+, ${variable.name}\\)$`));
    }
  });

  test.each(panels.map((panel) => [panel.title, panel] as const))(
    'the panel "%s" explains itself and asks the chosen data source',
    (title, { description, datasource, fieldConfig, targets = [] }) => {
      expect(title).toMatch(/^[A-Z]/);
      expect(description).toMatch(/\.$/);
      expect(units).toContain(fieldConfig?.defaults.unit);
      expect(datasource).toEqual(templated);
      expect(targets.length).toBeGreaterThan(0);
      for (const target of targets) expect(target.datasource).toEqual(templated);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    },
  );

  test('panels have ids and titles of their own and do not overlap', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  test.each(queries)('%s: every selector is narrowed by the variables', (query) => {
    const found = selectors(query);
    expect(found.length).toBeGreaterThan(0);
    for (const { name, matchers } of found) {
      expect(matchers).toContain('job=~"$job"');
      expect(matchers).toContain('instance=~"$instance"');
      if (familyOf(name)?.labels.includes('pool')) expect(matchers).toContain('pool=~"$pool"');
    }
  });

  test.each(queries)('%s: counters are shown as what they grew by', (query) => {
    for (const [range] of query.matchAll(/\[[^\]]*\]/g)) expect(range).toBe('[$__rate_interval]');
    for (const { name, matchers } of selectors(query)) {
      if (/_(total|bucket|sum|count)$/.test(name))
        expect(query).toMatch(new RegExp(`(rate|increase)\\(${escaped(name + matchers)}\\[`));
    }
  });
});

test.each(['config/grafana', 'config/prometheus', 'docs', 'README.md'])(
  'every word autoscaler_… in %s is a metric',
  (place) => {
    const files = place.endsWith('.md')
      ? [place]
      : readdirSync(place, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map(({ parentPath, name }) => `${parentPath}/${name}`);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      for (const [word] of readFileSync(file, 'utf8').matchAll(/autoscaler_\w+/g))
        expect(familyOf(word), `${word} in ${file}`).toBeDefined();
    }
  },
);

test('Grafana is told where to find the dashboards', () => {
  const { providers } = parse(
    readFileSync('config/grafana/provisioning/dashboards/backlog-autoscaler.yml', 'utf8'),
  ) as { providers: [{ type: string; options: { path: string } }] };
  expect(providers).toMatchObject([{ type: 'file' }]);
  // README mounts the folder there.
  expect(readFileSync('README.md', 'utf8')).toContain(`:${providers[0].options.path}"`);
  const { datasources } = parse(
    readFileSync('config/grafana/provisioning/datasources/prometheus.yml', 'utf8'),
  ) as { datasources: { type: string }[] };
  expect(datasources).toMatchObject([{ type: 'prometheus' }]);
});

/** The family of a metric, also of the series of a histogram; undefined for what is no metric. */
function familyOf(name: string) {
  const families: Readonly<
    Record<string, { type: string; labels: readonly string[] } | undefined>
  > = metricFamilies;
  const histogram = families[name.replace(/_(bucket|sum|count)$/, '')];
  return families[name] ?? (histogram?.type === 'histogram' ? histogram : undefined);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
