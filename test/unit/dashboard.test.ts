import { Slo, SLO_SERIES } from '../../src/alerting';
import { dashboard, Panels, Variables, type DashboardModel, type Panel } from '../../src/dashboard';
import { Dashboards } from '../../src/grafana';
import { InvalidValueError } from '../../src/validation';

/** What JavaScript, a spread or a cast lets through. */
type Loose = Record<string, unknown>;

const EXPR = 'sum(rate(http_requests_total{job=~"$job"}[$__rate_interval]))';
const BASE = { title: 'Requests', description: 'Requests a second. Zero: look at DNS.', unit: 'reqps' } as const;

const timeSeries = (more: Loose = {}): Panel => Panels.timeSeries({ ...BASE, queries: [{ expr: EXPR }], ...more });
const stat = (more: Loose = {}): Panel => Panels.stat({ ...BASE, queries: [{ expr: EXPR }], ...more });
const table = (more: Loose = {}): Panel =>
  Panels.table({ ...BASE, labels: { job: 'Job' }, queries: [{ expr: EXPR, title: 'Rate' }], ...more });

const line = (): Panel[] => [timeSeries(), timeSeries({ title: 'Errors' }), timeSeries({ title: 'Latency' })];

const made = (more: Loose = {}): DashboardModel =>
  dashboard({
    uid: 'shop',
    title: 'Shop',
    description: 'What customers notice.',
    layer: 'service',
    variables: [Variables.tenant(), Variables.job({ metric: 'up' })],
    rows: [{ title: 'Now', panels: line() }],
    ...more,
  });

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look deep into the model
const panelsOf = (model: DashboardModel): any[] => model['panels'] as any[];

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidValueError);
    return (error as InvalidValueError).message;
  }
  throw new Error('it was taken');
}

describe('a dashboard', () => {
  test('has the fields of the JSON model', () => {
    expect(made()).toMatchObject({
      uid: 'shop',
      tags: ['service'],
      schemaVersion: 42,
      refresh: '1m',
      time: { from: 'now-1h', to: 'now' },
      annotations: { list: [] },
    });
    expect(made({ tags: ['shop', 'service'], refresh: '5s', from: 'now/d' })).toMatchObject({
      tags: ['service', 'shop'],
      refresh: '5s',
      time: { from: 'now/d' },
    });
  });

  test('links to the dashboards of each layer, with time and variables', () => {
    const links = made()['links'] as readonly Loose[];
    expect(links.map(({ title, tags }) => [title, tags])).toEqual([
      ['Overview', ['overview']],
      ['Services', ['service']],
      ['Components', ['component']],
      ['Realtime', ['realtime']],
    ]);
    for (const link of links) expect(link).toMatchObject({ type: 'dashboards', includeVars: true, keepTime: true });
  });

  test('goes into a folder', () => {
    expect(JSON.parse(Dashboards.of('Shop', { shop: made() }).files['shop.json']!)).toEqual(made());
  });

  test('puts panels in lines, and rows below each other', () => {
    const [small, smaller] = [stat({ title: 'a', width: 12 }), stat({ title: 'b', width: 12 })];
    const rows = [
      { title: 'First', panels: [...line(), small, smaller] },
      { title: 'Closed', collapsed: true, panels: [timeSeries({ width: 24, height: 6 })] },
      { title: 'Last $job', repeat: 'job', panels: [timeSeries({ width: 24 })] },
    ];
    const panels = panelsOf(made({ rows }));
    const places = panels.map(({ id, type, gridPos: { x, y, w, h } }) => [id, type, x, y, w, h]);
    expect(places).toEqual([
      [1, 'row', 0, 0, 24, 1],
      [2, 'timeseries', 0, 1, 8, 8],
      [3, 'timeseries', 8, 1, 8, 8],
      [4, 'timeseries', 16, 1, 8, 8],
      [5, 'stat', 0, 9, 12, 4],
      [6, 'stat', 12, 9, 12, 4],
      [7, 'row', 0, 13, 24, 1],
      [9, 'row', 0, 14, 24, 1],
      [10, 'timeseries', 0, 15, 24, 8],
    ]);
    expect(panels[6]).toMatchObject({ collapsed: true, panels: [{ id: 8, gridPos: { x: 0, y: 14, w: 24, h: 6 } }] });
    expect(panels[7]).toMatchObject({ collapsed: false, repeat: 'job', title: 'Last $job', panels: [] });
  });
});

describe('variables', () => {
  const lists = (...variables: readonly unknown[]): readonly Loose[] => {
    const expr = 'up{cluster=~"$cluster",namespace=~"$namespace",job=~"$job",instance=~"$instance"}';
    const rows = [{ title: 'Now', panels: [timeSeries({ queries: [{ expr }], width: 24 })] }];
    return (made({ variables, rows })['templating'] as { list: readonly Loose[] }).list;
  };

  test('are narrowed by those before them', () => {
    const metric = 'vm_app_version';
    const list = lists(
      Variables.tenant(),
      Variables.cluster({ metric }),
      Variables.namespace({ metric, matchers: 'job="vmstorage"' }),
      Variables.job({ metric }),
      Variables.instance({ metric }),
    );
    expect(list.map(({ name, label, definition }) => [name, label, definition])).toEqual([
      ['datasource', 'Tenant', undefined],
      ['cluster', 'Cluster', 'label_values(vm_app_version,cluster)'],
      ['namespace', 'Namespace', 'label_values(vm_app_version{cluster=~"$cluster",job="vmstorage"},namespace)'],
      ['job', 'Job', 'label_values(vm_app_version{cluster=~"$cluster",namespace=~"$namespace"},job)'],
      [
        'instance',
        'Instance',
        'label_values(vm_app_version{cluster=~"$cluster",namespace=~"$namespace",job=~"$job"},instance)',
      ],
    ]);
  });

  test('take several values, and all without the label at first', () => {
    const [tenant, job] = (made()['templating'] as { list: readonly Loose[] }).list;
    expect(tenant).toMatchObject({ type: 'datasource', query: 'prometheus', multi: false });
    expect(job).toMatchObject({
      type: 'query',
      datasource: { type: 'prometheus', uid: '${datasource}' },
      query: { query: 'label_values(up,job)' },
      multi: true,
      includeAll: true,
      allValue: '.*',
      current: { text: ['All'], value: ['$__all'] },
    });
  });
});

describe('panels', () => {
  test('ask the data source of the tenant', () => {
    const datasource = { type: 'prometheus', uid: '${datasource}' };
    expect(timeSeries().model).toMatchObject({ datasource, targets: [{ refId: 'A', datasource, expr: EXPR }] });
  });

  test('query what they show', () => {
    const queries = [{ expr: EXPR, legend: '{{job}}' }, { expr: 'up{job=~"$job"}' }];
    expect(timeSeries({ queries }).model['targets']).toMatchObject([
      { refId: 'A', range: true, instant: false, format: 'time_series', legendFormat: '{{job}}' },
      { refId: 'B', range: true, legendFormat: '__auto' },
    ]);
    expect(stat().model).toMatchObject({ targets: [{ instant: true }], options: { graphMode: 'none' } });
    expect(stat({ sparkline: true }).model).toMatchObject({
      targets: [{ range: true }],
      options: { graphMode: 'area' },
    });
    const pie = Panels.pie({ ...BASE, queries: [{ expr: EXPR }] });
    expect(pie.model).toMatchObject({ type: 'piechart', targets: [{ instant: true }] });
    const heatmap = Panels.heatmap({ ...BASE, unit: 's', query: 'sum by (le) (increase(x_bucket{job=~"$job"}[5m]))' });
    expect(heatmap.model).toMatchObject({
      type: 'heatmap',
      targets: [{ format: 'heatmap', legendFormat: '{{le}}', range: true }],
      options: { yAxis: { unit: 's' }, calculate: false },
    });
  });

  test('name their queries from A to Z, and then with two letters', () => {
    const queries = [...Array(54).keys()].map(() => ({ expr: EXPR }));
    const ids = (timeSeries({ queries }).model['targets'] as readonly { refId: string }[]).map(({ refId }) => refId);
    expect([...ids.slice(24, 28), ...ids.slice(51)]).toEqual(['Y', 'Z', 'AA', 'AB', 'AZ', 'BA', 'BB']);
  });

  test('have units, limits and what else was said', () => {
    const { model } = timeSeries({ min: 0, max: 1, decimals: 2, noValue: 'none', stack: true, unit: 'suffix:spans/s' });
    expect(model['fieldConfig']).toMatchObject({
      defaults: {
        unit: 'suffix:spans/s',
        min: 0,
        max: 1,
        decimals: 2,
        noValue: 'none',
        custom: { stacking: { mode: 'normal' }, thresholdsStyle: { mode: 'off' } },
      },
    });
    expect(stat({ texts: { 0: 'down', 1: 'up' } }).model['fieldConfig']).toMatchObject({
      defaults: {
        mappings: [{ type: 'value', options: { 0: { index: 0, text: 'down' }, 1: { index: 1, text: 'up' } } }],
      },
    });
  });

  test.each([
    [{ warning: 1, critical: 2 }, 'green null, orange 1, red 2'],
    [{ warning: 1 }, 'green null, orange 1'],
    [{ critical: 2 }, 'green null, red 2'],
    [{ warning: 2, critical: 1, below: true }, 'red null, orange 1, green 2'],
    [{ warning: 2, below: true }, 'orange null, green 2'],
    [{ critical: 1, below: true }, 'red null, green 1'],
  ])('are coloured by thresholds %j', (thresholds, steps) => {
    const { defaults } = stat({ thresholds }).model['fieldConfig'] as {
      defaults: { thresholds: { steps: readonly { color: string; value: number | null }[] }; color: unknown };
    };
    expect(defaults.thresholds.steps.map(({ color, value }) => `${color} ${value}`).join(', ')).toBe(steps);
    expect(defaults.color).toEqual({ mode: 'thresholds' });
  });

  test('draw thresholds across time series', () => {
    expect(timeSeries({ thresholds: { critical: 1 } }).model['fieldConfig']).toMatchObject({
      defaults: { custom: { thresholdsStyle: { mode: 'dashed' } } },
    });
  });

  test('lead to other dashboards with time and variables, and to URLs', () => {
    const links = [
      { title: 'Services', dashboard: 'services' },
      { title: 'Runbook', url: 'https://example.com/runbook' },
    ];
    expect(stat({ links }).model['links']).toEqual([
      { title: 'Services', url: '/d/services?${__url_time_range}&${__all_variables}' },
      { title: 'Runbook', url: 'https://example.com/runbook', targetBlank: true },
    ]);
  });

  test('of a table have the columns that were named, in their order', () => {
    const one = table().model;
    expect(one['targets']).toMatchObject([{ instant: true, format: 'table' }]);
    expect(one['transformations']).toEqual([
      { id: 'filterFieldsByName', options: { include: { names: ['job', 'Value'] } } },
      { id: 'organize', options: { indexByName: { job: 0, Value: 1 }, renameByName: { job: 'Job', Value: 'Rate' } } },
    ]);
    const queries = [
      { expr: EXPR, title: 'Rate' },
      { expr: EXPR, title: 'Up', unit: 'percentunit', thresholds: { critical: 1, below: true }, texts: { 1: 'all' } },
    ];
    const two = table({ queries, sortBy: 'Up' }).model;
    expect(two['transformations']).toMatchObject([
      { id: 'merge' },
      { options: { include: { names: ['job', 'Value #A', 'Value #B'] } } },
      { options: { renameByName: { 'Value #A': 'Rate', 'Value #B': 'Up' } } },
    ]);
    expect(two['options']).toMatchObject({ sortBy: [{ displayName: 'Up', desc: true }] });
    expect((two['fieldConfig'] as Loose)['overrides']).toMatchObject([
      { matcher: { id: 'byName', options: 'Rate' }, properties: [{ id: 'unit', value: 'reqps' }] },
      {
        matcher: { options: 'Up' },
        properties: [
          { id: 'unit', value: 'percentunit' },
          { id: 'mappings' },
          { id: 'thresholds' },
          { id: 'custom.cellOptions', value: { type: 'color-background' } },
        ],
      },
    ]);
  });
});

describe('the panels of an objective', () => {
  const slo = Slo.of({
    name: 'checkout',
    objective: 0.999,
    errors: 'sum(rate(errors_total[$window]))',
    total: 'sum(rate(requests_total[$window]))',
  });

  test('fill a line', () => {
    const model = made({ variables: [Variables.tenant()], rows: [{ title: 'Checkout', panels: slo.panels() }] });
    expect(panelsOf(model).map(({ title }) => title)).toEqual([
      'Checkout',
      'checkout: error budget left',
      'checkout: error budget over time',
      'checkout: error ratio',
    ]);
  });

  test('show what its rules record', () => {
    const exprs = slo.panels().map(({ model }) => (model['targets'] as readonly { expr: string }[])[0]!.expr);
    const budget = `last_over_time(${SLO_SERIES.budgetRemaining}{slo="checkout"}[15m])`;
    expect(exprs).toEqual([budget, budget, `${SLO_SERIES.errorRatio}{slo="checkout"}`]);
    expect(slo.panels()[2]!.model['fieldConfig']).toMatchObject({
      defaults: { thresholds: { steps: [{ color: 'green' }, { color: 'red', value: 0.001 }] } },
    });
    expect(slo.panels()[2]!.model['description']).toContain('At 0.1% the budget lasts for just its window');
  });

  test('are refused with the objective', () => {
    const wrong = Slo.of({ name: 'checkout', objective: 99.9, errors: 'e[$window]', total: 't[$window]' });
    expect(refusal(() => wrong.panels())).toBe(
      "slo['checkout'].objective = 99.9: must be above 0 and below 1: a share, not per cent. To fix: write for example 0.999.",
    );
  });
});

describe('what is refused', () => {
  test.each<[string, () => unknown, string]>([
    [
      'a missing description',
      () => stat({ description: undefined }),
      "panel['Requests'].description = (not set): panel['Requests'] is nothing without it. To fix: set `panel['Requests'].description`.",
    ],
    [
      'an empty description',
      () => stat({ description: '' }),
      'panel[\'Requests\'].description = "": must be a non-empty string. To fix: give a non-empty string.',
    ],
    [
      'a prop of another panel',
      () => stat({ stack: true }),
      "panel['Requests'].stack = true: there is no such prop. To fix: use one of title, description, unit, width, height, decimals, noValue, links, queries, thresholds, texts, sparkline.",
    ],
    [
      'a misspelt prop',
      () => timeSeries({ treshold: { warning: 1 } }),
      "panel['Requests'].treshold = {\"warning\":1}: there is no such prop. To fix: did you mean `panel['Requests'].thresholds`?",
    ],
    [
      'no query',
      () => timeSeries({ queries: [] }),
      "panel['Requests'].queries = []: must not be empty. To fix: name something, or leave the prop out.",
    ],
    [
      'a query that is no expression',
      () => timeSeries({ queries: [{ expr: 'sum(rate(x[5m])' }] }),
      'panel[\'Requests\'].queries[0].expr = "sum(rate(x[5m])": is no query: a ( is not closed. To fix: correct the expression.',
    ],
    [
      'an open text',
      () => timeSeries({ queries: [{ expr: 'up{job="x}' }] }),
      'panel[\'Requests\'].queries[0].expr = "up{job=\\"x}": is no query: a " is not closed. To fix: correct the expression.',
    ],
    [
      'a unit that Grafana does not know',
      () => stat({ unit: 'second' }),
      'panel[\'Requests\'].unit = "second": is no unit of a dashboard. To fix: use one of none, short, percentunit, percent, ns, ms, s, m, h, d, dtdurations, dateTimeFromNow, bytes, decbytes, binBps, Bps, reqps, ops, cps, rps, wps, iops, pps, currencyUSD, currencyEUR, or suffix:TEXT.',
    ],
    [
      'a panel that is too wide',
      () => stat({ width: 25 }),
      "panel['Requests'].width = 25: must be a whole number from 1 to 24. To fix: give a whole number from 1 to 24.",
    ],
    [
      'thresholds without one',
      () => stat({ thresholds: { below: true } }),
      'panel[\'Requests\'].thresholds = {"below":true}: colours nothing. To fix: set `warning`, `critical` or both.',
    ],
    [
      'a threshold that is no number',
      () => stat({ thresholds: { warning: '5' } }),
      'panel[\'Requests\'].thresholds.warning = "5": must be a number. To fix: write for example 0.9.',
    ],
    [
      'thresholds the wrong way round',
      () => stat({ thresholds: { warning: 2, critical: 1 } }),
      'panel[\'Requests\'].thresholds = {"warning":2,"critical":1}: `warning` must be below `critical`, else nothing would ever be orange. To fix: exchange them, or set `below: true` where low is bad.',
    ],
    [
      'thresholds the wrong way round, where low is bad',
      () => stat({ thresholds: { warning: 1, critical: 2, below: true } }),
      'panel[\'Requests\'].thresholds = {"warning":1,"critical":2,"below":true}: with `below`, `warning` must be above `critical`, else nothing would ever be orange. To fix: exchange them, or remove `below`.',
    ],
    [
      'a link to nowhere',
      () => stat({ links: [{ title: 'Services' }] }),
      "panel['Requests'].links[0].url = (not set): panel['Requests'].links[0] is nothing without it. To fix: set `panel['Requests'].links[0].url`.",
    ],
    [
      'a link to a dashboard by its title',
      () => stat({ links: [{ title: 'Services', dashboard: 'My services' }] }),
      'panel[\'Requests\'].links[0].dashboard = "My services": must be the uid of a dashboard. To fix: give the uid of a dashboard.',
    ],
    [
      'two columns of one title',
      () => table({ queries: [{ expr: EXPR, title: 'Job' }] }),
      'panel[\'Requests\'].queries = "Job": is the title of two columns. To fix: give each column a title of its own.',
    ],
    [
      'the order of a column that there is not',
      () => table({ sortBy: 'job' }),
      'panel[\'Requests\'].sortBy = "job": is no column of the table. To fix: use one of Job, Rate.',
    ],
    [
      'a metric with braces',
      () => Variables.job({ metric: 'up{job="x"}' }),
      'variable[\'job\'].metric = "up{job=\\"x\\"}": must be the name of a metric. To fix: give the name of a metric.',
    ],
    [
      'matchers with braces',
      () => Variables.job({ metric: 'up', matchers: '{job="x"}' }),
      'variable[\'job\'].matchers = "{job=\\"x\\"}": has braces, which are put around it. To fix: write for example job="vmstorage",type="indexdb".',
    ],
    [
      'matchers with an open quote',
      () => Variables.job({ metric: 'up', matchers: 'job="x' }),
      'variable[\'job\'].matchers = "job=\\"x": is no list of matchers: a " is not closed. To fix: write for example job="vmstorage",type="indexdb".',
    ],
    [
      'a variable with a name of Grafana',
      () => Variables.label({ name: '__from', title: 'From', metric: 'up', label: 'job' }),
      "variable['__from'].name = \"__from\": must have letters, digits and _, and be neither datasource nor begin with _: those are Grafana's or ours. To fix: write for example 'namespace'.",
    ],
    [
      'a uid with a space',
      () => made({ uid: 'my shop' }),
      'dashboard[\'my shop\'].uid = "my shop": must be 1 to 40 letters, digits, - and _. To fix: give 1 to 40 letters, digits, - and _.',
    ],
    [
      'a layer that there is not',
      () => made({ layer: 'services' }),
      "dashboard['shop'].layer = \"services\": must be one of 'overview', 'service', 'component', 'realtime'. To fix: give one of 'overview', 'service', 'component', 'realtime'.",
    ],
    [
      'a refresh that Grafana refuses',
      () => made({ refresh: '1s' }),
      "dashboard['shop'].refresh = \"1s\": is no time of 5 seconds or more, which is the least that Grafana takes. To fix: write for example '30s'.",
    ],
    [
      'a refresh without a unit',
      () => made({ refresh: 30 }),
      "dashboard['shop'].refresh = 30: is no time of 5 seconds or more, which is the least that Grafana takes. To fix: write for example '30s'.",
    ],
    [
      'a time range that is none',
      () => made({ from: '6h' }),
      "dashboard['shop'].from = \"6h\": must be a time before now, such as 'now-6h'. To fix: give a time before now, such as 'now-6h'.",
    ],
    [
      'no rows',
      () => made({ rows: [] }),
      "dashboard['shop'].rows = []: must not be empty. To fix: name something, or leave the prop out.",
    ],
    [
      'a row without panels',
      () => made({ rows: [{ title: 'Now', panels: [] }] }),
      "dashboard['shop'].rows['Now'].panels = []: must not be empty. To fix: name something, or leave the prop out.",
    ],
    [
      'a panel as JSON',
      () => made({ rows: [{ title: 'Now', panels: [{ type: 'graph' }] }] }),
      'dashboard[\'shop\'].rows[\'Now\'].panels[0] = {"type":"graph"}: must be a Panel. To fix: write Panels.timeSeries({ ... }) or the like.',
    ],
    [
      'rows of one title',
      () =>
        made({
          rows: [
            { title: 'Now', panels: line() },
            { title: 'Now', panels: line() },
          ],
        }),
      'dashboard[\'shop\'].rows = "Now": is the name of more than one row. To fix: rename one of them, or remove it.',
    ],
    [
      'a line that is not full',
      () => made({ rows: [{ title: 'Now', panels: line().slice(1) }] }),
      "dashboard['shop'].rows['Now'].panels['Latency'].width = 8: leaves 8 columns of its line empty. To fix: set it to 16, or add a panel.",
    ],
    [
      'a line that is too full',
      () => made({ rows: [{ title: 'Now', panels: [timeSeries({ width: 20 }), ...line()] }] }),
      "dashboard['shop'].rows['Now'].panels['Requests'].width = 8: does not fit into its line, which has 4 columns left of 24. To fix: set it to 4, or change the widths before it.",
    ],
    [
      'different heights in a line',
      () => made({ rows: [{ title: 'Now', panels: [...line().slice(1), stat({ width: 8 })] }] }),
      "dashboard['shop'].rows['Now'].panels['Requests'].height = 4: differs from 8, the height of 'Errors' in the same line: there would be a gap. To fix: set it to 8.",
    ],
    [
      'a variable that is not declared',
      () => made({ variables: [Variables.tenant()] }),
      "dashboard['shop'].rows['Now'].panels['Requests'] = \"$job\": is a variable that the dashboard does not declare. To fix: add it to `variables`.",
    ],
    [
      'no tenant',
      () => made({ variables: [Variables.job({ metric: 'up' })] }),
      "dashboard['shop'].rows['Now'].panels['Requests'] = \"$datasource\": is a variable that the dashboard does not declare. To fix: add Variables.tenant() to `variables`.",
    ],
    [
      'a variable that nothing uses',
      () =>
        made({ variables: [Variables.tenant(), Variables.cluster({ metric: 'up' }), Variables.job({ metric: 'up' })] }),
      'dashboard[\'shop\'].variables = "cluster": no panel uses it: whoever chooses a value would believe that it does something. To fix: write cluster=~"$cluster" in queries, or remove it.',
    ],
    [
      'a variable twice',
      () => made({ variables: [Variables.tenant(), Variables.job({ metric: 'up' }), Variables.job({ metric: 'up' })] }),
      'dashboard[\'shop\'].variables = "job": is the name of more than one variable. To fix: rename one of them, or remove it.',
    ],
    [
      'a variable of several values, compared exactly',
      () => made({ rows: [{ title: 'Now', panels: [stat({ queries: [{ expr: 'up{job="$job"}' }], width: 24 })] }] }),
      'dashboard[\'shop\'].rows[\'Now\'].panels[\'Requests\'] = "=\\"$job\\"": several values may be chosen, of which Grafana makes a regular expression. To fix: write =~"$job".',
    ],
    [
      'the repetition by a variable that there is not',
      () => made({ rows: [{ title: 'Now', panels: line(), repeat: 'service' }] }),
      "dashboard['shop'].rows['Now'].repeat = \"service\": is no variable of the dashboard that takes several values. To fix: use one of job.",
    ],
    [
      'a misspelt prop of the dashboard',
      () => made({ time: 'now-1h' }),
      "dashboard['shop'].time = \"now-1h\": there is no such prop. To fix: did you mean `dashboard['shop'].title`?",
    ],
  ])('%s', (_, make, message) => {
    expect(refusal(make)).toBe(message);
  });
});
