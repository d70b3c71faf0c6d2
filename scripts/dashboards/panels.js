/**
 * The kinds of panel. `queries` are pairs of legend and PromQL; `unit` is one of Grafana's; `width` is of 24. Each has a
 * description, because a number that nobody can explain is worse than none.
 */
import * as common from '@grafana/grafana-foundation-sdk/common';
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as ChartBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** The data source is a variable, so that one file fits every Grafana. */
export const datasource = { type: 'prometheus', uid: '${datasource}' };

/**
 * Values over time; the shape `bars` is for how often something happened. `styles` are by legend; what the regular
 * expression `dashed` matches is no measurement but something to compare with.
 */
export function chart(title, { queries, styles = {}, dashed, shape = 'lines', ...rest }) {
  const panel = describe(new ChartBuilder(), title, { width: 12, height: 8, ...rest })
    .targets(queries.map(([legend, expr], index) => rangeQuery(legend, expr, index)))
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
    .legend(legend())
    .min(0)
    .lineWidth(1)
    .spanNulls(false)
    .showPoints(common.VisibilityMode.Auto);
  shapes[shape](panel);
  for (const [name, properties] of Object.entries(styles))
    panel.overrideByName(name, overridesOf(properties));
  if (dashed !== undefined) panel.overrideByRegexp(dashed, overridesOf({ lineStyle: dashes }));
  return panel;
}

export const dashes = { fill: 'dash', dash: [8, 8] };

const shapes = {
  lines: (panel) => panel.fillOpacity(0),
  // The number of workers holds between two ticks: a slope would show workers that never were.
  steps: (panel) => panel.lineInterpolation(common.LineInterpolation.StepAfter).fillOpacity(0),
  // For what is rare: a line would need a neighbour.
  points: (panel) => panel.drawStyle(common.GraphDrawStyle.Points).pointSize(6),
  areas: (panel) => panel.fillOpacity(30).stacking(stacked()),
  bars: (panel) => panel.drawStyle(common.GraphDrawStyle.Bars).fillOpacity(80).stacking(stacked()),
};

const stacked = () =>
  new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A');

/** One number, coloured by `thresholds`: pairs of the value from which on a colour counts, and that colour. */
export function stat(title, { query, thresholds, calculation = 'lastNotNull', ...rest }) {
  return describe(new StatBuilder(), title, { width: 4, height: 4, ...rest })
    .targets([rangeQuery('', query, 0)])
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs([calculation]).values(false))
    .graphMode(common.BigValueGraphMode.Area)
    .colorMode(common.BigValueColorMode.Value)
    .thresholds(thresholdsOf(thresholds ?? [[null, 'text']]));
}

/** Since when something has been so: for series of 0 and 1, of which 1 is shown as `whenTrue`. */
export function timeline(title, { queries, whenTrue, color = 'orange', ...rest }) {
  return describe(new TimelineBuilder(), title, { width: 12, height: 8, unit: 'none', ...rest })
    .targets(queries.map(([legend, expr], index) => rangeQuery(legend, expr, index)))
    .mappings([
      {
        type: 'value',
        options: {
          0: { text: 'no', color: 'transparent', index: 0 },
          1: { text: whenTrue, color, index: 1 },
        },
      },
    ])
    .thresholds(thresholdsOf([[null, 'transparent']]))
    .showValue(common.VisibilityMode.Never)
    .mergeValues(true)
    .rowHeight(0.8)
    .legend(legend());
}

/** One row for each pool as it is now. `columns` are `[name, PromQL, unit, thresholds]`. */
export function poolTable(title, { columns, link, ...rest }) {
  const refIds = columns.map((_, index) => refId(index));
  const panel = describe(new TableBuilder(), title, { width: 24, height: 8, unit: 'none', ...rest })
    .targets(
      columns.map(([, expr], index) =>
        new DataqueryBuilder()
          .datasource(datasource)
          .refId(refIds[index])
          .expr(expr)
          .format(PromQueryFormat.Table)
          .instant(),
      ),
    )
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        renameByName: Object.fromEntries([
          ['pool', 'Pool'],
          ...columns.map(([name], index) => [`Value #${refIds[index]}`, name]),
        ]),
      },
    })
    .overrideByName('Pool', [{ id: 'links', value: [link] }]);
  for (const [name, , unit, thresholds] of columns)
    panel.overrideByName(name, [
      { id: 'unit', value: unit },
      ...(thresholds === undefined
        ? []
        : [
            { id: 'thresholds', value: thresholdsOf(thresholds).build() },
            { id: 'custom.cellOptions', value: { type: 'color-text' } },
          ]),
    ]);
  return panel;
}

/** What all panels have. */
function describe(panel, title, { description, unit, width, height, decimals, repeat }) {
  panel.title(title).description(description).unit(unit).datasource(datasource);
  panel.span(width).height(height);
  if (repeat !== undefined) panel.repeat(repeat).repeatDirection('h').maxPerRow(2);
  if (decimals !== undefined) panel.decimals(decimals);
  return panel;
}

function rangeQuery(legend, expr, index) {
  const query = new DataqueryBuilder()
    .datasource(datasource)
    .refId(refId(index))
    .expr(expr)
    .range();
  return legend === '' ? query : query.legendFormat(legend);
}

function refId(index) {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

function legend() {
  return new common.VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom);
}

function thresholdsOf(steps) {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

function overridesOf({ color, ...custom }) {
  return [
    ...(color === undefined ? [] : [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }]),
    ...Object.entries(custom).map(([name, value]) => ({ id: `custom.${name}`, value })),
  ];
}
