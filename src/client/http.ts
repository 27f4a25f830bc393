import * as http from 'node:http';
import * as https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { AuthorizationHeader } from './auth';
import {
  ERROR_BODY_LIMIT,
  HttpError,
  InvalidArgumentError,
  NetworkError,
  TimeoutError,
  type RequestDescription,
} from './errors';
import { parseRetryAfter } from './retry-after';

export interface HttpRequest extends RequestDescription {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface CallOptions {
  /** Milliseconds for the whole call, from the secrets to the last byte of the answer. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
}

export interface HttpTransportOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly authorization: AuthorizationHeader;
  readonly agentOptions: https.AgentOptions | undefined;
}

/**
 * VictoriaMetrics closes connections that were idle for a minute (`-http.idleConnTimeout`). Closing ours well before
 * that avoids a request that meets a connection being closed.
 */
const IDLE_TIMEOUT = 30_000;
/** UTF-8 takes at most 4 bytes for a character. */
const MAX_ERROR_BYTES = 4 * ERROR_BODY_LIMIT;

const RESERVED_HEADERS = new Set(['content-length', 'content-encoding', 'content-type', 'host', 'transfer-encoding']);

/** Sends requests over kept connections. One request is one attempt. */
export class HttpTransport {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #authorization: AuthorizationHeader;
  readonly #httpAgent: http.Agent;
  readonly #httpsAgent: https.Agent;
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#headers = options.headers;
    this.#authorization = options.authorization;
    const agentOptions: https.AgentOptions = { keepAlive: true, timeout: IDLE_TIMEOUT, ...options.agentOptions };
    this.#httpAgent = new http.Agent(agentOptions);
    this.#httpsAgent = new https.Agent(agentOptions);
  }

  /**
   * @returns the body of a 2xx answer
   * @throws HttpError on any other status, TimeoutError, NetworkError, CredentialsError, or the reason of the signal
   */
  async send(request: HttpRequest, options: CallOptions): Promise<Buffer> {
    if (this.#closed) throw new InvalidArgumentError('client: closed; make a new one');
    options.signal?.throwIfAborted();
    const call = new Call(request, options);
    try {
      const authorization = this.#authorization();
      const value = typeof authorization === 'object' ? await call.until(authorization) : authorization;
      return await call.until(this.#exchange(request, value, call));
    } finally {
      call.end();
    }
  }

  /** Closes all connections; calls under way fail. */
  close(): void {
    this.#closed = true;
    this.#httpAgent.destroy();
    this.#httpsAgent.destroy();
  }

  #exchange(request: HttpRequest, authorization: string | undefined, call: Call): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void => reject(new NetworkError(request, cause));
      const url = new URL(request.url);
      const secure = url.protocol === 'https:';
      const outgoing = (secure ? https : http).request({
        ...urlToHttpOptions(url),
        method: request.method,
        agent: secure ? this.#httpsAgent : this.#httpAgent,
        headers: {
          ...this.#headers,
          ...request.headers,
          ...(authorization === undefined ? undefined : { authorization }),
        },
      });
      call.onCancel = () => outgoing.destroy();
      outgoing.on('error', fail);
      outgoing.on('response', (incoming) => {
        const status = incoming.statusCode!;
        const accepted = status >= 200 && status < 300;
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on('error', fail);
        incoming.on('data', (chunk: Buffer) => {
          // The rest of a long error page is read and dropped: that keeps the connection usable.
          if (!accepted && length >= MAX_ERROR_BYTES) return;
          chunks.push(chunk);
          length += chunk.length;
        });
        incoming.on('end', () => {
          const body = Buffer.concat(chunks, length);
          if (accepted) {
            resolve(body);
            return;
          }
          const retryAfterMs = parseRetryAfter(incoming.headers['retry-after'], Date.now());
          reject(new HttpError(request, status, body.toString('utf8', 0, MAX_ERROR_BYTES), retryAfterMs));
        });
      });
      outgoing.end(request.body);
    });
  }
}

/** The time-out and the signal of one call. */
class Call {
  /** Frees what the call holds when it is cut short. */
  onCancel: (() => void) | undefined;
  readonly #cancelled: Promise<never>;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;

  constructor(request: RequestDescription, { timeout, signal }: CallOptions) {
    let cancel!: (reason: unknown) => void;
    this.#cancelled = new Promise<never>((_, reject) => {
      cancel = (reason) => {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason of an AbortSignal may be anything
        reject(reason);
        this.onCancel?.();
      };
    });
    // Nobody may be waiting at the moment of cancellation; `until` still sees it.
    this.#cancelled.catch(() => undefined);
    this.#timer = setTimeout(() => cancel(new TimeoutError(request, timeout)), timeout);
    this.#signal = signal;
    this.#onAbort = () => cancel(signal?.reason);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  until<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#cancelled]);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** @throws InvalidArgumentError when a header cannot be sent or is the client's own affair; never repeats a value */
export function validateHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const validated: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    if (RESERVED_HEADERS.has(key)) {
      throw new InvalidArgumentError(`headers: ${name} is set by the client for each request; leave it out`);
    }
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch {
      throw new InvalidArgumentError(
        `headers: ${JSON.stringify(name)} is no valid header name or has a value that a header cannot carry; ` +
          'use a token as the name and no line breaks or control characters in the value',
      );
    }
    validated[key] = value;
  }
  return validated;
}
