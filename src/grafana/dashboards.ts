import type { DashboardModel } from '../dashboard';
import { closest, InvalidValueError, isObject, type Problems } from '../validation';
import { isDataKey } from '../values';
import { LARGEST_FILE_BYTES } from '../workload';
import { METRICS_TYPES, type Datasource, type DatasourceType } from './datasource';

export type { DashboardModel };

const UID = /^[-\w]{1,40}$/;

/** Some dashboards in a folder of Grafana. Made by `Dashboards.of`. */
export class DashboardFolder {
  /** Names the ConfigMap and the folder of files, and is the uid of the folder in Grafana. */
  public readonly name: string;
  /** By name of the file. */
  public readonly files: Readonly<Record<string, string>>;

  /** Use `Dashboards.of`. @throws InvalidValueError as it does. */
  public constructor(
    public readonly title: string,
    public readonly models: Readonly<Record<string, DashboardModel>>,
  ) {
    this.name = title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '');
    if (!/^[a-z0-9].{0,39}$/.test(this.name) || this.name === 'general') {
      throw new InvalidValueError({
        prop: 'folder',
        value: title,
        rule: "has at most 40 characters, some of them letters or digits, and is not General, Grafana's own folder",
        fix: "write for example Dashboards.of('Overview', { ... })",
      });
    }
    this.files = Object.fromEntries(
      Object.entries(models)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, model]) => [`${name}.json`, fileOf(name, model)]),
    );
  }

  /**
   * The same dashboards for data sources of another type: those of this library, and most others, are made for
   * `prometheus`, and offer data sources of that type only.
   *
   * @throws InvalidValueError when the type is no such type
   */
  public withDatasourceType(type: DatasourceType): DashboardFolder {
    if (!isMetricsType(type)) {
      throw new InvalidValueError({
        prop: 'type',
        value: type,
        rule: 'is no type of data source that answers PromQL',
        fix: `give ${METRICS_TYPES.map((one) => `'${one}'`).join(' or ')}`,
      });
    }
    const models = Object.entries(this.models).map(([name, model]) => [name, ofType(model, type)] as const);
    return new DashboardFolder(this.title, Object.fromEntries(models));
  }
}

/** Queries and variables are the same for all of `METRICS_TYPES`. */
function ofType<T>(part: T, type: DatasourceType): T {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((item: unknown) => ofType(item, type)) as T;
  const copy: Record<string, unknown> = Object.fromEntries(
    Object.entries(part).map(([key, item]: [string, unknown]) => [key, ofType(item, type)]),
  );
  const { datasource } = copy;
  if (isObject(datasource) && isMetricsType(datasource.type)) copy.datasource = { ...datasource, type };
  if (copy.type === 'datasource' && isMetricsType(copy.query)) copy.query = type;
  return copy as T;
}

function isMetricsType(type: unknown): boolean {
  return METRICS_TYPES.some((known) => known === type);
}

/** Makes folders of dashboards. */
export class Dashboards {
  /**
   * Dashboards of one folder.
   *
   * @param folder the title of the folder
   * @param models by name: that of the file, in lower case
   * @throws InvalidValueError when a title, name or uid is wrong, or a dashboard fits into no ConfigMap.
   */
  public static of(folder: string, models: Readonly<Record<string, DashboardModel>>): DashboardFolder {
    return new DashboardFolder(folder, models);
  }
}

function fileOf(name: string, model: DashboardModel): string {
  const refuse = (prop: string, value: unknown, rule: string, fix: string): never => {
    throw new InvalidValueError({ prop, value, rule, fix });
  };
  if (!/^[a-z0-9]/.test(name) || !isDataKey(`${name}.json`)) {
    refuse('name', name, 'becomes the name of a file: letters, digits, -, _ and .', "write for example 'cluster'");
  }
  const { uid, title } = model as Partial<DashboardModel>;
  if (typeof uid !== 'string' || !UID.test(uid)) {
    refuse(
      `['${name}'].uid`,
      uid,
      'has 1 to 40 letters, digits, - and _: without it links break when the dashboard is made anew',
      `set it, e.g. uid: '${name}'`,
    );
  }
  if (typeof title !== 'string' || title === '') {
    refuse(`['${name}'].title`, title, 'Grafana takes no dashboard without a title', 'set it');
  }
  // Lines, so that a change is seen in a diff; the least indentation, since there is a limit.
  const file = `${JSON.stringify(model, undefined, 1)}\n`;
  const bytes = Buffer.byteLength(file);
  if (bytes > LARGEST_FILE_BYTES) {
    refuse(`['${name}']`, title, `has ${bytes} bytes, and a ConfigMap takes 1 MiB`, 'make two dashboards of it');
  }
  return file;
}

/** Data sources that are part of Grafana. */
const BUILT_IN = ['grafana', '__expr__', '-- Grafana --', '-- Mixed --', '-- Dashboard --'];

export function checkDashboards(
  folders: readonly DashboardFolder[],
  datasources: readonly Datasource[],
  problems: Problems,
): void {
  const byUid = new Map<string, string>();
  const byFolder = new Map<string, string>();
  folders.forEach((folder, index) => {
    const sameFolder = byFolder.get(folder.name);
    problems.when(sameFolder !== undefined, {
      prop: `dashboards[${index}]`,
      value: folder.title,
      rule: `is the same folder as ${sameFolder}`,
      fix: 'put the dashboards of a folder into one `Dashboards.of`, or give another title',
    });
    byFolder.set(folder.name, folder.title);
    checkTypes(folder, `dashboards[${index}]`, datasources, problems);
    const byTitle = new Map<string, string>();
    for (const [name, model] of Object.entries(folder.models)) {
      const prop = `dashboards[${index}]['${name}']`;
      const sameUid = byUid.get(model.uid);
      problems.when(sameUid !== undefined, {
        prop: `${prop}.uid`,
        value: model.uid,
        rule: `is the uid of ${sameUid} as well: Grafana would show only one of them`,
        fix: 'give each a uid of its own',
      });
      byUid.set(model.uid, prop);
      const sameTitle = byTitle.get(model.title);
      problems.when(sameTitle !== undefined, {
        prop: `${prop}.title`,
        value: model.title,
        rule: `is the title of ${sameTitle} in the same folder`,
        fix: 'rename one of them',
      });
      byTitle.set(model.title, prop);
      checkUids(model, prop, datasources, problems);
    }
  });
}

/** A variable that offers data sources of a type that there is not offers none, and no panel shows anything. */
function checkTypes(
  { models }: DashboardFolder,
  prop: string,
  datasources: readonly Datasource[],
  problems: Problems,
): void {
  const types = datasources.map(({ settings }) => settings.type);
  const offered = Object.values(models).flatMap((model) =>
    variablesOf(model).filter((one) => one.type === 'datasource'),
  );
  for (const type of new Set(offered.map(({ query }) => query))) {
    const other = METRICS_TYPES.find((one) => types.includes(one));
    if (!isMetricsType(type) || other === undefined || types.some((one) => one === type)) continue;
    problems.add({
      prop,
      value: type,
      rule: `its dashboards offer data sources of this type, and those that there are have the type ${other}`,
      fix: `write \`folder.withDatasourceType('${other}')\` in the place of the folder`,
    });
  }
}

function checkUids(model: DashboardModel, prop: string, datasources: readonly Datasource[], problems: Problems): void {
  const uids = datasources.map(({ uid }) => uid);
  const variables = variablesOf(model).map(({ name }) => name);
  for (const uid of datasourcesOf(model)) {
    const [, variable] = /^\$\{?(\w+)/.exec(uid) ?? [];
    if ([...uids, ...BUILT_IN].includes(uid) || variables.includes(variable) || variable?.startsWith('__')) continue;
    const known = closest(uid, uids);
    problems.add({
      prop,
      value: uid,
      rule:
        variable === undefined
          ? 'asks a data source that there is not'
          : 'asks the data source of a variable that it does not have, as after a download',
      fix: `use ${known === undefined ? `one of ${uids.map((each) => `'${each}'`).join(', ')}` : `'${known}'`}, or a variable of type datasource`,
    });
  }
}

interface Variable {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly query?: unknown;
}

function variablesOf({ templating }: DashboardModel): readonly Variable[] {
  const list: unknown = isObject(templating) ? templating.list : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** The uids that stand at `datasource` anywhere in a model. */
function datasourcesOf(model: unknown): Set<string> {
  const found = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value) as [string, unknown][]) {
      const uid = key === 'datasource' && isObject(item) ? item.uid : item;
      if (key === 'datasource' && typeof uid === 'string') found.add(uid);
      walk(item);
    }
  };
  walk(model);
  return found;
}
