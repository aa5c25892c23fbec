import { readFileSync } from 'node:fs';

/** A graph of examples/prometheus/grafana.json. */
export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

export interface Dashboard {
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[] };
  readonly panels: readonly Panel[];
}

const read = (name: string): string => readFileSync(new URL(`../../examples/prometheus/${name}`, import.meta.url), 'utf8');

export const dashboard: Dashboard = JSON.parse(read('grafana.json')) as Dashboard;

/** What the dashboard asks Prometheus for. */
export const dashboardQueries: readonly { readonly title: string; readonly expr: string; readonly legendFormat: string }[] = (
  dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })))
);

/** What the alert rules ask. */
export const alertQueries: readonly string[] = [...read('alerts.yml').matchAll(/expr: (.*)/g)].map(([, expr = '']) => expr);
