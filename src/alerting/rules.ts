import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Yaml } from 'cdk8s';
import { checkProps, isObject, yaml, type Problems } from '../validation';
import { LARGEST_FILE_BYTES, type Files } from '../workload';
import { groupsCheck, type FileGroup, type RuleGroup, type Spelling } from './rule-group';

/** Rules that are written as objects. */
export interface RulesProps {
  /** Groups of rules; no two of a vmalert have one name. */
  readonly groups: readonly RuleGroup[];
}

/** A group with where it comes from. */
export interface SourcedGroup {
  readonly group: FileGroup;
  /** What messages name it, e.g. `rules/api.yaml: groups['api']`. */
  readonly source: string;
}

const RULE_FILE = /\.ya?ml$/;

/** Files with the unit tests of rules, which stand beside them. */
const TEST_FILE = /\.test\.ya?ml$/;

/**
 * Alerting and recording rules. What is wrong with them is reported by the vmalert that takes them, all at once.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/vmalert/#rules
 */
export class Rules {
  /**
   * All rule files, `*.yaml` and `*.yml`, of a folder and the folders in it. Files with unit tests, `*.test.yaml`, are
   * left out.
   */
  public static fromDirectory(path: string): Rules {
    return new Rules((problems) => {
      const names = readOr(undefined, path, problems, () => readdirSync(path, { recursive: true, encoding: 'utf8' }));
      if (names === undefined) return [];
      const files = names
        .filter((name) => RULE_FILE.test(name) && !TEST_FILE.test(name))
        .map((name) => join(path, name))
        .filter((file) => statSync(file).isFile())
        .sort();
      if (files.length === 0) {
        problems.add({
          prop: path,
          value: names.sort().join(', '),
          rule: 'there is no rule file in the folder',
          fix: 'name the folder of the files, which end in .yaml or .yml',
        });
      }
      return files.flatMap((file) => groupsOfFile(file, problems));
    });
  }

  /** A rule file in the format of vmalert and Prometheus. */
  public static fromFile(path: string): Rules {
    return new Rules((problems) => groupsOfFile(path, problems));
  }

  /** Rules that are written as objects. */
  public static of(props: RulesProps): Rules {
    return Rules.from((problems) => {
      problems.when((props as Partial<RulesProps> | undefined)?.groups?.length === 0, {
        prop: 'groups',
        value: [],
        rule: 'there is nothing to evaluate',
        fix: 'write a group, or leave the rules out',
      });
      return props;
    });
  }

  /** @internal Rules that are made, with problems of their own, when a vmalert takes them. */
  public static from(make: (problems: Problems) => RulesProps): Rules {
    return new Rules((problems) => groupsOf(make(problems), 'props', '', problems));
  }

  private constructor(private readonly read: (problems: Problems) => SourcedGroup[]) {}

  /** The groups as far as they are right. @internal @param problems gets what is wrong */
  public check(problems: Problems): SourcedGroup[] {
    return this.read(problems);
  }
}

/** The name of the file that a group gets: a group keeps it, and so its state, whatever becomes of the others. */
export function groupFile({ name }: FileGroup): string {
  return `${name.replace(/[^-\w.]/g, '-')}.yaml`;
}

/** The rule files for vmalert, one for each group. */
export function ruleFiles(groups: readonly SourcedGroup[], problems: Problems): Files {
  const files = groups.map(({ group, source }) => {
    const content = Yaml.stringify({ groups: [rendered(group)] });
    return { group, source, content, bytes: Buffer.byteLength(content) };
  });
  for (const { group, source, bytes } of files) {
    problems.when(bytes > LARGEST_FILE_BYTES, {
      prop: source,
      value: group.name,
      rule: `has ${bytes} bytes, and a ConfigMap takes 1 MiB`,
      fix: 'split the group',
    });
  }
  return Object.fromEntries(
    files.filter(({ bytes }) => bytes <= LARGEST_FILE_BYTES).map(({ group, content }) => [groupFile(group), content]),
  );
}

function rendered({ tenant, ...fields }: FileGroup): object {
  if (tenant === undefined) return fields;
  const { labels, params, rules, ...others } = fields;
  const [account = '', project = '0'] = String(tenant).split(':');
  const ids = { vm_account_id: account, vm_project_id: project };
  return {
    ...others,
    // Results of aggregations lack the labels of the tenant, by which they are written.
    labels: { ...labels, ...ids },
    params: {
      ...params,
      extra_label: [...(params?.extra_label ?? []), ...Object.entries(ids).map(([name, id]) => `${name}=${id}`)],
    },
    rules,
  };
}

function groupsOfFile(path: string, problems: Problems): SourcedGroup[] {
  const text = readOr(undefined, path, problems, () => readFileSync(path, 'utf8'));
  if (text === undefined) return [];
  const documents = yaml().parseAllDocuments(text);
  return [...documents].flatMap((document) => {
    for (const error of document.errors) {
      const [message = ''] = error.message.split(/:?\n/);
      problems.add({ prop: path, value: undefined, rule: `is no YAML: ${message}`, fix: 'correct the file' });
    }
    if (document.errors.length > 0) return [];
    const content: unknown = document.toJS();
    return content === null ? [] : groupsOf(content, 'file', `${path}: `, problems);
  });
}

function groupsOf(given: unknown, spelling: Spelling, prefix: string, problems: Problems): SourcedGroup[] {
  problems.when(!isObject(given) || !('groups' in given), {
    prop: `${prefix}groups`,
    value: undefined,
    rule: 'rules stand in groups',
    fix: spelling === 'props' ? 'write Rules.of({ groups: [...] })' : 'begin the file with `groups:`',
  });
  if (!isObject(given)) return [];
  const { groups = [] } = checkProps(given as Partial<RulesProps>, { groups: groupsCheck(spelling) }, problems, prefix);
  return (groups as readonly unknown[] as readonly FileGroup[]).map((group) => ({
    group,
    source: `${prefix}groups['${group.name}']`,
  }));
}

function readOr<T>(otherwise: T, path: string, problems: Problems, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const fix = 'name it by its path from the folder that the app is run in';
    problems.add({ prop: 'rules', value: path, rule: `cannot be read: ${code}`, fix });
    return otherwise;
  }
}
