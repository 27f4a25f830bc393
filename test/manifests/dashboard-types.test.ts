import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allDashboards } from '../../dashboards';

/** Below the packages that the types are in. */
const CACHE = join(__dirname, '../../node_modules/.cache');
const TSC = join(__dirname, '../../node_modules/typescript/bin/tsc');

/** Fields that are missing have a default in Grafana; its enums are written as what they stand for. */
const LOOSE = `
type Loose<T> =
  T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined | Function ? T
  : T extends (infer U)[] ? Loose<U>[]
  : { [K in keyof T]?: Loose<T[K]> };`;

interface PanelJson {
  readonly type: string;
  readonly title: string;
  readonly options?: object;
  readonly fieldConfig?: { readonly defaults: { readonly custom?: object }; readonly overrides: readonly object[] };
  readonly targets?: readonly object[];
  readonly panels?: readonly PanelJson[];
}

interface DashboardJson {
  readonly uid: string;
  readonly panels: readonly PanelJson[];
}

/** A value that must have a type, with a comment that tells whose it is. */
function declaration(type: string, value: object | undefined, of: string): string[] {
  return value === undefined ? [] : [`// ${of}`, `void (${JSON.stringify(value)} satisfies Loose<${type}>);`];
}

function checksOf(panel: PanelJson, dashboard: string): string[] {
  const { type, options, fieldConfig, targets = [], panels = [], ...rest } = panel;
  const of = `${dashboard}: ${panel.title}`;
  if (type === 'row') {
    return [
      ...declaration('Dashboard.RowPanel', { type, ...rest, panels: [] }, of),
      ...panels.flatMap((each) => checksOf(each, dashboard)),
    ];
  }
  const { custom, ...defaults } = fieldConfig?.defaults ?? {};
  const config = fieldConfig && { ...fieldConfig, defaults };
  return [
    ...declaration('Dashboard.Panel', { type, ...rest, fieldConfig: config }, of),
    ...declaration(`${type}.Options`, options, of),
    ...declaration(`${type}.FieldConfig`, custom, of),
    ...targets.flatMap((target) => declaration('prometheus.Dataquery', target, of)),
  ];
}

/** What TypeScript says of dashboards by the types that Grafana publishes, each with the panel that it is about. */
function errorsOf(dashboards: readonly DashboardJson[]): string[] {
  const panels = dashboards.flatMap((each) => each.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]));
  const types = [...new Set(panels.map(({ type }) => type))].filter((type) => type !== 'row');
  const lines = [
    `import type * as Dashboard from '@grafana/grafana-foundation-sdk/dashboard';`,
    ...['prometheus', ...types].map(
      (type) => `import type * as ${type} from '@grafana/grafana-foundation-sdk/${type}';`,
    ),
    ...LOOSE.split('\n'),
    ...dashboards.flatMap(({ panels: own, ...rest }) => [
      ...declaration('Dashboard.Dashboard', rest, rest.uid),
      ...own.flatMap((panel) => checksOf(panel, rest.uid)),
    ]),
  ];
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'dashboards-'));
  try {
    writeFileSync(join(folder, 'dashboards.ts'), lines.join('\n'));
    const compilerOptions = {
      module: 'node20',
      target: 'es2022',
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['dashboards.ts'] }));
    execFileSync(process.execPath, [TSC, '--pretty', 'false', '-p', folder], { encoding: 'utf8' });
    return [];
  } catch (error) {
    const { stdout } = error as { readonly stdout: string };
    return [...stdout.matchAll(/dashboards\.ts\((\d+),\d+\): (.*)/g)].map(([, line, text]) => {
      return `${lines[Number(line) - 2]}: ${text}`;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const dashboards = allDashboards().flatMap(({ models }) => Object.values(models)) as unknown as DashboardJson[];

test('dashboards are of the types that Grafana publishes', () => {
  expect(dashboards.length).toBeGreaterThan(10);
  expect(errorsOf(dashboards)).toEqual([]);
}, 120_000);

test('an option that Grafana does not know, or knows other values of, is told', () => {
  const panel = dashboards.flatMap(({ panels }) => panels).find(({ type }) => type === 'stat')!;
  const errors = [
    { ...panel.options, colourMode: 'value' },
    { ...panel.options, colorMode: 'loud' },
  ].flatMap((options) => errorsOf([{ uid: 'wrong', panels: [{ ...panel, options }] }]));
  expect(errors).toHaveLength(2);
  expect(errors[0]).toMatch(/^\/\/ wrong: .*"colourMode".* does not exist/);
  expect(errors[1]).toMatch(/^\/\/ wrong: .*"loud"/);
}, 120_000);
