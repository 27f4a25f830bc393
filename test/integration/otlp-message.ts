/** A gauge with one data point and one attribute, as `ExportMetricsServiceRequest` of OTLP. */
export function otlpGauge(
  name: string,
  value: number,
  timestamp: number,
  [key, text]: readonly [string, string],
): Buffer {
  // NumberDataPoint: 7 attributes (1 key, 2 value: 1 text), 3 time in nanoseconds, 4 value.
  const attribute = message(7, string(1, key), message(2, string(1, text)));
  const point = Buffer.concat([attribute, fixed64(3, nanoseconds(timestamp)), fixed64(4, double(value))]);
  // Metric: 1 name, 5 gauge; ScopeMetrics: 2 metrics; ResourceMetrics: 2 scope_metrics; the request: 1 resource_metrics.
  return message(1, message(2, message(2, string(1, name), message(5, message(1, point)))));
}

const LENGTH_DELIMITED = 2;
const FIXED64 = 1;

/** All messages here are shorter than 128 bytes, so that their length is one byte. */
function message(field: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  if (body.length > 127) throw new Error(`the message of field ${field} has ${body.length} bytes, more than 127`);
  return Buffer.concat([Buffer.from([(field << 3) | LENGTH_DELIMITED, body.length]), body]);
}

function string(field: number, text: string): Buffer {
  return message(field, Buffer.from(text));
}

function fixed64(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | FIXED64]), bytes]);
}

function nanoseconds(milliseconds: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(milliseconds) * 1_000_000n);
  return bytes;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
