import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { allDashboards } from '../../dashboards';
import { Slo, SLO_SERIES } from '../../src/alerting';
import { ShopMetrics } from '../../src/metrics-demo/program/shop-metrics';
import { metricNames } from './metric-names';
import catalogue from './metrics-catalogue.json';

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface PanelModel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly gridPos: Place;
  readonly datasource: object;
  readonly targets: readonly { readonly refId: string; readonly expr: string; readonly datasource: object }[];
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly links?: readonly { readonly url: string }[];
  readonly collapsed?: boolean;
  readonly repeat?: string;
  readonly panels?: readonly PanelModel[];
}

interface VariableModel {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
}

interface Model {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly refresh: string;
  readonly time: { readonly from: string };
  readonly schemaVersion: number;
  readonly links: readonly { readonly tags: readonly string[] }[];
  readonly templating: { readonly list: readonly VariableModel[] };
  readonly panels: readonly PanelModel[];
}

const folders = allDashboards();
const models = folders.flatMap((folder) => Object.values(folder.models) as unknown as Model[]);
const byUid = new Map(models.map((model) => [model.uid, model]));

/** Those of closed rows as well, without the rows. */
const panelsOf = ({ panels }: Model): PanelModel[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));

const LAYERS = ['overview', 'service', 'component', 'realtime'];
const PANEL_TYPES = ['timeseries', 'stat', 'table', 'heatmap', 'piechart'];

test('there is a folder for each layer', () => {
  expect(folders.map(({ title }) => title)).toEqual(['Overview', 'Services', 'Components', 'Realtime']);
  folders.forEach((folder, index) => {
    for (const { tags } of Object.values(folder.models) as unknown as Model[]) expect(tags[0]).toBe(LAYERS[index]);
  });
});

test('each folder fits into a ConfigMap, and leaves half of it', () => {
  for (const { title, files } of folders) {
    const bytes = Object.values(files).reduce((sum, file) => sum + Buffer.byteLength(file), 0);
    expect({ title, large: bytes > 512 * 1024 }).toEqual({ title, large: false });
  }
});

test('the output is the same every time', () => {
  expect(allDashboards().map(({ files }) => files)).toEqual(folders.map(({ files }) => files));
});

test('uids and titles are unique', () => {
  expect(byUid.size).toBe(models.length);
  expect(new Set(models.map(({ title }) => title)).size).toBe(models.length);
});

test('refresh suits the layer', () => {
  expect(byUid.get('realtime')).toMatchObject({ refresh: '5s', time: { from: 'now-15m' } });
  expect(byUid.get('otlp')!.refresh).toBe('30s');
});

describe.each(models.map((model) => [model.uid, model] as const))('%s', (_, model) => {
  const panels = panelsOf(model);

  test('has a description, and links to all layers', () => {
    expect(model.description).not.toBe('');
    expect(model.links.flatMap(({ tags }) => tags)).toEqual(LAYERS);
    for (const tag of LAYERS) expect(models.some(({ tags }) => tags.includes(tag))).toBe(true);
  });

  test('has unique ids of panels', () => {
    const ids = [...model.panels, ...model.panels.flatMap((panel) => panel.panels ?? [])].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(Math.min(...ids)).toBe(1);
  });

  test('has no overlap and no gap', () => {
    expect(layoutProblems(model.panels)).toEqual([]);
    for (const row of model.panels) if (row.collapsed) expect(layoutProblems(row.panels!)).toEqual([]);
  });

  test('has panels of a current type, with unit, data source and queries', () => {
    for (const panel of panels) {
      expect(PANEL_TYPES).toContain(panel.type);
      expect(panel.datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
      expect(panel.fieldConfig.defaults.unit).toBeTruthy();
      expect(panel.targets.length).toBeGreaterThan(0);
      expect(new Set(panel.targets.map(({ refId }) => refId)).size).toBe(panel.targets.length);
      for (const target of panel.targets) expect(target.datasource).toEqual(panel.datasource);
    }
  });

  test('says of each panel what it shows, and what to do', () => {
    const short = panels.filter(({ description }) => description.length < 60 || !/[.:;?] ./.test(description));
    expect(short.map(({ title, description }) => `${title}: ${description}`)).toEqual([]);
  });

  test('uses the variables that it declares, and no others', () => {
    const declared = model.templating.list.map(({ name }) => name);
    expect(declared[0]).toBe('datasource');
    const used = new Set([...JSON.stringify(model.panels).matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name!));
    expect([...used].sort()).toEqual([...declared].sort());
  });

  test('shows the chosen cluster only, in every selector', () => {
    const others = panels.flatMap(({ title, targets }) =>
      targets.flatMap(({ expr }) => ofAnyCluster(expr).map((selector) => `${title}: ${selector}`)),
    );
    expect(others).toEqual([]);
  });

  test('tells how long a disk lasts only of one that has a past', () => {
    const all = panels.flatMap(({ title, targets }) => targets.map(({ expr }) => `${title}: ${expr}`));
    expect(all.filter((expr) => expr.includes('deriv(') && !/ and \S+ offset \dh/.test(expr))).toEqual([]);
  });

  test('links to dashboards that there are', () => {
    for (const { title, links = [] } of panels) {
      for (const { url } of links) {
        const uid = /^\/d\/([^?]+)/.exec(url)?.[1];
        expect({ title, url, there: uid === undefined || byUid.has(uid) }).toMatchObject({ there: true });
      }
    }
  });

  test('takes rates over windows that fit the scrape interval and the time range', () => {
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const fixed = [...expr.matchAll(/\b(?:rate|irate)\([^[\]]*\[(\d\w*)\]/g)].map(([, window]) => window);
        expect({ title, fixed }).toEqual({ title, fixed: [] });
      }
    }
  });
});

test('panels of an objective may stand in a dashboard', () => {
  const query = 'sum(rate(x[$window]))';
  const panels = Slo.of({ name: 'checkout', objective: 0.99, errors: query, total: query }).panels();
  const exprs = panels.flatMap(({ model }) => (model as unknown as PanelModel).targets.map(({ expr }) => expr));
  expect(exprs).toHaveLength(3);
  expect(exprs.flatMap(ofAnyCluster)).toEqual([]);
});

test('objectives of several clusters, and alerts on them, are shown whichever is chosen', () => {
  const all = panelsOf(byUid.get('overview')!).flatMap(({ targets }) => targets.map(({ expr }) => expr));
  // Each cluster has its own.
  const exprs = all.filter((expr) => !expr.includes('alertname="Watchdog"'));
  const ofObjectives = exprs.flatMap((expr) =>
    [...expr.matchAll(/(?:slo:[\w:]+|ALERTS\w*)\{([^},]*)/g)].map(([, cluster]) => cluster),
  );
  expect(new Set(ofObjectives)).toEqual(new Set(['cluster=~"$cluster|"']));
});

test('a selector that forgets the cluster is found', () => {
  expect(ofAnyCluster('sum(a{b="c"}) / rate(d[5m]) + e{cluster=~"$cluster"}')).toEqual(['a{b="c"}', 'd']);
  expect(ofAnyCluster('{__name__=~"a|b"}')).toEqual(['{__name__=~"a|b"}']);
});

/** Selectors that choose series of any cluster, but for objectives, which may sum over clusters, and alerts on them. */
function ofAnyCluster(expr: string): string[] {
  const objectives: readonly string[] = [...Object.values(SLO_SERIES), 'ALERTS', 'ALERTS_FOR_STATE'];
  const selectors = /([\w:]*)\{[^}]*\}/g;
  const braces = [...expr.matchAll(selectors)].filter(
    ([selector, name]) => !selector.includes('cluster=~"$cluster"') && !objectives.includes(name!),
  );
  return [...braces.map(([selector]) => selector), ...metricNames(expr.replace(selectors, '0'))];
}

/** Which cells of the grid are covered twice, or by nothing. */
function layoutProblems(panels: readonly PanelModel[]): string[] {
  const cells = new Map<string, string>();
  const problems: string[] = [];
  for (const { title, gridPos } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        const other = cells.get(`${x}/${y}`);
        if (other !== undefined) problems.push(`${title} overlaps ${other}`);
        if (x >= 24) problems.push(`${title} is too far to the right`);
        cells.set(`${x}/${y}`, title);
      }
    }
  }
  const top = Math.min(...panels.map(({ gridPos }) => gridPos.y));
  const end = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  for (let y = top; y < end; y++) {
    for (let x = 0; x < 24; x++) if (!cells.has(`${x}/${y}`)) problems.push(`nothing is at ${x}/${y}`);
  }
  return problems;
}

describe('metrics', () => {
  const RULES = join(__dirname, '../../rules');
  interface RuleFile {
    readonly groups: readonly { readonly rules: readonly { readonly record?: string; readonly expr: string }[] }[];
  }
  const rules = readdirSync(RULES)
    .filter((file) => file.endsWith('.yaml') && !file.endsWith('.test.yaml'))
    .flatMap((file) =>
      (parse(readFileSync(join(RULES, file), 'utf8')) as RuleFile).groups
        .flatMap((group) => group.rules)
        .map((rule) => ({ where: file, ...rule })),
    );

  let known: Set<string>;
  beforeAll(async () => {
    const ofDemo = await new ShopMetrics().registry.getMetricsAsJSON();
    known = new Set([
      ...Object.values(catalogue).flat(),
      ...rules.flatMap(({ record }) => record ?? []),
      ...Object.values(SLO_SERIES),
      ...ofDemo.flatMap(({ name, type }) =>
        (type as unknown) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    ]);
  });

  const unknownIn = (where: string, expression: string): string[] =>
    metricNames(expression)
      .filter((name) => !known.has(name))
      .map((name) => `${where}: ${name}`);

  test('of rules are told by some program', () => {
    expect(rules.length).toBeGreaterThan(50);
    expect(rules.flatMap(({ where, expr }) => unknownIn(where, expr))).toEqual([]);
  });

  test('that rules record are used by dashboards', () => {
    const used = new Set(
      models.flatMap((model) =>
        panelsOf(model).flatMap(({ targets }) => targets.flatMap(({ expr }) => metricNames(expr))),
      ),
    );
    expect(rules.flatMap(({ record }) => record ?? []).filter((name) => !used.has(name))).toEqual([]);
  });

  test('of dashboards are told by some program', () => {
    const unknown = models.flatMap((model) => [
      ...panelsOf(model).flatMap(({ title, targets }) =>
        targets.flatMap(({ expr }) => unknownIn(`${model.uid}, ${title}`, expr)),
      ),
      ...model.templating.list.flatMap(({ name, definition }) => {
        const series = /^label_values\((.*),\w+\)$/.exec(definition ?? '')?.[1];
        return series === undefined ? [] : unknownIn(`${model.uid}, $${name}`, series);
      }),
    ]);
    expect(unknown).toEqual([]);
  });

  test('that are misspelt are found', () => {
    expect(unknownIn('here', 'sum by (job) (rate(vm_row_inserted_total{type="x"}[5m])) / vm_data_size_bytes')).toEqual([
      'here: vm_row_inserted_total',
    ]);
  });
});

describe('the names of metrics in an expression', () => {
  test.each([
    ['up', ['up']],
    ['sum(rate(a_total{job="up", x=~"b_total|c"}[5m] offset 1w)) by (job) > 0.5e3', ['a_total']],
    ['a and on (cluster, job) b unless ignoring (x) group_left (y) c', ['a', 'b', 'c']],
    ['sum without (job) (a) default 0', ['a']],
    ['count(a) limit 5 > bool 1', ['a']],
    ['WITH (x = sum(a{b="c"}), f(q) = rate(q[5m]) / x) f(d_total) or x', ['a', 'd_total']],
    ['rate({__name__=~"a_(b|c)_(d|e)",job="x"}[$__rate_interval])', ['a_b_d', 'a_b_e', 'a_c_d', 'a_c_e']],
    ['{__name__="a"} + {__name__=~"b|c"}', ['a', 'b', 'c']],
    ['histogram_quantiles("q", 0.5, sum by (le) (a_bucket)) # of b', ['a_bucket']],
    ["label_replace(a, 'b', '$1 [c]', 'd', '(e)')", ['a']],
    ['max_over_time((a / b)[1h:1m]) * 3600 + time()', ['a', 'b']],
    ['slo:error_ratio:rate5m{slo=~"$slo"} < inf', ['slo:error_ratio:rate5m']],
  ])('%s', (expression, names) => {
    expect(metricNames(expression)).toEqual(names);
  });

  test('cannot be told of an open regular expression', () => {
    expect(() => metricNames('{__name__=~"vm_.*"}')).toThrow('write the names out: __name__=~"vm_.*"');
  });
});
