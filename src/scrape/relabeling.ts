import {
  all,
  atLeastOne,
  checkProps,
  didYouMean,
  inTheClear,
  isObject,
  listOf,
  mapOf,
  regexGroups,
  regexProblem,
  rule,
  scalar,
  snakeCase,
  type Check,
  type Problem,
  type Problems,
  type Shape,
} from '../validation';
import { doubleDollars } from '../workload';
import { sendsSecret } from './labels';
import type { Plain } from './scrape-job';
import { seriesSelectorsCheck } from './series-selector';

/** What both vmagent and Prometheus know. */
const COMMON_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

const VMAGENT_ACTIONS = [
  'replace_all',
  'labelmap_all',
  'keep_if_equal',
  'drop_if_equal',
  'keep_if_contains',
  'drop_if_contains',
  'keep_metrics',
  'drop_metrics',
  'graphite',
] as const;

/** What a relabeling rule does. Those with a `_`, and `graphite`, are known to vmagent only. */
export type RelabelAction = (typeof COMMON_ACTIONS)[number] | (typeof VMAGENT_ACTIONS)[number];

/**
 * One rule that changes labels, or drops targets or samples.
 *
 * @see https://docs.victoriametrics.com/victoriametrics/relabeling/
 */
export interface RelabelConfig {
  /** What the rule does. @default replace */
  readonly action?: RelabelAction;
  /** Labels whose values are joined, and matched with `regex`. @default - none */
  readonly sourceLabels?: readonly string[];
  /** Between the values of `sourceLabels`. @default ; */
  readonly separator?: string;
  /** The label that is set. @default - none */
  readonly targetLabel?: string;
  /** RE2, which must match the whole value; of several one must match. @default (.*) */
  readonly regex?: string | readonly string[];
  /** Into how many `hashmod` divides. @default - none */
  readonly modulus?: number;
  /** The value that is set; `$1` is the first group of `regex`. @default $1 */
  readonly replacement?: string;
  /** Applies the rule only to series that one of these selectors matches; vmagent only. @default - to all */
  readonly if?: string | readonly string[];
  /** The pattern of names that `graphite` splits; vmagent only. @default - none */
  readonly match?: string;
  /** What `graphite` sets, by label; vmagent only. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
}

type RelabelField = keyof RelabelConfig;

const nonEmpty: Check = all(
  scalar,
  rule((value) => value !== '', 'must not be empty', 'write the name of a label'),
);

const regexCheck: Check = (value, prop, problems) => {
  const several = Array.isArray(value);
  const texts = (several ? listOf(scalar) : scalar)(value, prop, problems);
  if (texts === undefined) return undefined;
  const expression = joined(texts as string | readonly string[]);
  const problem = regexProblem(expression);
  if (problem === undefined) return texts;
  problems.add({
    prop,
    value,
    rule: `is no regular expression for RE2: ${problem}`,
    fix: 'see https://github.com/google/re2/wiki/Syntax',
  });
  return undefined;
};

const target: Check = all(
  scalar,
  rule(
    (value) => /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:[\w.]|\$\{\w+\}|\$\w+)*$/.test(value as string),
    'must be the name of a label: letters, digits, _ and ., no digit first',
    'write for example `team`',
  ),
);

const modulus: Check = (value, prop, problems) =>
  atLeastOne(typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value, prop, problems);

const SHAPE: Shape<RelabelConfig> = {
  action: scalar,
  sourceLabels: listOf(nonEmpty),
  separator: scalar,
  targetLabel: target,
  regex: regexCheck,
  modulus,
  replacement: scalar,
  if: seriesSelectorsCheck,
  match: nonEmpty,
  labels: mapOf(scalar),
};

interface ActionRules {
  /** Each of them must be given. */
  readonly needs?: readonly RelabelField[];
  /** One of them must be given. */
  readonly needsOne?: readonly RelabelField[];
  /** None of them may be given, except with its default. */
  readonly refuses?: readonly RelabelField[];
}

const NOT_GRAPHITE: readonly RelabelField[] = ['match', 'labels'];
const COMPARING: ActionRules = {
  needs: ['targetLabel'],
  refuses: ['regex', 'modulus', 'separator', 'replacement', ...NOT_GRAPHITE],
};
const OF_LABEL_NAMES: ActionRules = {
  needs: ['regex'],
  refuses: ['sourceLabels', 'targetLabel', 'modulus', 'separator', 'replacement', ...NOT_GRAPHITE],
};
const CHOOSING: ActionRules = { needsOne: ['sourceLabels', 'if'], refuses: NOT_GRAPHITE };
const OF_EQUAL_LABELS: ActionRules = {
  needs: ['sourceLabels'],
  refuses: ['targetLabel', 'regex', ...NOT_GRAPHITE],
};
const CONTAINING: ActionRules = { needs: ['sourceLabels', 'targetLabel'], refuses: ['regex', ...NOT_GRAPHITE] };
const OF_METRICS: ActionRules = { needsOne: ['regex', 'if'], refuses: ['sourceLabels', ...NOT_GRAPHITE] };
const CHANGING_CASE: ActionRules = {
  needs: ['sourceLabels', 'targetLabel'],
  refuses: ['replacement', ...NOT_GRAPHITE],
};

const ACTIONS: Readonly<Record<RelabelAction, ActionRules>> = {
  replace: { needs: ['targetLabel'], refuses: NOT_GRAPHITE },
  replace_all: { needs: ['sourceLabels', 'targetLabel'], refuses: NOT_GRAPHITE },
  keep: CHOOSING,
  drop: CHOOSING,
  keepequal: COMPARING,
  dropequal: COMPARING,
  keep_if_equal: OF_EQUAL_LABELS,
  drop_if_equal: OF_EQUAL_LABELS,
  keep_if_contains: CONTAINING,
  drop_if_contains: CONTAINING,
  keep_metrics: OF_METRICS,
  drop_metrics: OF_METRICS,
  hashmod: { needs: ['sourceLabels', 'targetLabel', 'modulus'], refuses: NOT_GRAPHITE },
  labelmap: { refuses: NOT_GRAPHITE },
  labelmap_all: { refuses: NOT_GRAPHITE },
  labeldrop: OF_LABEL_NAMES,
  labelkeep: OF_LABEL_NAMES,
  lowercase: CHANGING_CASE,
  uppercase: CHANGING_CASE,
  graphite: { needs: ['match', 'labels'], refuses: ['sourceLabels', 'targetLabel', 'replacement', 'regex'] },
};

const DEFAULTS: Partial<Record<RelabelField, readonly unknown[]>> = {
  separator: [';'],
  replacement: ['$1'],
  regex: ['(.*)', '.*'],
};

type Fields = Readonly<Record<string, unknown>>;

/** Stands for a value that was refused. */
const WRONG = Symbol('wrong');

const anObject = rule(
  isObject,
  'must be an object',
  "write for example { action: 'drop', sourceLabels: ['__name__'], regex: 'go_.*' }",
);

/** How the fields are written: as props, or as in the file. */
type Spelling = (field: RelabelField) => string;

const asProp: Spelling = (field) => field;
const asInFile: Spelling = snakeCase;

/** Checks a list of relabeling rules. */
export const relabelConfigsCheck: Check = listOf(relabelConfigCheck(asProp));

/** Checks a list of relabeling rules that is written as in the file. */
export const rawRelabelConfigsCheck: Check = listOf(relabelConfigCheck(asInFile));

/** The rules as the file says them. */
export function renderRelabelConfigs(configs: readonly RelabelConfig[]): Record<string, Plain>[] {
  return configs.map((config) => {
    const { regex } = config;
    // One expression, which Prometheus knows as well.
    const plain = { ...config, regex: regex === undefined ? undefined : joined(regex) };
    return Object.fromEntries(
      Object.entries(plain)
        .filter(([, value]) => value !== undefined)
        .map(([field, value]) => [asInFile(field as RelabelField), copy(value as Plain)]),
    );
  });
}

function joined(regex: string | readonly string[]): string {
  return typeof regex === 'string' ? regex : regex.join('|');
}

/** YAML would write the same object a second time as a reference to the first. */
function copy(value: Plain): Plain {
  return typeof value === 'object' ? structuredClone(value) : value;
}

/** What of a rule, written as in the file, only vmagent knows. */
export function onlyKnownToVmagent(config: Readonly<Record<string, unknown>>, prop: string): Problem[] {
  const { action } = config;
  const foreign = (field: string, what: string): Problem[] => [
    {
      prop: `${prop}.${field}`,
      value: config[field],
      rule: `Prometheus does not know ${what}`,
      fix: 'remove it, or let a vmagent run the job',
    },
  ];
  return [
    ...((VMAGENT_ACTIONS as readonly unknown[]).includes(action) ? foreign('action', 'this action') : []),
    ...['if', 'match', 'labels'].flatMap((field) =>
      config[field] === undefined ? [] : foreign(field, `\`${field}\``),
    ),
    ...(Array.isArray(config.regex) ? foreign('regex', 'lists of expressions') : []),
  ];
}

function relabelConfigCheck(spell: Spelling): Check {
  const shape = Object.fromEntries(
    Object.entries(SHAPE).map(([field, check]) => [spell(field as RelabelField), check]),
  );
  return all(anObject, (value, prop, problems) => {
    // Nothing is what YAML makes of a field without a value.
    const written = withoutNulls(value as Fields);
    const checked = checkProps(written, shape, problems, `${prop}.`) as Fields;
    const config = Object.fromEntries(
      (Object.keys(SHAPE) as RelabelField[])
        .filter((field) => written[spell(field)] !== undefined)
        // What is wrong itself is not missing.
        .map((field) => [field, checked[spell(field)] ?? WRONG]),
    ) as RelabelConfig;
    return checkAction(config, written, prop, spell, problems) ? checked : undefined;
  });
}

/** A rule as the file says it, as far as it tells which labels it sets. */
export interface RenderedRule {
  readonly action?: string;
  readonly target_label?: string;
  readonly regex?: string | readonly string[];
  readonly replacement?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Whether a rule may set the label. */
export function setsLabel(
  { action, target_label: target, regex = '', replacement = '$1', labels = {} }: RenderedRule,
  label: string,
): boolean {
  if (target === label || Object.hasOwn(labels, label)) return true;
  if (!action?.startsWith('labelmap')) return false;
  if ([regex].flat().some((one) => one.includes(label))) return true;
  const [first = '', ...parts] = replacement.split(/\$(?:\w+|\{\w+\})/);
  const last = parts.at(-1);
  if (last === undefined) return first === label;
  return first + last !== '' && label.startsWith(first) && label.endsWith(last);
}

/**
 * The `replacement` that gives the text as it is, in a rule whose source labels are empty or not given: what matches there
 * is empty, and parts the braces of `{{name}}`, for which vmagent would put in a label.
 */
export function literalReplacement(text: string): string {
  return doubleDollars(text).replace(/\{(?=\{)/g, '{${0}');
}

function withoutNulls(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

/** @returns whether the fields fit the action */
function checkAction(
  config: RelabelConfig,
  written: Fields,
  prop: string,
  spell: Spelling,
  problems: Problems,
): boolean {
  const { action = 'replace', sourceLabels = [] } = config;
  if ((action as unknown) === WRONG) return false;
  const found: Problem[] = [];
  const name = (field: RelabelField): string => `${prop}.${spell(field)}`;
  if (!Object.hasOwn(ACTIONS, action)) {
    problems.add({
      prop: name('action'),
      value: action,
      rule: 'there is no such action',
      fix: didYouMean(action, Object.keys(ACTIONS), `use one of ${COMMON_ACTIONS.join(', ')}`),
    });
    return false;
  }
  const { needs = [], needsOne, refuses = [] } = ACTIONS[action];
  const missing = needsOne && !needsOne.some((field) => isGiven(config[field])) ? needsOne : undefined;
  for (const field of needs.filter((needed) => !isGiven(config[needed]))) {
    found.push({
      prop: name(field),
      value: config[field],
      rule: `action '${action}' does not work without it`,
      fix: `set \`${name(field)}\``,
    });
  }
  if (missing) {
    found.push({
      prop,
      value: written,
      rule: `action '${action}' needs ${missing.map((field) => `\`${spell(field)}\``).join(' or ')}`,
      fix: `set \`${name(missing[0]!)}\``,
    });
  }
  for (const field of refuses.filter((refused) => isGiven(config[refused]))) {
    if (DEFAULTS[field]?.includes(config[field]) && !action.includes('_')) continue;
    found.push({
      prop: name(field),
      value: config[field],
      rule: `action '${action}' does not take it`,
      fix: 'remove it',
    });
  }
  if (/^(keep|drop)_if_equal$/.test(action) && sourceLabels.length === 1) {
    found.push({
      prop: name('sourceLabels'),
      value: sourceLabels,
      rule: `action '${action}' compares two labels or more`,
      fix: 'name another one',
    });
  }
  found.push(...unknownGroups(config, action, name), ...literalSecrets(config, name));
  for (const problem of found) problems.add(problem);
  return found.length === 0;
}

function isGiven(value: unknown): boolean {
  if (value === undefined) return false;
  return Array.isArray(value) ? value.length > 0 : true;
}

const USES_GROUPS: readonly RelabelAction[] = ['replace', 'replace_all', 'labelmap'];

/** References to groups that the expression does not have: they are replaced by nothing, which nobody wants. */
function unknownGroups(config: RelabelConfig, action: RelabelAction, name: (field: RelabelField) => string): Problem[] {
  const { regex = '(.*)', replacement } = config;
  if (typeof replacement !== 'string' || (regex as unknown) === WRONG || !USES_GROUPS.includes(action)) return [];
  const expression = joined(regex);
  const groups = regexGroups(expression);
  if (!groups) return [];
  const references = [...replacement.matchAll(/\$(?:\$|(\w+)|\{(\w+)\})/g)].map(([text, bare, braced]) => ({
    text,
    group: bare ?? braced,
  }));
  const known = (group: string): boolean =>
    /^\d+$/.test(group) ? Number(group) <= groups.count : groups.names.includes(group);
  return references
    .filter(({ group }) => group !== undefined && !known(group))
    .map(({ text, group = '' }) => ({
      prop: name('replacement'),
      value: replacement,
      rule: `${text} stands for a group that the expression ${expression} does not have, and is always empty`,
      fix: /^\d+\D/.test(group)
        ? `write \`\${${/^\d+/.exec(group)![0]}}\` for the group, and what follows after it`
        : 'name a group of the expression; a $ that means itself is $$',
    }));
}

/** Secrets that rules put into what is sent, where they are not taken from labels. */
function literalSecrets(
  { targetLabel, replacement, labels = {} }: RelabelConfig,
  name: (field: RelabelField) => string,
): Problem[] {
  const set = [
    { prop: name('replacement'), label: targetLabel, text: replacement },
    ...Object.entries((labels as unknown) === WRONG ? {} : labels).map(([label, text]) => ({
      prop: `${name('labels')}['${label}']`,
      label,
      text,
    })),
  ];
  return set
    .filter(
      ({ label, text }) =>
        typeof label === 'string' &&
        typeof text === 'string' &&
        sendsSecret(label, text.replace(/\$(?:\w+|\{\w+\})/g, '')),
    )
    .map(({ prop }) => ({
      prop,
      value: '***',
      rule: inTheClear('ConfigMap'),
      fix: 'remove it: send secrets by the credentials of the job, which are read from files',
    }));
}
