import { Duration, Size, Yaml } from 'cdk8s';
import type { Construct } from 'constructs';
import { checkProps, Problems } from '../validation';
import { Cpu, IMAGES } from '../values';
import { Endpoint, type Wired } from '../wiring';
import {
  doubleDollars,
  instanceName,
  isEphemeral,
  livenessProbe,
  readinessProbe,
  Workload,
  type Controller,
} from '../workload';
import { checkDashboards, type DashboardFolder } from './dashboards';
import { datasourceFile, datasources, datasourceSecrets, VICTORIA_METRICS_PLUGIN, type Datasource } from './datasource';
import { SHAPE, type CheckedGrafanaProps, type GrafanaProps } from './props';
import { secretVariables } from './secrets';
import { Settings } from './settings';

const PORT_NAME = 'http';
const PORT = 3000;
const DATA_PATH = '/var/lib/grafana';
const PROVISIONING_FOLDER = '/etc/grafana/provisioning';
const DASHBOARD_FOLDER = '/etc/grafana/dashboards';
const CATALOGUE = 'https://grafana.com';

/**
 * Grafana with data sources and dashboards as code. It is a Deployment, or with a claim as `volume` a StatefulSet.
 *
 * Dashboards are read again by the running pods within about two minutes. Data sources and settings roll the pods; a
 * Secret that changes is read at the next start. Unless told otherwise nothing is sent to grafana.com or fetched from
 * there: plugins are those of the image, in its versions.
 *
 * Unless told otherwise a pod requests 250m CPU and 750Mi memory, is limited to 1Gi memory and not in CPU, has 30 s to
 * end, and readiness and liveness probes.
 *
 * @see https://grafana.com/docs/grafana/latest/
 */
export class Grafana extends Workload {
  private readonly anonymous: boolean;
  private readonly path: string;
  private readonly all: readonly Datasource[];

  /** Wrong props are reported when the app is synthesized, all at once. */
  public constructor(scope: Construct, id: string, given: GrafanaProps) {
    const problems = new Problems();
    const props = checkProps<object>(given, SHAPE, problems) as CheckedGrafanaProps;
    const { dashboards = [], externalUrl } = props;
    const instance = instanceName(props.name, id, '-grafana', problems);
    const settings = settingsOf(props, problems);
    const all = datasources(props.datasources ?? [], props.alertmanager, problems);
    const secrets = all.flatMap(datasourceSecrets);
    const path = externalUrl === undefined ? '' : new URL(externalUrl).pathname.replace(/\/+$/, '');
    super(scope, id, {
      controller: controllerOf(props),
      name: `${instance}-grafana`,
      identity: { name: 'grafana', instance, component: 'visualization' },
      image: IMAGES.grafana,
      args: () => [],
      env: [...settings.variables(), ...secretVariables(secrets)],
      secrets: () => [...settings.secrets(), ...secrets],
      // Plugins are processes of their own, and have their sockets there.
      volumes: [{ name: 'tmp', emptyDir: {} }],
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
      ports: [{ name: PORT_NAME, port: PORT, appProtocol: 'http' }],
      metrics: [{ portName: PORT_NAME, path: `${path}/metrics` }],
      // The requests are those of the manifest in Grafana's documentation.
      resources: {
        cpu: { request: Cpu.millis(250) },
        memory: { request: Size.mebibytes(750), limit: Size.gibibytes(1) },
      },
      probes: {
        readiness: readinessProbe({ httpGet: { path: `${path}/api/health`, port: PORT_NAME } }),
        // The first start makes the database. Later the process answers here also while the database is away.
        liveness: {
          ...livenessProbe({ httpGet: { path: `${path}/healthz`, port: PORT_NAME } }),
          initialDelaySeconds: 60,
        },
      },
      gracePeriod: { standard: Duration.seconds(30), least: Duration.seconds(5) },
      props,
      prefix: '',
      problems,
    });
    this.anonymous = props.anonymous ?? false;
    this.path = path;
    this.all = all;

    check(given, props, problems);
    checkDashboards(dashboards, all, problems);
    for (const { endpoint } of all) endpoint.connectFrom(this);
    connect(this, props, problems);
    this.addConfigFiles('datasources', `${PROVISIONING_FOLDER}/datasources`, {
      'datasources.yaml': datasourceFile(all),
    });
    this.addConfigFiles('dashboards', `${PROVISIONING_FOLDER}/dashboards`, {
      'dashboards.yaml': dashboardFile(dashboards),
    });
    for (const { name, files } of distinct(dashboards)) {
      this.addConfigFiles(`dashboards-${name}`, `${DASHBOARD_FOLDER}/${name}`, files, { reloaded: true, split: true });
    }
  }

  /** Where users look: for an EndpointIngress, or `allowFrom`. */
  public ui(): Endpoint {
    return this.endpoint(PORT_NAME, {
      path: this.path,
      authenticated: !this.anonymous,
      // Grafana passes on any GET request of a viewer.
      writes: this.all.some(({ endpoint }) => endpoint.writes),
    });
  }
}

function controllerOf({ volume = { ephemeral: true }, replicas = 1 }: CheckedGrafanaProps): Controller {
  return isEphemeral(volume)
    ? { kind: 'Deployment', replicas, data: { volume, mountPath: DATA_PATH } }
    : { kind: 'StatefulSet', replicas, data: { volume, mountPath: DATA_PATH }, balanced: true };
}

function settingsOf(props: CheckedGrafanaProps, problems: Problems): Settings {
  const { externalUrl, admin, anonymous = false, oauth, smtp, database, plugins = [] } = props;
  const downloaded = plugins.filter(({ version }) => version !== undefined);
  const settings = new Settings(problems)
    .set('paths', { data: undefined, plugins: undefined, provisioning: undefined, config: undefined, home: undefined })
    .set('server', { protocol: undefined, http_addr: undefined, http_port: undefined })
    .set('metrics', { enabled: undefined, basic_auth_username: undefined, basic_auth_password: undefined })
    .set(
      'server',
      {
        domain: externalUrl === undefined ? undefined : new URL(externalUrl).hostname,
        root_url: externalUrl,
        serve_from_sub_path: externalUrl !== undefined && new URL(externalUrl).pathname !== '/' ? true : undefined,
      },
      'externalUrl',
    )
    .set('security', { admin_user: admin?.user, admin_password: admin?.password }, 'admin')
    .set('security', { secret_key: props.secretKey }, 'secretKey')
    .set('security', { disable_initial_admin_creation: anonymous || undefined }, 'anonymous')
    .set('auth.anonymous', { enabled: anonymous || undefined, org_role: anonymous ? 'Viewer' : undefined }, 'anonymous')
    .set(
      'smtp',
      {
        enabled: smtp && true,
        host: smtp?.host,
        user: smtp?.user,
        password: smtp?.password,
        from_address: smtp?.from,
        from_name: smtp?.fromName,
        startTLS_policy: smtp && (smtp.startTls ?? 'MandatoryStartTLS'),
      },
      'smtp',
    )
    .set(
      'database',
      {
        type: database?.type,
        host: database?.host,
        name: database?.name,
        user: database?.user,
        password: database?.password,
        ssl_mode: database?.sslMode,
        url: undefined,
      },
      'database',
    )
    .set(
      'auth.generic_oauth',
      {
        enabled: oauth && true,
        name: oauth?.name,
        client_id: oauth?.clientId,
        client_secret: oauth?.clientSecret,
        auth_url: oauth?.authUrl,
        token_url: oauth?.tokenUrl,
        api_url: oauth?.apiUrl,
        scopes: oauth && (oauth.scopes ?? ['openid', 'profile', 'email']).join(' '),
        role_attribute_path: oauth?.roleAttributePath,
        role_attribute_strict: oauth?.roleAttributeStrict,
        auto_login: oauth?.autoLogin,
        use_pkce: oauth && true,
      },
      'oauth',
    )
    .set(
      'plugins',
      {
        // Bundled plugins would be replaced by newer ones, which a read-only file system does not let happen: Grafana
        // ends the plugin, fails, and goes on without it.
        preinstall_auto_update: false,
        // This would ignore the plugins of the user as well.
        preinstall_disabled: downloaded.length === 0 ? true : undefined,
        preinstall_sync:
          downloaded.length === 0
            ? undefined
            : downloaded
                .map(({ id, version, url }) => [id, version, url].filter((part) => part !== undefined).join('@'))
                .join(','),
        preinstall: undefined,
      },
      'plugins',
    )
    .default('plugins', { public_key_retrieval_disabled: true })
    .default('analytics', {
      reporting_enabled: false,
      check_for_updates: false,
      check_for_plugin_updates: false,
      feedback_links_enabled: false,
    })
    .default('news', { news_feed_enabled: false })
    .default('snapshots', { external_enabled: false })
    .default('security', {
      disable_gravatar: true,
      ...(externalUrl?.startsWith('https:') && { cookie_secure: true }),
    });
  if (anonymous) {
    settings.set('auth', { disable_login_form: true }, 'anonymous').set('auth.basic', { enabled: false }, 'anonymous');
  }
  settings.addExtra(props.settings);
  settings.checkEnv(props.env);
  return settings;
}

function check(given: GrafanaProps | undefined, props: CheckedGrafanaProps, problems: Problems): void {
  const { admin, anonymous = false, oauth, datasources: wanted } = (given ?? {}) as Partial<GrafanaProps>;
  const { replicas = 1, database, volume, plugins = [] } = props;
  problems.when(wanted === undefined || (Array.isArray(wanted) && wanted.length === 0), {
    prop: 'datasources',
    value: wanted,
    rule: 'there would be nothing to look at',
    fix: 'write for example `datasources: [cluster.read()]`',
  });
  problems.when(admin === undefined && !anonymous, {
    prop: 'admin',
    value: undefined,
    rule: 'the first user would be admin with the password admin',
    fix: "set `admin: { password: SecretRef.of('grafana', 'admin-password') }`, or for a demo `anonymous: true`",
  });
  problems.when(anonymous && admin !== undefined, {
    prop: 'anonymous',
    value: true,
    rule: 'everybody is a viewer and nobody logs in, so that `admin` would be of no use',
    fix: 'remove one of them',
  });
  problems.when(anonymous && oauth !== undefined, {
    prop: 'oauth',
    value: oauth,
    rule: 'with `anonymous` nobody logs in',
    fix: 'remove it, or set `admin` in the place of `anonymous`',
  });
  problems.when(props.oauth !== undefined && given?.externalUrl === undefined, {
    prop: 'externalUrl',
    value: undefined,
    rule: 'the provider sends users back there, and would send them to localhost',
    fix: "set it to where users reach Grafana, e.g. 'https://grafana.example.com'",
  });
  problems.when(replicas > 1 && given?.database === undefined, {
    prop: 'replicas',
    value: replicas,
    rule: 'each pod would have its own SQLite file, and so its own users and sessions',
    fix: 'set `database`, or `replicas` to 1',
  });
  problems.when(database !== undefined && volume !== undefined, {
    prop: 'volume',
    value: volume,
    rule: 'with `database` the pods keep nothing themselves',
    fix: 'remove one of them',
  });
  props.datasources?.forEach(({ type }, index) => {
    problems.when(type === VICTORIA_METRICS_PLUGIN && !plugins.some(({ id }) => id === type), {
      prop: `datasources[${index}].type`,
      value: type,
      rule: 'the image does not have this plugin',
      fix: `add { id: '${VICTORIA_METRICS_PLUGIN}', version: '...' } to \`plugins\`; without a version it is expected in the image or on a volume`,
    });
  });
}

/** Lets the pods reach what Grafana itself connects to. */
function connect(grafana: Wired, props: CheckedGrafanaProps, problems: Problems): void {
  const { database, smtp, oauth, plugins = [] } = props;
  for (const server of [database, smtp]) {
    if (server === undefined) continue;
    const [, host = '', port] = /^(.*):(\d+)$/.exec(server.host) ?? [];
    new Endpoint({ scheme: 'tcp', host, port: Number(port), cidr: server.cidr }).connectFrom(grafana);
  }
  const downloads = plugins.filter(({ version }) => version !== undefined).map(({ url }) => url ?? CATALOGUE);
  for (const url of [oauth?.tokenUrl, oauth?.apiUrl, ...downloads]) {
    if (url !== undefined) problems.attempt(() => Endpoint.external(url))?.connectFrom(grafana);
  }
}

/** The provisioning file of the dashboards. */
function dashboardFile(folders: readonly DashboardFolder[]): string {
  return Yaml.stringify({
    apiVersion: 1,
    providers: distinct(folders).map(({ name, title }) => ({
      name,
      folder: doubleDollars(title),
      folderUid: name,
      type: 'file',
      updateIntervalSeconds: 30,
      allowUiUpdates: false,
      options: { path: `${DASHBOARD_FOLDER}/${name}` },
    })),
  });
}

/** The first of each name: of others a problem tells. */
function distinct(folders: readonly DashboardFolder[]): DashboardFolder[] {
  return folders.filter(({ name }, index) => folders.findIndex((other) => other.name === name) === index);
}
