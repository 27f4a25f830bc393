import { InvalidArgumentError } from '../errors';
import { LABEL_NAME, LONE_SURROGATE, METRIC_NAME, METRIC_NAME_VALUE, type Labels } from '../labels';
import { varint32Length, writeVarint32 } from './varint';

/** Field 1 of `TimeSeries`, length-delimited. */
const TAG_LABEL = 0x0a;
/** Field 1 of `Label`, length-delimited. */
const TAG_LABEL_NAME = 0x0a;
/** Field 2 of `Label`, length-delimited. */
const TAG_LABEL_VALUE = 0x12;

/** In place of the index of a series, for labels that stand alone. */
const NO_INDEX = -1;
/** Beyond this the cache of label names is dropped; an application has far fewer. */
const NAME_CACHE_LIMIT = 4096;
/** Beyond this length a call into the runtime is faster than a loop over the characters. */
const LOOP_WRITE_LIMIT = 48;
/** Longer lengths than those of the prefix, the length of the value, and what is written beyond the end. */
const LABEL_OVERHEAD = 16;

/**
 * Validated labels, encoded once. Make one for each series that is written again and again: that saves most of the
 * work of a write with few samples.
 *
 * ```ts
 * const labels = LabelSet.of({ __name__: 'http_requests_total', service: 'shop' });
 * await client.remoteWrite([{ labels, samples: [{ timestamp: Date.now(), value: 42 }] }]);
 * ```
 */
export class LabelSet {
  /**
   * @throws InvalidArgumentError when `__name__` is missing, when a name does not match the data model of Prometheus,
   * or when a value is not a string
   */
  static of(labels: Labels): LabelSet {
    return new LabelSet(labels);
  }

  /** The labels in the order in which they are sent; empty values are left out. */
  readonly labels: Labels;

  readonly #encoded: Uint8Array;
  readonly #hash: number;

  private constructor(labels: Labels) {
    const bytes = Buffer.allocUnsafe(encoder.prepare(labels, NO_INDEX));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#encoded = Buffer.from(bytes.subarray(0, encoder.write(bytes, view, 0, NO_INDEX)));
    this.#hash = hashLabels(this.#encoded);
    const sorted = Object.entries(labels)
      .filter(([, value]) => value !== '')
      .sort(([a], [b]) => (a < b ? -1 : 1));
    this.labels = Object.freeze(Object.fromEntries(sorted));
  }

  /** @internal The labels as fields of a protobuf `TimeSeries`. */
  static encoded(set: LabelSet): Uint8Array {
    return set.#encoded;
  }

  /** @internal The same for the same labels, see `hashLabels`. */
  static hash(set: LabelSet): number {
    return set.#hash;
  }
}

/**
 * FNV-1a of encoded labels, from 0 to 2^32 - 1.
 * https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
export function hashLabels(encoded: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of encoded) hash = Math.imul(hash ^ byte, 0x01000193);
  // The low bits alone choose a worker: let the high ones have a say.
  return (hash ^ (hash >>> 15)) >>> 0;
}

/**
 * Writes labels as protobuf. Keeps the encoded names, which repeat from series to series. Takes the index of the series
 * for its error messages.
 */
export class LabelEncoder {
  readonly #names = new Map<string, LabelName>();
  /** The label names of the last series as its object lists them: the next series mostly has the same. */
  #keys: readonly string[] = [];
  /** The same names, encoded and sorted. */
  #sorted: readonly LabelName[] = [];
  readonly #values: string[] = [];
  #lastMetricName = '';

  #scratch = Buffer.allocUnsafeSlow(0);
  #scratchView = new DataView(this.#scratch.buffer);

  /**
   * @returns a view of the encoder's own buffer, valid until the next call
   * @throws InvalidArgumentError when a label breaks a rule
   */
  encode(labels: Labels, index: number): Uint8Array {
    const bound = this.prepare(labels, index);
    if (this.#scratch.length < bound) {
      this.#scratch = Buffer.allocUnsafeSlow(2 * bound);
      this.#scratchView = new DataView(this.#scratch.buffer);
    }
    return this.#scratch.subarray(0, this.write(this.#scratch, this.#scratchView, 0, index));
  }

  /** Takes the labels that the next `write` writes. Returns an upper bound of the bytes it needs. */
  prepare(labels: Labels, index: number): number {
    const keys = Object.keys(labels);
    if (!sameKeys(keys, this.#keys)) this.#setKeys(keys, index);
    const sorted = this.#sorted;
    const values = this.#values;
    let length = 0;
    for (let i = 0; i < sorted.length; i++) {
      const name = sorted[i]!;
      const value: unknown = labels[name.name];
      if (typeof value !== 'string') throw notAString(index, name.name, value);
      values[i] = value;
      // UTF-8 takes at most 3 bytes for a UTF-16 code unit.
      length += name.prefixLength + LABEL_OVERHEAD + 3 * value.length;
    }
    return length;
  }

  /** Writes the prepared labels at `position` and returns where they end. */
  write(output: Buffer, view: DataView, position: number, index: number): number {
    const sorted = this.#sorted;
    const values = this.#values;
    let hasMetricName = false;
    for (let i = 0; i < sorted.length; i++) {
      const name = sorted[i]!;
      const value = values[i]!;
      if (value === '') continue;
      if (name.isMetricName) {
        this.#checkMetricName(value, index);
        hasMetricName = true;
      }
      const end = writeShortLabel(name, value, view, position);
      position = end >= 0 ? end : writeLongLabel(name, value, output, position, index);
    }
    if (!hasMetricName) throw noMetricName(index);
    return position;
  }

  #setKeys(keys: readonly string[], index: number): void {
    // Names are ASCII, so the order of the code units is the order of the bytes.
    this.#sorted = [...keys].sort().map((name) => this.#encodeName(name, index));
    this.#keys = keys;
  }

  #checkMetricName(value: string, index: number): void {
    // The series of a metric tend to follow each other.
    if (value === this.#lastMetricName) return;
    if (!METRIC_NAME_VALUE.test(value)) throw badMetricName(index, value);
    this.#lastMetricName = value;
  }

  #encodeName(name: string, index: number): LabelName {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (!LABEL_NAME.test(name)) throw badLabelName(index, name);
    const fieldLength = 1 + varint32Length(name.length) + name.length;
    const bytes = Buffer.alloc(4 * Math.ceil((fieldLength + 3) / 4));
    bytes[0] = TAG_LABEL;
    bytes[2] = TAG_LABEL_NAME;
    bytes.write(name, writeVarint32(bytes, 3, name.length));
    bytes[2 + fieldLength] = TAG_LABEL_VALUE;
    const encoded: LabelName = {
      name,
      isMetricName: name === METRIC_NAME,
      prefix: Int32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readInt32LE(4 * i)),
      prefixLength: fieldLength + 3,
      field: bytes.subarray(2, 2 + fieldLength),
    };
    if (this.#names.size >= NAME_CACHE_LIMIT) this.#names.clear();
    this.#names.set(name, encoded);
    return encoded;
  }
}

/** Serves all label sets; it holds nothing between two of them but the names it has seen. */
const encoder = new LabelEncoder();

/** A label name, encoded once. */
interface LabelName {
  readonly name: string;
  readonly isMetricName: boolean;
  /** What stands before the length of the value, with one byte left for the length of the label; little-endian. */
  readonly prefix: Int32Array;
  /** In bytes. */
  readonly prefixLength: number;
  /** Tag, length and name alone. */
  readonly field: Uint8Array;
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Writes an ASCII label whose lengths fit one byte each, as nearly all do; else returns -1. */
function writeShortLabel(name: LabelName, value: string, view: DataView, position: number): number {
  const valueLength = value.length;
  const length = name.prefixLength + valueLength - 1;
  if (valueLength > LOOP_WRITE_LIMIT || length > 0x7f) return -1;
  // Four bytes at a time; what is written beyond the end is overwritten by what follows.
  const words = name.prefix;
  for (let i = 0; i < words.length; i++) view.setInt32(position + 4 * i, words[i]!, true);
  view.setUint8(position + 1, length);
  position += name.prefixLength;
  view.setUint8(position++, valueLength);
  let seen = 0;
  let i = 0;
  for (; i < valueLength - 3; i += 4) {
    const a = value.charCodeAt(i);
    const b = value.charCodeAt(i + 1);
    const c = value.charCodeAt(i + 2);
    const d = value.charCodeAt(i + 3);
    seen |= a | b | c | d;
    view.setInt32(position + i, a | (b << 8) | (c << 16) | (d << 24), true);
  }
  for (; i < valueLength; i++) {
    const code = value.charCodeAt(i);
    seen |= code;
    view.setUint8(position + i, code);
  }
  return seen < 0x80 ? position + valueLength : -1;
}

function writeLongLabel(name: LabelName, value: string, output: Buffer, position: number, index: number): number {
  if (LONE_SURROGATE.test(value)) throw notUnicode(index, name.name, value);
  const valueLength = Buffer.byteLength(value);
  output[position++] = TAG_LABEL;
  position = writeVarint32(output, position, name.field.length + 1 + varint32Length(valueLength) + valueLength);
  output.set(name.field, position);
  position += name.field.length;
  output[position++] = TAG_LABEL_VALUE;
  position = writeVarint32(output, position, valueLength);
  return position + output.write(value, position);
}

function labelsPath(index: number): string {
  return index === NO_INDEX ? 'labels' : `series[${index}].labels`;
}

function notAString(index: number, name: string, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `${labelsPath(index)}.${name}: ${String(value)} is a ${typeof value}; label values are strings: give String(value)`,
  );
}

function badLabelName(index: number, name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${labelsPath(index)}: ${JSON.stringify(name)} is not a label name; use letters, digits and underscores, no digit first`,
  );
}

function badMetricName(index: number, value: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${labelsPath(index)}.${METRIC_NAME}: ${JSON.stringify(value)} is not a metric name; ` +
      'use letters, digits, underscores and colons, no digit first',
  );
}

function noMetricName(index: number): InvalidArgumentError {
  return new InvalidArgumentError(
    `${labelsPath(index)}: no metric name; add the label ${METRIC_NAME}, as in { ${METRIC_NAME}: 'requests_total' }`,
  );
}

function notUnicode(index: number, name: string, value: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${labelsPath(index)}.${name}: ${JSON.stringify(value)} holds half of a surrogate pair, which UTF-8 cannot carry; remove it`,
  );
}
