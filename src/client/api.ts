import { constants } from 'node:buffer';
import type { ServerOptions, DeleteSeriesOptions } from './admin';
import { parseAnswer, type ApiAnswer } from './answer';
import { authorizationHeader, resolveSecret, type Secret } from './auth';
import type { Endpoints } from './endpoints';
import { InvalidArgumentError, type RequestDescription } from './errors';
import { Form, type Match, type PartialReadOptions, type RequestOptions } from './form';
import { HttpTransport, validateHeaders, type CallOptions, type HttpRequest } from './http';
import { validateCount, validateTimeout } from './limits';
import type { ClientOptions } from './options';
import type { Milliseconds } from './time';
import { tlsAgentOptions } from './tls';
import type { Body } from './upload';

const DEFAULT_TIMEOUT = 30_000;
/** On 32 bits strings are a little shorter. */
const DEFAULT_MAX_RESPONSE_BYTES = Math.min(256 * 1024 * 1024, constants.MAX_STRING_LENGTH);
const USER_AGENT = 'cdk8s-victoriametrics';
const FORM_HEADERS = { 'content-type': 'application/x-www-form-urlencoded' };

/** The requests of the API: where they go, in what form, and how their answers are read. */
export class Api {
  readonly endpoints: Endpoints;
  readonly timeout: Milliseconds;
  readonly transport: HttpTransport;

  /** @throws InvalidArgumentError when an option breaks its rule */
  constructor(endpoints: Endpoints, options: ClientOptions) {
    this.endpoints = endpoints;
    this.timeout = validateTimeout('timeout', options.timeout ?? DEFAULT_TIMEOUT);
    const headers = validateHeaders(options.headers ?? {});
    if (options.auth !== undefined && headers.authorization !== undefined) {
      throw new InvalidArgumentError('headers: Authorization is given and auth as well; give one of them');
    }
    this.transport = new HttpTransport({
      headers: { 'user-agent': USER_AGENT, ...headers },
      authorization: authorizationHeader(options.auth),
      agentOptions: { ...options.agentOptions, ...tlsAgentOptions(options.tls) },
      maxResponseBytes: validateCount(
        'maxResponseBytes',
        options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
        // A string of Node.js holds no more.
        constants.MAX_STRING_LENGTH,
      ),
    });
  }

  call(options: RequestOptions): CallOptions {
    const timeout = options.timeout === undefined ? this.timeout : validateTimeout('timeout', options.timeout);
    return { timeout, signal: options.signal };
  }

  url(side: 'readUrl' | 'writeUrl' | 'deleteUrl', path: string): string {
    const base = this.endpoints[side];
    if (base === undefined) throw missingUrl(side === 'writeUrl' ? side : 'readUrl');
    return `${base}${path}`;
  }

  /** A request with POST, because a long query does not fit a URL. */
  form(path: string, body: string, query?: string): HttpRequest {
    return { method: 'POST', url: this.url('readUrl', path), query, headers: FORM_HEADERS, body };
  }

  async ask<T>(
    path: string,
    form: string,
    options: PartialReadOptions,
    call: CallOptions,
    parse: (answer: ApiAnswer) => T,
    query?: string,
  ): Promise<T> {
    const request = this.form(path, form, query);
    return parseAnswer(await this.transport.send(request, call), request, options.denyPartialResponse, parse);
  }

  stream(path: string, form: string, options: RequestOptions): AsyncGenerator<Buffer, void, undefined> {
    return this.transport.stream(this.form(path, form), this.call(options));
  }

  async import(path: string, args: string, type: string, body: Body, options: RequestOptions): Promise<void> {
    const url = `${this.url('writeUrl', path)}${args}`;
    await this.transport.send({ method: 'POST', url, headers: { 'content-type': type }, body }, this.call(options));
  }

  async deleteSeries(match: Match, options: DeleteSeriesOptions): Promise<void> {
    const call = this.call(options);
    const form = new Form().setMatch(match).setTimeout(call.timeout).toString();
    const url = this.url('deleteUrl', '/api/v1/admin/tsdb/delete_series');
    const body = withAuthKey(form, options.authKey);
    await this.transport.send({ method: 'POST', url, headers: FORM_HEADERS, body }, call);
  }

  async health(options: RequestOptions): Promise<void> {
    const call = this.call(options);
    const { read, write } = this.endpoints.servers;
    const urls = new Set([write, read].filter((url) => url !== undefined));
    await Promise.all([...urls].map((url) => this.transport.send({ method: 'GET', url: `${url}/health` }, call)));
  }

  /** What a server says of itself. */
  async askServer(
    path: string,
    options: ServerOptions,
  ): Promise<{ readonly text: string; readonly request: RequestDescription }> {
    const { servers } = this.endpoints;
    const side = options.server ?? (servers.read === undefined ? 'write' : 'read');
    const server = servers[side];
    if (server === undefined) throw missingUrl(`${side}Url`);
    const url = `${server}${path}`;
    const request: HttpRequest =
      options.authKey === undefined
        ? { method: 'GET', url }
        : { method: 'POST', url, headers: FORM_HEADERS, body: withAuthKey('', options.authKey) };
    return { text: (await this.transport.send(request, this.call(options))).toString('utf8'), request };
  }
}

/** In the form rather than the query string, so that the key is in no URL and no log. */
function withAuthKey(form: string, authKey: Secret | undefined): string | (() => Promise<string>) {
  if (authKey === undefined) return form;
  return async () => {
    const key = new URLSearchParams({ authKey: await resolveSecret('authKey', authKey) }).toString();
    return form === '' ? key : `${form}&${key}`;
  };
}

function missingUrl(name: string): InvalidArgumentError {
  return new InvalidArgumentError(`${name}: missing, but this call needs it; give it when the client is made`);
}
