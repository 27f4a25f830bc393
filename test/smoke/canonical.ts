import { titleOf, type Manifest, type Policy } from '../manifests/manifest';

type Visit = (value: unknown, path: string) => string[];

/** Empty on purpose: the API server keeps them, and they mean something. */
const MEANINGFUL_WHEN_EMPTY = /(^|\.)(podSelector|namespaceSelector|emptyDir)$/;

/** Maps of amounts, and single ones. */
const AMOUNTS = /(^|\.)(requests|limits)\[[^\]]+\]$|(^|\.)(sizeLimit|divisor|averageValue)$/;

/** Lists whose items are told apart by the protocol as well, or which are compared as a whole. */
const WITH_PROTOCOL =
  /(^|\.)(containers|initContainers)\[\d+\]\.ports\[\d+\]$|^spec\.(ports|(in|e)gress\[\d+\]\.ports)\[\d+\]$/;

/** What the API server copies to another field, or from it. */
const ALIASES = /(^|\.)serviceAccount$/;

/**
 * Fields that the API server stores other than they were applied, or completes within a list that is compared as a
 * whole. Tools that compare manifests with live objects would call them changed for ever.
 */
export const storedAsApplied: Policy = (objects) =>
  objects.flatMap((object) => {
    const { data = {}, ...rest } = object as Manifest & { data?: unknown };
    const findings = visit(rest, '', (value, path) => [
      ...empty(value, path),
      ...amounts(value, path),
      ...protocols(value, path),
      ...(ALIASES.test(path) ? [`${path} is an alias, which the API server fills in on its own`] : []),
      ...environment(value, path),
      ...claims(value, path),
      ...tokens(value, path),
    ]);
    const texts = visit(data, 'data', (value, path) => (value === null ? [`${path} is null`] : []));
    return [...findings, ...texts].map((finding) => `${titleOf(object)}: ${finding}`);
  });

function visit(value: unknown, path: string, look: Visit): string[] {
  const own = path === '' ? [] : look(value, path);
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((item, index) => visit(item, `${path}[${index}]`, look))];
  }
  if (!isMap(value)) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, field]) => {
      const simple = /^[A-Za-z]\w*$/.test(key) && !/(^|\.)(requests|limits)$/.test(path);
      return visit(field, simple ? `${path === '' ? '' : `${path}.`}${key}` : `${path}[${key}]`, look);
    }),
  ];
}

function empty(value: unknown, path: string): string[] {
  if (value === null) return [`${path} is null, which is not stored`];
  const isEmpty = Array.isArray(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
  return isEmpty && !MEANINGFUL_WHEN_EMPTY.test(path) ? [`${path} is empty, which is not stored`] : [];
}

function amounts(value: unknown, path: string): string[] {
  if (!AMOUNTS.test(path) || isMap(value)) return [];
  if (typeof value !== 'string') return [`${path} is not a text, which it is when it is stored`];
  const canonical = canonicalQuantity(value);
  return value === canonical ? [] : [`${path} is ${value}, which is stored as ${canonical}`];
}

function protocols(value: unknown, path: string): string[] {
  return WITH_PROTOCOL.test(path) && isMap(value) && value.protocol === undefined
    ? [`${path} has no protocol, which the API server fills in`]
    : [];
}

function environment(value: unknown, path: string): string[] {
  if (!path.endsWith('.env') || !Array.isArray(value)) return [];
  const variables = value as { name: string; value?: string }[];
  const repeated = variables.filter(({ name }, index) => variables.findIndex((other) => other.name === name) < index);
  return [
    ...repeated.map(({ name }) => `${path} has ${name} twice, and one of them is stored`),
    ...variables.filter((variable) => variable.value === '').map(({ name }) => `${path} has an empty ${name}`),
  ];
}

function claims(value: unknown, path: string): string[] {
  if (!/^spec\.volumeClaimTemplates\[\d+\]$/.test(path)) return [];
  const { apiVersion, kind, spec } = value as Manifest & { spec: { volumeMode?: string } };
  const missing = Object.entries({ apiVersion, kind, 'spec.volumeMode': spec.volumeMode }).filter(
    ([, field]) => field === undefined,
  );
  return missing.map(([field]) => `${path}.${field} is missing, which the API server fills in`);
}

function tokens(value: unknown, path: string): string[] {
  return path.endsWith('.serviceAccountToken') &&
    (value as { expirationSeconds?: number }).expirationSeconds === undefined
    ? [`${path}.expirationSeconds is missing, which the API server fills in`]
    : [];
}

const SUFFIXES: Readonly<Record<string, readonly [base: bigint, power: bigint]>> = Object.fromEntries([
  ...['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'].map((suffix, index) => [suffix, [10n, BigInt(3 * index)]]),
  ...['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [suffix, [2n, BigInt(10 * (index + 1))]]),
]);

/** Suffixes that a sum of nanos may be written with, the largest first. */
const DECIMAL = ['E', 'P', 'T', 'G', 'M', 'k', '', 'm', 'u', 'n'];
const BINARY = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki', ''];

/** As the API server writes an amount: without a fraction, and with the largest suffix that allows that. */
export function canonicalQuantity(text: string): string {
  const [, whole = '', fraction = '', suffix = ''] = /^(\d+)(?:\.(\d+))?([A-Za-z]*)$/.exec(text) ?? [];
  const unit = SUFFIXES[suffix];
  if (whole === '' || !unit) return `none: '${text}' is written in a way that this does not know`;
  const suffixes = unit[0] === 2n ? BINARY : DECIMAL;
  const nanos = (BigInt(whole + fraction) * nanosIn(suffix)) / 10n ** BigInt(fraction.length);
  if (nanos === 0n) return '0';
  const largest = suffixes.find((candidate) => nanos % nanosIn(candidate) === 0n);
  return largest === undefined ? text : `${nanos / nanosIn(largest)}${largest}`;
}

function nanosIn(suffix: string): bigint {
  const [base, power] = SUFFIXES[suffix]!;
  // The decimal powers count from nano, the binary ones from one.
  return base === 10n ? base ** power : base ** power * 10n ** 9n;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
