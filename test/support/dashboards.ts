import { readFileSync } from 'node:fs';

/** What the tests look at in a dashboard's JSON. */
export type Dashboard = {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly editable: boolean;
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly { name: string; expr: string }[] };
  readonly panels: readonly Panel[];
};

export type Variable = {
  readonly name: string;
  readonly type: string;
  readonly label: string;
  readonly query: string;
  readonly refresh?: number;
  readonly multi: boolean;
  readonly allValue?: string;
  readonly datasource?: Datasource;
};

export type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly repeat?: string;
  readonly datasource?: Datasource;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat?: string;
    readonly instant?: boolean;
    readonly datasource?: Datasource;
  }[];
};

type Datasource = { readonly type: string; readonly uid: string };

export const dashboardFiles = ['config/grafana/overview.json', 'config/grafana/pool.json'] as const;

export function readDashboard(file: string): Dashboard {
  return JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
}

/** Everything but the rows, which are headings. */
export function panelsOf({ panels }: Dashboard): readonly Panel[] {
  return panels.filter(({ type }) => type !== 'row');
}

/** The query as Grafana sends it: with a value for each variable. */
export function withVariables(query: string, values: Readonly<Record<string, string>>): string {
  return query.replaceAll(/\$(\w+)/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing sets $${name} in ${query}`);
    return value;
  });
}
