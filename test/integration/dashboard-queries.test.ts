import { join } from 'node:path';
import { allDashboards } from '../../dashboards';
import { dependsOnMachine, EMPTY_PANELS, EMPTY_SELECTORS } from './dashboard-queries/exceptions';
import { FIXTURE_CLUSTER } from './dashboard-queries/fixtures';
import { CLUSTER, MonitoredStack, STACK_PROGRAMS } from './dashboard-queries/monitored-stack';
import { dashboardQueries, fillIn, rulesOf, selectorsOf } from './dashboard-queries/queries';
import { describeWith } from './runner';

jest.setTimeout(120_000);

const dashboards = dashboardQueries(allDashboards());
const rules = rulesOf(join(__dirname, '../../rules'));

/** Those of the names that are in a list, in their order. */
const among = (list: Readonly<Record<string, string>>, names: readonly string[]): string[] =>
  names.filter((name) => name in list);

describeWith(STACK_PROGRAMS, 'queries on a stack that watches itself', () => {
  let stack: MonitoredStack;

  beforeAll(async () => {
    stack = await MonitoredStack.start();
    await stack.fill();
  });
  afterAll(() => (stack as MonitoredStack | undefined)?.close());

  describe.each(dashboards)('$title', ({ queries, variables }) => {
    const all = Object.fromEntries(variables.map(({ name, all }) => [name, all]));

    it('offers values of each variable', async () => {
      const empty: string[] = [];
      for (const { name, selector, label } of variables) {
        const values = await stack.labelValues(label, fillIn(selector, all));
        if (values.length === 0) empty.push(name);
      }
      expect(empty).toEqual([]);
    });

    it('shows something in each panel, but for those with a reason', async () => {
      const empty: string[] = [];
      for (const { name, expr, instant } of queries) {
        const filled = fillIn(expr, all);
        const values = instant ? await stack.values(filled) : await stack.valuesOverTime(filled);
        if (values.length === 0 && !dependsOnMachine(expr)) empty.push(name);
      }
      const names = queries.map(({ name }) => name);
      expect(empty).toEqual(among(EMPTY_PANELS, names));
    });
  });

  describe.each([...new Set(rules.map(({ file }) => file))])('%s', (file) => {
    const ofFile = rules.filter((rule) => rule.file === file);

    it('can be evaluated, and records something', async () => {
      const empty: string[] = [];
      for (const { name, isAlert, expr } of ofFile) {
        const values = await stack.values(expr);
        if (values.length === 0 && !isAlert) empty.push(name);
      }
      expect(empty).toEqual([]);
    });

    it('looks at series that there are, but for those with a reason', async () => {
      const selectors = [...new Set(ofFile.flatMap(({ expr }) => selectorsOf(expr)))];
      const empty: string[] = [];
      for (const selector of selectors) {
        const [count = 0] = await stack.values(`count(last_over_time(${selector}[1h]))`);
        if (count === 0) empty.push(selector);
      }
      expect(empty).toEqual(among(EMPTY_SELECTORS, selectors));
    });
  });

  it('takes from fixtures only what no process of the stack tells', async () => {
    const of = async (cluster: string) => new Set(await stack.labelValues('__name__', `{cluster="${cluster}"}`));
    const scraped = await of(CLUSTER);
    const both = [...(await of(FIXTURE_CLUSTER))].filter((name) => scraped.has(name));
    expect(both.filter((name) => !/^(up|ALERTS\w*|process_\w+)$|:/.test(name))).toEqual([]);
  });
});

test('every reason is that of a query or a selector that there is', () => {
  const panels = dashboards.flatMap(({ queries }) => queries.map(({ name }) => name));
  const selectors = rules.flatMap(({ expr }) => selectorsOf(expr));
  expect(Object.keys(EMPTY_PANELS).filter((name) => !panels.includes(name))).toEqual([]);
  expect(Object.keys(EMPTY_SELECTORS).filter((name) => !selectors.includes(name))).toEqual([]);
});

test('selectors are found in expressions', () => {
  const expr =
    'WITH (a = sum by (x, y) (rate(m{k="}"}[5m] offset 1w))) a / on (z) group_left (w) {__name__=~"n.*"} == 1e3 or -o';
  expect(selectorsOf(expr)).toEqual(['m{k="}"}', '{__name__=~"n.*"}', 'o']);
});

test('variables are filled in, and an unknown one is refused', () => {
  expect(fillIn('rate(x{a=~"$b",c=~"${d:regex}"}[$__rate_interval])', { b: '.*', d: 'e' })).toBe(
    'rate(x{a=~".*",c=~"e"}[1m])',
  );
  expect(() => fillIn('x{a=~"$b"}', {})).toThrow('$b: there is no such variable in x{a=~"$b"}');
});
