import { InvalidArgumentError } from './errors';
import { validateCount } from './limits';
import { formatDuration, formatInstant, toMilliseconds, type Instant, type Milliseconds } from './time';

/** What every call takes. */
export interface RequestOptions {
  /**
   * Time for the whole call, in milliseconds; where something is streamed, time for each wait for the server. Queries
   * tell it to the server as well, which then stops its work; the server caps it, queries at
   * `-search.maxQueryDuration`.
   *
   * @default - the time-out of the client
   */
  readonly timeout?: Milliseconds;
  /** Ends the call, which rejects with the reason of the signal, also amid a stream. @default - nothing but the time-out */
  readonly signal?: AbortSignal;
}

/** What every call takes that reads. */
export interface ReadOptions extends RequestOptions {
  /** Other arguments of the API, such as `round_digits` or `extra_filters[]`. @default - none */
  readonly params?: Readonly<Record<string, string | readonly string[]>>;
}

/** What a call takes that may answer without the data of some vmstorage nodes. */
export interface PartialReadOptions extends ReadOptions {
  /**
   * Reject with an error rather than answer without the data of vmstorage nodes that do not respond. Cluster only.
   *
   * @default - what the server is set to with `-search.denyPartialResponse`, which is false
   */
  readonly denyPartialResponse?: boolean;
}

/** Series are chosen by selectors such as `{job="shop"}` or `http_requests_total`; several of them add up. */
export type Match = string | readonly string[];

/** A span of time. */
export interface TimeSpan {
  /** The first time that counts. @default - what the call says */
  readonly start?: Instant;
  /** The last time that counts; not before `start`. @default - now, by the clock of the server */
  readonly end?: Instant;
}

/** The arguments of a request of the API. */
export class Form {
  readonly #params = new URLSearchParams();
  /** Arguments that have an option of their own, set or not. */
  readonly #own = new Set<string>();

  set(name: string, value: string | number | undefined): this {
    this.#own.add(name);
    if (value !== undefined) this.#params.set(name, String(value));
    return this;
  }

  setFlag(name: string, value: boolean | undefined): this {
    return this.set(name, value === true ? 1 : undefined);
  }

  /** @throws InvalidArgumentError when the number is not a whole one of 1 or more */
  setCount(name: string, option: string, value: number | undefined): this {
    if (value !== undefined) validateCount(option, value);
    return this.set(name, value);
  }

  /** Tells the server how long it may work. */
  setTimeout(timeout: Milliseconds): this {
    return this.set('timeout', formatDuration('timeout', Math.ceil(timeout)));
  }

  /** @throws InvalidArgumentError when a time is none, or the end lies before the start */
  setSpan({ start, end }: TimeSpan): this {
    if (start !== undefined) this.set('start', formatInstant('start', start));
    if (end !== undefined) this.set('end', formatInstant('end', end));
    this.#own.add('start').add('end');
    if (start !== undefined && end !== undefined) {
      const [first, last] = [toMilliseconds('start', start), toMilliseconds('end', end)];
      if (last < first) {
        // The server would silently answer for another span.
        throw new InvalidArgumentError(
          `end: ${last} lies before start ${first}; give an end that is not before the start`,
        );
      }
    }
    return this;
  }

  /** @throws InvalidArgumentError when there is no selector, or one is empty */
  setMatch(match: Match): this {
    const selectors = typeof match === 'string' ? [match] : match;
    if (selectors.length === 0) {
      throw new InvalidArgumentError(`match: no selector; give at least one such as '{job="shop"}'`);
    }
    for (const selector of selectors) {
      if (typeof selector !== 'string' || selector.trim() === '') {
        throw new InvalidArgumentError(
          `match: ${JSON.stringify(selector)} is not a selector; give one such as '{job="shop"}'`,
        );
      }
      this.#params.append('match[]', selector);
    }
    return this.own('match[]', 'match');
  }

  /** Names arguments that `setParams` refuses. */
  own(...names: readonly string[]): this {
    for (const name of names) this.#own.add(name);
    return this;
  }

  /** Comes last. @throws InvalidArgumentError when an argument has an option of its own */
  setParams(params: ReadOptions['params']): this {
    for (const [name, value] of Object.entries(params ?? {})) {
      if (this.#own.has(name)) {
        throw new InvalidArgumentError(`params: ${name} has an option or argument of its own; use that`);
      }
      for (const item of typeof value === 'string' ? [value] : value) this.#params.append(name, item);
    }
    return this;
  }

  toString(): string {
    return this.#params.toString();
  }
}
