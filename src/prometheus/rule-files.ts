import { labelNameCheck } from '../scrape';
import {
  all,
  anyText,
  checkProps,
  forbidden,
  integer,
  mapOf,
  namedListOf,
  object,
  promQlCheck,
  recordCheck,
  rule,
  ruleCheck,
  scalar,
  templateCheck,
  yaml,
  type Check,
  type Problems,
  type Shape,
} from '../validation';
import { isDataKey, parsePrometheusDuration } from '../values';
import type { Files } from '../workload';

/** A group as it stands in a rule file. */
interface FileGroup {
  readonly name: string;
  readonly interval?: string;
  readonly query_offset?: string;
  readonly limit?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly rules?: readonly FileRule[];
}

/** A rule as it stands in a rule file. */
interface FileRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

type AlertingRule = Omit<FileRule, 'record'>;
type RecordingRule = Omit<FileRule, 'alert'>;

const filled: Check = all(
  scalar,
  rule((value) => value !== '', 'must not be empty', 'give a name'),
);

const expr: Check = all(scalar, promQlCheck);

const duration = rule(
  (value) => String(value) === '0' || (typeof value === 'string' && parsePrometheusDuration(value) !== undefined),
  'is no duration of Prometheus',
  "write for example '30s', '5m' or '1h30m'",
);

const template: Check = all(scalar, templateCheck);

function named(content: Check): Check {
  return all(mapOf(content), (value, prop, problems) => {
    for (const name of Object.keys(value as object)) labelNameCheck(name, `${prop}['${name}']`, problems);
    return value;
  });
}

function labels(content: Check): Check {
  return all(named(content), (value, prop, problems) => {
    problems.when('__name__' in (value as object), {
      prop: `${prop}['__name__']`,
      value: (value as { readonly __name__?: string }).__name__,
      rule: 'the name of a series is no label that rules may set',
      fix: 'remove it: a recording rule names its series by `record`',
    });
    return value;
  });
}

const onlyAlerts = forbidden('a recording rule has no such field', 'remove it, or write an alert');

const ALERTING: Shape<AlertingRule> = {
  alert: filled,
  expr,
  for: duration,
  keep_firing_for: duration,
  labels: labels(template),
  annotations: named(template),
};

const RECORDING: Shape<RecordingRule> = {
  record: recordCheck,
  expr,
  for: onlyAlerts,
  keep_firing_for: onlyAlerts,
  labels: labels(scalar),
  annotations: onlyAlerts,
};

const fileRule = ruleCheck(object(ALERTING, 'alert', 'expr'), object(RECORDING, 'record', 'expr'));

const GROUP: Shape<FileGroup> = {
  name: filled,
  interval: duration,
  query_offset: duration,
  limit: integer({ min: 0 }),
  labels: labels(scalar),
  rules: namedListOf(fileRule, 'alert', 'record'),
};

const groupsCheck = all(namedListOf(object(GROUP, 'name'), 'name'), (value, prop, problems) => {
  const names = (value as readonly FileGroup[]).map(({ name }) => name);
  names.forEach((name, index) =>
    problems.when(names.indexOf(name) !== index, {
      prop: `${prop}['${name}']`,
      value: name,
      rule: 'another group of the file has the same name',
      fix: 'rename one of the two',
    }),
  );
  return value;
});

/**
 * Checks what Prometheus checks when it starts, but for the grammar of expressions and templates. Names are those that
 * need no quotes in queries, as everywhere in this library.
 */
export const ruleFilesCheck: Check = all(mapOf(anyText), (value, prop, problems) => {
  for (const [name, content] of Object.entries(value as Files)) {
    const file = `${prop}['${name}']`;
    problems.when(!isDataKey(name) || !/\.ya?ml$/.test(name), {
      prop: file,
      value: name,
      rule: 'the name of a rule file has letters, digits, -, _ and ., and ends in .yaml or .yml',
      fix: 'rename the file',
    });
    checkRuleFile(content, file, problems);
  }
  return value;
});

function checkRuleFile(content: string, file: string, problems: Problems): void {
  const refuse = (problem: string): void =>
    problems.add({
      prop: file,
      value: content,
      rule: `Prometheus would not start with it: ${problem}`,
      fix: 'write YAML with `groups:`, as `promtool check rules` accepts it',
    });
  let parsed: unknown;
  try {
    // Prometheus reads merge keys, and a field without a value as if it were left out.
    parsed = yaml().parse(content, (_key, value: unknown) => value ?? undefined, { merge: true, logLevel: 'error' });
  } catch (error) {
    refuse(`it is no YAML (${(error as Error).message.split('\n')[0]})`);
    return;
  }
  if (!Array.isArray((parsed as { readonly groups?: unknown } | undefined)?.groups)) {
    refuse('it has no list `groups`');
    return;
  }
  checkProps(parsed as { readonly groups: unknown }, { groups: groupsCheck }, problems, `${file}.`);
}
