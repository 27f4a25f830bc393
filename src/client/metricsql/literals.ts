import { InvalidArgumentError } from '../errors';
import type { DurationValue } from '../time';

const LONE_SURROGATE = /\p{Surrogate}/u;
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

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
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

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+$/;
const PART_OF_DURATION = /(\d+(?:\.\d+)?)(ms|[smhdwy])/g;

/** A duration of a millisecond or more. Upper case is refused: in a query `5M` are five million. */
export function durationLiteral(what: string, duration: DurationValue): string {
  const milliseconds = durationMilliseconds(what, duration);
  if (typeof duration === 'string') return duration;
  const unit = (['h', 'm', 's'] as const).find((name) => isMultiple(milliseconds, MILLISECONDS[name]!)) ?? 'ms';
  return `${milliseconds / MILLISECONDS[unit]!}${unit}`;
}

/** How long a duration is. */
export function durationMilliseconds(what: string, duration: DurationValue): number {
  const milliseconds = typeof duration === 'string' ? parseDuration(duration) : duration;
  const whole = typeof duration === 'string' || Number.isSafeInteger(duration);
  if (whole && milliseconds >= 1 && milliseconds <= Number.MAX_SAFE_INTEGER) return milliseconds;
  throw new InvalidArgumentError(
    `${what}: ${JSON.stringify(duration)} is not a duration; give whole milliseconds of 1 or more, ` +
      `or numbers with units (ms, s, m, h, d, w, y) such as '5m'`,
  );
}

function isMultiple(value: number, unit: number): boolean {
  return value % unit === 0;
}

function parseDuration(text: string): number {
  if (!DURATION.test(text)) return NaN;
  let milliseconds = 0;
  for (const [, count, unit] of text.matchAll(PART_OF_DURATION)) milliseconds += Number(count) * MILLISECONDS[unit!]!;
  return milliseconds;
}
