import { Duration, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import { Endpoint, NotifyEndpoint, ReadEndpoint, SecretRef, Tenant, VmCluster, VmSingle } from '../../src';
import { Dashboards, Grafana, type DashboardModel, type GrafanaProps } from '../../src/grafana';
import { allDashboards } from '../../dashboards';
import { find, podOf, problemsOf, synth, type Manifest } from './synth';

const volume = { size: Size.gibibytes(10) };
const admin = { password: SecretRef.of('grafana', 'admin-password') };
const external = ReadEndpoint.external('https://metrics.example.com/prometheus');

/** What JavaScript, a spread or a cast lets through. */
type Loose = Record<string, unknown>;
type Make = (chart: Chart) => Loose;

const withGrafana = (make: Make) => (chart: Chart) =>
  new Grafana(chart, 'web', { datasources: [external], admin, ...make(chart) });

const objectsOf = (make: Make = () => ({})): Manifest[] => synth(withGrafana(make));

const clusterOf = (chart: Chart): VmCluster => new VmCluster(chart, 'metrics', { vmstorage: { volume } });

const model = (uid: string, more: Loose = {}): DashboardModel => ({ uid, title: `About ${uid}`, ...more });

/** A dashboard whose viewer chooses the data source. */
const variable = model('b', {
  panels: [{ datasource: { type: 'prometheus', uid: '${datasource}' } }],
  templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
});

function fileOf(objects: readonly Manifest[], configMap: string, file: string): string {
  return find(objects, 'ConfigMap', `web-grafana-${configMap}`)['data'][file] as string;
}

function datasourcesOf(make: Make) {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look deep into the file
  return parse(fileOf(objectsOf(make), 'datasources', 'datasources.yaml')) as Record<string, any>;
}

/** Name to value of all variables. */
function envOf(make: Make, kind = 'Deployment'): Record<string, string> {
  const { containers } = podOf(find(objectsOf(make), kind, 'web-grafana'));
  const env = containers[0].env as readonly { name: string; value: string }[];
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

describe('the pods', () => {
  const objects = objectsOf((chart) => ({ datasources: [clusterOf(chart).read()] }));
  const pod = podOf(find(objects, 'Deployment', 'web-grafana'));
  const [container] = pod['containers'];

  test('write to their data and to /tmp only', () => {
    expect(container.securityContext.readOnlyRootFilesystem).toBe(true);
    expect(pod['securityContext']).toMatchObject({ runAsUser: 65534, runAsNonRoot: true });
    const writable = (container.volumeMounts as { mountPath: string; readOnly?: boolean }[]).filter(
      ({ readOnly }) => !readOnly,
    );
    expect(writable.map(({ mountPath }) => mountPath)).toEqual(['/var/lib/grafana', '/tmp']);
  });

  test('are asked for their health and their metrics', () => {
    expect(container.image).toBe('docker.io/grafana/grafana:13.1.3');
    expect(container.args).toBeUndefined();
    expect(container.readinessProbe.httpGet).toEqual({ path: '/api/health', port: 'http' });
    expect(container.livenessProbe).toMatchObject({
      httpGet: { path: '/healthz', port: 'http' },
      initialDelaySeconds: 60,
    });
    expect(container.resources).toEqual({ requests: { cpu: '250m', memory: '750Mi' }, limits: { memory: '1Gi' } });
  });

  test('may reach the data sources and nothing else', () => {
    const { egress } = find(objects, 'NetworkPolicy', 'web-grafana')['spec'];
    const ports = (egress as { ports: { port: number }[] }[]).flatMap((flow) => flow.ports.map(({ port }) => port));
    expect([...new Set(ports)].sort()).toEqual([53, 8481]);
  });

  test('are a StatefulSet with a claim where they keep something', () => {
    const set = find(
      objectsOf(() => ({ volume })),
      'StatefulSet',
      'web-grafana',
    );
    expect(set['spec'].volumeClaimTemplates[0].spec.resources.requests.storage).toBe('10Gi');
    expect(podOf(set)['containers'][0].volumeMounts).toContainEqual({ name: 'data', mountPath: '/var/lib/grafana' });
  });

  test('are rolled by data sources and not by dashboards', () => {
    const annotations = (make: Make): object =>
      find(objectsOf(make), 'Deployment', 'web-grafana')['spec'].template.metadata.annotations as object;
    const one = annotations(() => ({ dashboards: [Dashboards.of('A', { a: model('a') })] }));
    expect(annotations(() => ({ dashboards: [Dashboards.of('A', { b: model('b') })] }))).toEqual(one);
    expect(annotations(() => ({ dashboards: [Dashboards.of('B', { a: model('a') })] }))).not.toEqual(one);
    expect(
      annotations(() => ({
        datasources: [ReadEndpoint.external('https://other.example.com')],
        dashboards: [Dashboards.of('A', { a: model('a') })],
      })),
    ).not.toEqual(one);
  });

  test('serve below the path of externalUrl', () => {
    const make: Make = () => ({ externalUrl: 'https://example.com/grafana/' });
    const { containers } = podOf(find(objectsOf(make), 'Deployment', 'web-grafana'));
    expect(containers[0].readinessProbe.httpGet.path).toBe('/grafana/api/health');
    expect(containers[0].livenessProbe.httpGet.path).toBe('/grafana/healthz');
    expect(envOf(make)).toMatchObject({
      GF_SERVER_DOMAIN: 'example.com',
      GF_SERVER_ROOT_URL: 'https://example.com/grafana/',
      GF_SERVER_SERVE_FROM_SUB_PATH: 'true',
      GF_SECURITY_COOKIE_SECURE: 'true',
    });
    let urls: string[] = [];
    synth((chart) => {
      const grafana = withGrafana(make)(chart);
      urls = [grafana.ui().url, ...grafana.metrics.map(({ path }) => path)];
    });
    expect(urls).toEqual(['http://web-grafana.monitoring.svc:3000/grafana', '/grafana/metrics']);
  });
});

describe('data sources', () => {
  test('are of type Prometheus, the first by default', () => {
    expect(
      fileOf(
        objectsOf((chart) => ({ datasources: [clusterOf(chart).read()] })),
        'datasources',
        'datasources.yaml',
      ),
    ).toBe(`apiVersion: 1
prune: true
datasources:
  - name: VictoriaMetrics
    uid: victoriametrics
    type: prometheus
    isDefault: true
    access: proxy
    url: http://metrics-vmselect.monitoring.svc:8481/select/0/prometheus
    editable: false
    jsonData:
      httpMethod: POST
      prometheusType: Prometheus
      prometheusVersion: 2.24.0
      timeInterval: 30s
      queryTimeout: 60s
      timeout: 60
      manageAlerts: false
`);
  });

  test('are one for each tenant', () => {
    const { datasources } = datasourcesOf((chart) => {
      const cluster = clusterOf(chart);
      return {
        datasources: [
          cluster.read(),
          cluster.read(Tenant.of(42, 7)),
          { endpoint: cluster.read(Tenant.of(1)), name: 'Shop', isDefault: true },
        ],
      };
    });
    expect((datasources as Loose[]).map(({ name, uid, isDefault, url }) => [name, uid, isDefault, url])).toEqual([
      ['VictoriaMetrics', 'victoriametrics', false, 'http://metrics-vmselect.monitoring.svc:8481/select/0/prometheus'],
      [
        'VictoriaMetrics 42:7',
        'victoriametrics-42-7',
        false,
        'http://metrics-vmselect.monitoring.svc:8481/select/42:7/prometheus',
      ],
      ['Shop', 'shop', true, 'http://metrics-vmselect.monitoring.svc:8481/select/1/prometheus'],
    ]);
  });

  const secured: Make = () => ({
    datasources: [
      {
        endpoint: ReadEndpoint.external('https://a.example.com', {
          credentials: { username: 'a$b', password: SecretRef.of('vm.users', 'graf-ana') },
        }),
        name: 'Costs in $',
        interval: Duration.seconds(15),
        timeout: Duration.minutes(2),
        manageAlerts: true,
        tls: {
          ca: SecretRef.of('tls', 'ca.crt'),
          cert: SecretRef.of('tls', 'tls.crt'),
          key: SecretRef.of('tls', 'tls.key'),
          serverName: 'metrics',
        },
        jsonData: { exemplarTraceIdDestinations: [{ name: 'trace', url: 'https://t/${__value.raw}' }] },
      },
      {
        endpoint: ReadEndpoint.external('https://b.example.com', {
          credentials: { bearerToken: SecretRef.of('b', 'token') },
        }),
        uid: 'b',
        name: 'B',
        type: 'victoriametrics-metrics-datasource',
      },
    ],
    plugins: [{ id: 'victoriametrics-metrics-datasource' }],
  });

  test('name their secrets by variables, and everything else is taken literally', () => {
    expect(datasourcesOf(secured)['datasources']).toEqual([
      {
        name: 'Costs in $$',
        uid: 'costs-in-',
        type: 'prometheus',
        isDefault: true,
        access: 'proxy',
        url: 'https://a.example.com',
        basicAuth: true,
        basicAuthUser: 'a$$b',
        editable: false,
        jsonData: {
          httpMethod: 'POST',
          prometheusType: 'Prometheus',
          prometheusVersion: '2.24.0',
          timeInterval: '15s',
          queryTimeout: '120s',
          timeout: 120,
          manageAlerts: true,
          exemplarTraceIdDestinations: [{ name: 'trace', url: 'https://t/$${__value.raw}' }],
          tlsAuth: true,
          tlsAuthWithCACert: true,
          serverName: 'metrics',
        },
        secureJsonData: {
          basicAuthPassword: '$GF_SECRET_vm_2eusers__graf_2dana',
          tlsCACert: '$GF_SECRET_tls__ca_2ecrt',
          tlsClientCert: '$GF_SECRET_tls__tls_2ecrt',
          tlsClientKey: '$GF_SECRET_tls__tls_2ekey',
        },
      },
      {
        name: 'B',
        uid: 'b',
        type: 'victoriametrics-metrics-datasource',
        isDefault: false,
        access: 'proxy',
        url: 'https://b.example.com',
        editable: false,
        jsonData: {
          httpMethod: 'POST',
          timeInterval: '30s',
          queryTimeout: '60s',
          timeout: 60,
          manageAlerts: false,
          httpHeaderName1: 'Authorization',
        },
        secureJsonData: { httpHeaderValue1: 'Bearer $GF_SECRET_b__token' },
      },
    ]);
  });

  test('have their secrets mounted as files that the image reads into the variables', () => {
    expect(envOf(secured)).toMatchObject({
      GF_SECRET_vm_2eusers__graf_2dana__FILE: '/etc/secrets/vm.users/graf-ana',
      GF_SECRET_tls__ca_2ecrt__FILE: '/etc/secrets/tls/ca.crt',
      GF_SECRET_b__token__FILE: '/etc/secrets/b/token',
      GF_SECURITY_ADMIN_PASSWORD__FILE: '/etc/secrets/grafana/admin-password',
    });
    const { volumes } = podOf(find(objectsOf(secured), 'Deployment', 'web-grafana'));
    const mounted = (volumes as { secret?: { secretName: string; items: { key: string }[] } }[]).flatMap(
      ({ secret }) => (secret ? [[secret.secretName, ...secret.items.map(({ key }) => key)]] : []),
    );
    expect(mounted).toEqual([
      ['b', 'token'],
      ['grafana', 'admin-password'],
      ['tls', 'ca.crt', 'tls.crt', 'tls.key'],
      ['vm.users', 'graf-ana'],
    ]);
  });

  test('are joined by an Alertmanager', () => {
    const { datasources } = datasourcesOf(() => ({
      alertmanager: NotifyEndpoint.external('http://10.0.0.7:9093'),
    }));
    expect(datasources[1]).toEqual({
      name: 'Alertmanager',
      uid: 'alertmanager',
      type: 'alertmanager',
      isDefault: false,
      access: 'proxy',
      url: 'http://10.0.0.7:9093',
      editable: false,
      jsonData: { implementation: 'prometheus', handleGrafanaManagedAlerts: false },
    });
  });
});

describe('dashboards', () => {
  const folders: Make = () => ({
    dashboards: [
      Dashboards.of('Overview & capacity', { system: model('a') }),
      Dashboards.of('Costs in $', { b: variable, a: model('c', { annotations: [{ datasource: '-- Grafana --' }] }) }),
    ],
  });

  test('have a provider for each folder, which is read again', () => {
    expect(parse(fileOf(objectsOf(folders), 'dashboards', 'dashboards.yaml'))).toEqual({
      apiVersion: 1,
      providers: [
        {
          name: 'overview-capacity',
          folder: 'Overview & capacity',
          folderUid: 'overview-capacity',
          type: 'file',
          updateIntervalSeconds: 30,
          allowUiUpdates: false,
          options: { path: '/etc/grafana/dashboards/overview-capacity' },
        },
        {
          name: 'costs-in',
          folder: 'Costs in $$',
          folderUid: 'costs-in',
          type: 'file',
          updateIntervalSeconds: 30,
          allowUiUpdates: false,
          options: { path: '/etc/grafana/dashboards/costs-in' },
        },
      ],
    });
  });

  test('are mounted as JSON files where the provider looks', () => {
    const objects = objectsOf(folders);
    expect(JSON.parse(fileOf(objects, 'dashboards-costs-in', 'b.json'))).toEqual(variable);
    expect(podOf(find(objects, 'Deployment', 'web-grafana'))['containers'][0].volumeMounts).toContainEqual({
      name: 'dashboards-costs-in',
      mountPath: '/etc/grafana/dashboards/costs-in',
      readOnly: true,
    });
  });

  test.each([[[null]], [{}], ['x']])('may have variables that are none, as %j', (list) => {
    const folder = Dashboards.of('A', { b: { ...variable, templating: { list } } });
    expect(() => objectsOf(() => ({ dashboards: [folder] }))).not.toThrow(TypeError);
  });

  test('are made for data sources of another type', () => {
    const type = 'victoriametrics-metrics-datasource';
    const logs = { datasource: { type: 'loki', uid: 'victoriametrics' }, targets: [{ type: 'prometheus' }] };
    const both = { ...variable, panels: [...(variable['panels'] as object[]), logs] };
    const folder = Dashboards.of('A', { b: both });
    const { models, title } = folder.withDatasourceType(type);
    expect(title).toBe('A');
    expect(models['b']).toEqual({
      ...both,
      panels: [{ datasource: { type, uid: '${datasource}' } }, logs],
      templating: { list: [{ name: 'datasource', type: 'datasource', query: type }] },
    });
    expect(folder.withDatasourceType(type).withDatasourceType('prometheus').files).toEqual(folder.files);
    expect(() => folder.withDatasourceType('loki' as never)).toThrow(
      'type = "loki": is no type of data source that answers PromQL. To fix: give \'prometheus\' or ',
    );
    const dashboards = allDashboards().map((each) => each.withDatasourceType(type));
    expect(JSON.stringify(dashboards)).not.toContain('"prometheus"');
    const plugins = [{ id: type, version: '0.19.0' }];
    expect(
      problemsOf(withGrafana(() => ({ datasources: [{ endpoint: external, type }], plugins, dashboards }))),
    ).toEqual([]);
  });

  test('are spread over several ConfigMaps where one does not hold them', () => {
    const long = (uid: string): DashboardModel => model(uid, { description: 'x'.repeat(200_000) });
    const objects = objectsOf(() => ({ dashboards: [Dashboards.of('Long', { a: long('a'), b: long('b') })] }));
    const maps = objects.filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.includes('-long-'));
    expect(maps.map(({ metadata, data }) => [metadata.name, ...Object.keys(data as object)])).toEqual([
      ['web-grafana-dashboards-long-0', 'a.json'],
      ['web-grafana-dashboards-long-1', 'b.json'],
    ]);
  });

  test.each<[string, () => unknown, string]>([
    [
      'a folder without a name',
      () => Dashboards.of('!', {}),
      'folder = "!": has at most 40 characters, some of them letters or digits, and is not General, Grafana\'s own folder. ' +
        "To fix: write for example Dashboards.of('Overview', { ... }).",
    ],
    [
      'no uid',
      () => Dashboards.of('A', { system: { title: 'System' } as unknown as DashboardModel }),
      "['system'].uid = (not set): has 1 to 40 letters, digits, - and _: without it links break when the dashboard is made anew. " +
        "To fix: set it, e.g. uid: 'system'.",
    ],
    [
      'no title',
      () => Dashboards.of('A', { system: { uid: 'a', title: '' } }),
      '[\'system\'].title = "": Grafana takes no dashboard without a title. To fix: set it.',
    ],
    [
      'a bad file name',
      () => Dashboards.of('A', { 'a/b': model('a') }),
      'name = "a/b": becomes the name of a file: letters, digits, -, _ and .. To fix: write for example \'cluster\'.',
    ],
    [
      'what fits into no ConfigMap',
      () => Dashboards.of('A', { a: model('a', { description: 'x'.repeat(1_100_000) }) }),
      '[\'a\'] = "About a": has 1100057 bytes, and a ConfigMap takes 1 MiB. To fix: make two dashboards of it.',
    ],
  ])('are refused with %s', (_title, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('settings', () => {
  test('send nothing to grafana.com, and keep the plugins of the image', () => {
    expect(envOf(() => ({}))).toEqual({
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_FEEDBACK_LINKS_ENABLED: 'false',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_NEWS_NEWS_FEED_ENABLED: 'false',
      GF_PLUGINS_PREINSTALL_AUTO_UPDATE: 'false',
      GF_PLUGINS_PREINSTALL_DISABLED: 'true',
      GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
      GF_SECURITY_ADMIN_PASSWORD__FILE: '/etc/secrets/grafana/admin-password',
      GF_SECURITY_DISABLE_GRAVATAR: 'true',
      GF_SNAPSHOTS_EXTERNAL_ENABLED: 'false',
    });
  });

  test('of a demo make everybody a viewer, without any password', () => {
    const make: Make = () => ({ admin: undefined, anonymous: true });
    const env = envOf(make);
    expect(env).toMatchObject({
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
      GF_AUTH_BASIC_ENABLED: 'false',
      GF_AUTH_DISABLE_LOGIN_FORM: 'true',
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
    });
    expect(Object.keys(env).join()).not.toContain('PASSWORD');
    expect(podOf(find(objectsOf(make), 'Deployment', 'web-grafana'))['volumes']).not.toContainEqual(
      expect.objectContaining({ secret: expect.anything() as unknown }),
    );
  });

  test('come from typed props', () => {
    const make: Make = () => ({
      externalUrl: 'https://grafana.example.com',
      admin: { user: 'root', ...admin },
      secretKey: SecretRef.of('grafana', 'secret-key'),
      replicas: 2,
      database: {
        type: 'postgres',
        host: 'db.example.com:5432',
        name: 'dashboards',
        user: 'grafana',
        password: SecretRef.of('db', 'password'),
        sslMode: 'verify-full',
        cidr: '10.1.0.0/16',
      },
      smtp: {
        host: 'mail.example.com:587',
        from: 'grafana@example.com',
        fromName: 'Grafana',
        user: 'grafana',
        password: SecretRef.of('mail', 'password'),
      },
      oauth: {
        name: 'Example',
        clientId: 'grafana',
        clientSecret: SecretRef.of('oauth', 'secret'),
        authUrl: 'https://id.example.com/authorize',
        tokenUrl: 'https://id.example.com/token',
        apiUrl: 'https://id.example.com:8443/userinfo',
        scopes: ['openid', 'groups'],
        roleAttributePath: "contains(groups[*], 'sre') && 'Admin' || 'Viewer'",
        roleAttributeStrict: true,
        autoLogin: false,
      },
      settings: {
        users: { default_theme: 'light' },
        'auth.generic_oauth': { login_attribute_path: 'preferred_username' },
        analytics: { check_for_updates: true },
        'feature-toggles.x': { some: '$(HOME)' },
      },
    });
    expect(envOf(make)).toMatchObject({
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'true',
      GF_AUTH_GENERIC_OAUTH_API_URL: 'https://id.example.com:8443/userinfo',
      GF_AUTH_GENERIC_OAUTH_AUTH_URL: 'https://id.example.com/authorize',
      GF_AUTH_GENERIC_OAUTH_AUTO_LOGIN: 'false',
      GF_AUTH_GENERIC_OAUTH_CLIENT_ID: 'grafana',
      GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET__FILE: '/etc/secrets/oauth/secret',
      GF_AUTH_GENERIC_OAUTH_ENABLED: 'true',
      GF_AUTH_GENERIC_OAUTH_LOGIN_ATTRIBUTE_PATH: 'preferred_username',
      GF_AUTH_GENERIC_OAUTH_NAME: 'Example',
      GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_PATH: "contains(groups[*], 'sre') && 'Admin' || 'Viewer'",
      GF_AUTH_GENERIC_OAUTH_ROLE_ATTRIBUTE_STRICT: 'true',
      GF_AUTH_GENERIC_OAUTH_SCOPES: 'openid groups',
      GF_AUTH_GENERIC_OAUTH_TOKEN_URL: 'https://id.example.com/token',
      GF_AUTH_GENERIC_OAUTH_USE_PKCE: 'true',
      GF_DATABASE_HOST: 'db.example.com:5432',
      GF_DATABASE_NAME: 'dashboards',
      GF_DATABASE_PASSWORD__FILE: '/etc/secrets/db/password',
      GF_DATABASE_SSL_MODE: 'verify-full',
      GF_DATABASE_TYPE: 'postgres',
      GF_DATABASE_USER: 'grafana',
      GF_FEATURE_TOGGLES_X_SOME: '$$(HOME)',
      GF_SECURITY_ADMIN_USER: 'root',
      GF_SECURITY_COOKIE_SECURE: 'true',
      GF_SECURITY_SECRET_KEY__FILE: '/etc/secrets/grafana/secret-key',
      GF_SERVER_DOMAIN: 'grafana.example.com',
      GF_SERVER_ROOT_URL: 'https://grafana.example.com',
      GF_SMTP_ENABLED: 'true',
      GF_SMTP_FROM_ADDRESS: 'grafana@example.com',
      GF_SMTP_FROM_NAME: 'Grafana',
      GF_SMTP_HOST: 'mail.example.com:587',
      GF_SMTP_PASSWORD__FILE: '/etc/secrets/mail/password',
      GF_SMTP_STARTTLS_POLICY: 'MandatoryStartTLS',
      GF_SMTP_USER: 'grafana',
      GF_USERS_DEFAULT_THEME: 'light',
    });
    expect(envOf(make)['GF_SERVER_SERVE_FROM_SUB_PATH']).toBeUndefined();
    const { egress } = find(objectsOf(make), 'NetworkPolicy', 'web-grafana')['spec'];
    const flows = (egress as { to?: unknown; ports: { port: number }[] }[]).map(({ to, ports }) => [
      ports.map(({ port }) => port).join(),
      to,
    ]);
    expect(flows).toContainEqual(['5432', [{ ipBlock: { cidr: '10.1.0.0/16' } }]]);
    expect(flows).toContainEqual(['443,587,8443', undefined]);
  });

  test('download plugins before the start', () => {
    const env = envOf(() => ({
      plugins: [
        { id: 'victoriametrics-metrics-datasource', version: '0.19.0', url: 'https://files.example.com/vm.zip' },
        { id: 'grafana-clock-panel', version: '2.1.8' },
        { id: 'in-the-image' },
      ],
    }));
    expect(env['GF_PLUGINS_PREINSTALL_SYNC']).toBe(
      'victoriametrics-metrics-datasource@0.19.0@https://files.example.com/vm.zip,grafana-clock-panel@2.1.8',
    );
    expect(env['GF_PLUGINS_PREINSTALL_AUTO_UPDATE']).toBe('false');
    expect(env['GF_PLUGINS_PREINSTALL_DISABLED']).toBeUndefined();
  });
});

describe('the endpoint of the web page', () => {
  const uiOf = (make: Make): Endpoint => {
    let ui: Endpoint | undefined;
    synth((chart) => {
      ui = withGrafana(make)(chart).ui();
    });
    return ui!;
  };

  test('is authenticated unless everybody may look', () => {
    expect(uiOf(() => ({})).authenticated).toBe(true);
    expect(uiOf(() => ({ admin: undefined, anonymous: true })).authenticated).toBe(false);
  });

  test('writes where a data source does', () => {
    expect(uiOf((chart) => ({ datasources: [clusterOf(chart).read()] })).writes).toBe(false);
    expect(uiOf((chart) => ({ datasources: [new VmSingle(chart, 'metrics', { volume }).read()] })).writes).toBe(true);
  });
});

const oauth = { clientId: 'a', authUrl: 'https://id/a', tokenUrl: 'https://id/t' };

describe('wrong configurations', () => {
  const CASES: readonly (readonly [string, Loose, ...string[]])[] = [
    [
      'no data source',
      { datasources: [] },
      'datasources = []: there would be nothing to look at. To fix: write for example `datasources: [cluster.read()]`.',
    ],
    [
      'nobody who may log in',
      { admin: undefined },
      'admin = (not set): the first user would be admin with the password admin. ' +
        "To fix: set `admin: { password: SecretRef.of('grafana', 'admin-password') }`, or for a demo `anonymous: true`.",
    ],
    [
      'a password in the clear',
      { admin: { password: 'hunter2' } },
      'admin.password = "***": must be a SecretRef: a secret in the clear would stand in the manifest. ' +
        "To fix: write SecretRef.of('name-of-the-secret', 'key').",
    ],
    [
      'an administrator of a demo',
      { anonymous: true },
      'anonymous = true: everybody is a viewer and nobody logs in, so that `admin` would be of no use. To fix: remove one of them.',
    ],
    [
      'OAuth of a demo',
      { anonymous: true, admin: undefined, oauth, externalUrl: 'https://g' },
      'oauth = {"clientId":"a","authUrl":"https://id/a","tokenUrl":"https://id/t"}: with `anonymous` nobody logs in. ' +
        'To fix: remove it, or set `admin` in the place of `anonymous`.',
    ],
    [
      'OAuth without a way back',
      { oauth },
      'externalUrl = (not set): the provider sends users back there, and would send them to localhost. ' +
        "To fix: set it to where users reach Grafana, e.g. 'https://grafana.example.com'.",
    ],
    [
      'replicas of a file',
      { replicas: 2 },
      'replicas = 2: each pod would have its own SQLite file, and so its own users and sessions. ' +
        'To fix: set `database`, or `replicas` to 1.',
    ],
    [
      'a volume beside a database',
      {
        volume,
        database: { type: 'mysql', host: 'db:3306', user: 'a', password: SecretRef.of('db', 'password') },
      },
      'volume = {"size":"10Gi"}: with `database` the pods keep nothing themselves. To fix: remove one of them.',
    ],
    [
      'a mode of the other database',
      {
        database: {
          type: 'mysql',
          host: 'db:3306',
          user: 'a',
          password: SecretRef.of('db', 'password'),
          sslMode: 'require',
        },
      },
      'database.sslMode = "require": mysql knows false, true, skip-verify. ' +
        "To fix: use one of 'false', 'true', 'skip-verify'.",
    ],
    [
      'two defaults',
      {
        datasources: [
          { endpoint: external, name: 'A', isDefault: true },
          { endpoint: external, name: 'B', isDefault: true },
        ],
      },
      'datasources[1].isDefault = true: datasources[0] is the default already, and Grafana does not start with two. ' +
        'To fix: remove it from one of them.',
    ],
    [
      'no default',
      { datasources: [{ endpoint: external, isDefault: false }] },
      'datasources[0].isDefault = false: none of the data sources would be the default, which panels ask that name none. ' +
        'To fix: remove it from one of them.',
    ],
    [
      'two of one name',
      { datasources: [external, external] },
      'datasources[1].name = "VictoriaMetrics": is the name of datasources[0] as well, and Grafana would keep only one of them. ' +
        "To fix: set `name`, e.g. { endpoint: cluster.read(), name: 'Shop' }.",
      'datasources[1].uid = "victoriametrics": is the uid of datasources[0] as well, and Grafana would keep only one of them. ' +
        "To fix: set `uid`, e.g. { endpoint: cluster.read(), uid: 'shop' }.",
    ],
    [
      'a plugin that is nowhere',
      { datasources: [{ endpoint: external, type: 'victoriametrics-metrics-datasource' }] },
      'datasources[0].type = "victoriametrics-metrics-datasource": the image does not have this plugin. ' +
        "To fix: add { id: 'victoriametrics-metrics-datasource', version: '...' } to `plugins`; " +
        'without a version it is expected in the image or on a volume.',
    ],
    [
      'an endpoint of another kind',
      { datasources: [external, Endpoint.external('https://a')] },
      'datasources[1] = https://a: must be a ReadEndpoint. ' +
        "To fix: write cluster.read() or ReadEndpoint.external('https://...').",
    ],
    [
      'settings of a data source that belong to props, or are secret',
      { datasources: [{ endpoint: external, jsonData: { timeInterval: '5s', apiKey: 'hunter2' } }] },
      'datasources[0].jsonData.timeInterval = "5s": belongs to interval. To fix: remove it here and use interval.',
      'datasources[0].jsonData.apiKey = "***": looks like a secret, and would stand in the manifest in the clear. ' +
        'To fix: pass `credentials` with a SecretRef to the endpoint instead.',
    ],
    [
      'something else for an Alertmanager',
      { alertmanager: external },
      'alertmanager = https://metrics.example.com/prometheus: must be a NotifyEndpoint. ' +
        "To fix: write alertmanager.notify() or NotifyEndpoint.external('https://...').",
    ],
    [
      'equal uids and titles of dashboards',
      {
        dashboards: [
          Dashboards.of('A', { a: model('a', { title: 'T' }), b: model('b', { title: 'T' }) }),
          Dashboards.of('B', { c: model('a', { title: 'T' }) }),
        ],
      },
      "dashboards[0]['b'].title = \"T\": is the title of dashboards[0]['a'] in the same folder. To fix: rename one of them.",
      "dashboards[1]['c'].uid = \"a\": is the uid of dashboards[0]['a'] as well: Grafana would show only one of them. " +
        'To fix: give each a uid of its own.',
    ],
    [
      'a folder given twice',
      { dashboards: [Dashboards.of('A b', { a: model('a') }), Dashboards.of('a-B', { b: model('b') })] },
      'dashboards[1] = "a-B": is the same folder as A b. ' +
        'To fix: put the dashboards of a folder into one `Dashboards.of`, or give another title.',
    ],
    [
      'a dashboard of an unknown data source',
      { dashboards: [Dashboards.of('A', { a: model('a', { panels: [{ datasource: { uid: 'victoriametric' } }] }) })] },
      'dashboards[0][\'a\'] = "victoriametric": asks a data source that there is not. ' +
        "To fix: use 'victoriametrics', or a variable of type datasource.",
    ],
    [
      'a downloaded dashboard that asks for a data source first',
      {
        dashboards: [
          Dashboards.of('A', {
            a: model('a', { panels: [{ datasource: { type: 'prometheus', uid: '${DS_PROMETHEUS}' } }] }),
          }),
        ],
      },
      'dashboards[0][\'a\'] = "${DS_PROMETHEUS}": asks the data source of a variable that it does not have, as after a ' +
        "download. To fix: use one of 'victoriametrics', or a variable of type datasource.",
    ],
    [
      'dashboards for data sources of another type',
      {
        datasources: [{ endpoint: external, type: 'victoriametrics-metrics-datasource' }],
        plugins: [{ id: 'victoriametrics-metrics-datasource', version: '0.19.0' }],
        dashboards: [Dashboards.of('A', { a: variable, b: { ...variable, uid: 'c', title: 'C' } })],
      },
      'dashboards[0] = "prometheus": its dashboards offer data sources of this type, and those that there are have the ' +
        'type victoriametrics-metrics-datasource. To fix: write ' +
        "`folder.withDatasourceType('victoriametrics-metrics-datasource')` in the place of the folder.",
    ],
    [
      'TLS of an endpoint without it',
      { datasources: [{ endpoint: ReadEndpoint.external('http://a'), tls: { insecureSkipVerify: true } }] },
      'datasources[0].tls = {"insecureSkipVerify":true}: the endpoint is http, so that it would not be used. To fix: ' +
        'remove it, or take an endpoint with https.',
    ],
    [
      'a URL with parameters',
      { externalUrl: 'https://a?b=c' },
      'externalUrl = "https://a?b=c": must be a URL of http or https, without credentials and parameters. ' +
        "To fix: write for example 'https://grafana.example.com'.",
    ],
    [
      'settings that belong to props',
      {
        settings: {
          'auth.anonymous': { enabled: true },
          paths: { data: '/data' },
          smtp: { starttls_policy: 'NoStartTLS' },
        },
      },
      "settings['auth.anonymous'].enabled = true: belongs to anonymous. To fix: remove it here and use anonymous.",
      'settings[\'paths\'].data = "/data": belongs to the library itself. To fix: remove it.',
      'settings[\'smtp\'].starttls_policy = "NoStartTLS": belongs to smtp. To fix: remove it here and use smtp.',
    ],
    [
      'settings that are secret, empty or misspelt',
      {
        settings: {
          'auth.google': { client_secret: 'hunter2' },
          remote_cache: { connstr: 'redis://user:hunter2@host' },
          users: { home_page: '', 'default-theme': 'light' },
        },
      },
      'settings[\'auth.google\'].client_secret = "***": looks like a secret, and would stand in the manifest in the clear. ' +
        "To fix: set `env: [{ name: 'GF_AUTH_GOOGLE_CLIENT_SECRET', valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } } }]`.",
      'settings[\'remote_cache\'].connstr = "redis://user:***@host": looks like a secret, and would stand in the manifest in the clear. ' +
        "To fix: set `env: [{ name: 'GF_REMOTE_CACHE_CONNSTR', valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } } }]`.",
      'settings[\'users\'].home_page = "": Grafana takes no notice of an empty variable. To fix: remove it, or give a value.',
      'settings[\'users\'].default-theme = "light": sections and keys have letters, digits, _ and ., sections also -, and begin with a letter. ' +
        "To fix: write it as in grafana.ini, e.g. settings: { 'auth.proxy': { enabled: true } }.",
    ],
    [
      'variables that belong to props',
      { env: [{ name: 'GF_SERVER_ROOT_URL', value: 'https://a' }] },
      'env[\'GF_SERVER_ROOT_URL\'] = "https://a": belongs to externalUrl. To fix: remove it here and use externalUrl.',
    ],
    [
      'a mail server without a port, and half a login',
      { smtp: { host: 'mail', from: 'grafana' } },
      'smtp.host = "mail": must be host:port. To fix: give host:port.',
      "smtp.from = \"grafana\": must be an address such as 'grafana@example.com'. To fix: give an address such as 'grafana@example.com'.",
    ],
    [
      'half a login',
      { smtp: { host: 'mail:25', from: 'grafana@example.com', user: 'a' } },
      'smtp.password = (not set): a login needs a user and a password. To fix: set `smtp.user` and `smtp.password`, or neither.',
    ],
    [
      'a plugin of no version',
      { plugins: [{ id: 'a', url: 'https://a/a.zip' }] },
      'plugins[0].version = (not set): Grafana downloads it again where it does not know the version. ' +
        'To fix: set `plugins[0].version` to that of the file.',
    ],
    [
      'a URL with a password',
      { externalUrl: 'https://a:hunter2@grafana.example.com' },
      'externalUrl = "https://a:***@grafana.example.com": must be a URL of http or https, without credentials and parameters. ' +
        "To fix: write for example 'https://grafana.example.com'.",
    ],
    [
      'an autoscaler, and a prop that there is not',
      { autoscaling: {}, dashboard: [] },
      'autoscaling = {}: the load comes from a few users, and follows no measure of a pod. To fix: set `replicas`.',
      'dashboard = []: there is no such prop. To fix: did you mean `dashboards`?',
    ],
  ];

  for (const [title, props, ...messages] of CASES) {
    test(`are told of: ${title}`, () => {
      expect(problemsOf(withGrafana(() => props))).toEqual(messages.map((message) => `[test/web] ${message}`));
    });
  }
});

test('the compiler wants an administrator or a demo, not both', () => {
  const datasources = [external];
  const right: GrafanaProps[] = [
    { datasources, admin },
    { datasources, anonymous: true },
  ];
  // @ts-expect-error -- neither of the two
  const neither: GrafanaProps = { datasources };
  // @ts-expect-error -- both of the two
  const both: GrafanaProps = { datasources, admin, anonymous: true };
  expect([...right, neither, both]).toHaveLength(4);
});
