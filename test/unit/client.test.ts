import { constants } from 'node:buffer';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type AgentOptions } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import {
  BadResponseError,
  CredentialsError,
  HttpError,
  InvalidArgumentError,
  NetworkError,
  TimeoutError,
  VictoriaMetricsClient,
  VictoriaMetricsError,
  type Auth,
  type QueryRangeOptions,
} from '../../src/client';
import { parseRetryAfter } from '../../src/client/retry-after';
import { formatDuration } from '../../src/client/time';

interface Received {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
  form: Record<string, string>;
}

const received: Received[] = [];
/** Connections that were made since the test began. */
const connections: Socket[] = [];
let answer: (response: ServerResponse, request: Received) => void;
const server = createServer((message, response) => {
  let body = '';
  message.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  message.on('end', () => {
    const request = {
      method: message.method!,
      path: message.url!,
      headers: message.headers,
      body,
      form: Object.fromEntries(new URLSearchParams(body)),
    };
    received.push(request);
    answer(response, request);
  });
});
server.on('connection', (socket) => connections.push(socket));

let url: string;
const clients: VictoriaMetricsClient[] = [];
function track(client: VictoriaMetricsClient): VictoriaMetricsClient {
  clients.push(client);
  return client;
}
let client: VictoriaMetricsClient;

beforeAll((done) => {
  server.listen(0, '127.0.0.1', () => {
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    done();
  });
});
beforeEach(() => {
  received.length = 0;
  connections.length = 0;
  answer = (response) => response.writeHead(204).end();
  client = track(VictoriaMetricsClient.single(url));
});
afterEach(() => clients.splice(0).forEach((item) => item.close()));
afterAll((done) => {
  server.close(done);
  server.closeAllConnections();
});

function answerJson(body: unknown, status = 200): void {
  answer = (response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
function answerVector(...result: unknown[]): void {
  answerJson({ status: 'success', isPartial: false, data: { resultType: 'vector', result } });
}
async function failureOf(promise: Promise<unknown>): Promise<VictoriaMetricsError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(VictoriaMetricsError);
  return error as VictoriaMetricsError;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('where requests go', () => {
  const paths = async (it: VictoriaMetricsClient): Promise<string[]> => {
    answer = (response, { path }) =>
      path.includes('/api/v1/query')
        ? response.end('{"status":"success","data":{"resultType":"vector","result":[]}}')
        : response.writeHead(204).end();
    await it.remoteWrite([{ labels: { __name__: 'up' }, samples: [{ timestamp: 1, value: 1 }] }]);
    await it.importText('up 1\n');
    await it.query('up');
    await it.health();
    return received.map(({ method, path }) => `${method} ${path}`);
  };

  it('a single node', async () => {
    expect(await paths(client)).toEqual([
      'POST /api/v1/write',
      'POST /api/v1/import/prometheus',
      'POST /api/v1/query',
      'GET /health',
    ]);
  });

  it('a single node under a path prefix', async () => {
    expect(await paths(track(VictoriaMetricsClient.single(`${url}/metrics-store/`)))).toEqual([
      'POST /metrics-store/api/v1/write',
      'POST /metrics-store/api/v1/import/prometheus',
      'POST /metrics-store/api/v1/query',
      'GET /metrics-store/health',
    ]);
  });

  it.each<[string | undefined, string]>([
    [undefined, '0'],
    ...['42', '42:7', '4294967295:4294967295', 'multitenant'].map((it): [string, string] => [it, it]),
  ])('a cluster, tenant %s', async (tenant, path) => {
    const cluster = track(VictoriaMetricsClient.cluster({ insert: url, select: `${url}/read`, tenant }));
    expect((await paths(cluster)).slice(0, 3)).toEqual([
      `POST /insert/${path}/prometheus/api/v1/write`,
      `POST /insert/${path}/prometheus/api/v1/import/prometheus`,
      `POST /read/select/${path}/prometheus/api/v1/query`,
    ]);
    // Both servers are asked, in any order.
    expect(
      received
        .slice(3)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['/health', '/read/health']);
  });

  it('explicit base URLs, whose servers are asked for health at their root and once', async () => {
    const explicit = track(new VictoriaMetricsClient({ readUrl: `${url}/r/`, writeUrl: `${url}/w` }));
    expect(await paths(explicit)).toEqual([
      'POST /w/api/v1/write',
      'POST /w/api/v1/import/prometheus',
      'POST /r/api/v1/query',
      'GET /health',
    ]);
    expect([explicit.readUrl, explicit.writeUrl]).toEqual([`${url}/r`, `${url}/w`]);
  });

  it('not anywhere when the base URL for the call is missing', async () => {
    const reader = track(new VictoriaMetricsClient({ readUrl: url }));
    await expect(reader.importText('up 1')).rejects.toThrow(
      'writeUrl: missing, but this call needs it; give it when the client is made',
    );
    const writer = track(new VictoriaMetricsClient({ writeUrl: url }));
    await expect(writer.query('up')).rejects.toThrow(
      'readUrl: missing, but this call needs it; give it when the client is made',
    );
    expect(received).toEqual([]);
  });

  it.each(['', ':', '1:', ':1', 'a', '-1', '1:2:3', '4294967296', '0:4294967296', ' 1', '1/2'])(
    'not to the tenant %j',
    (tenant) => {
      expect(() => VictoriaMetricsClient.cluster({ insert: url, select: url, tenant })).toThrow(
        `tenant: ${JSON.stringify(tenant)} is not a tenant; give 'accountID' or 'accountID:projectID', ` +
          "each from 0 to 4294967295, or 'multitenant'",
      );
    },
  );

  it.each([
    ['victoria:8428/', "url: the scheme 'victoria' is not http or https; use one of these"],
    ['//victoria', "url: not a URL; give one such as 'http://victoria-metrics:8428'"],
    ['http://me:s3cret@victoria:8428', 'url: holds a user or password; give these in auth'],
    ['http://victoria:8428/?authKey=s3cret', 'url: holds a query string or fragment; give the URL up to its path'],
  ])('not to %s', (text, message) => {
    expect(() => VictoriaMetricsClient.single(text)).toThrow(new InvalidArgumentError(message));
  });

  it('needs a URL at all', () => {
    expect(() => new VictoriaMetricsClient({})).toThrow(
      'readUrl, writeUrl: both are missing; give at least one of them',
    );
  });
});

describe('query', () => {
  it('sends each option in the unit of the API, in a form', async () => {
    answerVector();
    const long = `up{job=~"${'a|'.repeat(20_000)}b"}`;
    await client.query(long, {
      time: new Date(1_700_000_000_007),
      step: 1001,
      timeout: 2500,
      nocache: true,
      latencyOffset: '1ms',
      denyPartialResponse: true,
      params: { round_digits: '2', 'extra_filters[]': ['{env="prod"}'] },
    });
    expect(received[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(received[0]?.form).toEqual({
      query: long,
      time: '1700000000.007',
      step: '1.0010000000000001',
      timeout: '2.5',
      nocache: '1',
      latency_offset: '1ms',
      deny_partial_response: '1',
      round_digits: '2',
      'extra_filters[]': '{env="prod"}',
    });
  });

  it('leaves to the server what is not asked for', async () => {
    answerVector();
    await client.query('up');
    expect(received[0]?.form).toEqual({ query: 'up', timeout: '30' });
  });

  it('gives a vector with labels, milliseconds and every kind of number', async () => {
    const values = ['1', '-0.1', '1e-300', 'NaN', '+Inf', '-Inf', '12345678901234567890'];
    answerVector(
      ...values.map((value, i) => ({ metric: { __name__: 'm', i: String(i) }, value: [1700000000.123, value] })),
    );
    const answer = await client.query('m');
    expect(answer).toEqual({
      resultType: 'vector',
      isPartial: false,
      result: [1, -0.1, 1e-300, NaN, Infinity, -Infinity, 12345678901234567000].map((value, i) => ({
        labels: { __name__: 'm', i: String(i) },
        timestamp: 1_700_000_000_123,
        value,
      })),
    });
  });

  it('gives a matrix, a scalar and a string, told apart by resultType', async () => {
    const data = (resultType: string, result: unknown): void =>
      answerJson({ status: 'success', data: { resultType, result } });
    data('matrix', [
      {
        metric: {},
        values: [
          [1.001, '1'],
          [2, 'NaN'],
        ],
      },
    ]);
    expect(await client.query('m[5m]')).toEqual({
      resultType: 'matrix',
      isPartial: false,
      result: [
        {
          labels: {},
          samples: [
            { timestamp: 1001, value: 1 },
            { timestamp: 2000, value: NaN },
          ],
        },
      ],
    });
    data('scalar', [1.5, '-Inf']);
    expect(await client.query('scalar(m)')).toEqual({
      resultType: 'scalar',
      isPartial: false,
      result: { timestamp: 1500, value: -Infinity },
    });
    data('string', [1.5, 'NaN']);
    expect(await client.query('"NaN"')).toEqual({
      resultType: 'string',
      isPartial: false,
      result: { timestamp: 1500, value: 'NaN' },
    });
  });

  it('shows a partial answer, and refuses it where that is asked for', async () => {
    answerJson({ status: 'success', isPartial: true, data: { resultType: 'vector', result: [] } });
    expect(await client.query('up')).toEqual({ resultType: 'vector', isPartial: true, result: [] });
    await expect(client.query('up', { denyPartialResponse: true })).rejects.toMatchObject({
      name: 'PartialResponseError',
      message: `POST ${url}/api/v1/query gave a partial answer: some vmstorage nodes did not respond (query: up)`,
      retryable: true,
    });
  });

  it.each<[string, string, string]>([
    ['not JSON', '<html>', 'not JSON'],
    ['cut short', '{"status":"success","data":{"resu', 'not JSON'],
    ['null', 'null', 'the answer is not an object'],
    ['an error with status 200', '{"status":"error"}', 'status is "error", not "success"'],
    ['no data', '{"status":"success"}', 'data is not an object'],
    [
      'another type',
      '{"status":"success","data":{"resultType":"x"}}',
      'data.resultType is "x", not vector, matrix, scalar or string',
    ],
    ['no list', '{"status":"success","data":{"resultType":"vector","result":{}}}', 'data.result is not a list'],
    [
      'no metric',
      '{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"1"]}]}}',
      'metric is not an object',
    ],
    [
      'a label that is no string',
      '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}}',
      'the label a is not a string',
    ],
    [
      'a bare value',
      '{"status":"success","data":{"resultType":"scalar","result":"1"}}',
      'a sample is not a pair of time and value',
    ],
    [
      'a value as number',
      '{"status":"success","data":{"resultType":"scalar","result":[1,1]}}',
      'the value 1 is not a number in a string',
    ],
    [
      'an empty value',
      '{"status":"success","data":{"resultType":"scalar","result":[1,""]}}',
      'the value "" is not a number in a string',
    ],
    [
      'a time as text',
      '{"status":"success","data":{"resultType":"scalar","result":["1","1"]}}',
      'the time "1" is not a number',
    ],
  ])('refuses an answer that is %s', async (_, body, problem) => {
    answer = (response) => response.end(body);
    const error = await failureOf(client.query('up'));
    expect(error).toBeInstanceOf(BadResponseError);
    expect(error).toMatchObject({
      message: `POST ${url}/api/v1/query gave an answer that cannot be read: ${problem} (query: up)`,
      body,
      query: 'up',
      retryable: false,
    });
  });
});

describe('an answer that is too long', () => {
  const problem = 'gave an answer that cannot be read: more than 1000 bytes; ask for less, or raise maxResponseBytes';

  it.each<[string, (response: ServerResponse) => void]>([
    ['as it comes', (response) => response.end(Buffer.alloc(1001, ' '))],
    [
      'once it is unpacked',
      (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(1e8, ' '))),
    ],
  ])('is refused %s', async (_, send) => {
    const careful = track(VictoriaMetricsClient.single(url, { maxResponseBytes: 1000 }));
    answer = send;
    const error = await failureOf(careful.query('up'));
    expect(error).toBeInstanceOf(BadResponseError);
    expect(error.message).toBe(`POST ${url}/api/v1/query ${problem} (query: up)`);
    await until(() => connections[0]!.destroyed);
  });

  it('is one by a byte', async () => {
    const text = `# ${'x'.repeat(998)}`;
    answer = (response) => response.end(text);
    const careful = track(VictoriaMetricsClient.single(url, { maxResponseBytes: 1000 }));
    await expect(careful.metrics()).resolves.toBe(text);
  });

  it('is none where text cannot be as long', () => {
    expect(() => VictoriaMetricsClient.single(url, { maxResponseBytes: 2 ** 30 })).toThrow(
      `maxResponseBytes: 1073741824 is not a count; give a whole number from 1 to ${constants.MAX_STRING_LENGTH}`,
    );
  });
});

describe('queryRange', () => {
  it('sends start, end and step', async () => {
    answerJson({ status: 'success', isPartial: false, data: { resultType: 'matrix', result: [] } });
    const answer = await client.queryRange('up', { start: 1000, end: new Date(61_500), step: '15s' });
    expect(answer).toEqual({ resultType: 'matrix', isPartial: false, result: [] });
    expect(received[0]?.path).toBe('/api/v1/query_range');
    expect(received[0]?.form).toEqual({ query: 'up', timeout: '30', start: '1.000', end: '61.500', step: '15s' });
  });

  it('refuses an answer that is no matrix', async () => {
    answerVector();
    await expect(client.queryRange('up', { start: 0, end: 1, step: 1 })).rejects.toThrow(BadResponseError);
  });
});

describe('arguments', () => {
  const DURATION_RULE =
    "give whole milliseconds of 1 or more, or numbers with units (ms, s, m, h, d, w, y) such as '5m'";
  const range = (options: Partial<QueryRangeOptions>) => () =>
    client.queryRange('up', { start: 0, end: 1000, step: 1000, ...options });
  it.each<[() => Promise<unknown>, string]>([
    [() => client.query(' '), `query: " " is empty; give a MetricsQL expression such as 'up'`],
    [
      () => client.query('up', { time: new Date(NaN) }),
      'time: Invalid Date is not a time; give a valid Date or whole milliseconds since the Unix epoch',
    ],
    [() => client.query('up', { time: -1 }), 'time: -1 lies before 1970; VictoriaMetrics stores no such time'],
    [() => client.query('up', { step: '15' }), `step: "15" is not a duration; ${DURATION_RULE}`],
    [() => client.query('up', { latencyOffset: 0 }), `latencyOffset: 0 is not a duration; ${DURATION_RULE}`],
    // The server refuses this only after it was asked.
    [() => client.query('up', { step: '5M' }), `step: "5M" is not a duration; ${DURATION_RULE}`],
    [() => client.query('up', { latencyOffset: '0s' }), `latencyOffset: "0s" is not a duration; ${DURATION_RULE}`],
    [
      () => client.query('up', { timeout: 0 }),
      'timeout: 0 is not a time to wait; give milliseconds above 0 and up to 2147483647',
    ],
    [
      () => client.query('up', { params: { step: '1' } }),
      'params: step has an option or argument of its own; use that',
    ],
    [range({ start: 1001 }), 'end: 1000 lies before start 1001; give an end that is not before the start'],
    [
      () => client.importText('up 1', { timestamp: 0.5 }),
      'timestamp: 0.5 is not a time; give a valid Date or whole milliseconds since the Unix epoch',
    ],
  ])('are refused before anything is sent: %#', async (call, message) => {
    await expect(call()).rejects.toEqual(new InvalidArgumentError(message));
    expect(received).toEqual([]);
  });

  it('durations survive the arithmetic of the server, which truncates seconds * 1000', () => {
    for (let ms = 1; ms <= 100_000; ms++) {
      if (Math.trunc(Number(formatDuration('step', ms)) * 1000) !== ms) throw new Error(`${ms} ms is not kept`);
    }
    expect(formatDuration('step', 15_000)).toBe('15');
  });
});

describe('importText', () => {
  it('sends the text as it is, with the time for lines without one', async () => {
    const text = 'temperature{city="Zürich \\"east\\""} 21.5\n# a comment\n';
    await client.importText(text, { timestamp: new Date(1_700_000_000_007) });
    await client.importText(Buffer.from(text));
    expect(received.map(({ path, body }) => [path, body])).toEqual([
      ['/api/v1/import/prometheus?timestamp=1700000000007', text],
      ['/api/v1/import/prometheus', text],
    ]);
  });
});

describe('authentication and headers', () => {
  const withAuth = (auth: Auth): VictoriaMetricsClient => track(VictoriaMetricsClient.single(url, { auth }));
  const lastAuthorization = (): string | undefined => received.at(-1)?.headers.authorization;

  it('sends none unless asked to', async () => {
    await client.health();
    expect(lastAuthorization()).toBeUndefined();
  });

  it('sends basic authentication in UTF-8', async () => {
    await withAuth({ username: 'grafana', password: 'pä:ss' }).health();
    expect(lastAuthorization()).toBe(`Basic ${Buffer.from('grafana:pä:ss').toString('base64')}`);
  });

  it('sends a bearer token without the line break of the file it came from', async () => {
    await withAuth({ bearerToken: 'abc.def\n' }).health();
    expect(lastAuthorization()).toBe('Bearer abc.def');
  });

  it('asks for the secret at each request', async () => {
    let rotation = 0;
    const rotating = withAuth({ bearerToken: () => Promise.resolve(`token-${++rotation}\r\n`) });
    await rotating.health();
    expect(lastAuthorization()).toBe('Bearer token-1');
    await rotating.health();
    expect(lastAuthorization()).toBe('Bearer token-2');
    await withAuth({ username: 'me', password: () => 'plain' }).health();
    expect(lastAuthorization()).toBe(`Basic ${Buffer.from('me:plain').toString('base64')}`);
  });

  it('says which secret failed, and why in the cause', async () => {
    const cause = new Error('ENOENT: token');
    const error = await failureOf(withAuth({ bearerToken: () => Promise.reject(cause) }).health());
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error.message).toBe('auth.bearerToken: the function that gives it failed');
    expect(error.cause).toBe(cause);
    expect(received).toEqual([]);
  });

  it.each<[Auth, string]>([
    [
      { username: 'a:b', password: 'c' },
      'auth.username: "a:b" is not a user name; it is not empty and holds no colon and no control character',
    ],
    [{ username: 'a', password: 's3\u0000cret' }, 'auth.password: holds a control character; remove it'],
    [
      { bearerToken: 's3 cret' },
      'auth.bearerToken: empty, or holds a character that a header cannot carry; give visible ASCII characters only',
    ],
    [
      { bearerToken: '' },
      'auth.bearerToken: empty, or holds a character that a header cannot carry; give visible ASCII characters only',
    ],
    [{ username: 'a' } as unknown as Auth, 'auth.password: missing; give a string or a function that returns one'],
    [
      { username: 'a', password: 'b', bearerToken: 'c' },
      'auth: both a user and a bearerToken are given; give one of them',
    ],
  ])('refuses credentials that cannot be sent: %#', (auth, message) => {
    expect(() => withAuth(auth)).toThrow(new InvalidArgumentError(message));
  });

  it('refuses a rotated secret that cannot be sent, without repeating it', async () => {
    const error = await failureOf(withAuth({ bearerToken: () => 's3cret s3cret' }).health());
    expect(error).toBeInstanceOf(CredentialsError);
    expect(inspect(error)).not.toContain('s3cret');
    expect((await failureOf(withAuth({ bearerToken: () => undefined as unknown as string }).health())).message).toBe(
      'auth.bearerToken: the function gave a value of type undefined; it must give a string',
    );
  });

  it('shows no secret when printed, serialized or failing', async () => {
    const headers = { 'X-Api-Key': 's3cret-header' };
    const secrets = [
      track(VictoriaMetricsClient.single(url, { auth: { username: 'me', password: 's3cret' }, headers })),
      track(VictoriaMetricsClient.single(url, { auth: { bearerToken: 's3cret' }, headers })),
      track(VictoriaMetricsClient.single('http://127.0.0.1:1', { auth: { bearerToken: 's3cret' }, headers })),
    ];
    answer = (response) => response.writeHead(401).end('unauthorized');
    for (const secret of secrets) {
      const error = await failureOf(secret.query('up'));
      for (const text of [
        inspect(secret, { depth: 10, showHidden: true }),
        JSON.stringify(secret),
        inspect(error, { depth: 10, showHidden: true }),
      ]) {
        expect(text).not.toContain('s3cret');
        expect(text).not.toContain(Buffer.from('me:s3cret').toString('base64'));
      }
    }
  });

  it('sends the headers that are asked for, but not those it needs itself', async () => {
    await track(VictoriaMetricsClient.single(url, { headers: { AccountID: '7', 'User-Agent': 'shop/1.0' } })).health();
    expect(received[0]?.headers).toMatchObject({ accountid: '7', 'user-agent': 'shop/1.0' });
    const refuse = (headers: Record<string, string>, auth?: Auth) => () =>
      VictoriaMetricsClient.single(url, { headers, auth });
    expect(refuse({ 'Content-Type': 'text/plain' })).toThrow(
      'headers: Content-Type is set by the client for each request; leave it out',
    );
    expect(refuse({ 'a b': 'c' })).toThrow(
      'headers: "a b" is no valid header name or has a value that a header cannot carry',
    );
    expect(refuse({ Authorization: 'Bearer x' }, { bearerToken: 'y' })).toThrow(
      'headers: Authorization is given and auth as well; give one of them',
    );
  });
});

describe('failures', () => {
  it('of the query, with the text of the server', async () => {
    answerJson({ status: 'error', errorType: '422', error: 'cannot parse "up{": unexpected end' }, 422);
    const error = await failureOf(client.query('up{'));
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({
      message: `POST ${url}/api/v1/query answered 422: cannot parse "up{": unexpected end (query: up{)`,
      method: 'POST',
      url: `${url}/api/v1/query`,
      query: 'up{',
      status: 422,
      retryable: false,
      body: '{"status":"error","errorType":"422","error":"cannot parse \\"up{\\": unexpected end"}',
    });
  });

  it('of the server, with the start of a long page, and the connection stays usable', async () => {
    answer = (response) => response.writeHead(502).end('<p>bad gateway '.repeat(100_000));
    const error = (await failureOf(client.query(`sum(${'x'.repeat(5000)})`))) as HttpError;
    expect(error.body).toHaveLength(4096);
    expect(error.message.length).toBeLessThan(800);
    expect(error.query).toHaveLength(5005);
    expect(error.retryable).toBe(true);
    answerVector();
    await client.query('up');
    expect(connections).toHaveLength(1);
  });

  it.each<[string, object, (response: ServerResponse) => void, string]>([
    ['breaks off', { 'content-length': 100 }, (response) => response.write('half', () => response.destroy()), 'half'],
    ['does not end', {}, (response) => void response.write('half'), 'half'],
    ['is no gzip', { 'content-encoding': 'gzip' }, (response) => void response.end('plain'), ''],
  ])('of the server, whose page %s', async (_, headers, send, body) => {
    answer = (response) => {
      response.writeHead(429, { ...headers, 'retry-after': '60' });
      send(response);
    };
    const error = await failureOf(client.query('up'));
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ status: 429, retryAfterMs: 60_000, body });
  });

  it('of the server, for whose page nobody waits longer than a second', async () => {
    answer = (response) => void response.writeHead(400).write('half');
    const start = performance.now();
    const error = await failureOf(client.query('up', { timeout: 20_000 }));
    expect(error).toMatchObject({ status: 400, body: 'half' });
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('of a redirect, which is not followed', async () => {
    answer = (response) => response.writeHead(301, { location: 'http://elsewhere/' }).end();
    await expect(client.query('up')).rejects.toMatchObject({ name: 'HttpError', status: 301, retryable: false });
  });

  it('of health, when one of the servers is not well', async () => {
    const cluster = track(VictoriaMetricsClient.cluster({ insert: url, select: `${url}/select-root` }));
    answer = (response, { path }) => response.writeHead(path === '/health' ? 200 : 503).end('OK');
    await expect(cluster.health()).rejects.toMatchObject({ status: 503, url: `${url}/select-root/health` });
    answer = (response) => response.end('OK');
    await expect(cluster.health()).resolves.toBeUndefined();
  });

  it('to connect, with the cause', async () => {
    // A port that was free a moment ago and that nobody listens on.
    const port = await new Promise<number>((resolve) => {
      const probe = createTcpServer().listen(0, '127.0.0.1', () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => resolve(port));
      });
    });
    const error = await failureOf(track(VictoriaMetricsClient.single(`http://127.0.0.1:${port}`)).query('up'));
    expect(error).toBeInstanceOf(NetworkError);
    expect(error.message).toBe(
      `POST http://127.0.0.1:${port}/api/v1/query failed: connect ECONNREFUSED 127.0.0.1:${port} (query: up)`,
    );
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' });
    expect(error.retryable).toBe(true);
  });

  it('to connect to a host of several addresses, with the reason of each', () => {
    const cause = new AggregateError([
      new Error('connect ECONNREFUSED ::1:80'),
      new Error('connect ECONNREFUSED 127.0.0.1:80'),
    ]);
    expect(new NetworkError({ method: 'GET', url: 'http://localhost/health' }, cause).message).toBe(
      'GET http://localhost/health failed: connect ECONNREFUSED ::1:80; connect ECONNREFUSED 127.0.0.1:80',
    );
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['before the answer', (response) => response.socket?.destroy()],
    [
      'within the answer',
      (response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('{"status":', () => response.socket?.destroy());
      },
    ],
  ])('of the connection %s', async (_, breakOff) => {
    answer = breakOff;
    const error = await failureOf(client.query('up'));
    expect(error).toBeInstanceOf(NetworkError);
    expect(error.cause).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('time-out and abort', () => {
  /** Resolves when the server has the request, and never answers it. */
  const silence = (begin?: (response: ServerResponse) => void): Promise<Socket> =>
    new Promise((resolve) => {
      answer = (response) => {
        begin?.(response);
        resolve(response.socket!);
      };
    });
  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => (socket.destroyed ? resolve() : socket.on('close', () => resolve())));

  it.each<[string, ((response: ServerResponse) => void) | undefined]>([
    ['at all', undefined],
    ['to the end', (response) => void response.writeHead(200).write('{')],
  ])('ends a call whose server does not answer %s, and closes the connection', async (_, begin) => {
    const asked = silence(begin);
    const error = await failureOf(client.query('up', { timeout: 40 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({
      message: `POST ${url}/api/v1/query did not finish within 40 ms (query: up)`,
      timeout: 40,
      retryable: true,
    });
    await closed(await asked);
  });

  it('uses the time-out of the client', async () => {
    void silence();
    const hasty = track(VictoriaMetricsClient.single(url, { timeout: 25 }));
    await expect(hasty.health()).rejects.toThrow(`GET ${url}/health did not finish within 25 ms`);
  });

  it('ends a call whose secret does not come', async () => {
    const auth = { bearerToken: () => new Promise<string>(() => undefined) };
    const waiting = track(VictoriaMetricsClient.single(url, { auth, timeout: 20 }));
    await expect(waiting.health()).rejects.toThrow(TimeoutError);
    expect(received).toEqual([]);
  });

  it('waits longer than a connection may be idle', async () => {
    const patient = track(VictoriaMetricsClient.single(url, { agentOptions: { timeout: 20 } }));
    answer = (response) => {
      // Answers when the socket has been silent for twice that long, so the idle time-out has passed meanwhile.
      setTimeout(() => response.writeHead(204).end(), 60);
    };
    await expect(patient.health()).resolves.toBeUndefined();
  });

  it('rejects with the reason of the signal, and closes the connection', async () => {
    const asked = silence();
    const controller = new AbortController();
    const reason = new Error('shutting down');
    const query = client.query('up', { signal: controller.signal });
    const socket = await asked;
    controller.abort(reason);
    await expect(query).rejects.toBe(reason);
    await closed(socket);
  });

  it('rejects with the reason of the signal while the page of an error is read', async () => {
    const asked = silence((response) => void response.writeHead(500).write('half'));
    const controller = new AbortController();
    const reason = new Error('shutting down');
    const query = client.query('up', { signal: controller.signal });
    const socket = await asked;
    // The status is with the client by then, or comes too late: both end in the same way.
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(reason);
    await expect(query).rejects.toBe(reason);
    await closed(socket);
  });

  it('sends nothing when the signal was aborted before', async () => {
    await expect(client.health({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(received).toEqual([]);
  });

  it('leaves nothing on a signal that many calls share', async () => {
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    for (let i = 0; i < 3; i++) await client.health({ signal });
    expect(add).toHaveBeenCalledTimes(3);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
  });
});

describe('connections', () => {
  it('are used again by one call after the other', async () => {
    for (let i = 0; i < 5; i++) {
      await client.importText('up 1\n');
      answerVector();
      await client.query('up');
      await client.health();
    }
    expect(received).toHaveLength(15);
    expect(connections).toHaveLength(1);
  });

  it('are encrypted for https, with the options for the agent', async () => {
    // A shared key in place of certificates, which would expire.
    const key = Buffer.from('0123456789abcdef');
    const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;
    const secure = createHttpsServer({ ...tls, pskCallback: () => key }, (_, response) => response.end('OK'));
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const { port } = secure.address() as AddressInfo;
    const agentOptions: AgentOptions = {
      ...tls,
      pskCallback: () => ({ psk: key, identity: 'test' }),
      checkServerIdentity: () => undefined,
    };
    try {
      await track(VictoriaMetricsClient.single(`https://127.0.0.1:${port}`, { agentOptions })).health();
      await expect(track(VictoriaMetricsClient.single(`https://127.0.0.1:${port}`)).health()).rejects.toThrow(
        NetworkError,
      );
    } finally {
      secure.closeAllConnections();
      await new Promise((resolve) => secure.close(resolve));
    }
  });

  it('are freed by close, after which calls fail', async () => {
    await client.health();
    const [socket] = connections;
    const closed = new Promise((resolve) => socket!.on('close', resolve));
    client.close();
    await closed;
    await expect(client.health()).rejects.toThrow('client: closed; make a new one');
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0);
  it.each([
    [undefined, undefined],
    ['0', 0],
    ['120', 120_000],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['-5', undefined],
    ['soon', undefined],
  ])('%s is %s ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
