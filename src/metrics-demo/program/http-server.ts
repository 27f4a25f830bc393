import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SCENARIOS, type Scenario } from '../environment';
import type { Demo } from './demo';
import { renderPage } from './exposition';

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

type Handler = (request: IncomingMessage) => Answer | Promise<Answer>;
type Methods = Readonly<Record<string, Handler>>;

/** What requests that are under way have to end, when the process ends. */
const CLOSE_MILLISECONDS = 2000;

/** Serves the page of metrics, the probes, and what controls the demo. */
export class HttpServer {
  /** False from the moment on at which the process is told to end. */
  public ready = false;

  private readonly server: Server;

  /** @param scrape whether there is a page of metrics */
  public constructor(
    private readonly demo: Demo,
    private readonly scrape: boolean,
  ) {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /**
   * @param port 0 for any that is free
   * @param host all addresses when left out
   * @returns the port
   */
  public async listen(port: number, host?: string): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
    this.ready = true;
    return (this.server.address() as AddressInfo).port;
  }

  /** Requests that are under way are answered; connections on which none comes are closed after a while. */
  public async close(): Promise<void> {
    this.ready = false;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeIdleConnections();
    // A connection that has not sent a request yet, as browsers open them, is not idle.
    const timer = setTimeout(() => this.server.closeAllConnections(), CLOSE_MILLISECONDS);
    await closed;
    clearTimeout(timer);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nobody needs a body; unread it would keep the connection from its next request.
    request.resume();
    const { status, body, contentType } = await this.answer(request);
    response.writeHead(status, { 'content-type': contentType, ...(this.ready ? {} : { connection: 'close' }) });
    response.end(body);
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    try {
      const path = (request.url ?? '/').replace(/\?.*$/, '');
      const methods = this.methodsOf(path);
      if (!methods) return text(404, `there is no ${path}`);
      const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
      const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
      return handler ? await handler(request) : text(405, `${path} takes ${Object.keys(methods).join(', ')}`);
    } catch (error) {
      return text(500, error instanceof Error ? error.message : String(error));
    }
  }

  private methodsOf(path: string): Methods | undefined {
    const { demo } = this;
    switch (path) {
      case '/health':
        return { GET: () => text(200, 'ok') };
      case '/ready':
        return { GET: () => (this.ready ? text(200, 'ok') : text(503, 'the process ends')) };
      case '/metrics':
        if (!this.scrape) return undefined;
        return {
          GET: async ({ headers }) => {
            const { contentType, text: body } = await renderPage(demo.metrics.registry, headers.accept);
            return { status: 200, contentType, body };
          },
        };
      case '/state':
        return { GET: () => json(demo.state) };
      case '/flush':
        return { POST: async () => json(await demo.flush()) };
      case '/pause':
        return this.controlled(
          () => demo.pause(),
          () => demo.resume(),
        );
      case '/scenarios':
        return { GET: () => json({ scenarios: SCENARIOS, active: demo.state.scenarios }) };
    }
    const name = /^\/scenarios\/(.*)$/.exec(path)?.[1];
    if (name === undefined) return undefined;
    const scenario = SCENARIOS.find((each): each is Scenario => each === name);
    const unknown = (): Answer => text(404, `there is no scenario ${name}; there are ${SCENARIOS.join(', ')}`);
    if (!scenario) return { POST: unknown, DELETE: unknown };
    return this.controlled(
      () => demo.startScenario(scenario),
      () => demo.stopScenario(scenario),
    );
  }

  /** POST begins something and DELETE ends it; both tell what is so then. */
  private controlled(begin: () => void, end: () => void): Methods {
    const after = (change: () => void) => () => {
      change();
      return json(this.demo.state);
    };
    return { POST: after(begin), DELETE: after(end) };
  }
}

function text(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

function json(value: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value)}\n` };
}
