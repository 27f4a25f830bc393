import { Duration } from 'cdk8s';
import {
  all,
  anything,
  boolean,
  duration,
  inTheClear,
  mapOf,
  namesSecret,
  oneOf,
  text,
  wholeSeconds,
  type Check,
  type Problems,
} from '../validation';
import { goDuration, type SecretRef } from '../values';
import {
  clientSecrets,
  clientTlsCheck,
  endpointOrProps,
  readEndpointCheck,
  type ClientTls,
  type Credentials,
  type Endpoint,
  type NotifyEndpoint,
  type ReadEndpoint,
} from '../wiring';
import { doubleDollars, yamlText } from '../workload';
import { placeholder } from './secrets';

/** The data source plugin of VictoriaMetrics, which knows MetricsQL. */
export const VICTORIA_METRICS_PLUGIN = 'victoriametrics-metrics-datasource';

/** What Grafana asks a data source by. */
export type DatasourceType = 'prometheus' | typeof VICTORIA_METRICS_PLUGIN;

export const METRICS_TYPES: readonly DatasourceType[] = ['prometheus', VICTORIA_METRICS_PLUGIN];

/** A data source: one endpoint, which is one tenant. */
export interface DatasourceProps {
  /** Where to query. Its credentials are sent along; NetworkPolicies let Grafana reach it. */
  readonly endpoint: ReadEndpoint;
  /** What dashboards and users see. @default - VictoriaMetrics, and the tenant where it is not the default one */
  readonly name?: string;
  /** What dashboards refer to: at most 40 letters, digits, - and _. @default - the name in lower case, with - for all else */
  readonly uid?: string;
  /**
   * The plugin of VictoriaMetrics must be among the `plugins` as well, and dashboards be made for it: see
   * `DashboardFolder.withDatasourceType`.
   *
   * @default prometheus
   */
  readonly type?: DatasourceType;
  /** Whether panels that say nothing else ask this one. @default - the first data source */
  readonly isDefault?: boolean;
  /** The scrape interval: the least step of a panel, and what `$__rate_interval` is made from. @default Duration.seconds(30) */
  readonly interval?: Duration;
  /** How long Grafana waits for an answer. @default Duration.seconds(60) */
  readonly timeout?: Duration;
  /**
   * Whether Grafana lists the alerting rules of the data source; VictoriaMetrics has them where its flag
   * `vmalert.proxyURL` is set.
   *
   * @default false
   */
  readonly manageAlerts?: boolean;
  /** How the server is known, and this client to it. @default - the authorities of the system */
  readonly tls?: ClientTls;
  /** Settings of the data source that no prop covers, as in `jsonData` of its provisioning. @default - none */
  readonly jsonData?: Readonly<Record<string, unknown>>;
}

const uidCheck = text(/^[-\w]{1,40}$/, '1 to 40 letters, digits, - and _');

/** What the props of the data source stand for. */
const OWNED: Readonly<Record<string, string>> = {
  httpMethod: 'the library itself',
  timeInterval: 'interval',
  queryTimeout: 'timeout',
  timeout: 'timeout',
  manageAlerts: 'manageAlerts',
  httpHeaderName1: 'the credentials of `endpoint`',
  tlsAuth: 'tls',
  tlsAuthWithCACert: 'tls',
  tlsSkipVerify: 'tls',
  serverName: 'tls',
};

const jsonDataCheck: Check = all(mapOf(anything), (value, prop, problems) => {
  for (const [key, item] of Object.entries(value as object)) {
    const owner = OWNED[key];
    problems.when(owner !== undefined, {
      prop: `${prop}.${key}`,
      value: item,
      rule: `belongs to ${owner}`,
      fix: owner === 'the library itself' ? 'remove it' : `remove it here and use ${owner}`,
    });
    problems.when(namesSecret(key) && typeof item === 'string', {
      prop: `${prop}.${key}`,
      value: '***',
      rule: inTheClear('manifest'),
      fix: 'pass `credentials` with a SecretRef to the endpoint instead',
    });
  }
  return value;
});

/** Takes a bare endpoint as well, and gives `DatasourceProps`. */
export const datasourceCheck = endpointOrProps<DatasourceProps>(readEndpointCheck, {
  name: text(),
  uid: uidCheck,
  type: oneOf(...METRICS_TYPES),
  isDefault: boolean,
  interval: duration,
  timeout: duration,
  manageAlerts: boolean,
  tls: clientTlsCheck,
  jsonData: jsonDataCheck,
});

/** A data source of any type. */
export interface Datasource {
  /** Where it was said. */
  readonly prop: string;
  readonly name: string;
  readonly uid: string;
  readonly endpoint: Endpoint;
  readonly tls?: ClientTls;
  /** As in a provisioning file. */
  readonly settings: { readonly type: string; readonly isDefault: boolean; readonly jsonData: object };
}

export function datasources(
  given: readonly DatasourceProps[],
  alertmanager: NotifyEndpoint | undefined,
  problems: Problems,
): Datasource[] {
  const defaults = given.filter(({ isDefault }) => isDefault === true);
  problems.when(defaults.length > 1, {
    prop: `datasources[${given.indexOf(defaults[1]!)}].isDefault`,
    value: true,
    rule: `datasources[${given.indexOf(defaults[0]!)}] is the default already, and Grafana does not start with two`,
    fix: 'remove it from one of them',
  });
  const first = defaults[0] ?? given.find(({ isDefault }) => isDefault === undefined);
  problems.when(given.length > 0 && first === undefined, {
    prop: 'datasources[0].isDefault',
    value: false,
    rule: 'none of the data sources would be the default, which panels ask that name none',
    fix: 'remove it from one of them',
  });
  const all = given.map((props, index) => metrics(props, props === first, `datasources[${index}]`));
  if (alertmanager) all.push(alerts(alertmanager));
  checkDistinct(all, problems);
  return all;
}

function metrics(props: DatasourceProps, isDefault: boolean, prop: string): Datasource {
  const { endpoint, type = 'prometheus', interval, timeout = Duration.minutes(1), tls } = props;
  const { tenant } = endpoint;
  const name =
    props.name ?? (tenant === undefined || tenant.isDefault ? 'VictoriaMetrics' : `VictoriaMetrics ${tenant}`);
  return {
    prop,
    name,
    uid: props.uid ?? slug(name),
    endpoint,
    tls,
    settings: {
      type,
      isDefault,
      jsonData: {
        // By GET a long query would not fit into the URL.
        httpMethod: 'POST',
        // Has Grafana ask for the label values of the series of a query, rather than for all series.
        ...(type === 'prometheus' && { prometheusType: 'Prometheus', prometheusVersion: '2.24.0' }),
        timeInterval: goDuration(interval ?? Duration.seconds(30)),
        queryTimeout: `${wholeSeconds(timeout)}s`,
        // Else the 30 s of the proxy would end the query before.
        timeout: wholeSeconds(timeout),
        manageAlerts: props.manageAlerts ?? false,
        ...props.jsonData,
      },
    },
  };
}

function alerts(endpoint: NotifyEndpoint): Datasource {
  return {
    prop: 'alertmanager',
    name: 'Alertmanager',
    uid: 'alertmanager',
    endpoint,
    settings: {
      type: 'alertmanager',
      isDefault: false,
      jsonData: { implementation: 'prometheus', handleGrafanaManagedAlerts: false },
    },
  };
}

function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
}

function checkDistinct(all: readonly Datasource[], problems: Problems): void {
  for (const key of ['name', 'uid'] as const) {
    const seen = new Map<string, string>();
    for (const one of all) {
      const other = seen.get(one[key]);
      problems.when(other !== undefined, {
        prop: `${one.prop}.${key}`,
        value: one[key],
        rule: `is the ${key} of ${other} as well, and Grafana would keep only one of them`,
        fix: `set \`${key}\`, e.g. { endpoint: cluster.read(), ${key}: '${key === 'name' ? 'Shop' : 'shop'}' }`,
      });
      seen.set(one[key], one.prop);
    }
  }
}

export function datasourceSecrets({ endpoint, tls }: Datasource): SecretRef[] {
  return clientSecrets(endpoint.credentials, tls);
}

/** The provisioning file. What is provisioned no longer is removed from the database of Grafana. */
export function datasourceFile(all: readonly Datasource[]): string {
  // Through JSON, which leaves out what is not set.
  return yamlText({ apiVersion: 1, prune: true, datasources: all.map(render) });
}

function render({ name, uid, endpoint, tls, settings }: Datasource): object {
  const credentials = credentialsOf(endpoint.credentials);
  const { jsonData, ...own } = settings;
  const secureJsonData = { ...credentials.secureJsonData, ...tlsSecrets(tls) };
  return {
    ...(escaped({ name, uid, ...own, access: 'proxy', url: endpoint.url, ...credentials.own }) as object),
    editable: false,
    jsonData: escaped({ ...jsonData, ...credentials.jsonData, ...tlsSettings(tls) }),
    secureJsonData: Object.keys(secureJsonData).length > 0 ? secureJsonData : undefined,
  };
}

interface RenderedCredentials {
  readonly own?: object;
  readonly jsonData?: object;
  readonly secureJsonData?: object;
}

function credentialsOf(credentials: Credentials | undefined): RenderedCredentials {
  if (credentials === undefined) return {};
  if ('bearerToken' in credentials) {
    return {
      jsonData: { httpHeaderName1: 'Authorization' },
      secureJsonData: { httpHeaderValue1: `Bearer ${placeholder(credentials.bearerToken)}` },
    };
  }
  return {
    own: { basicAuth: true, basicAuthUser: credentials.username },
    secureJsonData: { basicAuthPassword: placeholder(credentials.password) },
  };
}

function tlsSettings({ ca, cert, serverName, insecureSkipVerify }: ClientTls = {}): object {
  return {
    tlsAuth: cert && true,
    tlsAuthWithCACert: ca && true,
    tlsSkipVerify: insecureSkipVerify,
    serverName,
  };
}

function tlsSecrets({ ca, cert, key }: ClientTls = {}): object {
  return {
    ...(ca && { tlsCACert: placeholder(ca) }),
    ...(cert && { tlsClientCert: placeholder(cert) }),
    ...(key && { tlsClientKey: placeholder(key) }),
  };
}

/** In every text of a provisioning file Grafana looks for variables. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return doubleDollars(value);
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [key, escaped(item)]));
}
