import type { Labels } from '../labels';
import type { Encoding } from './compression';

/**
 * Why samples were given up:
 * - `full`: the buffer was full, and `whenFull` says to drop
 * - `invalid`: they or their labels broke a rule; `write` rejected
 * - `rejected`: the server refused the request for good
 * - `closed`: the time of `close` was over
 */
export type DropReason = 'full' | 'invalid' | 'rejected' | 'closed';

/** What a {@link RemoteWriter} did since it was made, and what it holds. */
export interface RemoteWriterMetrics {
  /** All that `write` was given: delivered, dropped and pending ones together. */
  readonly samples: number;
  /** Samples of requests that were answered with 2xx. */
  readonly deliveredSamples: number;
  /** Samples that were given up, by reason. */
  readonly droppedSamples: Readonly<Record<DropReason, number>>;
  /** Samples in the buffer, those under way included. */
  readonly pendingSamples: number;
  /** Size of the buffer, in bytes. */
  readonly pendingBytes: number;
  /** Calls of `write` that wait for room. */
  readonly waitingWrites: number;
  /** Attempts that were answered with 2xx. */
  readonly deliveredRequests: number;
  /** Attempts that failed and are made again. */
  readonly failedAttempts: number;
  /** Requests that the server refused for good. */
  readonly rejectedRequests: number;
  /** Attempts under way. */
  readonly requestsInFlight: number;
  /** Bytes of the bodies of all attempts. */
  readonly sentBytes: number;
  /** Seconds that all attempts took together. */
  readonly requestSeconds: number;
  /** What new requests are compressed with. */
  readonly encoding: Encoding;
}

/** The metrics in the text format of Prometheus. */
export function metricsText(metrics: RemoteWriterMetrics, labels: Labels): string {
  const lines: string[] = [];
  const family = (name: string, type: string, help: string, values: readonly (readonly [Labels, number])[]): void => {
    lines.push(`# HELP remote_writer_${name} ${help}`, `# TYPE remote_writer_${name} ${type}`);
    for (const [own, value] of values) lines.push(`remote_writer_${name}${braces({ ...labels, ...own })} ${value}`);
  };
  const counter = (name: string, help: string, value: number): void => family(name, 'counter', help, [[{}, value]]);
  const gauge = (name: string, help: string, value: number): void => family(name, 'gauge', help, [[{}, value]]);

  counter('samples_total', 'Samples that were given to the writer.', metrics.samples);
  counter('samples_delivered_total', 'Samples that the server accepted.', metrics.deliveredSamples);
  family(
    'samples_dropped_total',
    'counter',
    'Samples that were given up.',
    Object.entries(metrics.droppedSamples).map(([reason, value]) => [{ reason }, value]),
  );
  gauge('samples_pending', 'Samples in the buffer.', metrics.pendingSamples);
  gauge('pending_bytes', 'Size of the buffer.', metrics.pendingBytes);
  gauge('writes_waiting', 'Writes that wait for room in the buffer.', metrics.waitingWrites);
  family('requests_total', 'counter', 'Attempts to send a request, by result.', [
    [{ result: 'delivered' }, metrics.deliveredRequests],
    [{ result: 'failed' }, metrics.failedAttempts],
    [{ result: 'rejected' }, metrics.rejectedRequests],
  ]);
  gauge('requests_in_flight', 'Attempts under way.', metrics.requestsInFlight);
  counter('sent_bytes_total', 'Bytes of the bodies of all attempts.', metrics.sentBytes);
  counter('request_seconds_total', 'Time that all attempts took together.', metrics.requestSeconds);
  return `${lines.join('\n')}\n`;
}

function braces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
