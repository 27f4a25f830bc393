import { InvalidArgumentError } from '../errors';
import { malformed, STALE, type TimeSeries, type WriteSample } from '../samples';
import { encodeExemplars } from './exemplar';
import { LabelEncoder, LabelSet } from './labels';
import { encodeMetadata, type MetricMetadata } from './metadata';
import { varint32Length, writeInt64, writeVarint32 } from './varint';

/** Field 1 of `WriteRequest`, length-delimited. https://github.com/prometheus/prometheus/blob/main/prompb/remote.proto */
const TAG_TIMESERIES = 0x0a;
/** Field 2 of `TimeSeries`, length-delimited. */
const TAG_SAMPLE = 0x12;
/** Field 1 of `Sample`, 64 bits. */
const TAG_VALUE = 0x09;
/** Field 2 of `Sample`, varint. */
const TAG_TIMESTAMP = 0x10;
/** Tag and length of the sample, tag and 8 bytes of the value, tag and at most 10 bytes of the time. */
const MAX_SAMPLE_LENGTH = 2 + 9 + 11;
const MAX_SERIES_HEADER = 6;

/** High words of the NaNs that Prometheus knows: the stale marker is 0x7ff0000000000002, any other 0x7ff8000000000001. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;
const NAN_HIGH = 0x7ff80000;
const NAN_LOW = 1;

/** What a sample begins with whose time takes 6 bytes, as that of all from 1971 to 2109 does. */
const USUAL_START = TAG_SAMPLE | (16 << 8) | (TAG_VALUE << 16);

const INITIAL_SIZE = 64 * 1024;

/**
 * Encodes `prometheus.WriteRequest`, version 1.0, straight into one buffer that grows and is used again. Allocates
 * nothing for a sample. Not for concurrent use: encode and copy the result in one go.
 */
export class WriteRequestEncoder {
  readonly #labels = new LabelEncoder();
  #buffer = Buffer.allocUnsafeSlow(INITIAL_SIZE);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;
  /** Bytes that the length of the last series took: the guess for the next. */
  #lengthBytes = 2;

  /** Drops what was encoded and keeps the buffer. */
  reset(): void {
    this.#length = 0;
  }

  /** @returns a view of the encoder's own buffer, valid until the next call */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Bytes encoded since the last reset. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends a series; one without samples and exemplars is left out.
   *
   * @param index the place of the series in the caller's list, for error messages
   * @throws InvalidArgumentError when labels or samples break a rule; what was appended before stays
   */
  add(series: TimeSeries, index: number): void {
    try {
      this.#add(series, index);
    } catch (error) {
      // Looking first would take a tenth of the speed.
      throw malformed(series, index) ?? error;
    }
  }

  #add(series: TimeSeries, index: number): void {
    const { labels, samples } = series;
    if (labels instanceof LabelSet) {
      this.addEncoded(LabelSet.encoded(labels), series, 0, samples.length, index);
      return;
    }
    const labelsBound = this.#labels.prepare(labels, index);
    const exemplars = encodeExemplars(series.exemplars, index);
    const start = this.#startSeries(labelsBound + samples.length * MAX_SAMPLE_LENGTH + exemplars.length);
    const end = this.#labels.write(this.#buffer, this.#view, start, index);
    this.#finishSeries(samples, 0, samples.length, exemplars, start, end, index);
  }

  /**
   * Appends some samples of a series whose labels are encoded already; its exemplars go with its last sample.
   *
   * @param from index of the first sample
   * @param to index behind the last sample
   * @throws InvalidArgumentError as `add` does
   */
  addEncoded(labels: Uint8Array, series: TimeSeries, from: number, to: number, index: number): void {
    const { samples } = series;
    const exemplars = encodeExemplars(to === samples.length ? series.exemplars : undefined, index);
    const start = this.#startSeries(labels.length + (to - from) * MAX_SAMPLE_LENGTH + exemplars.length);
    this.#buffer.set(labels, start);
    this.#finishSeries(samples, from, to, exemplars, start, start + labels.length, index);
  }

  /**
   * Appends what is known of a metric.
   *
   * @param index the place in the caller's list, for error messages
   * @throws InvalidArgumentError when it breaks a rule
   */
  addMetadata(metadata: MetricMetadata, index: number): void {
    const encoded = encodeMetadata(metadata, index);
    this.#reserve(encoded.length);
    this.#buffer.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  /** Makes room and returns where the labels start. */
  #startSeries(bound: number): number {
    this.#reserve(MAX_SERIES_HEADER + bound);
    return this.#length + 1 + this.#lengthBytes;
  }

  /** Writes what follows the labels, and then the length of it all. Until that is done nothing has been appended. */
  #finishSeries(
    samples: readonly WriteSample[],
    from: number,
    to: number,
    exemplars: Uint8Array,
    start: number,
    labelsEnd: number,
    index: number,
  ): void {
    const buffer = this.#buffer;
    if (from === to && exemplars.length === 0) return;
    let end = this.#writeSamples(samples, from, to, labelsEnd, index);
    if (exemplars.length > 0) {
      buffer.set(exemplars, end);
      end += exemplars.length;
    }

    // The length comes first but is known last: it has the same size as that of the series before, or the body moves.
    const length = end - start;
    const lengthBytes = varint32Length(length);
    if (lengthBytes !== this.#lengthBytes) {
      const target = this.#length + 1 + lengthBytes;
      buffer.copyWithin(target, start, end);
      end = target + length;
      this.#lengthBytes = lengthBytes;
    }
    buffer[this.#length] = TAG_TIMESERIES;
    writeVarint32(buffer, this.#length + 1, length);
    this.#length = end;
  }

  #writeSamples(samples: readonly WriteSample[], from: number, to: number, position: number, index: number): number {
    const buffer = this.#buffer;
    const view = this.#view;
    let previous = from === 0 ? -Infinity : samples[from - 1]!.timestamp;
    for (let i = from; i < to; i++) {
      const { timestamp, value } = samples[i]!;
      if (!(timestamp > previous && Number.isSafeInteger(timestamp))) {
        throw badTimestamp(index, i, timestamp, previous);
      }
      previous = timestamp;
      // The length of the usual sample; a longer or shorter time puts its own.
      view.setInt32(position, USUAL_START, true);
      if (value === STALE) {
        view.setUint32(position + 3, STALE_LOW, true);
        view.setUint32(position + 7, STALE_HIGH, true);
      } else if (typeof value !== 'number') {
        throw badValue(index, i, value);
      } else if (value !== value) {
        view.setUint32(position + 3, NAN_LOW, true);
        view.setUint32(position + 7, NAN_HIGH, true);
      } else {
        view.setFloat64(position + 3, value, true);
      }
      buffer[position + 11] = TAG_TIMESTAMP;
      const high = Math.floor(timestamp * 2 ** -28);
      if (high >= 0x80 && high < 0x4000) {
        const low = timestamp - high * 2 ** 28;
        view.setInt32(
          position + 12,
          (low & 0x7f) | ((low & 0x3f80) << 1) | ((low & 0x1fc000) << 2) | ((low & 0xfe00000) << 3) | 0x80808080,
          true,
        );
        view.setInt16(position + 16, (high & 0x7f) | 0x80 | ((high & 0x3f80) << 1), true);
        position += 18;
      } else {
        const end = writeInt64(buffer, position + 12, timestamp);
        buffer[position + 1] = end - position - 2;
        position = end;
      }
    }
    return position;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function badTimestamp(series: number, sample: number, timestamp: unknown, previous: number): InvalidArgumentError {
  const path = `series[${series}].samples[${sample}].timestamp`;
  if (!Number.isSafeInteger(timestamp)) {
    return new InvalidArgumentError(
      `${path}: ${String(timestamp)} is not a whole number of milliseconds; round it, as in Math.round(timestamp)`,
    );
  }
  return new InvalidArgumentError(
    `${path}: ${String(timestamp)} is not later than ${previous} before it; ` +
      'sort the samples of a series by time and keep one for each millisecond',
  );
}

function badValue(series: number, sample: number, value: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `series[${series}].samples[${sample}].value: ${String(value)} is a ${typeof value}; sample values are numbers: give one, or STALE to end the series`,
  );
}
