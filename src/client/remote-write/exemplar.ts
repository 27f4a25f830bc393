import { InvalidArgumentError } from '../errors';
import { LABEL_NAME, LONE_SURROGATE } from '../labels';
import { isList, isObject, notA, notAList, type Exemplar } from '../samples';
import { lengthDelimited, writeInt64 } from './varint';

/** Field 3 of `TimeSeries`, length-delimited. */
const TAG_EXEMPLAR = 0x1a;
/** Field 1 of `Exemplar`, and of `Label` the name. */
const TAG_LABEL = 0x0a;
const TAG_LABEL_NAME = 0x0a;
const TAG_LABEL_VALUE = 0x12;
/** Field 2 of `Exemplar`, 64 bits. */
const TAG_VALUE = 0x11;
/** Field 3 of `Exemplar`, varint. */
const TAG_TIMESTAMP = 0x18;

/** https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#exemplars */
const MAX_CHARACTERS = 128;

const NONE = new Uint8Array(0);

/**
 * Exemplars as fields of a protobuf `TimeSeries`.
 *
 * @param index the place of the series in the caller's list, for error messages
 * @throws InvalidArgumentError when one breaks a rule
 */
export function encodeExemplars(exemplars: readonly Exemplar[] | undefined, index: number): Uint8Array {
  if (exemplars === undefined) return NONE;
  if (!isList(exemplars)) throw notAList(`series[${index}].exemplars`, exemplars);
  if (exemplars.length === 0) return NONE;
  return Buffer.concat(exemplars.map((exemplar, i) => encode(exemplar, `series[${index}].exemplars[${i}]`)));
}

function encode(exemplar: Exemplar, path: string): Uint8Array {
  if (!isObject(exemplar)) throw notA(path, exemplar, 'exemplar', '{ labels, value, timestamp }');
  const { labels, value, timestamp } = exemplar;
  if (!isObject(labels)) throw notA(`${path}.labels`, labels, 'set of labels', '{ trace_id }');
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  let characters = 0;
  const parts: Uint8Array[] = [];
  for (const [name, text] of entries) {
    if (!LABEL_NAME.test(name)) {
      throw new InvalidArgumentError(
        `${path}.labels: ${JSON.stringify(name)} is not a label name; use letters, digits and underscores, no digit first`,
      );
    }
    if (typeof text !== 'string' || LONE_SURROGATE.test(text)) {
      throw new InvalidArgumentError(
        `${path}.labels.${name}: ${JSON.stringify(text)} is not text; give a string without halves of surrogate pairs`,
      );
    }
    characters += name.length + characterCount(text);
    const label = [
      lengthDelimited(TAG_LABEL_NAME, Buffer.from(name)),
      lengthDelimited(TAG_LABEL_VALUE, Buffer.from(text)),
    ];
    parts.push(lengthDelimited(TAG_LABEL, Buffer.concat(label)));
  }
  if (characters > MAX_CHARACTERS) {
    throw new InvalidArgumentError(
      `${path}.labels: ${characters} characters; names and values may have ${MAX_CHARACTERS} together`,
    );
  }
  if (typeof value !== 'number') {
    throw new InvalidArgumentError(
      `${path}.value: ${String(value)} is a ${typeof value}; values are numbers: give one`,
    );
  }
  if (!Number.isSafeInteger(timestamp)) {
    throw new InvalidArgumentError(
      `${path}.timestamp: ${String(timestamp)} is not a whole number of milliseconds; round it, as in Math.round(timestamp)`,
    );
  }
  const numbers = Buffer.alloc(1 + 8 + 1 + 10);
  numbers[0] = TAG_VALUE;
  numbers.writeDoubleLE(value, 1);
  numbers[9] = TAG_TIMESTAMP;
  parts.push(numbers.subarray(0, writeInt64(numbers, 10, timestamp)));
  return lengthDelimited(TAG_EXEMPLAR, Buffer.concat(parts));
}

/** Surrogate pairs are one character each. */
function characterCount(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff]/g)?.length ?? 0);
}
