/** How much of a response body an error keeps, in characters. */
export const ERROR_BODY_LIMIT = 4096;
/** How much of a query or a response an error message repeats, in characters. */
const MESSAGE_EXCERPT_LIMIT = 300;

function excerpt(text: string): string {
  return text.length <= MESSAGE_EXCERPT_LIMIT ? text : `${text.slice(0, MESSAGE_EXCERPT_LIMIT)}...`;
}

/** Base of every error that this client makes. An aborted call rejects with the reason of its signal instead. */
export class VictoriaMetricsError extends Error {
  static {
    this.prototype.name = 'VictoriaMetricsError';
  }

  /**
   * Whether the same call may succeed later: true for 429, 5xx, time-outs and network failures.
   *
   * A write that failed this way may have been stored all the same. Sent again, its samples may be stored twice where
   * the server does not deduplicate.
   */
  get retryable(): boolean {
    return false;
  }
}

/** An option or argument that breaks a rule. Thrown before anything is sent. */
export class InvalidArgumentError extends VictoriaMetricsError {
  static {
    this.prototype.name = 'InvalidArgumentError';
  }
}

/** The function that gives a password or token failed or gave nothing usable. Never holds the secret. */
export class CredentialsError extends VictoriaMetricsError {
  static {
    this.prototype.name = 'CredentialsError';
  }
}

/** What was asked of which server. */
export interface RequestDescription {
  /** The method of HTTP. */
  readonly method: 'GET' | 'POST';
  /** Never holds credentials: base URLs with credentials are refused. */
  readonly url: string;
  /** The MetricsQL expression, for queries. */
  readonly query?: string;
}

/** Base of the errors of a call that was sent or was about to be sent. */
export abstract class RequestError extends VictoriaMetricsError {
  /** The method of HTTP. */
  readonly method: 'GET' | 'POST';
  /** The URL without credentials. */
  readonly url: string;
  /** The MetricsQL expression, for queries. */
  readonly query: string | undefined;

  constructor(request: RequestDescription, what: string, options?: { readonly cause?: unknown }) {
    const query = request.query === undefined ? '' : ` (query: ${excerpt(request.query)})`;
    super(`${request.method} ${request.url} ${what}${query}`, options);
    this.method = request.method;
    this.url = request.url;
    this.query = request.query;
  }
}

/** The server answered with a status other than 2xx. */
export class HttpError extends RequestError {
  static {
    this.prototype.name = 'HttpError';
  }

  /** The HTTP status code. */
  readonly status: number;
  /**
   * The start of the response body, at most 4096 characters; less where it broke off, could not be unpacked or took longer
   * than a second.
   */
  readonly body: string;
  /** How long the server asks to wait (`Retry-After`), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(request: RequestDescription, status: number, body: string, retryAfterMs?: number) {
    const said = errorText(body);
    super(request, `answered ${status}${said === '' ? '' : `: ${excerpt(said)}`}`);
    this.status = status;
    this.body = body.slice(0, ERROR_BODY_LIMIT);
    this.retryAfterMs = retryAfterMs;
  }

  override get retryable(): boolean {
    return this.status === 429 || this.status >= 500;
  }
}

/** The call took longer than its time-out. */
export class TimeoutError extends RequestError {
  static {
    this.prototype.name = 'TimeoutError';
  }

  /** The time-out that was exceeded, in milliseconds. */
  readonly timeout: number;

  constructor(request: RequestDescription, timeout: number) {
    super(request, `did not finish within ${timeout} ms`);
    this.timeout = timeout;
  }

  override get retryable(): boolean {
    return true;
  }
}

/** The connection could not be made or broke; `cause` is the error of the network layer. */
export class NetworkError extends RequestError {
  static {
    this.prototype.name = 'NetworkError';
  }

  constructor(request: RequestDescription, cause: Error) {
    super(request, `failed: ${networkReason(cause)}`, { cause });
  }

  override get retryable(): boolean {
    return true;
  }
}

/** The server answered 2xx with something that is not the API's answer: not JSON, or of another shape. */
export class BadResponseError extends RequestError {
  static {
    this.prototype.name = 'BadResponseError';
  }

  /** The start of the response body, at most 4096 characters. */
  readonly body: string;

  constructor(request: RequestDescription, problem: string, body: string, options?: { readonly cause?: unknown }) {
    super(request, `gave an answer that cannot be read: ${problem}`, options);
    this.body = body.slice(0, ERROR_BODY_LIMIT);
  }
}

/** The answer lacks the data of some storage nodes, and `denyPartialResponse` was asked for. */
export class PartialResponseError extends RequestError {
  static {
    this.prototype.name = 'PartialResponseError';
  }

  constructor(request: RequestDescription) {
    super(request, 'gave a partial answer: some vmstorage nodes did not respond');
  }

  override get retryable(): boolean {
    return true;
  }
}

/** The query API wraps its error text in JSON; other paths and proxies answer in plain text. */
function errorText(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'error' in parsed && typeof parsed.error === 'string') {
      return parsed.error;
    }
  } catch {
    // Not JSON: the text itself is the message.
  }
  return body.trim();
}

function networkReason(cause: Error): string {
  // A host with several addresses fails with an AggregateError, whose own message is empty.
  if (cause instanceof AggregateError && cause.errors.length > 0) {
    return cause.errors.map((error: unknown) => (error instanceof Error ? error.message : String(error))).join('; ');
  }
  return cause.message;
}
