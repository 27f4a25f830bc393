import type { Duration } from 'cdk8s';
import {
  all,
  didYouMean,
  instance,
  inTheClear,
  isObject,
  listOf,
  mapOf,
  namesSecret,
  namesSecretHeader,
  oneOf,
  regexProblem,
  rule,
  snakeCase,
  templateCheck,
  withoutUrlSecret,
  type Check,
} from '../validation';
import { parsePrometheusDuration, prometheusDuration, secretFileCheck, SecretRef } from '../values';
import { isFile } from './config-problems';

/** A field that Alertmanager also reads from a file, which the field with `_file` at its end names. */
export interface FileField {
  /** Values that are no secret, though others are. @default - none */
  readonly known?: readonly string[];
  /** What it may be in the clear. @default - a secret, which never stands in the clear */
  readonly clear?: Check;
}

/** The checks of all props of an interface; their names in Alertmanager's file follow from those of the props. */
export type Fields<T> = { readonly [K in keyof Required<T>]: Check | FileField };

const A_REF = "SecretRef.of('name', 'key')";
const A_MARK = 'secret://name-of-the-secret/key';

/** A secret: a `SecretRef`, and in the file the field with `_file` at its end. */
export const secret: FileField = {};

export function orFile(clear: Check): FileField {
  return { clear };
}

/** Nearly all texts are templates; in those that are none nobody writes `{{`. */
export const text: Check = all(
  rule((value) => typeof value === 'string', 'must be a string', 'give a string'),
  templateCheck,
);

/** Text of which nothing would be of use. */
export const filled: Check = all(
  text,
  rule((value) => value !== '', 'must not be empty', 'give it, or leave it out'),
);

export const texts: Check = listOf(text);

/** In the file all scalars are text at first. */
export const whole: Check = (value, prop, problems) =>
  rule(Number.isSafeInteger, 'must be a whole number', 'give a whole number')(
    isFile(problems) && typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value,
    prop,
    problems,
  );

export const fraction: Check = (value, prop, problems) =>
  rule(
    (number) => typeof number === 'number' && number >= 0 && number <= 1,
    'must be a number from 0 to 1',
    'give for example 0.1',
  )(isFile(problems) && typeof value === 'string' && value !== '' ? Number(value) : value, prop, problems);

export const flag: Check = (value, prop, problems) =>
  rule((item) => typeof item === 'boolean', 'must be true or false', 'give true or false')(
    isFile(problems) && /^(true|false)$/.test(String(value)) ? value === 'true' : value,
    prop,
    problems,
  );

export const choice = (...choices: readonly string[]): Check => oneOf(...choices);

const A_DURATION = instance('Duration', 'toMilliseconds', 'Duration.minutes(5), with Duration from cdk8s');

/** A duration as Alertmanager reads it in most places; none may be given. */
export const duration: Check = durationAs(
  (value) => value === '0' || parsePrometheusDuration(value) !== undefined,
  "whole numbers with units, from the largest to the smallest, e.g. '1h30m'",
);

/** A duration as the standard library of Go reads it, which has no days. */
export const goDurationCheck: Check = durationAs(
  (value) => /^(?:0|(?:\d+(?:\.\d+)?(?:ms|s|m|h))+)$/.test(value),
  "numbers with the units h, m, s, ms, e.g. '1m30s'",
);

/** A duration of more than nothing. */
export const interval: Check = all(
  duration,
  rule((value) => (secondsOf(value as string) ?? 0) > 0, 'must be above zero', 'give a longer time or leave it out'),
);

function durationAs(isRight: (value: string) => boolean, meaning: string): Check {
  return (value, prop, problems) => {
    if (!isFile(problems)) {
      const given = A_DURATION(value, prop, problems) as Duration | undefined;
      return given && prometheusDuration(given);
    }
    return rule((item) => typeof item === 'string' && isRight(item), 'is no duration', `write ${meaning}`)(
      value,
      prop,
      problems,
    );
  };
}

/** The seconds of a duration that was checked. */
export function secondsOf(value: string): number | undefined {
  const milliseconds = value === '0' ? 0 : parsePrometheusDuration(value);
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

/** A URL of http or https, or a template of one. */
export const url: Check = all(
  text,
  withoutUrlSecret,
  rule(
    (value) =>
      (value as string).includes('{{') || (/^https?:\/\//.test(value as string) && URL.canParse(value as string)),
    'is no URL of http or https',
    "write for example 'https://host/path'",
  ),
);

export const address: Check = rule(
  (value) => typeof value === 'string' && /^.+:\d+$/.test(value),
  'must be a host with a port',
  "write for example 'smtp.example.com:587'",
);

/** A map to texts. @param isSecret whether a name says that its value is secret, and so refused */
export function textMap(isSecret: (name: string) => boolean = namesSecret): Check {
  return all(mapOf(text), (value, prop, problems) => {
    const names = Object.keys(value as object).filter(isSecret);
    for (const name of names) refuseSecret(`${prop}['${name}']`, 'remove it', problems);
    return names.length === 0 ? value : undefined;
  });
}

/** Whatever the receiver makes of it, with templates in it. */
export const freeForm: Check = (value, prop, problems) => {
  if (typeof value === 'string') return templateCheck(value, prop, problems);
  if (typeof value !== 'object' || value === null) return value;
  for (const [key, item] of Object.entries(value)) {
    freeForm(item, Array.isArray(value) ? `${prop}[${key}]` : below(prop, key), problems);
  }
  return value;
};

/** A secret that no field of the file reads from a file. */
export const noFile = (fix: string): Check => {
  return (_value, prop, problems) => {
    refuseSecret(prop, fix, problems);
    return undefined;
  };
};

/** A path in the pod, or `secret://name/key`; from props a `SecretRef`. */
export const file: Check = secretFileCheck(
  all(
    text,
    rule((value) => (value as string).startsWith('/'), 'names no file of the pod', `write ${A_MARK}`),
  ),
);

/** An expression as RE2 reads it. */
export function regexCheck(expression: string, prop: string, value: unknown, problems: Parameters<Check>[2]): void {
  const problem = regexProblem(expression);
  problems.when(problem !== undefined, {
    prop,
    value,
    rule: `is no regular expression of RE2: ${problem}`,
    fix: 'correct it',
  });
}

/** Where a field of this name stands below another. */
export function below(prop: string, name: string): string {
  return prop.endsWith(' ') ? prop + name : `${prop}.${name}`;
}

/** A field found by the name that the user wrote. */
interface Found {
  readonly name: string;
  readonly field: Check | FileField;
  /** Whether the name is that of the file with the value. */
  readonly ofFile: boolean;
}

/**
 * An object with these fields and no others, made into what Alertmanager's file says. A field without a value is not
 * given: so YAML says nothing.
 */
export function fields<T extends object>(known: Fields<T>, ...required: readonly (keyof T & string)[]): Check {
  const entries = Object.entries<Check | FileField>(known);
  const ofProps = new Map<string, Found>(
    entries.map(([prop, field]) => [prop, { name: snakeCase(prop), field, ofFile: false }]),
  );
  const ofFile = new Map<string, Found>(
    entries.flatMap(([prop, field]) => {
      const name = snakeCase(prop);
      const plain: [string, Found] = [name, { name, field, ofFile: false }];
      return isFileField(field) ? [plain, [`${name}_file`, { name, field, ofFile: true }]] : [plain];
    }),
  );
  const anObject = rule(
    (value) => isObject(value) && !SecretRef.is(value),
    'must be an object',
    'write { field: value }',
  );
  return all(anObject, (value, prop, problems) => {
    const names = isFile(problems) ? ofFile : ofProps;
    const result: Record<string, unknown> = {};
    const given = new Set<string>();
    for (const [written, item] of Object.entries(value as Readonly<Record<string, unknown>>)) {
      if (item === undefined || item === null) continue;
      const path = below(prop, written);
      const found = names.get(written);
      if (!found) {
        problems.add({
          prop: path,
          value: namesSecretHeader(written) ? '***' : item,
          rule: 'there is no such field',
          fix: didYouMean(written, names.keys(), 'remove it'),
        });
        continue;
      }
      problems.when(given.has(found.name), {
        prop: path,
        value: item,
        rule: `\`${found.name}\` and \`${found.name}_file\` say the same`,
        fix: 'remove one of them',
      });
      given.add(found.name);
      const [name, checked] = checkField(found, item, path, problems);
      if (checked !== undefined) result[name] = checked;
    }
    for (const name of required.filter((each) => !given.has(snakeCase(each)))) {
      const written = isFile(problems) ? snakeCase(name) : name;
      problems.add({ prop: below(prop, written), value: undefined, rule: 'is required', fix: `set \`${written}\`` });
    }
    return result;
  });
}

function checkField(
  { name, field, ofFile }: Found,
  value: unknown,
  path: string,
  problems: Parameters<Check>[2],
): [string, unknown] {
  if (!isFileField(field)) return [name, field(value, path, problems)];
  const fileName = `${name}_file`;
  if (ofFile) return [fileName, file(value, path, problems)];
  if (!isFile(problems) && SecretRef.is(value)) return [fileName, value];
  if (field.clear) return [name, field.clear(value, path, problems)];
  if (field.known?.includes(value as string)) return [name, value];
  const fix = isFile(problems)
    ? `use \`${fileName}: ${A_MARK}\`, or ${A_REF} from TypeScript`
    : `write ${A_REF}, which is mounted and named by \`${fileName}\``;
  refuseSecret(path, fix, problems);
  return [name, undefined];
}

function refuseSecret(prop: string, fix: string, problems: Parameters<Check>[2]): void {
  problems.add({ prop, value: '***', rule: inTheClear('ConfigMap'), fix });
}

function isFileField(field: Check | FileField): field is FileField {
  return typeof field === 'object';
}
