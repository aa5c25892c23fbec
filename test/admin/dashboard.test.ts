import { describe, expect, it } from 'vitest';
import { renderMetrics } from '../../src/admin/metrics.js';
import { alertQueries, dashboard, dashboardQueries } from '../support/promql.js';
import { serverStatus } from '../support/status.js';

const text = renderMetrics(serverStatus(), { version: '1.2.3', node: 'v20.20.2' });
/** Each metric with the labels of its samples. */
const metrics = new Map(text.split('\n').filter((line) => line.startsWith('prefork_')).map((line): [string, string[]] => [
  /^\w+/.exec(line)?.[0] ?? '', [...line.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
]));

/** Metrics that a query names, with the labels that it asks of each. */
const selectors = (expr: string): [string, string[]][] => [...expr.matchAll(/\b(prefork_\w+)(?:\{([^}]*)\})?/g)]
  .map(([, name = '', labels = '']) => [name, [...labels.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label = '']) => label)]);

describe('examples/prometheus/grafana.json', () => {
  it.each(dashboardQueries)('asks in "$title" for what there is: $expr', ({ expr, legendFormat }) => {
    const asked = selectors(expr);
    expect(asked.length).toBeGreaterThan(0);
    for (const [name, labels] of asked) {
      expect([...metrics.keys()]).toContain(name);
      for (const label of labels) expect(metrics.get(name)).toContain(label);
    }
    // What the sum keeps, or else all labels, is what a legend can show.
    const [, kept] = /\bby \(([^)]*)\)/.exec(expr) ?? [];
    const shown = kept?.split(/,\s*/) ?? metrics.get(asked[0]?.[0] ?? '') ?? [];
    for (const [, label] of legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)) expect(shown).toContain(label);
  });

  it('rates counters only, and nothing else', () => {
    for (const { expr } of dashboardQueries) {
      for (const [, name = ''] of expr.matchAll(/(?:rate|increase)\((\w+)/g)) expect(name).toMatch(/_total$/);
      for (const [name] of selectors(expr)) if (name.endsWith('_total')) expect(expr).toMatch(/(rate|increase)\(/);
    }
  });

  it('has panels that Grafana can lay out: none above another, each with its own number, on a grid of 24 columns', () => {
    const { panels } = dashboard;
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { gridPos: { x, w, h }, type, targets, datasource } of panels) {
      expect([type, datasource.type]).toEqual(['timeseries', 'prometheus']);
      expect(x + w).toBeLessThanOrEqual(24);
      expect(h).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, index) => `${x + index % w},${y + Math.floor(index / w)}`));
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('lets one choose the data source and the servers, and uses both', () => {
    const names = dashboard.templating.list.map(({ name }) => name);
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name]) => name);

    expect(new Set(used)).toEqual(new Set(names));
    const label = /^label_values\((\w+), (\w+)\)$/.exec(dashboard.templating.list.find(({ name }) => name === 'server')?.query ?? '');
    expect(metrics.get(label?.[1] ?? '')).toContain(label?.[2]);
  });
});

describe('examples/prometheus/alerts.yml', () => {
  it('asks for metrics that there are', () => {
    expect(alertQueries).toHaveLength(4);
    for (const [name, labels] of alertQueries.flatMap(selectors)) {
      expect([...metrics.keys()]).toContain(name);
      for (const label of labels) expect(metrics.get(name)).toContain(label);
    }
  });

  it('names reasons of exits that there are', () => {
    const reasons = Object.keys(serverStatus().totals.exits);
    const named = alertQueries.flatMap((expr) => [...expr.matchAll(/reason=~"([^"]*)"/g)].flatMap(([, pattern = '']) => pattern.split('|')));

    expect(named.length).toBeGreaterThan(0);
    for (const pattern of named) expect(reasons, pattern).toContainEqual(expect.stringMatching(`^(${pattern})$`));
  });
});
