import { App, Chart, Size } from 'cdk8s';
import { Deployment } from 'cdk8s-plus-28';
import {
  Endpoint,
  type NetworkPolicyPeer,
  InvalidValueError,
  ReadEndpoint,
  SecretRef,
  StackDefaults,
  VmCluster,
  VmSingle,
  WriteEndpoint,
} from '../../src';
import { Problems, text } from '../../src/validation';
import { clientTlsCheck, endpointOrProps, readEndpointCheck, type ClientTls } from '../../src/wiring';
import { find, manifestsOf, problemsOf, synth } from './synth';

const volume = { size: Size.gibibytes(10) };
const labels = (name: string, component: string) => ({
  matchLabels: {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': 'metrics',
    'app.kubernetes.io/component': component,
  },
});

test('a cluster allows exactly its own flows', () => {
  const manifests = synth((chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume } }));
  const rules = (name: string) =>
    find(manifests, 'NetworkPolicy', name)['spec'] as { ingress: object[]; egress: object[] };
  const tcp = (port: number) => [{ port, protocol: 'TCP' }];
  const dns = {
    to: [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
      { ipBlock: { cidr: '169.254.20.10/32' } },
    ],
    ports: [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ],
  };
  expect(rules('metrics-vmstorage')).toMatchObject({
    ingress: [
      { from: [{ podSelector: labels('vminsert', 'insert') }], ports: tcp(8400) },
      { from: [{ podSelector: labels('vmselect', 'select') }], ports: tcp(8401) },
    ],
  });
  // Listed as a type and without a rule: nothing may leave.
  expect(rules('metrics-vmstorage')).not.toHaveProperty('egress');
  expect(rules('metrics-vmstorage')).toMatchObject({ policyTypes: ['Ingress', 'Egress'] });
  expect(rules('metrics-vminsert')).not.toHaveProperty('ingress');
  expect(rules('metrics-vminsert')).toMatchObject({
    egress: [{ to: [{ podSelector: labels('vmstorage', 'storage') }], ports: tcp(8400) }, dns],
  });
  expect(rules('metrics-vmselect')).toMatchObject({
    egress: [{ to: [{ podSelector: labels('vmstorage', 'storage') }], ports: tcp(8401) }, dns],
  });
});

test('an endpoint lets in who is no component: a peer, or a workload of cdk8s-plus', () => {
  const manifests = synth((chart) => {
    const single = new VmSingle(chart, 'metrics', { volume });
    const app = new Deployment(chart, 'app', {
      metadata: { name: 'app' },
      containers: [{ image: 'registry.local/app:v1' }],
    });
    single.write().allowFrom(app);
    single.read().allowFrom({ namespaceSelector: { matchLabels: { team: 'sre' } } });
  });
  const { ingress } = find(manifests, 'NetworkPolicy', 'metrics-vmsingle')['spec'] as {
    ingress: { from: object[]; ports: object[] }[];
  };
  const template = find(manifests, 'Deployment', 'app')['spec'].template as { metadata: { labels: object } };
  expect(ingress).toEqual([
    {
      from: [{ namespaceSelector: { matchLabels: { team: 'sre' } } }],
      ports: [{ port: 8428, protocol: 'TCP' }],
    },
    {
      from: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } },
          podSelector: { matchLabels: template.metadata.labels },
        },
      ],
      ports: [{ port: 8428, protocol: 'TCP' }],
    },
  ]);
});

test.each([
  [
    {},
    'allowFrom = {}: says nobody in particular. To fix: give a podSelector, a namespaceSelector or an ipBlock; ' +
      "`{ ipBlock: { cidr: '0.0.0.0/0' } }` is everybody.",
  ],
  [
    { ipBlock: { cidr: '10.0.0.0' } },
    'allowFrom.ipBlock.cidr = "10.0.0.0": must be an address block. To fix: write for example \'10.0.0.0/24\'.',
  ],
  [
    { podSelector: { app: 'shop' } },
    'allowFrom.podSelector.app = "shop": there is no such prop. To fix: use one of matchLabels, matchExpressions.',
  ],
  [
    { matchLabels: { app: 'shop' } },
    'allowFrom.matchLabels = {"app":"shop"}: there is no such prop. To fix: use one of podSelector, namespaceSelector, ipBlock.',
  ],
  ['shop', 'allowFrom = "shop": must be an object. To fix: write { podSelector, namespaceSelector, ipBlock }.'],
])('a peer %j is refused', (peer, message) => {
  const found = problemsOf((chart) =>
    new VmSingle(chart, 'metrics', { volume }).write().allowFrom(peer as NetworkPolicyPeer),
  );
  expect(found[0]).toBe(`[test/metrics] ${message}`);
});

describe('across namespaces', () => {
  const connect = (from: string | undefined, to: string | undefined) => (app: App) => {
    const single = new VmSingle(new Chart(app, 'to', { namespace: to }), 'metrics', { volume });
    const client = new VmSingle(new Chart(app, 'from', { namespace: from }), 'client', { volume });
    single.write().connectFrom(client);
  };

  test('both sides name the namespace of the other', () => {
    const app = new App();
    connect('a', 'b')(app);
    const manifests = manifestsOf(app);
    const named = (name: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': name } });
    expect(find(manifests, 'NetworkPolicy', 'metrics-vmsingle')['spec'].ingress[0].from[0].namespaceSelector).toEqual(
      named('a'),
    );
    expect(find(manifests, 'NetworkPolicy', 'client-vmsingle')['spec'].egress[0].to[0].namespaceSelector).toEqual(
      named('b'),
    );
  });

  test('only one of which is known is an error', () => {
    const app = new App();
    connect(undefined, 'b')(app);
    expect(() => app.synthYaml()).toThrow(
      '[from/client] namespace = (not set): is connected to pods in the namespace b, and only one of the two charts names its ' +
        'namespace. To fix: set `namespace` on both charts.',
    );
  });
});

describe('external endpoints', () => {
  test.each([
    ['https://metrics.example.com/api/v1/write', 'https://metrics.example.com/api/v1/write', 443],
    ['http://metrics.example.com:8428', 'http://metrics.example.com:8428', 8428],
    ['http://10.0.0.1/x?y=z', 'http://10.0.0.1/x?y=z', 80],
    ['http://[fd00::1]:8428/', 'http://[fd00::1]:8428', 8428],
  ])('%s', (url, text, port) => {
    const endpoint = WriteEndpoint.external(url);
    expect([endpoint.url, endpoint.port, endpoint.kind]).toEqual([text, port, 'remote-write']);
  });

  test('carry their credentials as references', () => {
    const bearerToken = SecretRef.of('remote', 'token');
    expect(ReadEndpoint.external('https://x.example.com', { credentials: { bearerToken } }).credentials).toEqual({
      bearerToken,
    });
  });

  test('are allowed by address where it is known, else by port', () => {
    const egress = (endpoint: Endpoint) => {
      const manifests = synth((chart) => endpoint.connectFrom(new VmSingle(chart, 'metrics', { volume })));
      return find(manifests, 'NetworkPolicy', 'metrics-vmsingle')['spec'].egress as object[];
    };
    const ports = [{ port: 443, protocol: 'TCP' }];
    expect(egress(Endpoint.external('https://10.0.0.1'))).toEqual([
      { to: [{ ipBlock: { cidr: '10.0.0.1/32' } }], ports },
    ]);
    expect(egress(Endpoint.external('https://[fd00::1]'))).toEqual([
      { to: [{ ipBlock: { cidr: 'fd00::1/128' } }], ports },
    ]);
    const [byPort, dns] = egress(Endpoint.external('https://x.example.com'));
    expect(byPort).toEqual({ ports });
    expect(dns).toMatchObject({ ports: [{ port: 53 }, { port: 53 }] });
    expect(egress(Endpoint.external('https://x.example.com', { cidr: '10.0.0.0/8' }))[0]).toEqual({
      to: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
      ports,
    });
  });

  test.each([
    [
      'metrics.example.com',
      'url = "metrics.example.com": is not a URL. To fix: write for example \'https://host/path\'.',
    ],
    ['ftp://x', 'url = "ftp://x": must be http or https. To fix: write https://....'],
    [
      'https://user:hunter2@x.example.com/p',
      'url = "https://***@x.example.com/p": must not carry credentials: they would stand in the manifest in the clear. ' +
        'To fix: pass `credentials` with a SecretRef instead.',
    ],
    [
      'https://x.example.com/api/v1/write?authKey=hunter2',
      'url = "https://x.example.com/api/v1/write?authKey=***": the parameter authKey looks like a secret, and would stand in ' +
        'the manifest in the clear. To fix: pass `credentials` with a SecretRef instead.',
    ],
  ])('%s is refused', (url, message) => {
    expect(() => Endpoint.external(url)).toThrow(message);
  });

  test('with a bad address block are refused', () => {
    expect(() => Endpoint.external('https://x.example.com', { cidr: '10.0.0.0/33' })).toThrow(
      'cidr = "10.0.0.0/33": must be an address block. To fix: write for example \'10.0.0.0/24\'.',
    );
  });

  test('cannot let anybody in', () => {
    expect(() => Endpoint.external('https://x.example.com').allowFrom({})).toThrow(
      'allowFrom: https://x.example.com is outside of the stack; its own network must let clients in',
    );
  });
});

describe('an endpoint, or one with more to say', () => {
  const check = endpointOrProps<{ endpoint: ReadEndpoint; tls?: ClientTls; name?: string }>(readEndpointCheck, {
    tls: clientTlsCheck,
    name: text(),
  });
  const checked = (value: unknown) => {
    const problems = new Problems();
    return [check(value, 'target', problems), problems.messages()];
  };
  const read = ReadEndpoint.external('https://store');
  const plain = ReadEndpoint.external('http://store');
  const otherKind = "must be a ReadEndpoint. To fix: write cluster.read() or ReadEndpoint.external('https://...').";

  test('gives the latter', () => {
    expect(checked(read)).toEqual([{ endpoint: read }, []]);
    expect(checked({ endpoint: read, tls: { serverName: 'store' } })).toEqual([
      { endpoint: read, tls: { serverName: 'store' } },
      [],
    ]);
  });

  test.each([
    ['a URL', 'https://store', `target = "https://store": ${otherKind}`],
    ['an endpoint of another kind', WriteEndpoint.external('http://a'), `target = http://a: ${otherKind}`],
    [
      'one within the props',
      { endpoint: WriteEndpoint.external('http://a') },
      `target.endpoint = http://a: ${otherKind}`,
    ],
    [
      'no endpoint',
      { name: 'a' },
      'target.endpoint = (not set): target is nothing without it. To fix: set `target.endpoint`.',
    ],
    [
      'what connects and is no endpoint',
      { connectFrom: () => undefined },
      'target.connectFrom = connectFrom(): there is no such prop. To fix: use one of endpoint, tls, name.',
    ],
    [
      'TLS that would not be used',
      { endpoint: plain, tls: { insecureSkipVerify: true } },
      'target.tls = {"insecureSkipVerify":true}: the endpoint is http, so that it would not be used. ' +
        'To fix: remove it, or take an endpoint with https.',
    ],
  ])('%s is refused', (_title, value, message) => {
    expect(checked(value)[1]).toContain(message);
  });
});

test('what is wrong with a value is an error of its own class', () => {
  expect(() => Endpoint.external('')).toThrow(InvalidValueError);
});

test('nothing is wrong with a chart without components', () => {
  expect(problemsOf(() => undefined)).toEqual([]);
});

test('whoever scrapes reaches each pod, and both sides allow it', () => {
  const manifests = synth((chart) => {
    const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
    const scraper = new VmSingle(chart, 'scraper', { volume });
    const [metrics] = cluster.vmstorage.metrics;
    metrics?.connectFrom(scraper);
    expect(metrics).toMatchObject({
      podSelector: labels('vmstorage', 'storage'),
      namespace: 'monitoring',
      portName: 'http',
      port: 8482,
      path: '/metrics',
    });
  });
  const scraper = {
    matchLabels: {
      'app.kubernetes.io/name': 'vmsingle',
      'app.kubernetes.io/instance': 'scraper',
      'app.kubernetes.io/component': 'single',
    },
  };
  expect(find(manifests, 'NetworkPolicy', 'metrics-vmstorage')['spec'].ingress).toContainEqual({
    from: [{ podSelector: scraper }],
    ports: [{ port: 8482, protocol: 'TCP' }],
  });
  expect(find(manifests, 'NetworkPolicy', 'scraper-vmsingle')['spec'].egress).toContainEqual({
    to: [{ podSelector: labels('vmstorage', 'storage') }],
    ports: [{ port: 8482, protocol: 'TCP' }],
  });
});

test('DNS is where the user says it is', () => {
  const manifests = synth((chart) => {
    const peers = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'openshift-dns' } } }];
    StackDefaults.set(chart, { dns: { peers, port: 5353 } });
    new VmCluster(chart, 'metrics', { vmstorage: { volume } });
  });
  expect(find(manifests, 'NetworkPolicy', 'metrics-vminsert')['spec'].egress).toContainEqual({
    to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'openshift-dns' } } }],
    ports: [
      { port: 5353, protocol: 'UDP' },
      { port: 5353, protocol: 'TCP' },
    ],
  });
});
