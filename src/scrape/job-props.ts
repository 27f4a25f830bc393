import type { Duration, Size } from 'cdk8s';
import type { SecretPath } from '../flags';
import {
  atLeastOne,
  boolean,
  duration,
  inTheClear,
  kibibytes,
  listOf,
  mapOf,
  milliseconds,
  namesSecret,
  anyText,
  object,
  oneOf,
  size,
  text,
  all,
  type Check,
  type Problems,
  type Shape,
} from '../validation';
import { prometheusDuration, secretRefCheck, type SecretRef } from '../values';
import { clientSecrets, clientTlsCheck, type ClientTls, type Credentials } from '../wiring';
import { targetLabelsCheck } from './labels';
import { literalReplacement, relabelConfigsCheck, renderRelabelConfigs, type RelabelConfig } from './relabeling';
import type { Plain } from './scrape-job';

/** What every scrape job may say. */
export interface ScrapeJobProps {
  /** How often. @default - the global interval */
  readonly interval?: Duration;
  /** How long a scrape may take; not longer than the interval. @default - the global timeout, and not more than the interval */
  readonly timeout?: Duration;
  /** Where the metrics are on the port. @default /metrics */
  readonly metricsPath?: string;
  /** How targets are asked. @default http */
  readonly scheme?: 'http' | 'https';
  /** Parameters of the URL; never a secret. @default - none */
  readonly params?: Readonly<Record<string, readonly string[]>>;
  /** Labels of all that is scraped. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** What is done to targets, after the job's own rules. @default - nothing */
  readonly relabelConfigs?: readonly RelabelConfig[];
  /** What is done to each sample. @default - nothing */
  readonly metricRelabelConfigs?: readonly RelabelConfig[];
  /** Whether labels that the target reports win over those of the target. @default false */
  readonly honorLabels?: boolean;
  /** Whether times that the target reports are kept. @default - false in vmagent, true in Prometheus */
  readonly honorTimestamps?: boolean;
  /** More samples than this in one scrape, and none is taken. @default - no limit */
  readonly sampleLimit?: number;
  /** More labels than this at one sample, and the scrape is refused. @default - no limit */
  readonly labelLimit?: number;
  /** What is sent with each scrape. @default - nothing */
  readonly credentials?: Credentials;
  /** How targets with https are known, and this client to them. @default - the authorities of the system */
  readonly tls?: ClientTls;
  /** How many different series a target may have in a day; vmagent only. @default - no limit */
  readonly seriesLimit?: number;
  /** The largest response that is read; vmagent only. @default - 16 MiB */
  readonly maxScrapeSize?: Size;
  /** Reads responses piece by piece, for targets with more than ten thousand samples; vmagent only. @default false */
  readonly streamParse?: boolean;
  /** Scrapes at whole multiples of this; vmagent only. @default - at any time */
  readonly scrapeAlignInterval?: Duration;
  /** Scrapes so long after each multiple of the interval; vmagent only. @default - at a time that the target decides */
  readonly scrapeOffset?: Duration;
  /** Does not mark series as ended when a target goes; vmagent only. @default false */
  readonly noStaleMarkers?: boolean;
  /** Opens a connection for each scrape; vmagent only. @default false */
  readonly disableKeepalive?: boolean;
  /** Asks for responses that are not compressed; vmagent only. @default false */
  readonly disableCompression?: boolean;
}

/** What jobs may say that find their targets by the Kubernetes API. */
export interface DiscoveryProps extends ScrapeJobProps {
  /** `job_name`, and the label `job` where the job sets no other. @default - see the factory */
  readonly name?: string;
}

const bearer = object<{ bearerToken: SecretRef }>({ bearerToken: secretRefCheck }, 'bearerToken');
const basic = object<{ username: string; password: SecretRef }>(
  { username: text(), password: secretRefCheck },
  'username',
  'password',
);

const credentialsCheck: Check = (value, prop, problems) => {
  const byToken = typeof value === 'object' && value !== null && 'bearerToken' in value;
  return (byToken ? bearer : basic)(value, prop, problems);
};

const paramsCheck: Check = all(mapOf(listOf(anyText)), (value, prop, problems) => {
  for (const name of Object.keys(value as object).filter(namesSecret)) {
    problems.add({
      prop: `${prop}['${name}']`,
      value: '***',
      rule: inTheClear('ConfigMap'),
      fix: 'use `credentials` with a SecretRef',
    });
  }
  return value;
});

export const SCRAPE_JOB_SHAPE: Shape<ScrapeJobProps> = {
  interval: duration,
  timeout: duration,
  metricsPath: text(/^\/[^\s?#]*$/, "a path that begins with /, without parameters, e.g. '/metrics'"),
  scheme: oneOf('http', 'https'),
  params: paramsCheck,
  labels: targetLabelsCheck,
  relabelConfigs: relabelConfigsCheck,
  metricRelabelConfigs: relabelConfigsCheck,
  honorLabels: boolean,
  honorTimestamps: boolean,
  sampleLimit: atLeastOne,
  labelLimit: atLeastOne,
  credentials: credentialsCheck,
  tls: clientTlsCheck,
  seriesLimit: atLeastOne,
  maxScrapeSize: size,
  streamParse: boolean,
  scrapeAlignInterval: duration,
  scrapeOffset: duration,
  noStaleMarkers: boolean,
  disableKeepalive: boolean,
  disableCompression: boolean,
};

export const DISCOVERY_SHAPE: Shape<DiscoveryProps> = { ...SCRAPE_JOB_SHAPE, name: text() };

/** The Secrets that a job sends. */
export function secretsOf({ credentials, tls }: ScrapeJobProps): SecretRef[] {
  return clientSecrets(credentials, tls);
}

/** The seconds of a job's own interval and timeout. */
export function timesOf({ interval, timeout }: ScrapeJobProps): { intervalSeconds?: number; timeoutSeconds?: number } {
  return {
    intervalSeconds: interval && milliseconds(interval) / 1000,
    timeoutSeconds: timeout && milliseconds(timeout) / 1000,
  };
}

/** What is said about the scraping itself; without what is not set. */
export function renderJobProps(props: ScrapeJobProps, secretPath: SecretPath): Record<string, Plain> {
  const { interval, timeout, params, tls, scrapeAlignInterval, scrapeOffset, maxScrapeSize } = props;
  return given({
    scrape_interval: interval && prometheusDuration(interval),
    scrape_timeout: timeout && prometheusDuration(timeout),
    scrape_align_interval: scrapeAlignInterval && prometheusDuration(scrapeAlignInterval),
    scrape_offset: scrapeOffset && prometheusDuration(scrapeOffset),
    metrics_path: props.metricsPath,
    scheme: props.scheme,
    params: params && Object.fromEntries(Object.entries(params).map(([name, values]) => [name, [...values]])),
    honor_labels: props.honorLabels,
    honor_timestamps: props.honorTimestamps,
    ...renderCredentials(props.credentials, secretPath),
    tls_config: tls && renderTls(tls, secretPath),
    sample_limit: props.sampleLimit,
    label_limit: props.labelLimit,
    series_limit: props.seriesLimit,
    max_scrape_size: maxScrapeSize && `${Math.ceil(kibibytes(maxScrapeSize))}KiB`,
    stream_parse: props.streamParse,
    no_stale_markers: props.noStaleMarkers,
    disable_keepalive: props.disableKeepalive,
    disable_compression: props.disableCompression,
  });
}

export function renderTls(tls: ClientTls, secretPath: SecretPath): Record<string, Plain> {
  return given({
    ca_file: tls.ca && secretPath(tls.ca),
    cert_file: tls.cert && secretPath(tls.cert),
    key_file: tls.key && secretPath(tls.key),
    server_name: tls.serverName,
    insecure_skip_verify: tls.insecureSkipVerify,
  });
}

/** What a client sends, from files. */
export function renderCredentials(credentials: Credentials | undefined, secretPath: SecretPath): Record<string, Plain> {
  if (credentials === undefined) return {};
  return 'bearerToken' in credentials
    ? { authorization: { type: 'Bearer', credentials_file: secretPath(credentials.bearerToken) } }
    : { basic_auth: { username: credentials.username, password_file: secretPath(credentials.password) } };
}

/** The relabeling of a job: its own, that of its labels, and that of the user. */
export function renderRelabeling(own: readonly RelabelConfig[], props: ScrapeJobProps): Record<string, Plain> {
  const ofLabels = Object.entries(props.labels ?? {}).map(([targetLabel, value]) => ({
    targetLabel,
    replacement: literalReplacement(value),
  }));
  const ofTargets = [...own, ...ofLabels, ...(props.relabelConfigs ?? [])];
  return {
    ...(ofTargets.length > 0 ? { relabel_configs: renderRelabelConfigs(ofTargets) } : {}),
    ...(props.metricRelabelConfigs?.length
      ? { metric_relabel_configs: renderRelabelConfigs(props.metricRelabelConfigs) }
      : {}),
  };
}

/** Reports TLS that no scrape would use. */
export function checkTlsIsUsed({ scheme = 'http', tls }: ScrapeJobProps, prefix: string, problems: Problems): void {
  problems.when(tls !== undefined && scheme === 'http', {
    prop: `${prefix}tls`,
    value: tls,
    rule: 'the scheme is http, so that it would not be used',
    fix: `set \`${prefix}scheme: 'https'\`, or remove \`${prefix}tls\``,
  });
}

function given(fields: Readonly<Record<string, Plain | undefined>>): Record<string, Plain> {
  return Object.fromEntries(Object.entries(fields).filter((field): field is [string, Plain] => field[1] !== undefined));
}
