import type { Duration, Size } from 'cdk8s';
import { didYouMean, hideUrlSecrets, kibibytes, type Problem, type Problems } from '../validation';
import { goDuration, Retention, SecretRef } from '../values';
import { victoriaMetricsFlags } from './catalogue/victoria-metrics';
import { vmagentFlags } from './catalogue/vmagent';
import { vmalertFlags } from './catalogue/vmalert';
import { vmauthFlags } from './catalogue/vmauth';
import { vminsertFlags } from './catalogue/vminsert';
import { vmselectFlags } from './catalogue/vmselect';
import { vmstorageFlags } from './catalogue/vmstorage';
import type { FlagCatalogue, FlagType } from './types';

type Scalar = string | number | boolean | SecretRef | Retention | Duration | Size;

interface Entry {
  /** None where the owner leaves the flag to the default of the binary. */
  readonly values: readonly Scalar[];
  /** The prop that the flag belongs to. */
  readonly source: string;
}

/** To tell whose flag it is that another component does not know. */
const CATALOGUES: readonly FlagCatalogue[] = [
  vmstorageFlags,
  vminsertFlags,
  vmselectFlags,
  victoriaMetricsFlags,
  vmagentFlags,
  vmauthFlags,
  vmalertFlags,
];

/** The source of flags that no prop sets. */
export const LIBRARY = 'the library itself';

/** Gives the file at which a key of a Secret is mounted. */
export type SecretPath = (ref: SecretRef) => string;

/**
 * The flags of one VictoriaMetrics process. A flag comes from exactly one place: the prop that it belongs to, set or
 * not, or `extraFlags`. Everything wrong is added to the problems of the component.
 */
export class FlagSet<F extends object> {
  private readonly entries = new Map<string, Entry>();
  private readonly refused = new Map<string, Pick<Problem, 'rule' | 'fix'>>();

  public constructor(
    private readonly catalogue: FlagCatalogue<F>,
    private readonly problems: Problems,
  ) {}

  /**
   * Gives a flag to a prop. `undefined` leaves it out, so that the default of the binary holds; it belongs to the prop
   * all the same, since other things follow from the prop that would not follow from the flag.
   *
   * @param source the prop, told to users who set the flag by `extraFlags`
   */
  public set<K extends keyof F & string>(name: K, value: F[K] | undefined, source: string): this {
    const earlier = this.entries.get(name);
    const entry = { values: value === undefined ? [] : listOf(value), source };
    if (earlier) this.refuseTwice(name, earlier.source === source ? entry : earlier, source);
    this.entries.set(name, entry);
    return this;
  }

  /** Keeps a flag out of `extraFlags` that would break what the library renders around the process. */
  public refuse(names: readonly (keyof F & string)[], rule: string, fix: string): this {
    for (const name of names) this.refused.set(name, { rule, fix });
    return this;
  }

  /** Adds the user's `extraFlags`. @param prop the full name of the prop, e.g. `vmstorage.extraFlags` */
  public addExtra(extraFlags: Partial<F> | undefined, prop = 'extraFlags'): this {
    for (const [name, value] of Object.entries(extraFlags ?? {})) {
      if (value === undefined || value === null) continue;
      const source = `${prop}['${name}']`;
      if (this.refusesName(name, value, source)) continue;
      const values = listOf(value);
      if (values.length > 1 && !isArray(this.typeOf(name))) {
        this.problems.add({
          prop: source,
          value,
          rule: `-${name} takes one value`,
          fix: 'give one value instead of a list',
        });
      }
      const accepted = values.filter((item) => this.acceptsValue(name, item, source));
      this.entries.set(name, { values: accepted, source });
    }
    return this;
  }

  /** The Secrets that the flags refer to: they must be mounted where `render` is told. */
  public secrets(): SecretRef[] {
    return [...this.entries.values()].flatMap(({ values }) => values.filter((value) => SecretRef.is(value)));
  }

  /** Container args, sorted by name; an array flag is repeated in the order of its values. */
  public render(secretPath: SecretPath): string[] {
    return [...this.entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, { values }]) =>
        values.map((value) => `-${name}=${escapeExpansion(this.valueText(name, value, secretPath))}`),
      );
  }

  private valueText(name: string, value: Scalar, secretPath: SecretPath): string {
    if (SecretRef.is(value)) return `file://${secretPath(value)}`;
    const text = scalarText(value);
    return isArray(this.typeOf(name)) ? quoteArrayItem(text) : text;
  }

  private typeOf(name: string): FlagType {
    return (this.catalogue.types as Record<string, FlagType>)[name] ?? 'value';
  }

  private refusesName(name: string, value: unknown, source: string): boolean {
    const { binary, version, deprecated, types } = this.catalogue;
    const refusal = deprecated.includes(name)
      ? { rule: `-${name} is deprecated in ${binary} ${version} and does nothing`, fix: 'remove it' }
      : Object.hasOwn(types, name)
        ? this.refused.get(name)
        : this.unknown(name);
    if (refusal) {
      this.problems.add({ prop: source, value, ...refusal });
      return true;
    }
    const earlier = this.entries.get(name);
    if (earlier) this.refuseTwice(name, { values: listOf(value), source }, earlier.source);
    return earlier !== undefined;
  }

  /** What to say of a name that the binary does not know. */
  private unknown(name: string): Pick<Problem, 'rule' | 'fix'> {
    const { binary, version, types } = this.catalogue;
    if (name.startsWith('-')) {
      return { rule: 'flags are named without their dash here', fix: `write '${name.replace(/^-+/, '')}'` };
    }
    const owners = CATALOGUES.filter((known) => Object.hasOwn(known.types, name)).map((known) => known.binary);
    if (owners.length > 0) {
      return { rule: `${binary} has no flag -${name}: it is one of ${owners.join(' and ')}`, fix: 'remove it here' };
    }
    return {
      rule: `${binary} ${version} has no flag -${name}`,
      fix: didYouMean(
        name,
        Object.keys(types),
        `see ${binary} -help; a flag of another version goes into the args by a JSON patch`,
      ),
    };
  }

  private refuseTwice(name: string, extra: Entry, owner: string): void {
    if (extra.source === owner) {
      this.problems.add({
        prop: owner,
        value: extra.values[0],
        rule: `-${name} takes one value, and this is the second`,
        fix: 'remove one of the two',
      });
      return;
    }
    this.problems.add({
      prop: extra.source,
      value: extra.values.length === 1 ? extra.values[0] : extra.values,
      rule: `-${name} belongs to ${owner}`,
      fix: owner === LIBRARY ? 'remove it' : `remove it here and use ${owner}`,
    });
  }

  private acceptsValue(name: string, value: Scalar, source: string): boolean {
    const expected = EXPECTED[this.typeOf(name)];
    if (!expected.accepts(value)) {
      this.problems.add({ prop: source, value, rule: `-${name} takes ${expected.meaning}`, fix: expected.fix });
      return false;
    }
    const hidden = typeof value === 'string' ? hideUrlSecrets(value) : value;
    if (hidden !== value) {
      this.problems.add({
        prop: source,
        value: hidden,
        rule: 'a URL must not carry a secret: it would stand in the manifest in the clear',
        fix: 'use the flags for authorization with a SecretRef or a file',
      });
      return false;
    }
    return true;
  }
}

interface Expectation {
  readonly meaning: string;
  readonly fix: string;
  accepts(value: Scalar): boolean;
}

const GO_DURATION = /^[-+]?(?:0|(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/;
const BYTES = /^\d+(?:\.\d+)?(?:[KMGT]i?B)?$/;
const RETENTION = /^\d+(?:\.\d+)?[shdwMy]?$/;

const SECRET_EXPECTED: Expectation = {
  meaning: 'a SecretRef, never the secret itself: the manifest would hold it in the clear',
  fix: "write SecretRef.of('name-of-the-secret', 'key')",
  accepts: (value) => SecretRef.is(value) || (typeof value === 'string' && value.startsWith('file://')),
};

const EXPECTED: Record<FlagType, Expectation> = {
  bool: { meaning: 'true or false', fix: 'give a boolean', accepts: (value) => typeof value === 'boolean' },
  int: { meaning: 'a whole number', fix: 'give a whole number', accepts: (value) => Number.isSafeInteger(value) },
  uint: {
    meaning: 'a whole number of at least 0',
    fix: 'give a whole number of at least 0',
    accepts: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  float: { meaning: 'a number', fix: 'give a number', accepts: (value) => Number.isFinite(value) },
  duration: {
    meaning: 'a duration in ms, s, m or h',
    fix: "write Duration.seconds(30) or '30s'",
    accepts: (value) => isDuration(value) || (typeof value === 'string' && GO_DURATION.test(value)),
  },
  size: {
    meaning: 'a size in bytes, KB, MB, GB, TB, KiB, MiB, GiB or TiB',
    fix: "write Size.mebibytes(512), '512MiB' or a number of bytes",
    accepts: (value) =>
      isSize(value) ||
      (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) ||
      (typeof value === 'string' && BYTES.test(value)),
  },
  retention: {
    meaning: 'a duration in s, h, d, w, M or y, or a number of months',
    fix: "write Retention.days(90) or '90d'",
    accepts: (value) =>
      Retention.is(value) ||
      (typeof value === 'number' && value >= 0) ||
      (typeof value === 'string' && RETENTION.test(value)),
  },
  secret: SECRET_EXPECTED,
  literalSecret: {
    meaning: 'a secret from its args only, where everybody can read it',
    fix: 'use the flag of the same name that ends in File',
    accepts: () => false,
  },
  string: { meaning: 'a string', fix: 'give a string', accepts: (value) => typeof value === 'string' },
  value: { meaning: 'a string or a number', fix: 'give a string or a number', accepts: isPlain },
  array: { meaning: 'strings, numbers or booleans', fix: 'give plain values', accepts: isPlain },
};

function scalarText(value: Exclude<Scalar, SecretRef>): string {
  if (isDuration(value)) return goDuration(value);
  if (isSize(value)) return sizeText(value);
  if (Retention.is(value)) return value.toString();
  // A prop that let another object pass would put it into the args as text, were it a secret or not.
  if (typeof value === 'object') throw new Error(`a flag cannot have the value ${JSON.stringify(value)}`);
  return String(value);
}

/** cdk8s writes Kubernetes' Gi where VictoriaMetrics writes GiB, which knows no unit above TiB and no fractions of bytes. */
function sizeText(size: Size): string {
  const text = size.asString();
  const bytes = kibibytes(size) * 1024;
  return /^\d+(Ki|Mi|Gi|Ti)$/.test(text) ? `${text}B` : String(Math.round(bytes));
}

/** VictoriaMetrics splits array flags at commas outside quotes. */
function quoteArrayItem(text: string): string {
  return /[,"']/.test(text) ? JSON.stringify(text) : text;
}

/** Kubernetes expands $(NAME) in args, and $$ to $: a $ before either is doubled. */
export function escapeExpansion(text: string): string {
  return text.replace(/\$(?=[$(])/g, '$$$$');
}

function isArray(type: FlagType): boolean {
  return type === 'array';
}

function listOf(value: unknown): readonly Scalar[] {
  return (Array.isArray(value) ? value : [value]) as Scalar[];
}

function isPlain(value: Scalar): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isDuration(value: Scalar): value is Duration {
  return typeof value === 'object' && 'toMilliseconds' in value;
}

function isSize(value: Scalar): value is Size {
  return typeof value === 'object' && 'toKibibytes' in value;
}
