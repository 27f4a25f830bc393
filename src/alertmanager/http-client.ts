import type { SecretRef } from '../values';
import type { ClientTls } from '../wiring';
import { all, listOf, mapOf, namesSecretHeader, type Check } from '../validation';
import {
  below,
  choice,
  fields,
  file,
  flag,
  freeForm,
  noFile,
  orFile,
  secret,
  text,
  textMap,
  texts,
  url,
} from './fields';
import { isFile } from './config-problems';

/** TLS towards a receiver. */
export interface ReceiverTls extends ClientTls {
  /** The oldest version. @default - that of Go: TLS12 */
  readonly minVersion?: 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13';
  /** The newest version. @default - the newest */
  readonly maxVersion?: 'TLS10' | 'TLS11' | 'TLS12' | 'TLS13';
}

const VERSION = choice('TLS10', 'TLS11', 'TLS12', 'TLS13');

export const tls: Check = all(
  fields<ReceiverTls>({
    ca: orFile(text),
    cert: orFile(text),
    key: secret,
    serverName: text,
    insecureSkipVerify: flag,
    minVersion: VERSION,
    maxVersion: VERSION,
  }),
  (value, prop, problems) => {
    const given = value as Readonly<Record<string, unknown>>;
    const cert = given.cert !== undefined || given.cert_file !== undefined;
    const key = given.key_file !== undefined;
    problems.when(cert !== key, {
      prop: below(prop, `${cert ? 'key' : 'cert'}${isFile(problems) ? '_file' : ''}`),
      value: undefined,
      rule: 'a client shows its certificate with its key, not one of them alone',
      fix: 'give both, or neither',
    });
    return value;
  },
);

/** A proxy that requests go through. */
export interface ProxyProps {
  /** Where requests go first. @default - none */
  readonly proxyUrl?: string;
  /** Hosts that are asked directly, separated by commas. @default - none */
  readonly noProxy?: string;
  /** Whether the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY say it. @default false */
  readonly proxyFromEnvironment?: boolean;
  /** Headers for the proxy; never secret. @default - none */
  readonly proxyConnectHeader?: Readonly<Record<string, readonly string[]>>;
}

const PROXY = {
  proxyUrl: url,
  noProxy: text,
  proxyFromEnvironment: flag,
  proxyConnectHeader: mapOf(texts),
};

/** A token that is asked for with the client's own credentials. */
export interface OAuth2Props extends ProxyProps {
  /** The id of the client at the provider. */
  readonly clientId: string;
  /** The secret of the client. @default - none, as for the grant by JWT */
  readonly clientSecret?: SecretRef;
  /** The key that signs the JWT. @default - none */
  readonly clientCertificateKey?: SecretRef;
  /** @default - none */
  readonly clientCertificateKeyId?: string;
  /** @default client_credentials */
  readonly grantType?: string;
  /** @default RS256 */
  readonly signatureAlgorithm?: 'RS256' | 'RS384' | 'RS512';
  /** Who issues the JWT. @default - the client */
  readonly iss?: string;
  /** Whom the JWT is for. @default - the URL of the token */
  readonly audience?: string;
  /** More claims of the JWT. @default - none */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** What the token is asked for. @default - none */
  readonly scopes?: readonly string[];
  /** Where the provider gives tokens. */
  readonly tokenUrl: string;
  /** Parameters of the request for the token; never secret. @default - none */
  readonly endpointParams?: Readonly<Record<string, string>>;
  /** How the provider is known, and this client to it. @default - the authorities of the system */
  readonly tlsConfig?: ReceiverTls;
}

/** A header of requests. */
export interface HttpHeaderProps {
  /** Values that may be read by everybody. @default - none */
  readonly values?: readonly string[];
  /** Values of Secrets. @default - none */
  readonly files?: readonly SecretRef[];
  /** Secrets never stand here: use `files`. */
  readonly secrets?: never;
}

/**
 * How requests to receivers are sent.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#http_config
 */
export interface HttpClientProps extends ProxyProps {
  /** A user with a password. @default - none */
  readonly basicAuth?: BasicAuthProps;
  /** What is sent in the header Authorization. @default - none */
  readonly authorization?: AuthorizationProps;
  /** A provider of tokens. @default - none */
  readonly oauth2?: OAuth2Props;
  /** How the server is known, and this client to it. @default - the authorities of the system */
  readonly tlsConfig?: ReceiverTls;
  /** Whether a redirect is followed. @default true */
  readonly followRedirects?: boolean;
  /** Whether HTTP/2 is spoken where the server does. @default true */
  readonly enableHttp2?: boolean;
  /** More headers, by name. @default - none */
  readonly httpHeaders?: Readonly<Record<string, HttpHeaderProps>>;
}

/** A username with a password. */
export interface BasicAuthProps {
  /** Stands in the config in the clear. */
  readonly username: string | SecretRef;
  /** A secret. */
  readonly password: SecretRef;
}

/** The header `Authorization`. */
export interface AuthorizationProps {
  /** What stands before the secret. @default Bearer */
  readonly type?: string;
  /** A secret. */
  readonly credentials: SecretRef;
}

/** What Alertmanager still reads, and calls by another name now. */
interface OldAuth {
  readonly bearerToken?: SecretRef;
}

/** What prometheus/common lets nobody set. */
const RESERVED_HEADERS = [
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'user-agent',
  'www-authenticate',
];

const NO_SECRETS = noFile("use `files` with SecretRef.of('name', 'key'), in YAML secret://name-of-the-secret/key");

export const httpHeadersCheck: Check = all(
  mapOf(
    fields<HttpHeaderProps>({
      values: texts,
      files: listOf(file),
      secrets: listOf(NO_SECRETS),
    }),
  ),
  (value, prop, problems) => {
    for (const [name, header] of Object.entries(value as Readonly<Record<string, object>>)) {
      problems.when(RESERVED_HEADERS.includes(name.toLowerCase()), {
        prop: `${prop}['${name}']`,
        value: '***',
        rule: 'the client sets the header itself',
        fix: 'remove it; for credentials there are fields of their own',
      });
      if (namesSecretHeader(name) && 'values' in header) NO_SECRETS(undefined, `${prop}['${name}'].values`, problems);
    }
    return value;
  },
);

const AUTHENTICATIONS = ['basic_auth', 'authorization', 'oauth2', 'bearer_token_file'];

/** Whether a checked client config sends credentials. */
export function authenticates(client: object): boolean {
  return AUTHENTICATIONS.some((name) => name in client);
}

export const httpClient: Check = all(
  fields<HttpClientProps & OldAuth>({
    ...PROXY,
    basicAuth: fields<BasicAuthProps>({ username: orFile(text), password: secret }, 'username'),
    authorization: fields<AuthorizationProps>({ type: text, credentials: secret }, 'credentials'),
    oauth2: fields<OAuth2Props>(
      {
        ...PROXY,
        clientId: text,
        clientSecret: secret,
        clientCertificateKey: secret,
        clientCertificateKeyId: text,
        grantType: text,
        signatureAlgorithm: choice('RS256', 'RS384', 'RS512'),
        iss: text,
        audience: text,
        claims: freeForm,
        scopes: texts,
        tokenUrl: url,
        endpointParams: textMap(),
        tlsConfig: tls,
      },
      'clientId',
      'tokenUrl',
    ),
    bearerToken: secret,
    tlsConfig: tls,
    followRedirects: flag,
    enableHttp2: flag,
    httpHeaders: httpHeadersCheck,
  }),
  (value, prop, problems) => {
    const ways = AUTHENTICATIONS.filter((name) => name in (value as object));
    problems.when(ways.length > 1, {
      prop,
      value: ways,
      rule: 'Alertmanager authenticates in one way only',
      fix: 'keep one of them',
    });
    return value;
  },
);
