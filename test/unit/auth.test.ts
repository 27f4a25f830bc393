import { Duration, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import {
  Endpoint,
  ReadEndpoint,
  SecretRef,
  StackDefaults,
  Tenant,
  VmAuth,
  VmCluster,
  VmSingle,
  WriteEndpoint,
  type VmAuthProps,
  type VmAuthRoute,
  type VmAuthUser,
} from '../../src';
import { argsOf, find, manifestsOf, podOf, problemsOf, synth, appWith, type Manifest } from './synth';

const volume = { size: Size.gibibytes(10) };
const secret = (key: string) => SecretRef.of('users', key);

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

function cluster(chart: Chart): VmCluster {
  return (
    (chart.node.tryFindChild('metrics') as VmCluster | undefined) ??
    new VmCluster(chart, 'metrics', {
      vmstorage: { volume },
      vminsert: { listeners: { graphite: {} } },
      dedupInterval: Duration.seconds(30),
    })
  );
}

const grafana = (chart: Chart) => ({ password: secret('grafana'), routes: [cluster(chart).read(Tenant.of(1))] });
const shop = (chart: Chart) => ({ bearerToken: secret('shop'), routes: [cluster(chart).write(Tenant.of(1, 2))] });

function rendered(props: (chart: Chart) => VmAuthProps): Manifest[] {
  return synth((chart) => new VmAuth(chart, 'gateway', props(chart)));
}

function textOf(manifests: readonly Manifest[]): string {
  return find(manifests, 'ConfigMap', 'gateway-vmauth-config')['data']['auth.yml'] as string;
}

function configOf(props: (chart: Chart) => VmAuthProps) {
  return parse(textOf(rendered(props)));
}

function authIn(props: (chart: Chart) => VmAuthProps): VmAuth {
  let auth: VmAuth | undefined;
  appWith((chart) => (auth = new VmAuth(chart, 'gateway', props(chart))));
  return auth!;
}

describe('the pods', () => {
  const manifests = rendered((chart) => ({ users: { grafana: grafana(chart), shop: shop(chart) } }));
  const deployment = find(manifests, 'Deployment', 'gateway-vmauth');

  it('are two, with the config and a port of their own for the pages about the process', () => {
    expect(deployment['spec'].replicas).toBe(2);
    expect(argsOf(deployment)).toEqual([
      '-auth.config=/etc/vmauth/auth.yml',
      '-configCheckInterval=30s',
      '-http.maxGracefulShutdownDuration=30s',
      '-http.shutdownDelay=10s',
      '-httpInternalListenAddr=:8426',
      '-httpListenAddr=:8427',
    ]);
    const [container] = podOf(deployment)['containers'];
    expect(container.readinessProbe.httpGet).toEqual({ path: '/health', port: 'internal' });
    expect(container.livenessProbe.tcpSocket).toEqual({ port: 'http' });
    expect(podOf(deployment)['terminationGracePeriodSeconds']).toBe(45);
  });

  it('have a finish time that follows from the delay', () => {
    const slow = rendered((chart) => ({ users: { shop: shop(chart) }, shutdownDelay: Duration.seconds(25) }));
    expect(podOf(find(slow, 'Deployment', 'gateway-vmauth'))['terminationGracePeriodSeconds']).toBe(60);
  });

  describe('let running queries finish', () => {
    /** How long vmauth waits for them, and how long Kubernetes waits for vmauth. */
    const finish = (props: (chart: Chart) => VmAuthProps) => {
      const pods = find(rendered(props), 'Deployment', 'gateway-vmauth');
      return [
        argsOf(pods).find((arg) => arg.startsWith('-http.maxGracefulShutdownDuration')),
        podOf(pods)['terminationGracePeriodSeconds'],
      ];
    };
    const reader = (maxSeconds?: number) => (chart: Chart) => {
      const queryLimits = maxSeconds === undefined ? undefined : { maxQueryDuration: Duration.seconds(maxSeconds) };
      const slow = new VmCluster(chart, 'slow', { vmstorage: { volume }, queryLimits });
      const single = new VmSingle(chart, 'single', { volume, queryLimits });
      return [slow.read(), single.read()];
    };
    const user = (routes: VmAuthUser['routes']) => ({ bearerToken: secret('a'), routes });

    it.each([0, 1])('as long as the longest may take, of a cluster or a single node', (which) => {
      expect(
        finish((chart) => ({
          users: {
            a: { password: secret('a'), routes: [reader(60)(chart)[which]!] },
            b: user([ReadEndpoint.external('https://metrics.example.com')]),
          },
        })),
      ).toEqual(['-http.maxGracefulShutdownDuration=1m', 75]);
    });

    it('for 30 s where they are shorter, or not known', () => {
      const short = finish((chart) => ({ users: { a: user([reader(10)(chart)[0]!]) } }));
      const outside = finish(() => ({ users: { a: user([ReadEndpoint.external('https://metrics.example.com')]) } }));
      expect([short, outside]).toEqual(Array(2).fill(['-http.maxGracefulShutdownDuration=30s', 45]));
    });

    it('for longer where told so', () => {
      const maxRequestDuration = Duration.minutes(2);
      const routes = [ReadEndpoint.external('https://metrics.example.com')];
      expect(finish(() => ({ users: { a: user(routes) }, maxRequestDuration }))).toEqual([
        '-http.maxGracefulShutdownDuration=2m',
        135,
      ]);
    });

    it('through another vmauth as well', () => {
      const auth = authIn((chart) => ({ users: { a: user([reader(60)(chart)[0]!]), shop: shop(chart) } }));
      expect(auth.read('a').maxQueryDuration?.toSeconds()).toBe(60);
      expect(auth.write('shop').maxQueryDuration).toBeUndefined();
    });
  });

  it('serve their metrics on the port of the process', () => {
    const [target, ...others] = authIn((chart) => ({ users: { shop: shop(chart) } })).metrics;
    expect(others).toEqual([]);
    expect(target).toMatchObject({ job: 'vmauth', port: 8426, portName: 'internal', credentials: undefined });
  });

  it('get each secret from its Secret, and a sign that they have it', () => {
    expect(podOf(deployment)['containers'][0].env).toEqual([
      { name: 'SECRET_users_grafana', valueFrom: { secretKeyRef: { name: 'users', key: 'grafana' } } },
      { name: 'IS_users_grafana_SET' },
      { name: 'SECRET_users_shop', valueFrom: { secretKeyRef: { name: 'users', key: 'shop' } } },
      { name: 'IS_users_shop_SET' },
    ]);
  });

  it('are not rolled by a change of users that needs no other secret', () => {
    const changed = rendered((chart) => ({
      users: { grafana: { ...grafana(chart), maxConcurrentRequests: 3 }, shop: shop(chart) },
    }));
    expect(textOf(changed)).not.toBe(textOf(manifests));
    expect(find(changed, 'Deployment', 'gateway-vmauth')).toEqual(deployment);
  });

  it('are scaled by an autoscaler where asked for', () => {
    const scaled = rendered((chart) => ({
      users: { shop: shop(chart) },
      autoscaling: { minReplicas: 2, maxReplicas: 5 },
    }));
    expect(find(scaled, 'HorizontalPodAutoscaler', 'gateway-vmauth')['spec'].maxReplicas).toBe(5);
  });

  it('take the flags of the limits', () => {
    const limited = rendered((chart) => ({
      users: { shop: shop(chart) },
      maxConcurrentRequests: 200,
      maxConcurrentPerUserRequests: 20,
      maxQueueDuration: Duration.seconds(2),
      configCheckInterval: Duration.seconds(5),
      extraFlags: { failTimeout: '5s' },
    }));
    expect(argsOf(find(limited, 'Deployment', 'gateway-vmauth'))).toEqual(
      expect.arrayContaining([
        '-maxConcurrentRequests=200',
        '-maxConcurrentPerUserRequests=20',
        '-maxQueueDuration=2s',
        '-configCheckInterval=5s',
        '-failTimeout=5s',
      ]),
    );
  });

  it('reach what the routes lead to, and nothing else', () => {
    const policy = (name: string) => find(manifests, 'NetworkPolicy', name)['spec'];
    const selector = (component: string, instance: string, name: string) => ({
      podSelector: {
        matchLabels: {
          'app.kubernetes.io/component': component,
          'app.kubernetes.io/instance': instance,
          'app.kubernetes.io/name': name,
        },
      },
    });
    expect(policy('gateway-vmauth').egress.slice(0, 2)).toEqual([
      { to: [selector('insert', 'metrics', 'vminsert')], ports: [{ port: 8480, protocol: 'TCP' }] },
      { to: [selector('select', 'metrics', 'vmselect')], ports: [{ port: 8481, protocol: 'TCP' }] },
    ]);
    expect(policy('gateway-vmauth').ingress ?? []).toEqual([]);
    expect(policy('metrics-vmselect').ingress).toContainEqual({
      from: [selector('auth', 'gateway', 'vmauth')],
      ports: [{ port: 8481, protocol: 'TCP' }],
    });
  });

  it('are of the Enterprise image, with the license, for address filters', () => {
    const filtered = rendered((chart) => ({
      users: {
        shop: {
          ...shop(chart),
          ipFilters: { allowList: ['10.0.0.0/8', '192.0.2.1'], denyList: ['10.1.0.0/16'], realIpHeader: 'X-Real-IP' },
        },
      },
      enterpriseLicense: SecretRef.of('license', 'key'),
    }));
    const pods = find(filtered, 'Deployment', 'gateway-vmauth');
    expect(podOf(pods)['containers'][0].image).toBe('docker.io/victoriametrics/vmauth:v1.150.0-enterprise');
    expect(argsOf(pods)).toContain('-licenseFile=/etc/secrets/license/key');
    expect(podOf(pods)['volumes']).toContainEqual({
      name: 'secret-0',
      secret: { secretName: 'license', items: [{ key: 'key', path: 'key' }] },
    });
    expect(parse(textOf(filtered)).users[0].ip_filters).toEqual({
      allow_list: ['10.0.0.0/8', '192.0.2.1'],
      deny_list: ['10.1.0.0/16'],
      real_ip_header: 'X-Real-IP',
    });
  });
});

describe('the config', () => {
  it('knows users by a password or a token, with their limits', () => {
    const { users, ...others } = configOf((chart) => ({
      users: { shop: { ...shop(chart), maxConcurrentRequests: 50 }, grafana: grafana(chart) },
    }));
    expect(others).toEqual({});
    expect(users.map((user: object) => ({ ...user, url_map: undefined }))).toEqual([
      {
        name: 'grafana',
        username: 'grafana',
        password: '%{SECRET_users_grafana}',
        load_balancing_policy: '%{IS_users_grafana_SET}least_loaded',
        url_map: undefined,
      },
      {
        name: 'shop',
        bearer_token: '%{SECRET_users_shop}',
        max_concurrent_requests: 50,
        load_balancing_policy: '%{IS_users_shop_SET}least_loaded',
        url_map: undefined,
      },
    ]);
  });

  it('has secrets in literal blocks, where no character of them means anything', () => {
    const text = textOf(
      rendered((chart) => ({
        users: {
          shop: {
            bearerToken: secret('shop'),
            routes: [{ to: cluster(chart).read(), headers: { 'X-Key': SecretRef.of('backend', 'key') } }],
          },
        },
      })),
    );
    expect(text).toContain('    bearer_token: |2-\n      %{SECRET_users_shop}\n');
    expect(text).toContain('          - |2-\n            X-Key: %{SECRET_backend_key}\n');
  });

  it('has each list of paths once, however many users may ask for them', () => {
    const reader = (tenant: number) => (chart: Chart) => ({
      password: secret(`${tenant}`),
      routes: [cluster(chart).read(Tenant.of(tenant))],
    });
    const config = (...tenants: number[]) =>
      textOf(
        rendered((chart) => ({ users: Object.fromEntries(tenants.map((id) => [`of-${id}`, reader(id)(chart)])) })),
      );
    const count = (text: string) => text.split('/api/v1/status').length;
    expect(count(config(1, 2, 3))).toBe(count(config(1)));
    const [, , third] = parse(config(1, 2, 3)).users;
    const [alone] = parse(config(3)).users;
    expect(third).toEqual(alone);
  });

  it('does not depend on the order of the users', () => {
    const one = rendered((chart) => ({ users: { shop: shop(chart), grafana: grafana(chart) } }));
    const other = rendered((chart) => ({ users: { grafana: grafana(chart), shop: shop(chart) } }));
    expect(textOf(one)).toBe(textOf(other));
  });

  it('tells apart secrets whose names differ only by where the name of the Secret ends', () => {
    const { users } = configOf((chart) => ({
      users: {
        a: { ...shop(chart), bearerToken: SecretRef.of('x.y', 'z') },
        b: { ...shop(chart), bearerToken: SecretRef.of('x', 'y.z') },
        c: { ...shop(chart), bearerToken: SecretRef.of('x', 'y_z') },
      },
    }));
    expect(new Set(users.map((user: { bearer_token: string }) => user.bearer_token)).size).toBe(3);
  });

  it('balances over the ready pods and keeps the credentials of clients to itself', () => {
    const { users } = configOf((chart) => ({ users: { grafana: grafana(chart) } }));
    expect(users[0].url_map).toEqual([
      {
        src_paths: expect.any(Array),
        url_prefix: ['http://metrics-vmselect-pods.monitoring.svc:8481/select/1/prometheus'],
        discover_backend_ips: true,
        headers: ['Authorization:'],
      },
      {
        src_paths: expect.any(Array),
        url_prefix: ['http://metrics-vmselect-pods.monitoring.svc:8481/select/1'],
        discover_backend_ips: true,
        headers: ['Authorization:'],
      },
    ]);
    const services = rendered((chart) => ({ users: { grafana: grafana(chart) } }));
    expect(find(services, 'Service', 'metrics-vmselect-pods')['spec']).toMatchObject({ clusterIP: 'None' });
  });

  it('asks another backend after an answer for writes only: an answer to a query stands', () => {
    const routes = (chart: Chart) => [
      cluster(chart).write(),
      { to: cluster(chart).ingest().datadog, srcPaths: ['/api/v2/series'] },
      cluster(chart).read(),
      { to: Endpoint.external('http://old:8428'), srcPaths: ['/old/.*'] },
      { to: cluster(chart).read(Tenant.of(7)), srcPaths: ['/seven'], retryStatusCodes: [500] },
      { to: new VmSingle(chart, 'single', { volume }).read(), srcPaths: ['/.*'] },
    ];
    const { users } = configOf((chart) => ({ users: { shop: { ...shop(chart), routes: routes(chart) } } }));
    const codes = (users[0].url_map as { url_prefix: [string]; retry_status_codes?: number[] }[])
      .map(({ url_prefix: [url], retry_status_codes: list }) => `${url.replace(/.*:\d+/, '')} ${list?.join()}`)
      .sort();
    expect(codes).toEqual([
      ' undefined',
      ' undefined',
      '/insert/0 502,503',
      '/insert/0/datadog 502,503',
      '/insert/0/prometheus 502,503',
      '/select/0 undefined',
      '/select/0/prometheus undefined',
      '/select/7/prometheus 500',
    ]);
  });

  /** Where a request goes, or nothing. */
  function backendOf(urlMap: readonly Record<string, string[]>[], path: string): string | undefined {
    const entry = urlMap.find(({ src_paths: paths }) =>
      paths!.some((regex) => new RegExp(`^(?:${regex})$`).test(path)),
    );
    return entry && `${entry['url_prefix']![0]}${path}`.replace(/^http:\/\/[^/]+/, '');
  }

  it.each([
    ['/api/v1/query', '/select/1/prometheus/api/v1/query'],
    ['/api/v1/query_range', '/select/1/prometheus/api/v1/query_range'],
    ['/api/v1/label/job/values', '/select/1/prometheus/api/v1/label/job/values'],
    ['/api/v1/series', '/select/1/prometheus/api/v1/series'],
    ['/api/v1/export', '/select/1/prometheus/api/v1/export'],
    ['/api/v1/export/native', '/select/1/prometheus/api/v1/export/native'],
    ['/api/v1/status/tsdb', '/select/1/prometheus/api/v1/status/tsdb'],
    ['/federate', '/select/1/prometheus/federate'],
    ['/vmui/', '/select/1/prometheus/vmui/'],
    ['/vmui/assets/index.js', '/select/1/prometheus/vmui/assets/index.js'],
    ['/prometheus/api/v1/query', '/select/1/prometheus/api/v1/query'],
    ['/graphite/metrics/find', '/select/1/graphite/metrics/find'],
    ['/graphite/render', '/select/1/graphite/render'],
  ])('lets a reader of tenant 1 ask for %s at %s', (path, backend) => {
    const { users } = configOf((chart) => ({ users: { grafana: grafana(chart) } }));
    expect(backendOf(users[0].url_map, path)).toBe(backend);
  });

  it.each([
    '/api/v1/admin/tsdb/delete_series',
    '/prometheus/api/v1/admin/tsdb/delete_series',
    '/api/v1/admin/status/metric_names_stats/reset',
    '/internal/resetRollupResultCache',
    '/graphite/tags/delSeries',
    '/graphite/tags/tagSeries',
    '/api/v1/status/config',
    '/api/v1/targets',
    '/vmalert/api/v1/rules',
    '/api/v1/write',
    '/metrics',
    '/-/reload',
    '/',
  ])('refuses a reader %s', (path) => {
    const { users } = configOf((chart) => ({ users: { grafana: grafana(chart) } }));
    expect(backendOf(users[0].url_map, path)).toBeUndefined();
  });

  it.each([
    ['/api/v1/write', '/insert/1:2/prometheus/api/v1/write'],
    ['/api/v1/import', '/insert/1:2/prometheus/api/v1/import'],
    ['/api/v1/import/prometheus', '/insert/1:2/prometheus/api/v1/import/prometheus'],
    ['/api/v1/import/prometheus/metrics/job/a', '/insert/1:2/prometheus/api/v1/import/prometheus/metrics/job/a'],
    ['/prometheus/api/v1/write', '/insert/1:2/prometheus/api/v1/write'],
    ['/influx/write', '/insert/1:2/influx/write'],
    ['/influx/api/v2/write', '/insert/1:2/influx/api/v2/write'],
    ['/opentelemetry/v1/metrics', '/insert/1:2/opentelemetry/v1/metrics'],
    ['/datadog/api/v2/series', '/insert/1:2/datadog/api/v2/series'],
    ['/newrelic/infra/v2/metrics/events/bulk', '/insert/1:2/newrelic/infra/v2/metrics/events/bulk'],
    ['/zabbixconnector/api/v1/history', '/insert/1:2/zabbixconnector/api/v1/history'],
  ])('lets a writer of tenant 1:2 send to %s at %s', (path, backend) => {
    const { users } = configOf((chart) => ({ users: { shop: shop(chart) } }));
    expect(backendOf(users[0].url_map, path)).toBe(backend);
  });

  it.each(['/api/v1/query', '/-/reload', '/insert/3/prometheus/api/v1/write'])('refuses a writer %s', (path) => {
    const { users } = configOf((chart) => ({ users: { shop: shop(chart) } }));
    expect(backendOf(users[0].url_map, path)).toBeUndefined();
  });

  it('opens a single node for reading or writing, not for both at once', () => {
    const { users } = parse(
      textOf(
        synth((chart) => {
          const single = new VmSingle(chart, 'metrics', { volume });
          new VmAuth(chart, 'gateway', {
            users: {
              reader: { password: secret('a'), routes: [single.read()] },
              writer: { password: secret('b'), routes: [single.write()] },
            },
          });
        }),
      ),
    );
    const [reader, writer] = users;
    expect(reader.url_map).toHaveLength(1);
    expect(backendOf(reader.url_map, '/api/v1/query')).toBe('/api/v1/query');
    expect(backendOf(reader.url_map, '/graphite/metrics/find')).toBe('/graphite/metrics/find');
    expect(backendOf(reader.url_map, '/api/v1/write')).toBeUndefined();
    expect(backendOf(reader.url_map, '/snapshot/create')).toBeUndefined();
    expect(backendOf(writer.url_map, '/influx/write')).toBe('/influx/write');
    expect(backendOf(writer.url_map, '/api/v1/query')).toBeUndefined();
  });

  it('takes any word of vmauth for a route', () => {
    const { users } = configOf((chart) => ({
      users: {
        shop: {
          bearerToken: secret('shop'),
          routes: [
            {
              to: cluster(chart).read(),
              srcPaths: ['/shop/api/v1/query'],
              srcHosts: ['.+\\.example\\.com'],
              srcQueryArgs: ['db=shop', 'db=~shop-.+'],
              srcHeaders: ['X-Team: shop'],
              dropSrcPathPrefixParts: 1,
              headers: { 'X-Scope-OrgID': '42', Cookie: '' },
              responseHeaders: { Server: '' },
              keepOriginalHost: true,
              retryStatusCodes: [500],
              loadBalancingPolicy: 'first_available',
            },
          ],
        },
      },
    }));
    expect(users[0].url_map).toEqual([
      {
        src_paths: ['/shop/api/v1/query'],
        src_hosts: ['.+\\.example\\.com'],
        src_query_args: ['db=shop', 'db=~shop-.+'],
        src_headers: ['X-Team: shop'],
        url_prefix: ['http://metrics-vmselect-pods.monitoring.svc:8481/select/0/prometheus'],
        discover_backend_ips: true,
        load_balancing_policy: '%{IS_users_shop_SET}first_available',
        retry_status_codes: [500],
        drop_src_path_prefix_parts: 1,
        headers: ['Authorization:', 'X-Scope-OrgID: 42', 'Cookie:'],
        response_headers: ['Server:'],
        keep_original_host: true,
      },
    ]);
  });

  it('sends its own credentials to backends that want some', () => {
    const token = SecretRef.of('backend', 'token');
    const { users } = configOf(() => ({
      users: {
        shop: {
          bearerToken: secret('shop'),
          routes: [
            ReadEndpoint.external('https://metrics.example.com/prom', { credentials: { bearerToken: token } }),
            {
              to: WriteEndpoint.external('https://metrics.example.com/api/v1/write', {
                credentials: { username: 'me', password: token },
              }),
              headers: { authorization: SecretRef.of('backend', 'header') },
            },
          ],
        },
      },
    }));
    expect(users[0].load_balancing_policy).toBe(
      '%{IS_backend_header_SET}%{IS_backend_token_SET}%{IS_users_shop_SET}least_loaded',
    );
    expect(users[0].url_map.map(({ headers }: { headers: string[] }) => headers)).toEqual([
      ['Authorization: Bearer %{SECRET_backend_token}'],
      ['authorization: %{SECRET_backend_header}'],
    ]);
  });

  it('asks systems outside of the stack for what they surely have, at the address that was given', () => {
    const { users } = configOf(() => ({
      users: {
        shop: {
          bearerToken: secret('shop'),
          routes: [
            WriteEndpoint.external('https://a.example.com/api/v1/push?tenant=1'),
            {
              to: [
                ReadEndpoint.external('https://b.example.com/prom'),
                ReadEndpoint.external('https://c.example.com/prom'),
              ],
              loadBalancingPolicy: 'first_available',
            },
          ],
        },
      },
    }));
    const [write, read, ...others] = users[0].url_map;
    expect(others).toEqual([]);
    expect(write).toEqual({
      src_paths: ['/api/v1/write'],
      url_prefix: ['https://a.example.com/api/v1/push?tenant=1'],
      retry_status_codes: [502, 503],
      drop_src_path_prefix_parts: 3,
      headers: ['Authorization:'],
    });
    expect(read).toMatchObject({ url_prefix: ['https://b.example.com/prom', 'https://c.example.com/prom'] });
    expect(read).not.toHaveProperty('discover_backend_ips');
  });

  it('leads requests without credentials where it is told', () => {
    const config = configOf((chart) => ({
      unauthorized: { routes: [cluster(chart).read()], maxConcurrentRequests: 4 },
    }));
    expect(Object.keys(config)).toEqual(['unauthorized_user']);
    expect(config.unauthorized_user).toMatchObject({
      max_concurrent_requests: 4,
      load_balancing_policy: 'least_loaded',
      url_map: [{ url_prefix: [expect.stringContaining('/select/0/prometheus')] }, {}],
    });
  });
});

describe('the endpoints', () => {
  it('have the address of vmauth, the credentials of the user, and the tenant of the route', () => {
    const auth = authIn((chart) => ({ users: { grafana: grafana(chart), shop: shop(chart) } }));
    const write = auth.write('shop');
    expect(write).toBeInstanceOf(WriteEndpoint);
    expect(write.url).toBe('http://gateway-vmauth.monitoring.svc:8427/api/v1/write');
    expect(write).toMatchObject({ credentials: { bearerToken: secret('shop') }, writes: true, authenticated: true });
    expect(String(write.tenant)).toBe('1:2');
    expect(write.dedupInterval?.toSeconds()).toBe(30);
    const read = auth.read('grafana');
    expect(read).toBeInstanceOf(ReadEndpoint);
    expect(read.url).toBe('http://gateway-vmauth.monitoring.svc:8427');
    expect(read).toMatchObject({
      credentials: { username: 'grafana', password: secret('grafana') },
      writes: false,
      authenticated: true,
    });
    expect(String(read.tenant)).toBe('1');
    expect(auth.endpointOf('shop')).toMatchObject({
      kind: 'http',
      credentials: { bearerToken: secret('shop') },
      writes: true,
      authenticated: true,
    });
  });

  it('let their consumers in', () => {
    const manifests = synth((chart) => {
      const auth = new VmAuth(chart, 'gateway', { users: { shop: shop(chart) } });
      auth.write('shop').allowFrom({ podSelector: { matchLabels: { app: 'shop' } } });
    });
    expect(find(manifests, 'NetworkPolicy', 'gateway-vmauth')['spec'].ingress).toEqual([
      { from: [{ podSelector: { matchLabels: { app: 'shop' } } }], ports: [{ port: 8427, protocol: 'TCP' }] },
    ]);
  });

  it('find the route by the path, also where it is spelt out', () => {
    const auth = authIn((chart) => ({
      users: { shop: { bearerToken: secret('shop'), routes: [{ to: cluster(chart).read(), srcPaths: ['/api/.*'] }] } },
    }));
    expect(auth.read('shop').url).toBe('http://gateway-vmauth.monitoring.svc:8427');
  });

  it('say what is open without credentials', () => {
    const open = authIn((chart) => ({
      users: { shop: shop(chart), grafana: grafana(chart) },
      unauthorized: { routes: [cluster(chart).write(), cluster(chart).read()] },
    }));
    expect(open.write()).toMatchObject({ credentials: undefined, authenticated: false, writes: true });
    expect(open.read()).toMatchObject({ credentials: undefined, authenticated: false });
    expect(open.write('shop').authenticated).toBe(false);
    expect(open.endpointOf('grafana')).toMatchObject({ writes: true, authenticated: false });
    const readable = authIn((chart) => ({
      users: { shop: shop(chart), grafana: grafana(chart) },
      unauthorized: { routes: [cluster(chart).read()] },
    }));
    expect(readable.write('shop').authenticated).toBe(true);
    expect(readable.ingest('shop').otlp.authenticated).toBe(true);
    expect(readable.read('grafana').authenticated).toBe(false);
    expect(readable.endpointOf('shop').authenticated).toBe(false);
  });

  it('of somebody who reads and writes show what is open to read', () => {
    const auth = authIn((chart) => ({
      users: { both: { password: secret('both'), routes: [cluster(chart).read(), cluster(chart).write()] } },
      unauthorized: { routes: [cluster(chart).read()] },
    }));
    expect(auth.read('both')).toMatchObject({ authenticated: false, writes: true });
    expect(auth.write('both').authenticated).toBe(true);
  });

  it('of a user are there for every protocol over HTTP', () => {
    const ingest = authIn((chart) => ({ users: { shop: shop(chart) } })).ingest('shop');
    const endpoints = [
      ingest.remoteWrite,
      ingest.importText,
      ingest.importJson,
      ingest.importCsv,
      ingest.importNative,
      ingest.otlp,
      ingest.influx,
      ingest.influxV2,
      ingest.datadog,
      ingest.newRelic,
      ingest.zabbix,
    ];
    const given = { credentials: { bearerToken: secret('shop') }, writes: true, authenticated: true };
    expect(endpoints.map(({ url }) => url.replace('http://gateway-vmauth.monitoring.svc:8427', ''))).toEqual([
      '/api/v1/write',
      '/api/v1/import/prometheus',
      '/api/v1/import',
      '/api/v1/import/csv',
      '/api/v1/import/native',
      '/opentelemetry/v1/metrics',
      '/influx/write',
      '/influx/api/v2/write',
      '/datadog',
      '/newrelic/infra/v2/metrics/events/bulk',
      '/zabbixconnector/api/v1/history',
    ]);
    for (const endpoint of endpoints) {
      expect(endpoint).toMatchObject(given);
      expect(String(endpoint.tenant)).toBe('1:2');
      expect(endpoint.dedupInterval?.toSeconds()).toBe(30);
    }
  });

  it('for ingestion have the tenant of the route that takes them, where each protocol has its own', () => {
    const ingest = authIn((chart) => ({
      users: {
        shop: {
          bearerToken: secret('shop'),
          routes: [
            { to: cluster(chart).write(Tenant.of(5)), srcPaths: ['/api/v1/write'] },
            { to: Endpoint.external('http://collector:4318'), srcPaths: ['/opentelemetry/.*'] },
          ],
        },
      },
    })).ingest('shop');
    expect(String(ingest.remoteWrite.tenant)).toBe('5');
    expect(ingest.otlp.tenant).toBeUndefined();
    expect(() => ingest.datadog).toThrow(
      'user = "shop": no route of shop takes all requests for /datadog/api/v2/series. ' +
        "To fix: add one to `users['shop'].routes`, e.g. cluster.write().",
    );
  });

  it('tell how long the queries of a user take at most', () => {
    const auth = authIn((chart) => ({ users: { grafana: grafana(chart), shop: shop(chart) } }));
    expect(auth.endpointOf('grafana').maxQueryDuration?.toSeconds()).toBe(30);
    expect(auth.endpointOf('shop').maxQueryDuration).toBeUndefined();
  });

  it('of a reader of a single node store nothing, unless paths are spelt out', () => {
    const endpointOf = (srcPaths?: string[]) =>
      authIn((chart) => {
        const to = new VmSingle(chart, 'single', { volume }).read();
        return { users: { a: { password: secret('a'), routes: [{ to, srcPaths }] } } };
      }).endpointOf('a');
    expect(endpointOf().writes).toBe(false);
    expect(endpointOf(['/api/.*']).writes).toBe(true);
  });

  const outside = Endpoint.external('http://old:8428');
  const prefixed = Endpoint.external('http://old:8428/datadog');
  const queries = ReadEndpoint.external('http://old:8428/datadog');
  const single = (chart: Chart) => new VmSingle(chart, 'single', { volume }).read();

  it.each<[string, (chart: Chart) => Endpoint, string, number | undefined]>([
    ['remote write', () => outside, '/api/v1/write', undefined],
    ['anything', () => outside, '/.*', undefined],
    ['anything', () => queries, '/.*', undefined],
    ['anything', single, '/.*', undefined],
    ['anything below a folder', () => queries, '/api/v1/.+', undefined],
    ['any part of a folder', () => queries, '/api/v1/[^/]+', undefined],
    ['one of several', () => queries, '/api/v1/(query|import)', undefined],
    ['one of several at the top', () => queries, '/api/v1/query|/api/v1/write', undefined],
    ['what an option adds', () => queries, '/api/v1/import(/csv)?', undefined],
    ['what a flag of the expression could mean', () => queries, '(?i)/api/v1/query', undefined],
    ['deleting', () => queries, '/api/v1/admin/tsdb/delete_series', undefined],
    ['what is left of a path', () => outside, '/shop/api/v1/write', 1],
    ['what may be left of a path', () => outside, '/.*/api/v1/series', 1],
    ['a path of a protocol that looks like one of queries', () => prefixed, '/api/v1/series', undefined],
  ])('of a user may store where the path is that of %s', (_title, to, path, dropSrcPathPrefixParts) => {
    const auth = authIn((chart) => ({
      users: { a: { password: secret('a'), routes: [{ to: to(chart), srcPaths: [path], dropSrcPathPrefixParts }] } },
    }));
    expect(auth.endpointOf('a').writes).toBe(true);
  });

  it.each<[(chart: Chart) => Endpoint, string, number | undefined]>([
    [() => outside, '/api/v1/query', undefined],
    [() => outside, '/prometheus/api/v1/query', undefined],
    [() => queries, '/api/v1/(query|query_range)', undefined],
    [() => queries, '/api/v1/query(_range)?', undefined],
    [() => queries, '/api/v1/label/[^/]+/values', undefined],
    [() => queries, '/(?:vmui|graph)/.*', undefined],
    [() => queries, '/graphite/metrics/index\\.json', undefined],
    [() => queries, '/shop/api/v1/query', 1],
    [() => queries, '/[^/]+/api/v1/query', 1],
    [single, '/api/v1/query', undefined],
    [(chart) => cluster(chart).read(), '/.*', undefined],
  ])('of a user store nothing where the path is only that of queries: %#', (to, path, dropSrcPathPrefixParts) => {
    const auth = authIn((chart) => ({
      users: { a: { password: secret('a'), routes: [{ to: to(chart), srcPaths: [path], dropSrcPathPrefixParts }] } },
    }));
    expect(auth.endpointOf('a').writes).toBe(false);
  });

  it('are refused where the user has none', () => {
    const auth = authIn((chart) => ({ users: { grafana: grafana(chart), shop: shop(chart) } }));
    expect(() => auth.write('shpo')).toThrow(
      "user = \"shpo\": there is no such user. To fix: use one of 'grafana', 'shop'.",
    );
    expect(() => auth.read()).toThrow(
      "user = (not set): `unauthorized` is not set, so that everybody must be a user. To fix: use one of 'grafana', 'shop'.",
    );
    expect(() => auth.ingest('shpo')).toThrow('user = "shpo": there is no such user.');
    expect(() => auth.ingest('grafana').otlp).toThrow(
      'user = "grafana": no route of grafana takes all requests for /opentelemetry/v1/metrics. ' +
        "To fix: add one to `users['grafana'].routes`, e.g. cluster.write().",
    );
    expect(() => auth.write('grafana')).toThrow(
      'user = "grafana": no route of grafana takes all requests for /api/v1/write. ' +
        "To fix: add one to `users['grafana'].routes`, e.g. cluster.write().",
    );
    const conditional = authIn((chart) => ({
      unauthorized: { routes: [{ to: cluster(chart).read(), srcHosts: ['a\\.example\\.com'] }] },
    }));
    expect(() => conditional.read()).toThrow(
      'user = (not set): no route of unauthorized takes all requests for /api/v1/query. ' +
        'To fix: add one to `unauthorized.routes`, e.g. cluster.read().',
    );
  });

  it('of a user who is wrong leave it to the synth to say so', () => {
    const auth = authIn((chart) => ({ users: { shop: { ...shop(chart), routes: [] } } }));
    expect(auth.write('shop').url).toBe('http://gateway-vmauth.monitoring.svc:8427/api/v1/write');
  });
});

describe('wrong configurations', () => {
  const at = (message: string) => `[test/gateway] ${message}`;

  const problems = (props: (chart: Chart) => Loose<VmAuthProps>): string[] =>
    problemsOf((chart) => new VmAuth(chart, 'gateway', props(chart) as VmAuthProps));

  type Case = readonly [title: string, props: (chart: Chart) => Loose<VmAuthProps>, ...messages: string[]];

  const route = (change: (chart: Chart) => unknown) => (chart: Chart) => ({
    users: { shop: { bearerToken: secret('shop'), routes: [change(chart)] } },
  });
  const read = (more: Loose<VmAuthRoute>) => route((chart) => ({ to: cluster(chart).read(), ...more }));

  const CASES: readonly Case[] = [
    [
      'nobody',
      () => ({}),
      "users = (not set): nobody would be let in. To fix: set `users: { name: { password: SecretRef.of('name-of-the-secret', 'key'), " +
        'routes: [...] } }`, or `unauthorized`.',
    ],
    [
      'no users',
      () => ({ users: {} }),
      "users = {}: nobody would be let in. To fix: set `users: { name: { password: SecretRef.of('name-of-the-secret', 'key'), " +
        'routes: [...] } }`, or `unauthorized`.',
    ],
    [
      'a user without routes',
      () => ({ users: { shop: { bearerToken: secret('shop') } } }),
      "users['shop'].routes = (not set): users['shop'] is nothing without it. To fix: set `users['shop'].routes`.",
    ],
    [
      'a user whose routes are none',
      () => ({ users: { shop: { bearerToken: secret('shop'), routes: [] } } }),
      "users['shop'].routes = []: leads nowhere. To fix: write for example [cluster.read(), cluster.write()].",
    ],
    [
      'a user without credentials',
      (chart) => ({ users: { shop: { routes: [cluster(chart).read()] } } }),
      "users['shop'].password = (not set): vmauth could not tell the user from others. " +
        "To fix: set `password` or `bearerToken` to SecretRef.of('name-of-the-secret', 'key').",
    ],
    [
      'a user with two kinds of credentials',
      (chart) => ({ users: { shop: { ...shop(chart), password: secret('other') } } }),
      "users['shop'].bearerToken = users/shop: vmauth knows a user by the password or by the token, not by both. " +
        'To fix: remove one of them, or make a second user.',
    ],
    [
      'a password in the clear',
      (chart) => ({ users: { shop: { ...shop(chart), bearerToken: 'abc' } } }),
      'users[\'shop\'].bearerToken = "***": must be a SecretRef: a secret in the clear would stand in the manifest. ' +
        "To fix: write SecretRef.of('name-of-the-secret', 'key').",
    ],
    [
      'two users with one token',
      (chart) => ({ users: { shop: shop(chart), payments: shop(chart) } }),
      "users['shop'].bearerToken = users/shop: is the token of payments as well, and vmauth tells users apart by it. " +
        'To fix: give each a token of its own.',
    ],
    [
      'a username with a colon',
      (chart) => ({ users: { 'a:b': grafana(chart) } }),
      'users = "a:b": the name of a user has no :, no % and no control characters, and is not empty. ' +
        'To fix: rename the user.',
    ],
    [
      'a username that vmauth would replace',
      (chart) => ({ users: { '%{HOSTNAME}': grafana(chart) } }),
      'users = "%{HOSTNAME}": the name of a user has no :, no % and no control characters, and is not empty. ' +
        'To fix: rename the user.',
    ],
    [
      'a misspelt prop of a user',
      (chart) => ({ users: { shop: { ...shop(chart), maxConcurentRequests: 1 } } }),
      "users['shop'].maxConcurentRequests = 1: there is no such prop. " +
        "To fix: did you mean `users['shop'].maxConcurrentRequests`?",
    ],
    [
      'a misspelt prop',
      (chart) => ({ users: { shop: shop(chart) }, unauthorised: {} }),
      'unauthorised = {}: there is no such prop. To fix: did you mean `unauthorized`?',
    ],
    [
      'a misspelt prop of a route',
      read({ srcPath: ['/a'] }),
      "users['shop'].routes[0].srcPath = [\"/a\"]: there is no such prop. To fix: did you mean `users['shop'].routes[0].srcPaths`?",
    ],
    [
      'basic auth of the process',
      (chart) => ({ users: { shop: shop(chart) }, httpAuth: { username: 'a', password: secret('a') } }),
      'httpAuth = {"username":"a","password":{"secretName":"users","key":"a"}}: who may come in is what `users` say. ' +
        'To fix: remove it and set `users`.',
    ],
    [
      'credentials for everybody',
      (chart) => ({ unauthorized: shop(chart) }),
      'unauthorized.bearerToken = users/shop: there is no such prop. To fix: use one of routes, maxConcurrentRequests.',
    ],
    [
      'a limit of nothing',
      (chart) => ({ users: { shop: { ...shop(chart), maxConcurrentRequests: 0 } } }),
      "users['shop'].maxConcurrentRequests = 0: must be a whole number of at least 1. To fix: give a whole number of at least 1.",
    ],
    [
      'address filters without Enterprise',
      (chart) => ({ users: { shop: { ...shop(chart), ipFilters: { allowList: ['10.0.0.1'] } } } }),
      'users[\'shop\'].ipFilters = {"allowList":["10.0.0.1"]}: only vmauth of VictoriaMetrics Enterprise knows them; ' +
        'the open source one does not start with them. To fix: set `enterpriseLicense`, or let in just the right addresses for all users: ' +
        "`endpointOf('name').allowFrom({ ipBlock: { cidr: '10.0.0.0/8' } })`.",
    ],
    [
      'no address',
      (chart) => ({
        users: { shop: { ...shop(chart), ipFilters: { denyList: ['10.0.0.0/33'] } } },
        enterpriseLicense: secret('license'),
      }),
      'users[\'shop\'].ipFilters.denyList[0] = "10.0.0.0/33": must be an address or an address block. ' +
        "To fix: write for example '10.0.0.0/24' or '192.0.2.1'.",
    ],
    [
      'a bad regular expression',
      read({ srcPaths: ['/api/(v1'] }),
      'users[\'shop\'].routes[0].srcPaths[0] = "/api/(v1": vmauth does not compile it: a ( is not closed. ' +
        "To fix: write a regular expression of RE2, for example '/api/v1/label/[^/]+/values'.",
    ],
    [
      'a regular expression of another dialect',
      read({ srcPaths: ['/a', '/(?!b).*'] }),
      'users[\'shop\'].routes[0].srcPaths[1] = "/(?!b).*": vmauth does not compile it: RE2 has no lookahead, as in (?!. ' +
        "To fix: write a regular expression of RE2, for example '/api/v1/label/[^/]+/values'.",
    ],
    [
      'a path without its slash',
      read({ srcPaths: ['/a', 'api/v1/query'] }),
      'users[\'shop\'].routes[0].srcPaths[1] = "api/v1/query": never matches: paths begin with /. ' +
        "To fix: write '/api/v1/query'.",
    ],
    [
      'no paths',
      read({ srcPaths: [] }),
      "users['shop'].routes[0].srcPaths = []: an empty list matches no request. To fix: name one or leave it out.",
    ],
    [
      'a condition on a parameter without a value',
      read({ srcQueryArgs: ['db'] }),
      'users[\'shop\'].routes[0].srcQueryArgs[0] = "db": must be name=value or name=~regex. ' +
        "To fix: write for example 'db=shop' or 'db=~shop-.+'.",
    ],
    [
      'a condition on a secret parameter',
      read({ srcQueryArgs: ['db=shop', 'token=s3cret'] }),
      'users[\'shop\'].routes[0].srcQueryArgs[1] = "token=***": is about a secret, which would stand in the ConfigMap in the ' +
        'clear. To fix: remove it; secrets are what users are told apart by.',
    ],
    [
      'a condition on a secret header',
      read({ srcHeaders: ['X-Team: a', 'X-Api-Key: abc'] }),
      'users[\'shop\'].routes[0].srcHeaders[1] = "X-Api-Key:***": is about a secret, which would stand in the ConfigMap in the ' +
        'clear. To fix: remove it; secrets are what users are told apart by.',
    ],
    [
      'a bad name of a header',
      read({ headers: { 'X Team': 'a' } }),
      'users[\'shop\'].routes[0].headers = "X Team": the name of a header consists of letters, digits and -. ' +
        "To fix: write for example { 'X-Scope-OrgID': '42' }.",
    ],
    [
      'a header of several lines',
      read({ responseHeaders: { 'X-Team': 'a\nB: c' } }),
      "users['shop'].routes[0].responseHeaders['X-Team'] = \"a\\nB: c\": must be a string of one line. " +
        'To fix: write it in one line.',
    ],
    [
      'a secret header in the clear',
      read({ headers: { Authorization: 'Basic YTpi' } }),
      "users['shop'].routes[0].headers['Authorization'] = \"***\": looks like a secret, and would stand in the ConfigMap in the clear. " +
        "To fix: put the whole value into a Secret and write SecretRef.of('name-of-the-secret', 'key').",
    ],
    [
      'a header that some proxies send credentials in, in the clear',
      read({ headers: { 'X-Authorization': 'Basic YTpi' }, srcHeaders: ['X-Forwarded-Authorization: abc', 'X-Team'] }),
      "users['shop'].routes[0].headers['X-Authorization'] = \"***\": looks like a secret, and would stand in the ConfigMap in the clear. " +
        "To fix: put the whole value into a Secret and write SecretRef.of('name-of-the-secret', 'key').",
      'users[\'shop\'].routes[0].srcHeaders[0] = "X-Forwarded-Authorization:***": is about a secret, which would stand in the ' +
        'ConfigMap in the clear. To fix: remove it; secrets are what users are told apart by.',
      "users['shop'].routes[0].srcHeaders[1] = \"X-Team\": must be Name: value. To fix: write for example 'X-Team: shop'.",
    ],
    [
      'no endpoint',
      route(() => 'http://a'),
      'users[\'shop\'].routes[0] = "http://a": must be an object. To fix: write { to, srcPaths, srcHosts, srcQueryArgs, srcHeaders, ... }.',
    ],
    [
      'a route to nowhere',
      route(() => ({ to: [], srcPaths: ['/a'] })),
      "users['shop'].routes[0].to = []: leads nowhere. To fix: write for example cluster.read() or cluster.write(Tenant.of(1)).",
    ],
    [
      'an endpoint that does not speak HTTP',
      route((chart) => ({ to: cluster(chart).ingest().graphite, srcPaths: ['/a'] })),
      'users[\'shop\'].routes[0].to = "tcp://metrics-vminsert.monitoring.svc:2003": vmauth passes on HTTP only. ' +
        'To fix: let its clients connect to it directly.',
    ],
    [
      'an endpoint whose paths are not known',
      route(() => Endpoint.external('https://a.example.com')),
      'users[\'shop\'].routes[0] = "https://a.example.com": only of write() and read() it is known which paths they serve. ' +
        "To fix: write { to: endpoint, srcPaths: ['/path'] }.",
    ],
    [
      'endpoints that are not equal',
      route((chart) => ({ to: [cluster(chart).read(Tenant.of(1)), cluster(chart).read(Tenant.of(2))] })),
      'users[\'shop\'].routes[0].to[1] = "http://metrics-vmselect.monitoring.svc:8481/select/2/prometheus": is not the same as ' +
        'http://metrics-vmselect.monitoring.svc:8481/select/1/prometheus, and any request may go to any of them. ' +
        'To fix: make them routes of their own.',
    ],
    [
      'a backend with basic auth',
      route(() =>
        ReadEndpoint.external('https://a.example.com', { credentials: { username: 'a', password: secret('a') } }),
      ),
      'users[\'shop\'].routes[0] = "https://a.example.com": asks for a username and a password, and vmauth cannot make the header ' +
        'with them that it would have to send. To fix: put the whole header, e.g. Basic dXNlcjpwYXNz, into a Secret, and set ' +
        "`headers: { Authorization: SecretRef.of('name-of-the-secret', 'key') }` on the route.",
    ],
    [
      'parts to drop of paths that have none',
      read({ dropSrcPathPrefixParts: 1 }),
      "users['shop'].routes[0].dropSrcPathPrefixParts = 1: the paths that are open without `srcPaths` have nothing before them. " +
        "To fix: set `srcPaths` as well, e.g. ['/shop/api/v1/query'].",
    ],
    [
      'a retry after success',
      read({ retryStatusCodes: [503, 200] }),
      "users['shop'].routes[0].retryStatusCodes[1] = 200: must be a whole number from 400 to 599. " +
        'To fix: give a whole number from 400 to 599.',
    ],
    [
      'another policy',
      read({ loadBalancingPolicy: 'random' }),
      "users['shop'].routes[0].loadBalancingPolicy = \"random\": must be one of 'least_loaded', 'first_available'. " +
        "To fix: give one of 'least_loaded', 'first_available'.",
    ],
    [
      'the same route for two tenants',
      (chart) => ({
        users: {
          shop: {
            bearerToken: secret('shop'),
            routes: [cluster(chart).read(Tenant.of(1)), cluster(chart).read(Tenant.of(2))],
          },
        },
      }),
      'users[\'shop\'].routes[1] = "http://metrics-vmselect.monitoring.svc:8481/select/2/prometheus": can never be reached: ' +
        "users['shop'].routes[0] comes first and takes the same requests. To fix: put the more specific one first, or give them " +
        'different `srcPaths`, or a user each.',
    ],
    [
      'a route behind one that takes all',
      (chart) => ({
        unauthorized: { routes: [{ to: cluster(chart).read(), srcPaths: ['/.*'] }, cluster(chart).write()] },
      }),
      'unauthorized.routes[1] = "http://metrics-vminsert.monitoring.svc:8480/insert/0/prometheus/api/v1/write": can never be ' +
        'reached: unauthorized.routes[0] comes first and takes the same requests. To fix: put the more specific one first, or ' +
        'give them different `srcPaths`, or a user each.',
    ],
    [
      'a path behind one that takes it',
      (chart) => ({
        unauthorized: {
          routes: [
            cluster(chart).read(),
            { to: cluster(chart).read(Tenant.of(2)), srcPaths: ['/api/v1/label/job/values', '/two/.*'] },
          ],
        },
      }),
      'unauthorized.routes[1].srcPaths[0] = "/api/v1/label/job/values": can never be reached: unauthorized.routes[0] comes first ' +
        'and takes the same requests. To fix: put the more specific one first, or give them different `srcPaths`, or a user each.',
    ],
    [
      'flags that belong to props, or would break the process',
      (chart) => ({
        users: { shop: shop(chart) },
        extraFlags: {
          'auth.config': '/a',
          httpAuthHeader: 'X-Token',
          dryRun: true,
          retryStatusCodes: 500,
          logInvalidAuthTokens: true,
          'http.maxGracefulShutdownDuration': '60s',
        },
      }),
      'extraFlags[\'auth.config\'] = "/a": -auth.config belongs to users. To fix: remove it here and use users.',
      'extraFlags[\'httpAuthHeader\'] = "X-Token": endpoints tell their clients to send credentials in Authorization, which is kept ' +
        'from backends; another header is not. To fix: remove it.',
      "extraFlags['dryRun'] = true: the process would check its config and exit. To fix: remove it.",
      "extraFlags['retryStatusCodes'] = 500: -retryStatusCodes belongs to retryStatusCodes of a route. " +
        'To fix: remove it here and use retryStatusCodes of a route.',
      "extraFlags['logInvalidAuthTokens'] = true: what clients send as credentials would stand in the log. To fix: remove it.",
      'extraFlags[\'http.maxGracefulShutdownDuration\'] = "60s": -http.maxGracefulShutdownDuration belongs to maxRequestDuration. ' +
        'To fix: remove it here and use maxRequestDuration.',
    ],
    [
      'less time than queries take',
      (chart) => ({ users: { grafana: grafana(chart) }, maxRequestDuration: Duration.seconds(20) }),
      'maxRequestDuration = 20 seconds: is shorter than the longest query of the routes, 30 s, which would be cut when a pod ' +
        'ends. To fix: remove it, or give at least Duration.seconds(30).',
    ],
  ];

  it.each(CASES.map(([title, ...rest]) => [title, rest] as const))('%s', (_title, [props, ...messages]) => {
    expect(problems(props)).toEqual(messages.map(at));
  });

  it.each([
    [
      false,
      500,
      /^\[test\/gateway\] users = "500 with 2\d{5} bytes": do not fit into a ConfigMap, of which kubectl apply keeps a copy in an annotation of at most 256 KiB\. To fix: share them out over several VmAuths, or apply server-side and say so with `StackDefaults\.set\(chart, \{ serverSideApply: true \}\)`\.$/,
    ],
    [
      true,
      2000,
      /^\[test\/gateway\] users = "2000 with 1\d{6} bytes": do not fit into a ConfigMap\. To fix: share them out over several VmAuths\.$/,
    ],
  ])('more users than a ConfigMap holds, applied server-side: %s', (serverSideApply, count, message) => {
    const found = problemsOf((chart) => {
      StackDefaults.set(chart, { serverSideApply });
      const user = grafana(chart);
      const users = Object.fromEntries([...Array(count).keys()].map((i) => [`user-${i}`, user]));
      new VmAuth(chart, 'gateway', { users });
    });
    expect(found).toEqual([expect.stringMatching(message)]);
  });

  it.each(['(?i)/a', '/(?P<x>a)', '/[[:alpha:]]+', '/\\pL', '/\\Qa(b\\E'])('but not %s, which RE2 knows', (regex) => {
    expect(problems(read({ srcPaths: [regex] }))).toEqual([]);
  });

  it('but not conditions that tell the same paths apart', () => {
    expect(
      problems((chart) => ({
        unauthorized: {
          routes: [{ to: cluster(chart).read(Tenant.of(1)), srcHosts: ['a'] }, cluster(chart).read(Tenant.of(2))],
        },
      })),
    ).toEqual([]);
  });
});

it('is written the same twice', () => {
  const make = () =>
    manifestsOf(
      appWith((chart) => new VmAuth(chart, 'gateway', { users: { grafana: grafana(chart), shop: shop(chart) } })),
    );
  expect(make()).toEqual(make());
});
