import type { Duration, Size } from 'cdk8s';
import { kibibytes, milliseconds } from './amounts';
import type { Problem, Problems } from './problem';
import { closest } from './suggestion';

/**
 * Checks one value and reports what is wrong with it under the name of its prop. Gives back the value, or of an object
 * the part that is right, so that one wrong prop does not hide the problems of all others; undefined when nothing is.
 */
export type Check = (value: unknown, prop: string, problems: Problems) => unknown;

/**
 * The checks of all props of an interface. The compiler refuses a shape that forgets a prop or invents one, so that
 * a prop that no shape knows is a prop that the user misspelt.
 */
export type Shape<T> = { readonly [K in keyof Required<T>]: Check };

/** Props that passed their checks: what was refused is missing. */
export type Checked<T> = Partial<T>;

/** Checks every prop of an object: unknown names, wrong types and values out of range are all reported. */
export function checkProps<T extends object>(
  props: T | undefined,
  shape: Shape<T>,
  problems: Problems,
  prefix = '',
): Checked<T> {
  const known = Object.keys(shape);
  const accepted = Object.entries(props ?? {}).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined) return [];
    const check = Object.hasOwn(shape, name) ? (shape as Record<string, Check>)[name] : undefined;
    if (check) return [[name, check(value, prefix + name, problems)]];
    const suggestion = closest(name, known);
    problems.add({
      prop: prefix + name,
      value,
      rule: 'there is no such prop',
      fix: suggestion ? `did you mean \`${prefix}${suggestion}\`?` : `use one of ${known.join(', ')}`,
    });
    return [];
  });
  return Object.fromEntries(accepted.filter(([, value]) => value !== undefined)) as Checked<T>;
}

/** Reports a prop that is not there. @param given as the user wrote it: a prop that was refused is there */
export function checkRequired<T extends object>(
  given: T | undefined,
  name: keyof T & string,
  problems: Problems,
  missing: Pick<Problem, 'rule' | 'fix'>,
): void {
  problems.when(given?.[name] === undefined, { prop: name, value: undefined, ...missing });
}

/** A value that any code may use as it is: checked elsewhere, or by Kubernetes. */
export const anything: Check = (value) => value;

export const boolean: Check = expecting('true or false', (value) => typeof value === 'boolean');

export function integer({ min, max }: { readonly min: number; readonly max?: number }): Check {
  const range = max === undefined ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`;
  return expecting(
    range,
    (value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= (max ?? Infinity),
  );
}

/** A whole number above zero. */
export const atLeastOne: Check = integer({ min: 1 });

/** The number of a TCP or UDP port. */
export const portNumber: Check = integer({ min: 1, max: 65_535 });

export function text(pattern?: RegExp, meaning = 'a non-empty string'): Check {
  return expecting(meaning, (value) => typeof value === 'string' && (pattern ? pattern.test(value) : value.length > 0));
}

/** A string that may be empty. */
export const anyText: Check = expecting('a string', (value) => typeof value === 'string');

/** A string, or what YAML takes for something else that a string stands for. */
export const scalar: Check = (value, prop, problems) => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return rule((item) => typeof item === 'string', 'must be a string', 'give a string')(value, prop, problems);
};

export function oneOf(...choices: readonly string[]): Check {
  return expecting(`one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, (value) =>
    choices.includes(value as string),
  );
}

/** An instance of a value class, recognised by what it can do, since several copies of a package may be loaded. */
export function instance(className: string, member: string, example: string): Check {
  return rule(
    (value) => isObject(value) && member in value,
    `must be ${/^[AEIOU]/.test(className) ? 'an' : 'a'} ${className}`,
    `write ${example}`,
  );
}

/** A cdk8s Size above zero. */
export const size: Check = all(
  instance('Size', 'toKibibytes', 'Size.gibibytes(10), with Size from cdk8s'),
  rule((value) => kibibytes(value as Size) > 0, 'must be above zero', 'give a size above zero or leave the prop out'),
);

/** A cdk8s Duration of a millisecond or more. */
export const duration: Check = all(
  instance('Duration', 'toMilliseconds', 'Duration.seconds(30), with Duration from cdk8s'),
  rule(
    (value) => milliseconds(value as Duration) >= 1,
    'must be at least a millisecond',
    'give a longer Duration or leave the prop out',
  ),
);

/** @param keyOf what stands in the brackets that tell an item in messages */
export function listOf(
  check: Check,
  keyOf: (item: unknown, index: number) => string | number = (_item, index) => index,
): Check {
  return all(rule(Array.isArray, 'must be a list', 'write [...] around it'), (value, prop, problems) =>
    (value as unknown[])
      .map((item, index) => check(item, `${prop}[${keyOf(item, index)}]`, problems))
      .filter((item) => item !== undefined),
  );
}

/** A list with something in it. Where all of it is wrong nothing is left, and not a list that is empty. */
export function filledListOf(
  check: Check,
  emptyRule = 'must not be empty',
  fix = 'name something, or leave the prop out',
): Check {
  return all(
    rule((value) => !Array.isArray(value) || value.length > 0, emptyRule, fix),
    listOf(check),
    (list) => ((list as unknown[]).length > 0 ? list : undefined),
  );
}

export function mapOf(check: Check): Check {
  return all(rule(isObject, 'must be an object', 'write { name: value }'), (value, prop, problems) =>
    Object.fromEntries(
      Object.entries(value as object)
        .map(([key, item]: [string, unknown]) => [key, check(item, `${prop}['${key}']`, problems)] as const)
        .filter(([, item]) => item !== undefined),
    ),
  );
}

/** @param required props without which the whole object is refused */
export function object<T extends object>(shape: Shape<T>, ...required: readonly (keyof T & string)[]): Check {
  return all(
    rule(isObject, 'must be an object', `write { ${abridged(Object.keys(shape))} }`),
    (value, prop, problems) => {
      const checked = checkProps(value as T, shape, problems, `${prop}.`);
      for (const name of required) {
        problems.when((value as Partial<T>)[name] === undefined, {
          prop: `${prop}.${name}`,
          value: undefined,
          rule: `${prop} is nothing without it`,
          fix: `set \`${prop}.${name}\``,
        });
      }
      return required.every((name) => checked[name] !== undefined) ? checked : undefined;
    },
  );
}

/** Checks in turn; a later one may rely on what an earlier one found right. */
export function all(...checks: readonly Check[]): Check {
  return (value, prop, problems) =>
    checks.reduce<unknown>(
      (accepted, check) => (accepted === undefined ? undefined : check(accepted, prop, problems)),
      value,
    );
}

/** One condition on a value, with what to say when it does not hold. */
export function rule(holds: (value: unknown) => boolean, text: string, fix: string): Check {
  return (value, prop, problems) => {
    if (holds(value)) return value;
    problems.add({ prop, value, rule: text, fix });
    return undefined;
  };
}

/** A prop that does not exist on purpose; the reason is told instead of a bare "no such prop". */
export function forbidden(reason: string, fix: string): Check {
  return rule(() => false, reason, fix);
}

/** Enough names to see what is meant. */
function abridged(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')}, ...` : names.join(', ');
}

function expecting(meaning: string, holds: (value: unknown) => boolean): Check {
  return rule(holds, `must be ${meaning}`, `give ${meaning}`);
}

/** Whether it has fields. What JavaScript lets through is not always what the types say. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
