import { InvalidArgumentError } from '../errors';
import { LABEL_NAME, LONE_SURROGATE } from '../labels';
import { durationMilliseconds, type DurationValue } from '../time';

// eslint-disable-next-line no-control-regex -- these are the characters that need an escape
const ESCAPED = /["\\\u0000-\u001f\u007f]/g;

/** A string literal whose value is exactly the text. */
export function stringLiteral(what: string, text: unknown): string {
  if (typeof text !== 'string') {
    throw new InvalidArgumentError(`${what}: ${String(text)} is a ${typeof text}; give a string`);
  }
  if (LONE_SURROGATE.test(text)) {
    throw new InvalidArgumentError(
      `${what}: ${JSON.stringify(text)} holds half of a surrogate pair, which UTF-8 cannot carry; remove it`,
    );
  }
  const escaped = text.replace(ESCAPED, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

/** Names such as `service.name` are stored as OpenTelemetry sends them, and are written in quotes. */
const QUOTED_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:/-]*$/;

/** A label name as it stands in a selector or in a list of labels. */
export function labelName(what: string, name: unknown): string {
  if (typeof name === 'string' && LABEL_NAME.test(name)) return name;
  if (typeof name === 'string' && QUOTED_LABEL_NAME.test(name)) return `"${name}"`;
  throw new InvalidArgumentError(
    `${what}: ${JSON.stringify(name)} is not a label name; use letters, digits and any of _ . : / -, a letter or _ first`,
  );
}

/** Label names, separated by commas. */
export function labelNames(what: string, names: readonly string[]): string {
  if (!Array.isArray(names)) throw new InvalidArgumentError(`${what}: not a list; write [...] around it`);
  return names.map((name, index) => labelName(`${what}[${index}]`, name)).join(', ');
}

/** A number, in parentheses when it has a sign, which would bind less than an operator after it. */
export function numberLiteral(what: string, value: unknown): string {
  if (typeof value !== 'number') {
    throw new InvalidArgumentError(`${what}: ${String(value)} is a ${typeof value}; give a number`);
  }
  if (Number.isNaN(value)) return 'NaN';
  const magnitude = Math.abs(value) === Infinity ? 'Inf' : String(Math.abs(value));
  return value < 0 ? `(-${magnitude})` : magnitude;
}

/** The largest first. */
const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

/** A duration of a millisecond or more. */
export function durationLiteral(what: string, duration: DurationValue): string {
  const milliseconds = durationMilliseconds(what, duration);
  if (typeof duration === 'string') return duration;
  const [unit, length] = UNITS.find(([, each]) => milliseconds % each === 0)!;
  return `${milliseconds / length}${unit}`;
}
