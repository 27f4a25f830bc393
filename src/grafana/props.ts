import {
  all,
  atLeastOne,
  boolean,
  externalUrl,
  forbidden,
  hideUrlSecrets,
  instance,
  listOf,
  mapOf,
  object,
  oneOf,
  rule,
  text,
  type Check,
  type Shape,
} from '../validation';
import { secretRefCheck, type SecretRef } from '../values';
import { cidrCheck, notifyEndpointCheck, type NotifyEndpoint, type ReadEndpoint } from '../wiring';
import {
  INSTANCE_SHAPE,
  volumeCheck,
  WORKLOAD_SHAPE,
  type InstanceProps,
  type VolumeProps,
  type WorkloadProps,
} from '../workload';
import type { DashboardFolder } from './dashboards';
import { datasourceCheck, type DatasourceProps } from './datasource';
import type { GrafanaSettings } from './settings';

/** What any Grafana may have. */
export interface GrafanaBaseProps extends WorkloadProps, InstanceProps {
  /** What is queried; each endpoint, and so each tenant, is a data source. */
  readonly datasources: readonly (ReadEndpoint | DatasourceProps)[];
  /** Dashboards by folder, made by `Dashboards.of`. Users cannot change them in the browser. @default - none */
  readonly dashboards?: readonly DashboardFolder[];
  /** An Alertmanager whose alerts and silences are shown. @default - none */
  readonly alertmanager?: NotifyEndpoint;
  /**
   * Where users reach it: `root_url` of Grafana. Behind a path it serves below that path, which whatever is in front
   * must not take off. Cookies are sent by https only where this is https.
   *
   * @default - not known: links in mails lead nowhere
   */
  readonly externalUrl?: string;
  /**
   * Where users, preferences and what was made in the browser are kept over a restart. Data sources and dashboards given
   * here need it not. A claim makes the Deployment a StatefulSet: where Grafana is in use, delete the Deployment.
   *
   * @default - nowhere: they are gone with the pod
   */
  readonly volume?: VolumeProps;
  /** A database in the place of a file, which several replicas share. @default - SQLite in a file of the pod */
  readonly database?: GrafanaDatabase;
  /** How many pods; several need `database`. Of alert rules made in Grafana each would notify. @default 1 */
  readonly replicas?: number;
  /** How mail is sent: invitations, and notifications of alert rules made in Grafana. @default - no mail */
  readonly smtp?: GrafanaSmtp;
  /** Plugins beside those in the image. @default - none */
  readonly plugins?: readonly GrafanaPlugin[];
  /**
   * What secrets in the database are encrypted with, and cookies signed; set it before the first start.
   *
   * @default - that of Grafana, which everybody knows
   */
  readonly secretKey?: SecretRef;
  /**
   * Settings that no prop covers, as in grafana.ini: `{ users: { default_theme: 'light' } }`. Grafana takes no notice of
   * one that it does not know.
   *
   * @default - nothing is sent to grafana.com, or fetched from there
   */
  readonly settings?: GrafanaSettings;
}

/** A Grafana that asks users who they are. */
export interface GrafanaWithUsersProps extends GrafanaBaseProps {
  /** The first user, who may do everything. */
  readonly admin: GrafanaAdmin;
  /** True is for `AnonymousGrafanaProps`. @default false */
  readonly anonymous?: false;
  /** Users of an OAuth 2 or OpenID Connect provider. @default - users that the administrator makes */
  readonly oauth?: GrafanaOAuth;
}

/** A Grafana that lets everybody look and nobody in, for demos: there is no password. */
export interface AnonymousGrafanaProps extends GrafanaBaseProps {
  /**
   * Whether everybody is a viewer. Viewers may send any GET request to the data sources: where those can store or delete
   * data by it, put a VmAuth between.
   */
  readonly anonymous: true;
  /** Nobody logs in. */
  readonly admin?: undefined;
  /** Nobody logs in. */
  readonly oauth?: undefined;
}

export type GrafanaProps = GrafanaWithUsersProps | AnonymousGrafanaProps;

/** The administrator. Both are read at the first start only, where the database is kept. */
export interface GrafanaAdmin {
  /** The name to log in with. @default admin */
  readonly user?: string;
  /** The first password. */
  readonly password: SecretRef;
}

/** A database that Grafana keeps everything in. */
export interface GrafanaDatabase {
  /** Which database it is. */
  readonly type: 'postgres' | 'mysql';
  /** `host:port`. */
  readonly host: string;
  /** The name of the database, which must be there. @default grafana */
  readonly name?: string;
  /** Who Grafana is to it. */
  readonly user: string;
  /** The password of the user. */
  readonly password: SecretRef;
  /** For postgres disable, require or verify-full; for mysql false, true or skip-verify. @default - that of Grafana: disable or false */
  readonly sslMode?: 'disable' | 'require' | 'verify-full' | 'false' | 'true' | 'skip-verify';
  /** The addresses behind the host, for the NetworkPolicy. @default - any address on the port */
  readonly cidr?: string;
}

/** A mail server. */
export interface GrafanaSmtp {
  /** `host:port`. */
  readonly host: string;
  /** The address of the sender. */
  readonly from: string;
  /** The name of the sender. @default Grafana */
  readonly fromName?: string;
  /** Who Grafana is to the server. @default - no login */
  readonly user?: string;
  /** The password of the user. @default - no login */
  readonly password?: SecretRef;
  /** Whether mails are encrypted on the way: always, where the server can, or never. @default MandatoryStartTLS */
  readonly startTls?: 'MandatoryStartTLS' | 'OpportunisticStartTLS' | 'NoStartTLS';
  /** The addresses behind the host, for the NetworkPolicy. @default - any address on the port */
  readonly cidr?: string;
}

/**
 * A provider of OAuth 2 or OpenID Connect. It must let users return to `<externalUrl>/login/generic_oauth`. Other settings
 * are those of `settings['auth.generic_oauth']`.
 */
export interface GrafanaOAuth {
  /** On the button of the login page. @default OAuth */
  readonly name?: string;
  /** The id of Grafana at the provider. */
  readonly clientId: string;
  /** The secret of Grafana at the provider. @default - none: a public client */
  readonly clientSecret?: SecretRef;
  /** Where the browser of a user is sent. */
  readonly authUrl: string;
  /** Where Grafana gets a token. */
  readonly tokenUrl: string;
  /** Where Grafana asks who the user is. @default - the id token says so */
  readonly apiUrl?: string;
  /** What the token is asked for. @default - openid, profile and email */
  readonly scopes?: readonly string[];
  /** A JMESPath expression that gives Viewer, Editor, Admin or GrafanaAdmin, e.g. `contains(groups[*], 'sre') && 'Admin' || 'Viewer'`. @default - everybody is a viewer */
  readonly roleAttributePath?: string;
  /** Whether users without a role are refused. @default false */
  readonly roleAttributeStrict?: boolean;
  /** Whether users are sent to the provider at once, without the login page. @default false */
  readonly autoLogin?: boolean;
}

/** A plugin beside those in the image. */
export interface GrafanaPlugin {
  /** e.g. `victoriametrics-metrics-datasource`. */
  readonly id: string;
  /**
   * The version that is downloaded before each start, which fails when it cannot.
   *
   * @default - none is downloaded: the image, or a volume mounted at `/var/lib/grafana/plugins/<id>`, has the plugin
   */
  readonly version?: string;
  /** The zip file, e.g. on a server of your own where grafana.com is out of reach. @default - in the catalogue at grafana.com */
  readonly url?: string;
}

const hostAndPort = text(/^([^\s:/@[\]]+|\[[0-9a-f:]+\]):\d{1,5}$/i, 'host:port');

const urlCheck: Check = (value, prop, problems) => {
  if (typeof value === 'string' && URL.canParse(value)) {
    const { protocol, username, password, hash } = new URL(value);
    const clear = hideUrlSecrets(value) === value && username === '' && password === '';
    if (/^https?:$/.test(protocol) && clear && hash === '') return value;
  }
  problems.add({
    prop,
    value: typeof value === 'string' ? hideUrlSecrets(value) : value,
    rule: 'must be a URL of http or https, without credentials',
    fix: "write for example 'https://host.example.com/path'",
  });
  return undefined;
};

const databaseCheck: Check = all(
  object<GrafanaDatabase>(
    {
      type: oneOf('postgres', 'mysql'),
      host: hostAndPort,
      name: text(),
      user: text(),
      password: secretRefCheck,
      sslMode: oneOf('disable', 'require', 'verify-full', 'false', 'true', 'skip-verify'),
      cidr: cidrCheck,
    },
    'type',
    'host',
    'user',
    'password',
  ),
  (value, prop, problems) => {
    const { type, sslMode } = value as GrafanaDatabase;
    const modes = type === 'postgres' ? ['disable', 'require', 'verify-full'] : ['false', 'true', 'skip-verify'];
    problems.when(sslMode !== undefined && !modes.includes(sslMode), {
      prop: `${prop}.sslMode`,
      value: sslMode,
      rule: `${type} knows ${modes.join(', ')}`,
      fix: `use one of '${modes.join("', '")}'`,
    });
    return value;
  },
);

const smtpCheck: Check = all(
  object<GrafanaSmtp>(
    {
      host: hostAndPort,
      from: text(/^[^\s@<>]+@[^\s@<>]+$/, "an address such as 'grafana@example.com'"),
      fromName: text(),
      user: text(),
      password: secretRefCheck,
      startTls: oneOf('MandatoryStartTLS', 'OpportunisticStartTLS', 'NoStartTLS'),
      cidr: cidrCheck,
    },
    'host',
    'from',
  ),
  (value, prop, problems) => {
    const { user, password } = value as GrafanaSmtp;
    problems.when((user === undefined) !== (password === undefined), {
      prop: `${prop}.${user ? 'password' : 'user'}`,
      value: undefined,
      rule: 'a login needs a user and a password',
      fix: `set \`${prop}.user\` and \`${prop}.password\`, or neither`,
    });
    return value;
  },
);

const oauthCheck: Check = object<GrafanaOAuth>(
  {
    name: text(),
    clientId: text(),
    clientSecret: secretRefCheck,
    authUrl: urlCheck,
    tokenUrl: urlCheck,
    apiUrl: urlCheck,
    scopes: listOf(text(/^[^\s,]+$/, 'a scope, without spaces')),
    roleAttributePath: text(),
    roleAttributeStrict: boolean,
    autoLogin: boolean,
  },
  'clientId',
  'authUrl',
  'tokenUrl',
);

const pluginCheck: Check = all(
  object<GrafanaPlugin>(
    {
      id: text(/^[a-z0-9]+(-[a-z0-9]+)*$/, "the id of a plugin, e.g. 'victoriametrics-metrics-datasource'"),
      version: text(/^\d+\.\d+\.\d+[-+.\w]*$/, "a version, e.g. '0.19.0'"),
      url: urlCheck,
    },
    'id',
  ),
  (value, prop, problems) => {
    const { url, version } = value as GrafanaPlugin;
    problems.when(url !== undefined && version === undefined, {
      prop: `${prop}.version`,
      value: undefined,
      rule: 'Grafana downloads it again where it does not know the version',
      fix: `set \`${prop}.version\` to that of the file`,
    });
    return value;
  },
);

const setting = rule(
  (value) => ['string', 'number', 'boolean'].includes(typeof value),
  'must be a string, a number, true or false',
  'give one of these',
);

/** Both kinds in one, as the code reads them. */
interface AllGrafanaProps extends GrafanaBaseProps {
  readonly admin?: GrafanaAdmin;
  readonly anonymous?: boolean;
  readonly oauth?: GrafanaOAuth;
}

export const SHAPE: Shape<AllGrafanaProps & { readonly autoscaling?: never }> = {
  ...WORKLOAD_SHAPE,
  ...INSTANCE_SHAPE,
  datasources: listOf(datasourceCheck),
  dashboards: listOf(instance('DashboardFolder', 'models', "Dashboards.of('Overview', { ... })")),
  alertmanager: notifyEndpointCheck,
  externalUrl: externalUrl('https://grafana.example.com'),
  volume: volumeCheck,
  database: databaseCheck,
  replicas: atLeastOne,
  smtp: smtpCheck,
  plugins: listOf(pluginCheck),
  secretKey: secretRefCheck,
  settings: mapOf(mapOf(setting)),
  admin: object<GrafanaAdmin>({ user: text(), password: secretRefCheck }, 'password'),
  anonymous: boolean,
  oauth: oauthCheck,
  autoscaling: forbidden('the load comes from a few users, and follows no measure of a pod', 'set `replicas`'),
};

/** What the checks make of the props: a bare endpoint has become an object. */
export type CheckedGrafanaProps = Partial<Omit<AllGrafanaProps, 'datasources'>> & {
  readonly datasources?: readonly DatasourceProps[];
};
