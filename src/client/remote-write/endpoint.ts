import type { HttpTransport } from '../http';
import { HttpError } from '../errors';
import type { Milliseconds } from '../time';
import type { CompressedBody, Encoding } from './compression';

/** Where requests go to. Each call is one attempt. */
export interface WriteTarget {
  /**
   * Resolves as soon as the server said that it took the request.
   *
   * @throws VictoriaMetricsError when it did not; `retryable` says whether another attempt is worth while
   */
  send(body: CompressedBody, signal?: AbortSignal): Promise<void>;
  /**
   * Whether the server understands zstd.
   *
   * @throws VictoriaMetricsError when it could not be asked
   */
  takesZstd(signal?: AbortSignal): Promise<boolean>;
}

const HEADERS: Readonly<Record<Encoding, Readonly<Record<string, string>>>> = {
  // https://prometheus.io/docs/specs/prw/remote_write_spec/#protocol
  snappy: {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  },
  // https://docs.victoriametrics.com/victoriametrics/vmagent/#victoriametrics-remote-write-protocol
  zstd: {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'zstd',
    'x-victoriametrics-remote-write-version': '1',
  },
};

/** The remote write endpoint of a server. */
export class RemoteWriteEndpoint implements WriteTarget {
  readonly #transport: HttpTransport;
  readonly #url: string;
  readonly #timeout: Milliseconds;

  /** @param timeout milliseconds for one attempt */
  constructor(transport: HttpTransport, url: string, timeout: Milliseconds) {
    this.#transport = transport;
    this.#url = url;
    this.#timeout = timeout;
  }

  async send({ encoding, bytes }: CompressedBody, signal?: AbortSignal): Promise<void> {
    // A body that breaks off behind a 2xx changes nothing: the samples are taken, and must not be sent again.
    await this.#transport.send(
      { method: 'POST', url: this.#url, headers: HEADERS[encoding], body: bytes, statusOnly: true },
      { timeout: this.#timeout, signal },
    );
  }

  async takesZstd(signal?: AbortSignal): Promise<boolean> {
    const url = `${this.#url}?get_vm_proto_version=1`;
    try {
      const answer = await this.#transport.send({ method: 'GET', url }, { timeout: this.#timeout, signal });
      return answer.toString('latin1').trim() === '1';
    } catch (error) {
      // Prometheus, for one, answers 405.
      if (error instanceof HttpError && !error.retryable) return false;
      throw error;
    }
  }
}
