import type { Duration } from 'cdk8s';
import { labelNameCheck } from '../scrape';
import {
  all,
  boolean,
  inTheClear,
  integer,
  InvalidValueError,
  listOf,
  mapOf,
  metricsQlCheck,
  namedListOf,
  namesSecret,
  namesSecretHeader,
  object,
  recordCheck,
  rule,
  ruleCheck,
  scalar,
  snakeCase,
  templateCheck,
  withoutUrlSecret,
  type Check,
  type Problems,
  type Shape,
} from '../validation';
import { Tenant } from '../values';
import { parseRuleDuration, ruleDurationCheck } from './rule-duration';

/** What alerting and recording rules share. */
export interface AnyRule {
  /** MetricsQL. */
  readonly expr: string;
  /** Labels of the result; those of an alert may be templates. An empty value removes a label. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether vmalert logs each evaluation. @default false */
  readonly debug?: boolean;
  /** How many evaluations vmalert remembers for its pages. @default 20 */
  readonly updateEntriesLimit?: number;
}

/** A condition that people or programs are told of. */
export interface AlertingRule extends AnyRule {
  /** The name, which becomes the label `alertname`. */
  readonly alert: string;
  /** How long the condition must hold before the alert fires. @default - it fires at once */
  readonly for?: Duration;
  /** How long the alert goes on firing when the condition no longer holds. @default - it ends at once */
  readonly keepFiringFor?: Duration;
  /** What to tell; values may be Go templates, e.g. `{{ $labels.instance }}`. @default - none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A query whose result is stored as a series of its own. */
export interface RecordingRule extends AnyRule {
  /** The name of the series. */
  readonly record: string;
}

/** Rules that are evaluated together, one after the other. */
export interface RuleGroup {
  /** Becomes the label `alertgroup`; no other group of the vmalert has it. */
  readonly name: string;
  /** In this order. */
  readonly rules: readonly (AlertingRule | RecordingRule)[];
  /** How often the rules are evaluated. @default - `evaluationInterval` of the vmalert */
  readonly interval?: Duration;
  /**
   * The tenant of a cluster that the rules query and write to. The vmalert must read and write
   * `Tenant.MULTITENANT`; alerts get the labels `vm_account_id` and `vm_project_id`.
   *
   * @default - that of the endpoints of the vmalert
   */
  readonly tenant?: Tenant;
  /** Labels of the results of all rules, besides their own. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** How many results a rule may have; one with more fails. @default - no limit */
  readonly limit?: number;
  /** How many rules are evaluated at once; those that need each other's results want 1. @default 1 */
  readonly concurrency?: number;
  /** When within the interval the rules are evaluated, counted from its beginning. @default - any time */
  readonly evalOffset?: Duration;
  /** How far back in time the rules look, for data that comes late. @default - 30 s */
  readonly evalDelay?: Duration;
  /** Whether rules are evaluated for full multiples of the interval. @default true */
  readonly evalAlignment?: boolean;
  /** The language of the expressions. @default 'prometheus', which includes MetricsQL */
  readonly type?: 'prometheus';
  /** Parameters of each query, e.g. `{ denyPartialResponse: ['true'] }`. @default - none */
  readonly params?: Readonly<Record<string, readonly string[]>>;
  /** Headers of each query, as `Name: value`; never a secret. @default - none */
  readonly headers?: readonly string[];
  /** Headers of each notification, as `Name: value`; never a secret. @default - none */
  readonly notifierHeaders?: readonly string[];
  /** Whether vmalert logs each evaluation. @default false */
  readonly debug?: boolean;
}

/** A rule as it stands in the file of vmalert. */
export interface FileRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A group as it stands in the file of vmalert, but for its tenant. */
export interface FileGroup {
  readonly name: string;
  readonly rules: readonly FileRule[];
  readonly tenant?: Tenant;
  readonly labels?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, readonly string[]>>;
  readonly interval?: string;
  readonly eval_offset?: string;
  readonly eval_delay?: string;
  readonly eval_alignment?: boolean;
}

/** How the names of fields are written: as props, or as in the files of vmalert. */
export type Spelling = 'props' | 'file';

const filled: Check = all(
  scalar,
  rule((value) => (value as string).trim() !== '', 'must not be empty', 'give a name'),
);

const openText: Check = all(scalar, withoutUrlSecret);

const template: Check = all(openText, templateCheck);

const texts = listOf(openText);

const record: Check = all(scalar, recordCheck);

const expr: Check = all(scalar, metricsQlCheck);

/** A map of texts under label names. A template that is named like a secret is none. */
function namedTexts(content: Check): Check {
  return all(mapOf(content), (value, prop, problems) => {
    const entries = Object.entries(value as Record<string, string>);
    const right = entries.filter(([name, one]) => {
      if (labelNameCheck(name, `${prop}['${name}']`, problems) === undefined) return false;
      const secret = namesSecret(name) && one !== '' && !one.includes('{{');
      problems.when(secret, {
        prop: `${prop}['${name}']`,
        value: '***',
        rule: inTheClear('ConfigMap'),
        fix: 'remove it',
      });
      return !secret;
    });
    return Object.fromEntries(right);
  });
}

/** Labels that vmalert sets itself, and to what. */
const SET_BY_VMALERT: Readonly<Record<string, string>> = {
  __name__: 'the name of the series',
  alertname: 'the `alert` of a rule',
  alertgroup: 'the `name` of the group',
};

/** Checks labels that alerts get: what vmalert sets itself would become `exported_...` beside it. */
export const alertLabels: Check = withoutLabels('__name__', 'alertname', 'alertgroup');

function withoutLabels(...names: readonly string[]): Check {
  return (value, prop, problems) => {
    for (const name of names.filter((one) => one in (value as object))) {
      problems.add({
        prop: `${prop}['${name}']`,
        value: (value as Readonly<Record<string, string>>)[name],
        rule: `vmalert sets it, to ${SET_BY_VMALERT[name]!}`,
        fix: 'remove it, or rename it',
      });
    }
    return value;
  };
}

const labels: Check = all(namedTexts(template), alertLabels);

const header: Check = all(
  scalar,
  rule((value) => /^[-\w]+:\s*[^\r\n]*$/.test(value as string), 'is no header', "write 'Name: value'"),
  (value, prop, problems) => {
    const [name = ''] = (value as string).split(':');
    if (!namesSecretHeader(name)) return value;
    problems.add({
      prop,
      value: '***',
      rule: inTheClear('ConfigMap'),
      fix: 'pass `credentials` to the endpoint instead',
    });
    return undefined;
  },
);

const notEmpty = rule(
  (value) => !Array.isArray(value) || value.length > 0,
  'there is nothing to evaluate',
  'write a rule, or remove the group',
);

const tenant: Check = (value, prop, problems) => {
  try {
    const parsed = Tenant.parse(String(value));
    if (String(parsed) !== String(Tenant.MULTITENANT)) return parsed;
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error;
    problems.add({ ...error.problem, prop });
    return undefined;
  }
  problems.add({
    prop,
    value,
    rule: 'a group belongs to one tenant, and this is all of them',
    fix: 'name one, or leave `tenant` out to query all',
  });
  return undefined;
};

const ALERTING: Shape<AlertingRule> = {
  alert: filled,
  expr,
  for: ruleDurationCheck(),
  keepFiringFor: ruleDurationCheck(),
  labels,
  annotations: namedTexts(template),
  debug: boolean,
  updateEntriesLimit: integer({ min: 0 }),
};

const RECORDING: Shape<RecordingRule> = {
  record,
  expr,
  labels: all(namedTexts(template), withoutLabels('__name__')),
  debug: boolean,
  updateEntriesLimit: integer({ min: 0 }),
};

function groupShape(spelling: Spelling): Shape<RuleGroup> {
  const rules = ruleCheck(spelled(ALERTING, spelling, 'alert', 'expr'), spelled(RECORDING, spelling, 'record', 'expr'));
  return {
    name: filled,
    type: rule(
      (value) => value === 'prometheus',
      'the datasource answers PromQL and MetricsQL only',
      'remove it, and give these rules to a vmalert of their own',
    ),
    tenant,
    interval: ruleDurationCheck(),
    evalOffset: ruleDurationCheck({ signed: true }),
    evalDelay: ruleDurationCheck(),
    evalAlignment: boolean,
    limit: integer({ min: 0 }),
    concurrency: integer({ min: 0 }),
    labels,
    params: mapOf(texts),
    headers: listOf(header),
    notifierHeaders: listOf(header),
    debug: boolean,
    rules: all(notEmpty, namedListOf(rules, 'alert', 'record')),
  };
}

/** Checks groups and gives them as they stand in the file of vmalert. */
export function groupsCheck(spelling: Spelling): Check {
  const fields = spelled(groupShape(spelling), spelling, 'name', 'rules');
  const group = all(fields, (value, prop, problems) => {
    checkTiming(value as FileGroup, prop, spelling, problems);
    checkTenant(value as FileGroup, prop, problems);
    checkDuplicates(value as FileGroup, prop, problems);
    return value;
  });
  return namedListOf(group, 'name');
}

/** The check of an object by the names that a spelling has for its props; what is right is spelled as in files. */
function spelled<T extends object>(
  shape: Shape<T>,
  spelling: Spelling,
  ...required: readonly (keyof T & string)[]
): Check {
  const checks = Object.entries(shape) as [keyof T & string, Check][];
  const named = Object.fromEntries(checks.map(([name, check]) => [nameIn(spelling, name), check]));
  const check = object(named, ...required.map((name) => nameIn(spelling, name)));
  return all(check, (value) =>
    Object.fromEntries(
      // In the order of the shape, whatever the order of the user.
      checks
        .map(([name]) => [nameIn('file', name), (value as Record<string, unknown>)[nameIn(spelling, name)]] as const)
        .filter(([, item]) => item !== undefined),
    ),
  );
}

/** A field in a spelling: `evalOffset` or `eval_offset`. */
function nameIn(spelling: Spelling, name: string): string {
  return spelling === 'props' ? name : snakeCase(name);
}

function checkTiming(group: FileGroup, prop: string, spelling: Spelling, problems: Problems): void {
  const { interval, eval_offset: offset, eval_delay: delay } = group;
  const offsetProp = `${prop}.${nameIn(spelling, 'evalOffset')}`;
  if (offset === undefined) return;
  problems.when(delay !== undefined, {
    prop: offsetProp,
    value: offset,
    rule: `vmalert does not take both \`${nameIn(spelling, 'evalOffset')}\` and \`${nameIn(spelling, 'evalDelay')}\``,
    fix: 'remove one of the two',
  });
  problems.when(Math.abs(parseRuleDuration(offset) ?? 0) > (parseRuleDuration(interval ?? '0s') ?? 0), {
    prop: offsetProp,
    value: offset,
    rule: interval === undefined ? 'wants the `interval` of the group' : `is beyond the interval, which is ${interval}`,
    fix: interval === undefined ? `set \`${prop}.interval\`` : `set it to less than ${interval}`,
  });
}

/** The labels by which a cluster tells whose a series is. */
export const TENANT_LABELS = ['vm_account_id', 'vm_project_id'];

/** Of a label of a rule and one that `tenant` sets vmalert takes that of the rule. */
function checkTenant({ tenant: own, labels: common, rules }: FileGroup, prop: string, problems: Problems): void {
  if (own === undefined) return;
  const named = rules.map(({ alert, record: series, labels: some }) => ({
    where: `${prop}.rules['${alert ?? series ?? ''}']`,
    some,
  }));
  for (const { where, some = {} } of [{ where: prop, some: common }, ...named]) {
    for (const name of TENANT_LABELS.filter((one) => one in some)) {
      problems.add({
        prop: `${where}.labels['${name}']`,
        value: some[name],
        rule: `the group belongs to tenant ${own}, and the result would be another's`,
        fix: 'remove it: `tenant` sets it',
      });
    }
  }
}

/** Two alerts with the same name and labels are one for Alertmanager; two equal recording rules write twice. */
function checkDuplicates({ rules }: FileGroup, prop: string, problems: Problems): void {
  const seen = new Set<string>();
  for (const { alert, record: series, expr: query, labels: own = {} } of rules) {
    const sorted = Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1));
    const identity = JSON.stringify([alert, series, alert === undefined ? query : '', sorted]);
    problems.when(seen.has(identity), {
      prop: `${prop}.rules['${alert ?? series ?? ''}']`,
      value: alert ?? series,
      rule:
        alert === undefined
          ? 'another rule of the group records the same'
          : 'another alert of the group has the same name and labels, and nobody could tell them apart',
      fix: alert === undefined ? 'remove one of the two' : 'rename one of the two, or give it another label',
    });
    seen.add(identity);
  }
}
