import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { datasource } from './panels.js';

/** Part of each dashboard's address. */
export const uids = {
  overview: 'backlog-autoscaler-overview',
  pool: 'backlog-autoscaler-pool',
};

/** A dashboard as the plain value that its JSON file holds. `rows` are titles with their panels. */
export function dashboard({ uid, title, description, variables, links, annotations = [], rows }) {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['backlog-autoscaler'])
    .readonly()
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .links(
      links.map((link) =>
        new DashboardLinkBuilder(link.title)
          .type(DashboardLinkType.Link)
          .url(`/d/${link.uid}?\${datasource:queryparam}`)
          .keepTime(true),
      ),
    )
    .variables([
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      ...variables,
    ])
    .annotations(annotations);
  // Links to a single panel hold its id, so ids are given here rather than by each Grafana that loads the file.
  let id = 0;
  for (const [rowTitle, panels] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(rowTitle).id((id += 1)));
    for (const panel of panels) builder.withPanel(panel.id((id += 1)));
  }
  return builder.build();
}

/** A variable with the values of one label; `isMany` lets several be chosen, and all. */
export function labelVariable(label, { from, title, isMany = true }) {
  const variable = new QueryVariableBuilder(label)
    .label(title)
    .datasource(datasource)
    .query(`label_values(${from}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);
  return isMany
    ? variable
        .multi(true)
        .includeAll(true)
        .allValue('.+')
        .current({ selected: true, text: ['All'], value: ['$__all'] })
    : variable;
}

/** Which scrape the numbers come from. Every process has this one metric, also before it has seen a pool. */
export const scrapeVariables = [
  labelVariable('job', { from: 'autoscaler_build_info', title: 'Job' }),
  labelVariable('instance', { from: 'autoscaler_build_info{job=~"$job"}', title: 'Instance' }),
];

export function annotation(name, { color, query, text }) {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(color)
    .expr(query)
    .titleFormat(name)
    .textFormat(text);
}
