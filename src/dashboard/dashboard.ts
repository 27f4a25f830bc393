import {
  anything,
  boolean,
  filledListOf,
  instance,
  listOf,
  object,
  oneOf,
  Refusals,
  rule,
  text,
  type Check,
  type Problems,
} from '../validation';
import type { DashboardModel } from './model';
import { DASHBOARD_UID, type Panel } from './panels';
import { checkVariablesOf, variablesIn } from './variable-use';
import type { DashboardVariable } from './variables';

/** From the whole to the detail; each dashboard links to those of all layers. */
const LAYERS = {
  overview: 'Overview',
  service: 'Services',
  component: 'Components',
  realtime: 'Realtime',
} as const;

/** What a dashboard looks at: the whole, services, the components of the stack, or what happens now. */
export type DashboardLayer = keyof typeof LAYERS;

/** Panels below a title. */
export interface DashboardRow {
  /** The title of the row. */
  readonly title: string;
  /** From left to right; a line is full at 24 columns, and its panels have one height. */
  readonly panels: readonly Panel[];
  /** Whether its panels are shown, and queried, only when somebody opens it. @default false */
  readonly collapsed?: boolean;
  /** The name of a variable: the row is shown once for each value that is chosen. @default - once */
  readonly repeat?: string;
}

/** A dashboard. */
export interface DashboardProps {
  /** Stands in the URL and in links: at most 40 letters, digits, - and _; unique. */
  readonly uid: string;
  /** Unique in its folder. */
  readonly title: string;
  /** What it is for. */
  readonly description: string;
  /** Becomes a tag, which links between dashboards go by. */
  readonly layer: DashboardLayer;
  /** Further tags to find it by. @default - none */
  readonly tags?: readonly string[];
  /** How often it queries anew, as in Grafana: 5 seconds or more. @default 1m */
  readonly refresh?: string;
  /** Since when it shows. @default now-1h */
  readonly from?: string;
  /** `Variables.tenant()` and others; those before narrow those after. */
  readonly variables: readonly DashboardVariable[];
  /** From top to bottom. */
  readonly rows: readonly DashboardRow[];
}

const COLUMNS = 24;

/** The last schema of classic dashboards. Grafana migrates older ones whenever it loads them. */
const SCHEMA_VERSION = 42;

const layer: Check = oneOf(...Object.keys(LAYERS));

const LEAST_REFRESH_SECONDS = 5;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

const refreshCheck: Check = rule(
  (value) => {
    const [, amount, unit] = /^(\d+)([smh])$/.exec(String(value)) ?? [];
    return amount !== undefined && Number(amount) * SECONDS[unit!]! >= LEAST_REFRESH_SECONDS;
  },
  'is no time of 5 seconds or more, which is the least that Grafana takes',
  "write for example '30s'",
);

const fromCheck = text(/^now(?:-\d+[smhdwMy])?(?:\/[dwMy])?$/, "a time before now, such as 'now-6h'");

const dashboardCheck = object<DashboardProps>(
  {
    uid: text(DASHBOARD_UID, '1 to 40 letters, digits, - and _'),
    title: text(),
    description: text(),
    layer,
    tags: listOf(text()),
    refresh: refreshCheck,
    from: fromCheck,
    variables: listOf(instance('Variable', 'render', 'Variables.tenant() or the like')),
    rows: filledListOf(anything),
  },
  'uid',
  'title',
  'description',
  'layer',
  'variables',
  'rows',
);

const rowCheck = object<DashboardRow>(
  {
    title: text(),
    panels: filledListOf(instance('Panel', 'model', 'Panels.timeSeries({ ... }) or the like')),
    collapsed: boolean,
    repeat: text(),
  },
  'title',
  'panels',
);

/**
 * A dashboard in the JSON model of Grafana: panels stand where the order of their row puts them, without gaps.
 *
 * @throws InvalidValueError when a prop is wrong, a line of panels is not full, or variables do not fit.
 */
export function dashboard(props: DashboardProps): DashboardModel {
  const path = `dashboard['${String((props as Partial<DashboardProps> | undefined)?.uid)}']`;
  const problems = new Refusals();
  dashboardCheck(props, path, problems);
  const { uid, title, description, tags = [], refresh = '1m', from = 'now-1h', variables, rows } = props;
  for (const row of rows) rowCheck(row, rowPath(path, row), problems);
  checkDistinct(
    rows.map((row) => row.title),
    `${path}.rows`,
    'row',
    problems,
  );
  checkDistinct(
    variables.map(({ name }) => name),
    `${path}.variables`,
    'variable',
    problems,
  );
  checkVariables(props, path, problems);
  return {
    uid,
    title,
    description,
    tags: [...new Set([props.layer, ...tags])],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    // One crosshair for all panels.
    graphTooltip: 1,
    refresh,
    time: { from, to: 'now' },
    timezone: 'browser',
    templating: { list: variables.map((variable, index) => variable.render(variables.slice(0, index))) },
    annotations: { list: [] },
    links: Object.entries(LAYERS).map(([tag, name]) => ({
      type: 'dashboards',
      title: name,
      tags: [tag],
      asDropdown: true,
      includeVars: true,
      keepTime: true,
      targetBlank: false,
    })),
    panels: placed(rows, path, problems),
  };
}

function rowPath(path: string, row: DashboardRow | undefined): string {
  return `${path}.rows['${String((row as Partial<DashboardRow> | undefined)?.title)}']`;
}

function checkDistinct(names: readonly string[], prop: string, what: string, problems: Problems): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  problems.when(twice !== undefined, {
    prop,
    value: twice,
    rule: `is the name of more than one ${what}`,
    fix: 'rename one of them, or remove it',
  });
}

function checkVariables({ variables, rows }: DashboardProps, path: string, problems: Problems): void {
  const labels = variables.filter((variable) => variable.label !== undefined);
  for (const row of rows) {
    const prop = rowPath(path, row);
    checkVariablesOf(row.title, variables, `${prop}.title`, problems);
    problems.when(row.repeat !== undefined && !labels.some(({ name }) => name === row.repeat), {
      prop: `${prop}.repeat`,
      value: row.repeat,
      rule: 'is no variable of the dashboard that takes several values',
      fix: labels.length === 0 ? 'add it to `variables`' : `use one of ${labels.map(({ name }) => name).join(', ')}`,
    });
    for (const { title, model } of row.panels) {
      checkVariablesOf(model, variables, `${prop}.panels['${title}']`, problems);
    }
  }
  const used = variablesIn(rows.flatMap(({ panels }) => panels.map(({ model }) => model)));
  const unused = variables.find(({ name }) => !used.has(name));
  problems.when(unused !== undefined, {
    prop: `${path}.variables`,
    value: unused?.name,
    rule: 'no panel uses it: whoever chooses a value would believe that it does something',
    fix: `write ${unused?.label ?? 'label'}=~"$${unused?.name ?? 'name'}" in queries, or remove it`,
  });
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** All rows below each other. */
function placed(rows: readonly DashboardRow[], path: string, problems: Problems): object[] {
  let y = 0;
  let id = 0;
  return rows.flatMap((row) => {
    const { title, panels, collapsed = false, repeat } = row;
    const head = {
      id: ++id,
      type: 'row',
      title,
      collapsed,
      ...(repeat === undefined ? {} : { repeat }),
      gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 },
    };
    const places = linesOf(panels, y, rowPath(path, row), problems);
    const inside = panels.map(({ model }, index) => ({ id: ++id, ...model, gridPos: places[index] }));
    // The panels of a closed row take no place.
    if (collapsed) return [{ ...head, panels: inside }];
    const last = places.at(-1)!;
    y = last.y + last.h;
    return [{ ...head, panels: [] }, ...inside];
  });
}

/** Line after line, each of them full. */
function linesOf(panels: readonly Panel[], top: number, prop: string, problems: Problems): Place[] {
  const at = ({ title }: Panel): string => `${prop}.panels['${title}']`;
  let x = 0;
  let y = top;
  let first: Panel | undefined;
  const places = panels.map((panel): Place => {
    const { width: w, height: h } = panel;
    first ??= panel;
    problems.when(x + w > COLUMNS, {
      prop: `${at(panel)}.width`,
      value: w,
      rule: `does not fit into its line, which has ${COLUMNS - x} columns left of ${COLUMNS}`,
      fix: `set it to ${COLUMNS - x}, or change the widths before it`,
    });
    problems.when(h !== first.height, {
      prop: `${at(panel)}.height`,
      value: h,
      rule: `differs from ${first.height}, the height of '${first.title}' in the same line: there would be a gap`,
      fix: `set it to ${first.height}`,
    });
    const place = { x, y, w, h };
    x += w;
    if (x === COLUMNS) {
      x = 0;
      y += h;
      first = undefined;
    }
    return place;
  });
  const last = panels.at(-1)!;
  problems.when(x > 0, {
    prop: `${at(last)}.width`,
    value: last.width,
    rule: `leaves ${COLUMNS - x} columns of its line empty`,
    fix: `set it to ${last.width + COLUMNS - x}, or add a panel`,
  });
  return places;
}
