import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { DashboardFolder } from '../../../src';

/** A query of a panel, as the dashboard has it. */
export interface PanelQuery {
  /** Folder, dashboard, panel and number of the query. */
  readonly name: string;
  readonly expr: string;
  readonly instant: boolean;
}

/** A variable that chooses values of a label. */
export interface LabelVariable {
  readonly name: string;
  /** What the series have whose values it offers, with the variables before it. */
  readonly selector: string;
  readonly label: string;
  /** What stands for All. */
  readonly all: string;
}

export interface DashboardQueries {
  readonly title: string;
  readonly queries: readonly PanelQuery[];
  readonly variables: readonly LabelVariable[];
}

interface PanelJson {
  readonly title?: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly instant?: boolean }[];
  readonly panels?: readonly PanelJson[];
}

interface VariableJson {
  readonly type: string;
  readonly name: string;
  readonly query: { readonly query: string };
  readonly allValue: string;
}

/** All queries of all dashboards. */
export function dashboardQueries(folders: readonly DashboardFolder[]): DashboardQueries[] {
  return folders.flatMap((folder) =>
    Object.values(folder.models).map((model) => {
      const title = `${folder.title} / ${model.title}`;
      const { templating } = model as unknown as { templating: { list: readonly VariableJson[] } };
      return {
        title,
        queries: (model.panels as readonly PanelJson[]).flatMap((panel) => panelQueries(title, panel)),
        variables: templating.list.filter(({ type }) => type === 'query').map(labelVariable),
      };
    }),
  );
}

function panelQueries(dashboard: string, { title = '', targets = [], panels = [] }: PanelJson): PanelQuery[] {
  return [
    ...targets.map(({ refId, expr, instant = false }) => ({
      name: `${dashboard} / ${title} / ${refId}`,
      expr,
      instant,
    })),
    ...panels.flatMap((panel) => panelQueries(dashboard, panel)),
  ];
}

function labelVariable({ name, query, allValue }: VariableJson): LabelVariable {
  const [, selector, label] = /^label_values\((.*),\s*(\w+)\)$/s.exec(query.query) ?? [];
  if (selector === undefined || label === undefined) throw new Error(`no query for values of a label: ${query.query}`);
  return { name, selector, label, all: allValue };
}

/** What Grafana knows by itself: for an hour that is shown, in steps of 15 seconds. */
const BUILT_IN: Readonly<Record<string, string>> = {
  __rate_interval: '1m',
  __interval: '15s',
  __range: '1h',
  __range_s: '3600',
  __interval_ms: '15000',
};

/**
 * Puts in what Grafana would for its variables.
 *
 * @throws Error for one that is neither Grafana's nor the dashboard's
 */
export function fillIn(text: string, variables: Readonly<Record<string, string>>): string {
  const values: Readonly<Record<string, string>> = { ...BUILT_IN, ...variables };
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, braced: string | undefined, bare: string) => {
    const value = values[braced ?? bare];
    if (value === undefined) throw new Error(`${whole}: there is no such variable in ${text}`);
    return value;
  });
}

/** A rule of `rules/`. */
export interface Rule {
  readonly file: string;
  readonly name: string;
  readonly isAlert: boolean;
  readonly expr: string;
}

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert?: string; readonly record?: string; readonly expr: string }[];
  }[];
}

/** All rules of a folder. */
export function rulesOf(folder: string): Rule[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml') && !file.endsWith('.test.yaml'))
    .sort()
    .flatMap((file) =>
      (parse(readFileSync(join(folder, file), 'utf8')) as RuleFile).groups.flatMap(({ rules }) =>
        rules.map(({ alert, record, expr }) => ({
          file,
          name: alert ?? record ?? '',
          isAlert: alert !== undefined,
          expr,
        })),
      ),
    );
}

/** A text in quotes, a list of matchers, a window, a number or duration, a name, or anything else. */
const TOKEN =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^}])*\}|\[[^\]]*\]|[\d.]+\w*|[a-zA-Z_:][\w:]*|\S/gs;

const AGGREGATION = ['by', 'without'];
const LISTS = [...AGGREGATION, 'on', 'ignoring', 'group_left', 'group_right'];
const WORDS = ['and', 'or', 'unless', 'if', 'ifnot', 'default', 'bool', 'offset', 'keep_metric_names', 'inf', 'nan'];

/**
 * The selectors of an expression, each once, without window and offset.
 *
 * @returns for example `up{job="vmagent"}`
 */
export function selectorsOf(expr: string): string[] {
  const tokens: readonly string[] = expr.replace(/#.*$/gm, '').match(TOKEN) ?? [];
  // What WITH defines: a single = stands nowhere else.
  const templates = tokens.filter((_, index) => tokens[index + 1] === '=' && tokens[index + 2] !== '=');
  const ignored = [...WORDS, ...templates];
  const found = new Set<string>();
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!;
    const next = tokens[index + 1] ?? '';
    if (LISTS.includes(token)) {
      if (next === '(') index = tokens.indexOf(')', index);
    } else if (token.startsWith('{')) {
      found.add(token);
    } else if (/^[a-zA-Z_:]/.test(token) && !['(', ...AGGREGATION].includes(next) && !ignored.includes(token)) {
      if (next.startsWith('{')) index++;
      found.add(next.startsWith('{') ? token + next : token);
    }
  }
  return [...found];
}
