/**
 * A gauge with one data point, as `ExportMetricsServiceRequest` of OTLP in protobuf: VictoriaMetrics takes no JSON.
 *
 * @param timestamp in milliseconds since the Unix epoch
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
 */
export function otlpGauge(
  name: string,
  attributes: Readonly<Record<string, string>>,
  { timestamp, value }: { readonly timestamp: number; readonly value: number },
): Buffer {
  const keyValues = Object.entries(attributes).map(([key, text]) =>
    // NumberDataPoint.attributes: KeyValue.key, KeyValue.value: AnyValue.string_value.
    message(7, string(1, key), message(2, string(1, text))),
  );
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE(BigInt(timestamp) * 1_000_000n);
  const double = Buffer.alloc(8);
  double.writeDoubleLE(value);
  // NumberDataPoint: time_unix_nano, as_double.
  const point = message(1, ...keyValues, fixed64(3, time), fixed64(4, double));
  // The request: resource_metrics, scope_metrics, metrics, each the only one; Metric: name, gauge.
  return message(1, message(2, message(2, string(1, name), message(5, point))));
}

const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([(field << 3) | LENGTH_DELIMITED, ...varint(body.length)]), body]);
}

function string(field: number, text: string): Buffer {
  return message(field, Buffer.from(text));
}

function fixed64(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | FIXED64]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
