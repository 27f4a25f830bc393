import * as http from 'node:http';
import * as https from 'node:https';
import { finished, pipeline, type Readable } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { createGunzip } from 'node:zlib';
import type { AuthorizationHeader } from './auth';
import { Call, type CallOptions } from './call';
import {
  BadResponseError,
  ERROR_BODY_LIMIT,
  HttpError,
  InvalidArgumentError,
  NetworkError,
  TimeoutError,
  type RequestDescription,
} from './errors';
import { parseRetryAfter } from './retry-after';
import { isChunks, upload, type Body } from './upload';

export type { CallOptions } from './call';

export interface HttpRequest extends RequestDescription {
  readonly headers?: Readonly<Record<string, string>>;
  /** A function is called once credentials are there; the time-out spans it as well. */
  readonly body?: Body | (() => Promise<string>);
  /** Resolve as soon as a 2xx status is there, with an empty body; what may break after it is of no interest. */
  readonly statusOnly?: boolean;
}

export interface HttpTransportOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly authorization: AuthorizationHeader;
  readonly agentOptions: https.AgentOptions | undefined;
  /** Bytes of an answer that is read as a whole, after it was decompressed. */
  readonly maxResponseBytes: number;
}

/**
 * VictoriaMetrics closes connections that were idle for a minute (`-http.idleConnTimeout`). Closing ours well before
 * that avoids a request that meets a connection being closed.
 */
const IDLE_TIMEOUT = 30_000;
/** Milliseconds for the body of an answer whose status says it all. */
const DRAIN_TIMEOUT = 1000;
/** UTF-8 takes at most 4 bytes for a character. */
const MAX_ERROR_BYTES = 4 * ERROR_BODY_LIMIT;
const EMPTY = Buffer.alloc(0);

const RESERVED_HEADERS = new Set([
  ...['accept-encoding', 'content-length', 'content-encoding', 'content-type', 'host', 'transfer-encoding'],
]);

/** Sends requests over kept connections. One request is one attempt. */
export class HttpTransport {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #authorization: AuthorizationHeader;
  readonly #httpAgent: http.Agent;
  readonly #httpsAgent: https.Agent;
  readonly #maxResponseBytes: number;
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#headers = { 'accept-encoding': 'gzip', ...options.headers };
    this.#authorization = options.authorization;
    const agentOptions: https.AgentOptions = { keepAlive: true, timeout: IDLE_TIMEOUT, ...options.agentOptions };
    this.#httpAgent = new http.Agent(agentOptions);
    this.#httpsAgent = new https.Agent(agentOptions);
    this.#maxResponseBytes = options.maxResponseBytes;
  }

  /**
   * Sends a request and reads the whole answer. The time-out spans all of it; where the body is a stream, it spans each
   * wait for the server and not the time that the stream takes.
   *
   * @returns the body of a 2xx answer
   * @throws HttpError on any other status, TimeoutError, NetworkError, BadResponseError, CredentialsError, the reason of
   * the signal, or what the stream of the body threw
   */
  async send(request: HttpRequest, options: CallOptions): Promise<Buffer> {
    const call = this.#call(request, options);
    try {
      const answer = await this.#open(request, call);
      if (request.statusOnly === true) {
        drain(answer);
        return EMPTY;
      }
      return await call.until(read(answer, request, this.#maxResponseBytes));
    } finally {
      call.end();
    }
  }

  /**
   * Sends a request and gives the answer piece by piece, as fast as they are taken. The time-out spans each wait for the
   * server. Connection and listeners are freed when the loop over the pieces ends, however it ends.
   *
   * @throws what `send` throws, also between two pieces
   */
  async *stream(request: HttpRequest, options: CallOptions): AsyncGenerator<Buffer, void, undefined> {
    const call = this.#call(request, options);
    let answer: Readable | undefined;
    try {
      answer = await this.#open(request, call);
      const pieces = answer[Symbol.asyncIterator]();
      for (;;) {
        call.restart();
        const piece = await call.until(
          pieces.next().catch((error: unknown) => {
            throw answerError(error as Error, request);
          }),
        );
        call.pause();
        if (piece.done === true) return;
        yield piece.value as Buffer;
      }
    } finally {
      call.end();
      // After the end this does nothing, and the connection is used again.
      answer?.destroy();
    }
  }

  /** Closes all connections; calls under way fail. */
  close(): void {
    this.#closed = true;
    this.#httpAgent.destroy();
    this.#httpsAgent.destroy();
  }

  #call(request: HttpRequest, options: CallOptions): Call {
    if (this.#closed) throw new InvalidArgumentError('client: closed; make a new one');
    options.signal?.throwIfAborted();
    return new Call(request, options);
  }

  /** @returns the body of a 2xx answer, decoded */
  async #open(request: HttpRequest, call: Call): Promise<Readable> {
    const authorization = this.#authorization();
    const value = typeof authorization === 'object' ? await call.until(authorization) : authorization;
    const body = typeof request.body === 'function' ? await call.until(request.body()) : request.body;
    const url = new URL(request.url);
    const secure = url.protocol === 'https:';
    const outgoing = (secure ? https : http).request({
      ...urlToHttpOptions(url),
      method: request.method,
      agent: secure ? this.#httpsAgent : this.#httpAgent,
      headers: {
        ...this.#headers,
        ...request.headers,
        ...(value === undefined ? undefined : { authorization: value }),
      },
    });
    call.onCancel = () => outgoing.destroy();
    // Once there is an answer, its own stream tells of errors.
    outgoing.on('error', () => undefined);
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.once('error', (cause) => reject(new NetworkError(request, cause)));
    });
    // Whoever waits for it sees why it failed; nobody waits when the body fails first.
    answered.catch(() => undefined);
    let complete = true;
    if (isChunks(body)) {
      complete = await upload(outgoing, body, answered, call);
    } else {
      outgoing.end(body);
    }
    const incoming = await call.until(answered);
    const status = incoming.statusCode!;
    const answer = decoded(incoming);
    if (status < 200 || status >= 300) {
      const body = await errorBody(answer, call);
      if (!complete) outgoing.destroy();
      throw new HttpError(request, status, body, parseRetryAfter(incoming.headers['retry-after'], Date.now()));
    }
    if (!complete) {
      outgoing.destroy();
      throw new BadResponseError(request, `status ${status} before the server had the whole request`, '');
    }
    return answer;
  }
}

function decoded(incoming: http.IncomingMessage): Readable {
  if (incoming.headers['content-encoding']?.toLowerCase() !== 'gzip') return incoming;
  // The reader sees the errors; this takes the one that nobody is left to read.
  return pipeline(incoming, createGunzip(), () => undefined);
}

/** An error of the stream of an answer; cut short by time-out or signal it fails otherwise. */
function answerError(error: NodeJS.ErrnoException, request: RequestDescription): Error {
  return error.code?.startsWith('Z_') === true
    ? new BadResponseError(request, 'not valid gzip', '', { cause: error })
    : new NetworkError(request, error);
}

/**
 * The start of an error page, or what came of it: the status is known and counts, whether its page breaks off, is late or
 * cannot be read.
 *
 * @throws the reason of the signal
 */
async function errorBody(answer: Readable, call: Call): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  answer.on('data', (chunk: Buffer) => {
    // The rest is read and dropped.
    if (length < MAX_ERROR_BYTES) chunks.push(chunk);
    length += chunk.length;
  });
  const over = new Promise<void>((resolve) => finished(answer, () => resolve()));
  drain(answer);
  try {
    await call.until(over);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
  return Buffer.concat(chunks).toString('utf8', 0, MAX_ERROR_BYTES);
}

function read(answer: Readable, request: RequestDescription, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    answer.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= limit) return;
      reject(new BadResponseError(request, `more than ${limit} bytes; ask for less, or raise maxResponseBytes`, ''));
      answer.destroy();
    });
    answer.on('error', (error) => reject(answerError(error, request)));
    answer.on('end', () => resolve(Buffer.concat(chunks, length)));
  });
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

/** Reads a body to its end, which keeps the connection usable, unless that takes long. */
function drain(answer: Readable): void {
  const timer = setTimeout(() => answer.destroy(), DRAIN_TIMEOUT).unref();
  answer
    .on('error', () => undefined)
    .on('close', () => clearTimeout(timer))
    .resume();
}
