import type { Duration, Size } from 'cdk8s';
import { kibibytes, milliseconds } from './amounts';
import type { Problems } from './problem';
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

/** The number of a TCP or UDP port. */
export const portNumber: Check = integer({ min: 1, max: 65_535 });

export function text(pattern?: RegExp, meaning = 'a non-empty string'): Check {
  return expecting(meaning, (value) => typeof value === 'string' && (pattern ? pattern.test(value) : value.length > 0));
}

/** A string that may be empty. */
export const anyText: Check = expecting('a string', (value) => typeof value === 'string');

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

export function listOf(check: Check): Check {
  return all(rule(Array.isArray, 'must be a list', 'write [...] around it'), (value, prop, problems) =>
    (value as unknown[])
      .map((item, index) => check(item, `${prop}[${index}]`, problems))
      .filter((item) => item !== undefined),
  );
}

/** A list with something in it: an empty one would not mean "nothing" but "anything". */
export function filledListOf(check: Check): Check {
  return all(
    rule(
      (value) => !Array.isArray(value) || value.length > 0,
      'must not be empty',
      'name something, or leave the prop out',
    ),
    listOf(check),
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

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
