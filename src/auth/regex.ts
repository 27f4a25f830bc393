import { regexProblem, type Check } from '../validation';

/** What RE2 knows and JavaScript does not, with something of the same shape that JavaScript does know. */
const TRANSLATIONS: readonly (readonly [RegExp, string])[] = [
  [/\\Q.*?(?:\\E|$)/gs, 'x'],
  [/\(\?P</g, '(?<'],
  [/\(\?[imsU-]+\)/g, ''],
  [/\(\?[imsU-]+:/g, '(?:'],
  [/\[:\^?[a-z]+:\]/g, 'a-z'],
  [/\\[pP](?:\{\^?\w+\}|\w)/g, '\\w'],
  [/\\[Az]/g, ''],
];

/** About what a regular expression of vmauth matches as a whole; nothing where it cannot be told. */
export function wholeRegex(text: string): RegExp | undefined {
  const translated = TRANSLATIONS.reduce((regex, [found, instead]) => regex.replace(found, instead), text);
  try {
    return new RegExp(`^(?:${translated})$`);
  } catch {
    return undefined;
  }
}

/** Stands for what may be anything; no part of a path that means something. */
export const WILD = '___';
/** Stands for any one part of a path. */
const ANY_PART = '__';

const ALTERNATIVES = /\((?:\?:)?([\w/.|-]*)\)(\??)/;

/** A path for each of the alternatives of a simple regular expression; nothing where it is not simple. */
export function samplesOf(pattern: string): string[] | undefined {
  const plain = pattern
    .replaceAll('[^/]+', ANY_PART)
    .replace(/\.[*+]/g, WILD)
    .replaceAll('\\.', '.');
  const samples = expand(plain);
  return samples.every((sample) => /^\/[\w/.-]*$/.test(sample)) ? samples : undefined;
}

function expand(text: string): string[] {
  const [group, alternatives = '', optional] = ALTERNATIVES.exec(text) ?? [];
  if (group === undefined) return [text];
  const words = [...alternatives.split('|'), ...(optional ? [''] : [])];
  return words.flatMap((word) => expand(text.replace(group, () => word)));
}

/** A regular expression that matches a part of a request as a whole. */
export const regexCheck: Check = (value, prop, problems) => {
  const problem = typeof value === 'string' && value !== '' ? regexProblem(value) : 'it must be a string';
  if (problem === undefined) return value;
  problems.add({
    prop,
    value,
    rule: `vmauth does not compile it: ${problem}`,
    fix: "write a regular expression of RE2, for example '/api/v1/label/[^/]+/values'",
  });
  return undefined;
};

/** A regular expression of the path of a request. */
export const pathCheck: Check = (value, prop, problems) => {
  const accepted = regexCheck(value, prop, problems);
  if (typeof accepted !== 'string' || !/^[\w-]/.test(accepted)) return accepted;
  problems.add({ prop, value, rule: 'never matches: paths begin with /', fix: `write '/${accepted}'` });
  return undefined;
};
