import { InvalidArgumentError } from '../errors';
import { LONE_SURROGATE, METRIC_NAME_VALUE } from '../labels';
import { lengthDelimited } from './varint';

/** In the order of their numbers in `MetricMetadata.MetricType`. */
const TYPES = ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'] as const;

/** The type of a metric. */
export type MetricType = (typeof TYPES)[number];

/** What is known of all series of a metric. */
export interface MetricMetadata {
  /** The name of the metric, without `_bucket`, `_sum` and `_count` for histograms and summaries. */
  readonly name: string;
  readonly type: MetricType;
  /** What it measures, in a sentence. @default - none */
  readonly help?: string;
  /** The unit, such as `seconds`. @default - none */
  readonly unit?: string;
}

/** Field 3 of `WriteRequest`, length-delimited. */
const TAG_METADATA = 0x1a;
/** Fields of `MetricMetadata`. */
const TAG_TYPE = 0x08;
const TAG_NAME = 0x12;
const TAG_HELP = 0x22;
const TAG_UNIT = 0x2a;

/**
 * Metadata as a field of a protobuf `WriteRequest`.
 *
 * @param index the place in the caller's list, for error messages
 * @throws InvalidArgumentError when it breaks a rule
 */
export function encodeMetadata({ name, type, help = '', unit = '' }: MetricMetadata, index: number): Uint8Array {
  const path = `metadata[${index}]`;
  if (typeof name !== 'string' || !METRIC_NAME_VALUE.test(name)) {
    throw new InvalidArgumentError(
      `${path}.name: ${JSON.stringify(name)} is not a metric name; use letters, digits, underscores and colons, no digit first`,
    );
  }
  const number = TYPES.indexOf(type);
  if (number < 0) {
    throw new InvalidArgumentError(
      `${path}.type: ${JSON.stringify(type)} is not a type of a metric; give one of ${TYPES.join(', ')}`,
    );
  }
  return lengthDelimited(
    TAG_METADATA,
    Buffer.concat([
      Buffer.of(TAG_TYPE, number),
      lengthDelimited(TAG_NAME, Buffer.from(name)),
      text(TAG_HELP, help, `${path}.help`),
      text(TAG_UNIT, unit, `${path}.unit`),
    ]),
  );
}

function text(tag: number, value: string, path: string): Uint8Array {
  if (typeof value !== 'string' || LONE_SURROGATE.test(value)) {
    throw new InvalidArgumentError(
      `${path}: ${JSON.stringify(value)} is not text; give a string without halves of surrogate pairs`,
    );
  }
  return value === '' ? Buffer.alloc(0) : lengthDelimited(tag, Buffer.from(value));
}
