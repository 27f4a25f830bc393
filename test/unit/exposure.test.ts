import { ApiObject, App, Chart, Duration, Size } from 'cdk8s';
import { Namespaces, Pods } from 'cdk8s-plus-28';
import { Endpoint, Pushgateway, SecretRef, StackDefaults, Tenant, VmCluster, VmSingle, WriteEndpoint } from '../../src';
import { VmAuth } from '../../src/auth';
import {
  EndpointHttpRoute,
  EndpointIngress,
  type EndpointHttpRouteProps,
  type EndpointIngressProps,
} from '../../src/exposure';
import { kubernetesSchema } from '../manifests/kubernetes-schema';
import type { Manifest as PolicyManifest } from '../manifests/manifest';
import { find, problemsOf, synth } from './synth';

const volume = { size: Size.gibibytes(10) };
const from = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } };
const host = 'metrics.example.com';
const tls = { secretName: 'metrics-tls' };
const parentRefs = [{ name: 'gateway', namespace: 'gateways', sectionName: 'https' }];

const clusterOf = (chart: Chart) => new VmCluster(chart, 'metrics', { vmstorage: { volume } });
const authOf = (chart: Chart, cluster = clusterOf(chart)) =>
  new VmAuth(chart, 'gateway', {
    users: {
      grafana: { password: SecretRef.of('users', 'grafana'), routes: [cluster.read()] },
      shop: { bearerToken: SecretRef.of('users', 'shop'), routes: [cluster.write()] },
    },
  });

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

type Make<T> = (chart: Chart) => Loose<T>;

const ingress = (make: Make<EndpointIngressProps>) => (chart: Chart) =>
  new EndpointIngress(chart, 'public', { host, from, tls, ...make(chart) } as unknown as EndpointIngressProps);

const route = (make: Make<EndpointHttpRouteProps>) => (chart: Chart) =>
  new EndpointHttpRoute(chart, 'public', {
    host,
    from,
    parentRefs,
    ...make(chart),
  } as unknown as EndpointHttpRouteProps);

/** Those that all objects of the stack have. */
const labelsOf = (name: string) => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/instance': 'public',
  'app.kubernetes.io/component': 'exposure',
  'app.kubernetes.io/part-of': 'victoriametrics-stack',
  'app.kubernetes.io/managed-by': 'cdk8s',
});

const allowed = { allowUnauthenticatedReads: true, allowUnauthenticatedWrites: true };

describe('EndpointIngress', () => {
  test('leads to the Services of the endpoints, under their own paths', () => {
    const objects = synth(
      ingress((chart) => {
        const cluster = clusterOf(chart);
        return {
          ...allowed,
          ingressClassName: 'nginx',
          annotations: { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '60' },
          endpoints: [cluster.read(Tenant.of(42, 7)), cluster.write(), cluster.ingest().datadog],
        };
      }),
    );
    const found = find(objects, 'Ingress', 'public');
    const backend = (name: string) => ({ service: { name: `metrics-${name}`, port: { name: 'http' } } });
    expect(found).toEqual({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: {
        name: 'public',
        namespace: 'monitoring',
        labels: labelsOf('ingress'),
        annotations: { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '60' },
      },
      spec: {
        ingressClassName: 'nginx',
        tls: [{ hosts: [host], secretName: 'metrics-tls' }],
        rules: [
          {
            host,
            http: {
              paths: [
                { path: '/select/42:7/prometheus', pathType: 'Prefix', backend: backend('vmselect') },
                { path: '/insert/0/prometheus/api/v1/write', pathType: 'Exact', backend: backend('vminsert') },
                { path: '/insert/0/datadog', pathType: 'Prefix', backend: backend('vminsert') },
              ],
            },
          },
        ],
      },
    });
    expect(kubernetesSchema(objects as unknown as PolicyManifest[])).toEqual([]);
  });

  test('the NetworkPolicies of just the exposed components let the controller in', () => {
    const objects = synth(ingress((chart) => ({ ...allowed, endpoints: [clusterOf(chart).read()] })));
    const rule = { from: [from], ports: [{ port: 8481, protocol: 'TCP' }] };
    expect(find(objects, 'NetworkPolicy', 'metrics-vmselect')['spec'].ingress).toContainEqual(rule);
    expect(JSON.stringify(find(objects, 'NetworkPolicy', 'metrics-vminsert')['spec'])).not.toContain('ingress-nginx');
  });

  test('takes several peers, also of cdk8s-plus', () => {
    const objects = synth((chart) =>
      ingress(() => ({
        ...allowed,
        endpoints: [clusterOf(chart).read()],
        from: [
          { ipBlock: { cidr: '10.0.0.0/24' } },
          Pods.select(chart, 'pods', {
            labels: { app: 'traefik' },
            namespaces: Namespaces.select(chart, 'ns', { names: ['traefik'] }),
          }),
        ],
      }))(chart),
    );
    const peers = find(objects, 'NetworkPolicy', 'metrics-vmselect')['spec'].ingress.map(
      (rule: { from: unknown[] }) => rule.from[0],
    );
    expect(peers).toContainEqual({ ipBlock: { cidr: '10.0.0.0/24' } });
    expect(peers).toContainEqual({
      podSelector: { matchLabels: { app: 'traefik' } },
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'traefik' } },
    });
  });

  test('needs nobody to let in where there are no NetworkPolicies', () => {
    const make = (chart: Chart) => {
      StackDefaults.set(chart, { networkPolicies: false, labels: { team: 'sre' } });
      new EndpointIngress(chart, 'public', { host, tls: {}, endpoints: [authOf(chart).endpointOf('grafana')] });
    };
    expect(problemsOf(make)).toEqual([]);
    const { metadata, ...found } = find(synth(make), 'Ingress', 'public');
    expect(metadata.labels).toEqual({ ...labelsOf('ingress'), team: 'sre' });
    expect(found['spec'].tls).toEqual([{ hosts: [host] }]);
    expect(found['spec'].rules[0].http.paths).toEqual([
      { path: '/', pathType: 'Prefix', backend: { service: { name: 'gateway-vmauth', port: { name: 'http' } } } },
    ]);
  });

  test('users of one VmAuth share a path', () => {
    const objects = synth(
      ingress((chart) => {
        const auth = authOf(chart);
        return { name: 'metrics', endpoints: [auth.read('grafana'), auth.endpointOf('grafana'), auth.write('shop')] };
      }),
    );
    expect(
      find(objects, 'Ingress', 'metrics')['spec'].rules[0].http.paths.map(({ path }: { path: string }) => path),
    ).toEqual(['/', '/api/v1/write']);
  });

  test('a path below that of the endpoint narrows what is exposed', () => {
    const objects = synth(
      ingress((chart) => ({
        allowUnauthenticatedReads: true,
        endpoints: [
          { endpoint: clusterOf(chart).read(), path: '/select/0/prometheus/api/v1/query', pathType: 'Exact' },
        ],
      })),
    );
    expect(find(objects, 'Ingress', 'public')['spec'].rules[0].http.paths).toEqual([
      expect.objectContaining({ path: '/select/0/prometheus/api/v1/query', pathType: 'Exact' }),
    ]);
  });

  test.each([
    ['/api/v1/query', 'Exact'],
    ['/api/v1/label/job/values', 'Exact'],
    ['/vmui', 'Prefix'],
    ['/prometheus/api/v1/query_range', 'Exact'],
    ['/api/v1/series/count', 'Exact'],
    ['/api/v1/export', 'Prefix'],
    ['/prettify-query', 'Exact'],
    ['/graphite/functions/', 'Prefix'],
    ['/graphite/tags', 'Exact'],
  ] as const)('%s of a single node shows data and takes none', (path, pathType) => {
    const make = ingress((chart) => ({
      allowUnauthenticatedReads: true,
      endpoints: [{ endpoint: new VmSingle(chart, 'metrics', { volume }).read(), path, pathType }],
    }));
    expect(problemsOf(make)).toEqual([]);
  });

  test.each(['/metrics/job', '/metrics/job/backup'])('%s of a Pushgateway takes data and shows none', (path) => {
    const make = ingress((chart) => ({
      allowUnauthenticatedWrites: true,
      endpoints: [{ endpoint: new Pushgateway(chart, 'jobs').push(), path }],
    }));
    expect(problemsOf(make)).toEqual([]);
  });

  test.each(['/opentelemetry', '/prometheus/api/v1/import'])('%s of a VmAuth takes data and shows none', (path) => {
    const make = ingress((chart) => {
      const unauthorized = { routes: [clusterOf(chart).write()] };
      const endpoint = new VmAuth(chart, 'gateway', { unauthorized }).endpointOf();
      return { allowUnauthenticatedWrites: true, endpoints: [{ endpoint, path }] };
    });
    expect(problemsOf(make)).toEqual([]);
  });

  test('what a user of a VmAuth writes by is open to writers alone, whatever is open to read', () => {
    const make = ingress((chart) => {
      const cluster = clusterOf(chart);
      const auth = new VmAuth(chart, 'gateway', {
        users: { shop: { bearerToken: SecretRef.of('users', 'shop'), routes: [cluster.write()] } },
        unauthorized: { routes: [cluster.read()] },
      });
      return { endpoints: [auth.write('shop'), auth.ingest('shop').otlp] };
    });
    expect(problemsOf(make)).toEqual([]);
    expect(
      find(synth(make), 'Ingress', 'public')['spec'].rules[0].http.paths.map(({ path }: { path: string }) => path),
    ).toEqual(['/api/v1/write', '/opentelemetry/v1/metrics']);
  });

  test('a wildcard host and plain HTTP are possible', () => {
    const props = { host: '*.example.com', tls: undefined, allowPlainHttp: true };
    const make = ingress((chart) => ({ ...props, endpoints: [authOf(chart).endpointOf('shop')] }));
    expect(problemsOf(make)).toEqual([]);
    expect(find(synth(make), 'Ingress', 'public')['spec']).toEqual({
      rules: [expect.objectContaining({ host: '*.example.com' })],
    });
  });

  test('a single node with basic auth is exposed as a whole', () => {
    const httpAuth = { username: 'ops', password: SecretRef.of('metrics', 'password') };
    const make = ingress((chart) => ({ endpoints: [new VmSingle(chart, 'metrics', { volume, httpAuth }).read()] }));
    expect(problemsOf(make)).toEqual([]);
  });
});

/** Fields of a HTTPRoute in the standard channel of `gateway.networking.k8s.io/v1`, those that the library needs. */
const HTTP_ROUTE_FIELDS: Readonly<Record<string, readonly string[]>> = {
  '': ['apiVersion', 'kind', 'metadata', 'spec'],
  spec: ['hostnames', 'parentRefs', 'rules'],
  'spec.parentRefs': ['group', 'kind', 'name', 'namespace', 'port', 'sectionName'],
  'spec.rules': ['backendRefs', 'filters', 'matches', 'name', 'timeouts'],
  'spec.rules.backendRefs': ['filters', 'group', 'kind', 'name', 'namespace', 'port', 'weight'],
  'spec.rules.matches': ['headers', 'method', 'path', 'queryParams'],
  'spec.rules.matches.path': ['type', 'value'],
  'spec.rules.timeouts': ['backendRequest', 'request'],
};

/** Paths of fields that no HTTPRoute has. */
function unknownFields(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => unknownFields(item, path));
  if (typeof value !== 'object' || value === null) return [];
  const known = HTTP_ROUTE_FIELDS[path];
  return Object.entries(value).flatMap(([name, item]) => {
    const field = path ? `${path}.${name}` : name;
    if (!known?.includes(name)) return [field];
    return field === 'metadata' ? [] : unknownFields(item, field);
  });
}

describe('EndpointHttpRoute', () => {
  const make = route((chart) => {
    const auth = authOf(chart);
    return {
      requestTimeout: Duration.minutes(1),
      endpoints: [auth.endpointOf('grafana'), { endpoint: auth.write('shop'), pathType: 'Exact' }],
    };
  });

  test('of a path of writing may be shorter than a query', () => {
    const to = (path?: string) =>
      problemsOf(
        route((chart) => {
          const endpoint = new VmSingle(chart, 'metrics', { volume }).read();
          return { ...allowed, requestTimeout: Duration.seconds(10), endpoints: [{ endpoint, path }] };
        }),
      );
    expect(to('/api/v1/write')).toEqual([]);
    expect(to('/api/v1/query')).toHaveLength(1);
    expect(to()).toHaveLength(1);
  });

  test('leads from the listener to the Services', () => {
    const found = find(synth(make), 'HTTPRoute', 'public');
    const backendRefs = [{ group: '', kind: 'Service', name: 'gateway-vmauth', port: 8427, weight: 1 }];
    const timeouts = { request: '60s' };
    expect(found).toEqual({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'public', namespace: 'monitoring', labels: labelsOf('httproute') },
      spec: {
        parentRefs: [
          {
            group: 'gateway.networking.k8s.io',
            kind: 'Gateway',
            name: 'gateway',
            namespace: 'gateways',
            sectionName: 'https',
          },
        ],
        hostnames: [host],
        rules: [
          { matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs, timeouts },
          { matches: [{ path: { type: 'Exact', value: '/api/v1/write' } }], backendRefs, timeouts },
        ],
      },
    });
  });

  test('has fields of the standard channel only', () => {
    expect(unknownFields(find(synth(make), 'HTTPRoute', 'public'))).toEqual([]);
    expect(unknownFields({ spec: { rules: [{ retry: {}, matches: [{ path: { kind: 'Exact' } }] }] } })).toEqual([
      'spec.rules.retry',
      'spec.rules.matches.path.kind',
    ]);
  });

  test('the port is that of the Service, and the Gateway is let in there', () => {
    const objects = synth(make);
    const [rule] = find(objects, 'HTTPRoute', 'public')['spec'].rules;
    const { name, port } = rule.backendRefs[0];
    expect(find(objects, 'Service', name)['spec'].ports).toContainEqual(expect.objectContaining({ port }));
    expect(find(objects, 'NetworkPolicy', name)['spec'].ingress).toContainEqual({
      from: [from],
      ports: [{ port, protocol: 'TCP' }],
    });
  });
});

/** A title, props, and all messages that they bring. */
type Case<T> = readonly [string, Make<T>, ...string[]];

const SELECT = 'http://metrics-vmselect.monitoring.svc:8481/select/0/prometheus';
const INSERT = 'http://metrics-vminsert.monitoring.svc:8480/insert/0/prometheus/api/v1/write';
const AUTHENTICATE = 'To fix: put a VmAuth before it, or set `httpAuth` of the component, or accept it with';

const otherNamespace = () => new Chart(new App(), 'other', { namespace: 'other' });

const INGRESSES: readonly Case<EndpointIngressProps>[] = [
  [
    'writes without credentials',
    (chart) => ({ endpoints: [clusterOf(chart).write()] }),
    `endpoints[0] = "${INSERT}": whoever reaches the host could store data without credentials. ` +
      `${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
  [
    'queries without credentials',
    (chart) => ({ allowUnauthenticatedWrites: true, endpoints: [clusterOf(chart).read()] }),
    `endpoints[0] = "${SELECT}": whoever reaches the host could read all data without credentials. ` +
      `${AUTHENTICATE} \`allowUnauthenticatedReads: true\`.`,
  ],
  [
    'all of a single node without credentials',
    (chart) => ({ endpoints: [new VmSingle(chart, 'metrics', { volume }).read()] }),
    'endpoints[0] = "http://metrics-vmsingle.monitoring.svc:8428": whoever reaches the host could store data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
    'endpoints[0] = "http://metrics-vmsingle.monitoring.svc:8428": whoever reaches the host could read all data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedReads: true\`.`,
  ],
  [
    'what VmAuth lets in without credentials',
    (chart) => {
      const cluster = clusterOf(chart);
      const unauthorized = { routes: [cluster.write()] };
      return { endpoints: [new VmAuth(chart, 'gateway', { unauthorized }).write()] };
    },
    'endpoints[0] = "http://gateway-vmauth.monitoring.svc:8427/api/v1/write": whoever reaches the host could store data ' +
      `without credentials. ${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
  [
    'what VmAuth passes to a system outside of the stack that may store it',
    (chart) => {
      const unauthorized = { routes: [{ to: Endpoint.external('http://old:8428'), srcPaths: ['/api/v1/write'] }] };
      return {
        allowUnauthenticatedReads: true,
        endpoints: [new VmAuth(chart, 'gateway', { unauthorized }).endpointOf()],
      };
    },
    'endpoints[0] = "http://gateway-vmauth.monitoring.svc:8427": whoever reaches the host could store data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
  ...(['a user who reads and writes', 'a user who writes'] as const).map((user): Case<EndpointIngressProps> => [
    `what VmAuth shows without credentials, by an endpoint of ${user}`,
    (chart) => {
      const cluster = clusterOf(chart);
      const writes = user === 'a user who writes';
      const routes = writes ? [cluster.write()] : [cluster.read(), cluster.write()];
      const auth = new VmAuth(chart, 'gateway', {
        users: { shop: { bearerToken: SecretRef.of('users', 'shop'), routes } },
        unauthorized: { routes: [cluster.read()] },
      });
      const endpoint = writes ? auth.endpointOf('shop') : auth.read('shop');
      return { endpoints: [endpoint] };
    },
    'endpoints[0] = "http://gateway-vmauth.monitoring.svc:8427": whoever reaches the host could read all data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedReads: true\`.`,
  ]),
  [
    'tags of Graphite, below which there is what deletes',
    (chart) => ({
      allowUnauthenticatedReads: true,
      endpoints: [{ endpoint: new VmSingle(chart, 'metrics', { volume }).read(), path: '/graphite/tags' }],
    }),
    'endpoints[0] = "http://metrics-vmsingle.monitoring.svc:8428": whoever reaches the host could store data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
  [
    'all of a Pushgateway, which shows what it takes',
    (chart) => ({ allowUnauthenticatedWrites: true, endpoints: [new Pushgateway(chart, 'jobs').push()] }),
    'endpoints[0] = "http://jobs-pushgateway.monitoring.svc:9091": whoever reaches the host could read all data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedReads: true\`.`,
  ],
  [
    'metrics that were pushed',
    (chart) => ({
      allowUnauthenticatedWrites: true,
      endpoints: [{ endpoint: new Pushgateway(chart, 'jobs').push(), path: '/metrics' }],
    }),
    'endpoints[0] = "http://jobs-pushgateway.monitoring.svc:9091": whoever reaches the host could read all data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedReads: true\`.`,
  ],
  [
    'a path of a single node that deletes',
    (chart) => ({
      allowUnauthenticatedReads: true,
      endpoints: [{ endpoint: new VmSingle(chart, 'metrics', { volume }).read(), path: '/api/v1/admin' }],
    }),
    'endpoints[0] = "http://metrics-vmsingle.monitoring.svc:8428": whoever reaches the host could store data without ' +
      `credentials. ${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
  [
    'a path for writing that ends as one for queries',
    (chart) => ({
      endpoints: [{ endpoint: clusterOf(chart).ingest().datadog, path: '/insert/0/datadog/api/v1/series' }],
    }),
    'endpoints[0] = "http://metrics-vminsert.monitoring.svc:8480/insert/0/datadog": whoever reaches the host could store ' +
      `data without credentials. ${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
  [
    'plain HTTP',
    (chart) => ({ tls: undefined, endpoints: [authOf(chart).endpointOf('shop')] }),
    'tls = (not set): requests and credentials would pass in the clear. ' +
      "To fix: set `tls: { secretName: 'name-of-the-secret' }`, `tls: {}` for the controller's own certificate, " +
      'or accept it with `allowPlainHttp: true`.',
  ],
  [
    'nobody to let in',
    (chart) => ({ from: undefined, endpoints: [authOf(chart).endpointOf('shop')] }),
    'from = (not set): the NetworkPolicies of the endpoints would refuse all requests. To fix: name who passes them on, ' +
      "e.g. `from: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }`.",
  ],
  [
    'nobody in particular to let in',
    (chart) => ({ from: [{}], endpoints: [authOf(chart).endpointOf('shop')] }),
    'from[0] = {}: says nobody in particular. To fix: give a podSelector, a namespaceSelector or an ipBlock; ' +
      "`{ ipBlock: { cidr: '0.0.0.0/0' } }` is everybody.",
  ],
  [
    'an endpoint outside of the stack',
    () => ({ ...allowed, endpoints: [WriteEndpoint.external('https://metrics.example.org/api/v1/write')] }),
    'endpoints[0] = "https://metrics.example.org/api/v1/write": has no Service of the stack before it that requests ' +
      'could be sent to. To fix: expose an endpoint of a component, e.g. cluster.read().',
  ],
  [
    'a Service that no component has made',
    () => {
      const service = { name: 'legacy', namespace: 'monitoring', portName: 'http' };
      const props = { scheme: 'http' as const, host: 'legacy', port: 80, service };
      return { ...allowed, endpoints: [new Endpoint(props)] };
    },
    'endpoints[0] = "http://legacy": has no Service of the stack before it that requests could be sent to. ' +
      'To fix: expose an endpoint of a component, e.g. cluster.read().',
  ],
  [
    'a protocol that is not HTTP',
    (chart) => {
      const vmstorage = { volume };
      const cluster = new VmCluster(chart, 'metrics', { vmstorage, vminsert: { listeners: { graphite: {} } } });
      return { ...allowed, endpoints: [cluster.ingest().graphite] };
    },
    'endpoints[0] = "tcp://metrics-vminsert.monitoring.svc:2003": does not speak plain HTTP, which is all that is ' +
      "passed on. To fix: take another endpoint, or open its port with the component's " +
      "`service: { type: 'LoadBalancer' }`.",
  ],
  [
    'an endpoint of another namespace',
    () => ({ ...allowed, endpoints: [clusterOf(otherNamespace()).read()] }),
    'endpoints[0] = "http://metrics-vmselect.other.svc:8481/select/0/prometheus": is in the namespace other, and ' +
      'requests are passed on within monitoring only. To fix: make the construct in a chart of the same namespace.',
  ],
  [
    'a path that belongs to another tenant',
    (chart) => ({
      ...allowed,
      endpoints: [{ endpoint: clusterOf(chart).read(), path: '/select/01/prometheus' }],
    }),
    'endpoints[0].path = "/select/01/prometheus": is not below /select/0/prometheus, where the endpoint is: requests ' +
      "keep their path on the way. To fix: write a path that begins with '/select/0/prometheus', or take another endpoint.",
  ],
  [
    'a path with dots',
    (chart) => ({
      ...allowed,
      endpoints: [{ endpoint: clusterOf(chart).read(), path: '/select/0/prometheus/../../1' }],
    }),
    'endpoints[0].path = "/select/0/prometheus/../../1": must be a path that begins with /, without parameters, // and ' +
      "dots as parts. To fix: write for example '/select/0/prometheus/api/v1/query'.",
  ],
  [
    'two endpoints at one path',
    (chart) => {
      const nodes = ['a', 'b'].map((id) => new VmSingle(chart, id, { volume }));
      return { ...allowed, endpoints: nodes.map((node) => node.read()) };
    },
    'endpoints = "/": leads to a-vmsingle and to b-vmsingle, and requests go to one of them. ' +
      'To fix: give one of them another host, in a construct of its own, or narrow it with `path`.',
  ],
  [
    'a URL as the host',
    (chart) => ({ host: 'https://metrics.example.com', endpoints: [authOf(chart).endpointOf('shop')] }),
    'host = "https://metrics.example.com": must be a DNS name in lower case, without scheme, port and path. ' +
      "To fix: write for example 'metrics.example.com'.",
  ],
  [
    'no host and nothing to expose',
    () => ({ host: undefined, endpoints: [] }),
    "endpoints = []: exposes nothing. To fix: write for example [auth.endpointOf('user')].",
    "host = (not set): nothing is exposed without it. To fix: set it, e.g. to 'metrics.example.com'.",
  ],
  [
    'a URL instead of an endpoint',
    () => ({ endpoints: ['http://metrics-vmselect'] }),
    'endpoints[0] = "http://metrics-vmselect": must be an Endpoint. ' +
      "To fix: write for example cluster.read() or auth.read('user').",
  ],
  [
    'misspelt props',
    (chart) => ({
      ingressClass: 'nginx',
      endpoints: [{ endpoint: authOf(chart).endpointOf('shop'), pathtype: 'Exact' }],
    }),
    'ingressClass = "nginx": there is no such prop. To fix: did you mean `ingressClassName`?',
    'endpoints[0].pathtype = "Exact": there is no such prop. To fix: did you mean `endpoints[0].pathType`?',
  ],
  [
    'a name that Kubernetes does not take',
    (chart) => ({ name: 'Public', endpoints: [authOf(chart).endpointOf('shop')] }),
    'name = "Public": has at most 63 lower-case letters, digits and -, and begins and ends with a letter or digit. ' +
      'To fix: give the construct a shorter or simpler id, or set its `name`.',
  ],
];

const ROUTES: readonly Case<EndpointHttpRouteProps>[] = [
  [
    'less time than a query may take',
    (chart) => {
      const auth = authOf(chart);
      return { requestTimeout: Duration.seconds(5), endpoints: [auth.endpointOf('grafana'), auth.write('shop')] };
    },
    'requestTimeout = 5 seconds: is shorter than the longest query by http://gateway-vmauth.monitoring.svc:8427, 30 seconds, ' +
      'which the Gateway would cut. To fix: give more time, or lower `queryLimits.maxQueryDuration` of the component.',
  ],
  [
    'all listeners of a Gateway',
    (chart) => ({ parentRefs: [{ name: 'gateway' }], endpoints: [authOf(chart).endpointOf('shop')] }),
    'parentRefs[0].sectionName = (not set): the route would hold for all listeners of the Gateway, and with one of plain ' +
      "HTTP credentials would pass in the clear. To fix: name the listener with HTTPS, e.g. `sectionName: 'https'`, " +
      'or accept it with `allowPlainHttp: true`.',
  ],
  [
    'no Gateway',
    (chart) => ({ parentRefs: undefined, endpoints: [authOf(chart).endpointOf('shop')] }),
    'parentRefs = (not set): no request would come. ' +
      "To fix: name a listener, e.g. [{ name: 'gateway', namespace: 'gateways', sectionName: 'https' }].",
  ],
  [
    'a certificate, which the Gateway has',
    (chart) => ({ tls, endpoints: [authOf(chart).endpointOf('shop')] }),
    'tls = {"secretName":"metrics-tls"}: TLS ends at the listener of the Gateway, which has the certificate. ' +
      'To fix: remove it.',
  ],
  [
    'more rules than a HTTPRoute has',
    (chart) => {
      const cluster = clusterOf(chart);
      const tenants = [...Array(17).keys()].map((account) => Tenant.of(account));
      return { ...allowed, endpoints: tenants.map((tenant) => cluster.read(tenant)) };
    },
    'endpoints = 17: a HTTPRoute has at most 16 rules, one for each path. ' +
      'To fix: share them out among several constructs, or expose a VmAuth with a route for each.',
  ],
  [
    'a time that the Gateway API cannot say',
    (chart) => ({ requestTimeout: Duration.days(2), endpoints: [authOf(chart).endpointOf('shop')] }),
    'requestTimeout = 2 days: is more than 99999 s, the most that the Gateway API can say. To fix: give a shorter Duration.',
  ],
  [
    'writes without credentials',
    (chart) => ({ endpoints: [clusterOf(chart).write()] }),
    `endpoints[0] = "${INSERT}": whoever reaches the host could store data without credentials. ` +
      `${AUTHENTICATE} \`allowUnauthenticatedWrites: true\`.`,
  ],
];

function named<T>(cases: readonly Case<T>[]) {
  return cases.map(([title, make, ...messages]) => ({
    title,
    make,
    messages: messages.map((message) => `[test/public] ${message}`),
  }));
}

describe('names', () => {
  const make = (chart: Chart, id: string, name?: string) => {
    const auth = (chart.node.tryFindChild('gateway') as VmAuth | undefined) ?? authOf(chart);
    return new EndpointIngress(chart, id, { host, from, tls, name, endpoints: [auth.write('shop')] });
  };
  const message = (one: string, other: string) =>
    `[test] name: ${one} and ${other} make the same Ingress public in the namespace monitoring. ` +
    'To fix: give one of them another id or `name`.';

  test('of two Ingresses of a chart are not the same', () => {
    const both = (chart: Chart) => [make(chart, 'public'), make(chart, 'other', 'public')];
    expect(problemsOf(both)).toEqual([message('test/public', 'test/other')]);
  });

  test.each([true, false])('of an Ingress are not those of one that was made by hand, before: %s', (before) => {
    const foreign = (chart: Chart) =>
      new ApiObject(chart, 'legacy', {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'public' },
      });
    const both = (chart: Chart) =>
      before ? [foreign(chart), make(chart, 'public')] : [make(chart, 'public'), foreign(chart)];
    const paths = ['test/legacy', 'test/public'] as const;
    expect(problemsOf(both)).toEqual([before ? message(...paths) : message(paths[1], paths[0])]);
  });

  test('of an Ingress and a HTTPRoute, and of two charts, may be the same', () => {
    const all = (chart: Chart) => {
      make(chart, 'public');
      make(new Chart(chart.node.root, 'second', { namespace: 'monitoring' }), 'public');
      const endpoints = [(chart.node.findChild('gateway') as VmAuth).write('shop')];
      return new EndpointHttpRoute(chart, 'route', { name: 'public', host, from, parentRefs, endpoints });
    };
    expect(problemsOf(all)).toEqual([]);
  });
});

describe('wrong configurations', () => {
  test.each(named(INGRESSES))('of an Ingress: $title', ({ make, messages }) => {
    expect(problemsOf(ingress(make))).toEqual(messages);
  });

  test.each(named(ROUTES))('of a HTTPRoute: $title', ({ make, messages }) => {
    expect(problemsOf(route(make))).toEqual(messages);
  });
});
