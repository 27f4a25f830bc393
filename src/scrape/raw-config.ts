import {
  all,
  didYouMean,
  inTheClear,
  isObject,
  listOf,
  mapOf,
  namesSecret,
  namesSecretHeader,
  rule,
  scalar,
  withoutUrlSecret,
  type Check,
} from '../validation';
import { parsePrometheusDuration, secretFileCheck, SecretRef } from '../values';
import { JobProblems } from './job-problems';
import { hasSecretParameter, targetLabelsCheck } from './labels';
import { onlyKnownToVmagent, rawRelabelConfigsCheck } from './relabeling';
import type { ScrapeProgram } from './scrape-job';

/** A field that only one of the programs knows. */
interface ForeignField {
  readonly only: ScrapeProgram;
  readonly check: Check;
}

type Fields = Readonly<Record<string, Check | ForeignField>>;

const url: Check = all(scalar, withoutUrlSecret);

/** vmagent lets parameters stand behind the path. */
const metricsPath: Check = all(
  scalar,
  hidden(rule((value) => !hasSecretParameter(value as string), inTheClear('ConfigMap'), 'take it out of the path')),
);

const whole: Check = all(
  rule(
    (value) => typeof value !== 'string' || !/^0\d/.test(value),
    'both programs read a number with a zero before it as octal',
    'leave the zero out',
  ),
  (value, prop, problems) => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    return rule(Number.isSafeInteger, 'must be a whole number', 'give a whole number')(number, prop, problems);
  },
);

const number: Check = (value, prop, problems) => {
  const converted = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return rule(Number.isFinite, 'must be a number', 'give a number')(converted, prop, problems);
};

/** As YAML 1.1 says it, which both programs read. */
const flag: Check = (value, prop, problems) => {
  if (typeof value === 'string' && /^(true|yes|on|y)$/i.test(value)) return true;
  if (typeof value === 'string' && /^(false|no|off|n)$/i.test(value)) return false;
  return rule((item) => typeof item === 'boolean', 'must be true or false', 'give true or false')(
    value,
    prop,
    problems,
  );
};

const durationText: Check = all(
  scalar,
  rule(
    (value) => parsePrometheusDuration(value as string) !== undefined,
    'is no duration that both vmagent and Prometheus read: whole numbers with units, from the largest to the smallest',
    "write for example '30s', '1m30s' or '500ms'",
  ),
);

const bytes: Check = all(
  scalar,
  rule((value) => /^\d+(?:\.\d+)?(?:[KMGT]i?B?|B)?$/.test(value as string), 'is no size', "write for example '16MiB'"),
);

const texts = listOf(scalar);
const map = mapOf(scalar);

/** A path in the pod, or a key of a Secret. */
const file = secretFileCheck(scalar);

/** A secret in the clear. @param sibling the field that reads it from a file */
function secret(sibling?: string): Check {
  return rule(
    () => false,
    inTheClear('ConfigMap'),
    sibling === undefined
      ? 'remove it: no field reads it from a file, so that the pods need an identity or an environment variable for it'
      : `use \`${sibling}\` with SecretRef.of('name', 'key'), in YAML secret://name/key`,
  );
}

/** Does not repeat the value in its message. */
function hidden(check: Check): Check {
  return (value, prop, problems) => {
    const own = new JobProblems();
    const accepted = check(value, prop, own);
    for (const problem of own.all) problems.add({ ...problem, value: '***' });
    return accepted;
  };
}

const clear = (sibling?: string): Check => hidden(secret(sibling));

/** A map whose keys may name secrets. */
function mapWithoutSecrets(check: Check, isSecret = namesSecret): Check {
  return all(mapOf(check), (value, prop, problems) => {
    const names = Object.keys(value as object).filter(isSecret);
    for (const name of names) clear()(name, `${prop}['${name}']`, problems);
    return names.length === 0 ? value : undefined;
  });
}

/** `Name: value`. */
const headers: Check = listOf((value, prop, problems) => {
  const header = scalar(value, prop, problems);
  if (typeof header !== 'string') return undefined;
  const [name = '', content] = header.split(/:(.*)/s);
  if (content === undefined) {
    problems.add({ prop, value, rule: 'is no header', fix: "write 'Name: value'" });
    return undefined;
  }
  if (!namesSecretHeader(name.trim())) return header;
  return clear('authorization.credentials_file')(value, prop, problems);
});

const labels: Check = all(map, targetLabelsCheck);

const choice = (...choices: readonly string[]): Check =>
  all(
    scalar,
    rule((value) => choices.includes(value as string), `must be one of ${choices.join(', ')}`, `write one of them`),
  );

const vmagent = (check: Check): ForeignField => ({ only: 'vmagent', check });
const prometheus = (check: Check): ForeignField => ({ only: 'prometheus', check });

function isForeign(field: Check | ForeignField): field is ForeignField {
  return typeof field === 'object';
}

function knows(program: ScrapeProgram | undefined, field: ForeignField): boolean {
  return program === undefined || program === field.only;
}

/** An object with these fields and no others. Nothing is what YAML makes of a field without a value. */
function fields(known: Fields, ...required: readonly string[]): Check {
  return all(
    rule((value) => isObject(value) && !SecretRef.is(value), 'must be an object', 'write { field: value }'),
    (value, prop, problems) => {
      const accepted = Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([name, item]) => {
        if (item === undefined || item === null) return [];
        const path = `${prop}.${name}`;
        const field = Object.hasOwn(known, name) ? known[name] : undefined;
        if (!field) {
          problems.add({
            prop: path,
            value: namesSecret(name) ? '***' : item,
            rule: 'there is no such field',
            fix: didYouMean(name, Object.keys(known), 'remove it'),
          });
          return [];
        }
        const foreign = isForeign(field) && problems instanceof JobProblems && !knows(problems.program, field);
        if (foreign) {
          problems.add({
            prop: path,
            value: item,
            rule: `only ${field.only === 'vmagent' ? 'vmagent' : 'Prometheus'} knows it`,
            fix: `remove it, or let ${field.only === 'vmagent' ? 'a vmagent' : 'Prometheus'} run the job`,
          });
          return [];
        }
        const checked = (isForeign(field) ? field.check : field)(item, path, problems);
        return checked === undefined ? [] : [[name, checked] as const];
      });
      const checked = Object.fromEntries(accepted);
      for (const name of required) {
        problems.when((value as Readonly<Record<string, unknown>>)[name] === undefined, {
          prop: `${prop}.${name}`,
          value: undefined,
          rule: 'is required',
          fix: `set \`${name}\``,
        });
      }
      return checked;
    },
  );
}

const TLS: Fields = {
  ca: scalar,
  ca_file: file,
  cert: scalar,
  cert_file: file,
  key: clear('key_file'),
  key_file: file,
  server_name: scalar,
  insecure_skip_verify: flag,
  min_version: choice('TLS10', 'TLS11', 'TLS12', 'TLS13'),
  max_version: prometheus(choice('TLS10', 'TLS11', 'TLS12', 'TLS13')),
  ca_ref: prometheus(scalar),
  cert_ref: prometheus(scalar),
  key_ref: prometheus(scalar),
};
const AUTHORIZATION: Fields = {
  type: scalar,
  credentials: clear('credentials_file'),
  credentials_file: file,
  credentials_ref: prometheus(scalar),
};
const BASIC_AUTH: Fields = {
  username: scalar,
  username_file: file,
  username_ref: prometheus(scalar),
  password: clear('password_file'),
  password_file: file,
  password_ref: prometheus(scalar),
};
const HTTP_HEADER: Fields = { values: texts, secrets: listOf(clear('files')), files: listOf(file) };
/** By the names of headers. */
const httpHeaders: Check = all(mapOf(fields(HTTP_HEADER)), (value, prop, problems) => {
  const given = value as Readonly<Record<string, { readonly values?: readonly string[] }>>;
  for (const [name, { values = [] }] of Object.entries(given)) {
    if (values.length === 0 || !namesSecretHeader(name)) continue;
    // Prometheus takes this one from its own field only.
    const sibling = /^authorization$/i.test(name) ? 'authorization.credentials_file' : 'files';
    clear(sibling)(values, `${prop}['${name}'].values`, problems);
  }
  return value;
});
const PROXY_HEADER = prometheus(mapWithoutSecrets(listOf(scalar), namesSecretHeader));
const OAUTH2: Fields = {
  client_id: scalar,
  client_secret: clear('client_secret_file'),
  client_secret_file: file,
  client_secret_ref: prometheus(scalar),
  scopes: texts,
  token_url: url,
  endpoint_params: mapWithoutSecrets(scalar),
  tls_config: fields(TLS),
  proxy_url: url,
  headers: vmagent(headers),
  no_proxy: prometheus(scalar),
  proxy_from_environment: prometheus(flag),
  proxy_connect_header: PROXY_HEADER,
};
const CLIENT: Fields = {
  authorization: fields(AUTHORIZATION),
  basic_auth: fields(BASIC_AUTH),
  bearer_token: clear('bearer_token_file'),
  bearer_token_file: file,
  oauth2: fields(OAUTH2, 'client_id', 'token_url'),
  tls_config: fields(TLS),
  headers: vmagent(headers),
  follow_redirects: flag,
  proxy_url: url,
  enable_http2: prometheus(flag),
  no_proxy: prometheus(scalar),
  proxy_from_environment: prometheus(flag),
  proxy_connect_header: PROXY_HEADER,
  http_headers: prometheus(httpHeaders),
};
const PROXY: Fields = {
  proxy_authorization: vmagent(fields(AUTHORIZATION)),
  proxy_basic_auth: vmagent(fields(BASIC_AUTH)),
  proxy_bearer_token: vmagent(clear('proxy_bearer_token_file')),
  proxy_bearer_token_file: vmagent(file),
  proxy_oauth2: vmagent(fields(OAUTH2, 'client_id', 'token_url')),
  proxy_tls_config: vmagent(fields(TLS)),
  proxy_headers: vmagent(headers),
};
const REFRESH: Fields = { refresh_interval: prometheus(durationText) };
const BY_HTTP: Fields = { ...CLIENT, ...PROXY, ...REFRESH };

/** vmagent reads lists of filters as `name` and `values`. */
const filters = listOf(fields({ name: scalar, values: texts }));

const sd = (own: Fields, ...required: readonly string[]): Check => listOf(fields(own, ...required));

const KUBERNETES_SD: Fields = {
  ...CLIENT,
  api_server: url,
  role: choice('pod', 'node', 'service', 'endpoints', 'endpointslice', 'ingress'),
  kubeconfig_file: file,
  namespaces: fields({ own_namespace: flag, names: texts }),
  selectors: listOf(fields({ role: scalar, label: scalar, field: scalar })),
  attach_metadata: fields({ node: flag, namespace: flag }),
};

/** @see https://docs.victoriametrics.com/victoriametrics/sd_configs/ */
const DISCOVERIES: Fields = {
  azure_sd_configs: sd({
    ...BY_HTTP,
    environment: scalar,
    authentication_method: scalar,
    subscription_id: scalar,
    tenant_id: scalar,
    client_id: scalar,
    client_secret: clear(),
    resource_group: scalar,
    port: whole,
  }),
  consul_sd_configs: sd({
    ...BY_HTTP,
    server: url,
    token: clear('bearer_token_file'),
    datacenter: scalar,
    namespace: scalar,
    partition: scalar,
    scheme: scalar,
    username: scalar,
    password: clear('basic_auth.password_file'),
    services: texts,
    tags: texts,
    node_meta: map,
    tag_separator: scalar,
    allow_stale: flag,
    filter: scalar,
    path_prefix: prometheus(scalar),
    health_filter: prometheus(scalar),
  }),
  consulagent_sd_configs: vmagent(
    sd({
      ...CLIENT,
      ...PROXY,
      server: url,
      token: clear('bearer_token_file'),
      datacenter: scalar,
      namespace: scalar,
      scheme: scalar,
      username: scalar,
      password: clear('basic_auth.password_file'),
      services: texts,
      tag_separator: scalar,
      filter: scalar,
    }),
  ),
  digitalocean_sd_configs: sd({ ...BY_HTTP, server: vmagent(url), port: whole }),
  dns_sd_configs: sd({ ...REFRESH, names: texts, type: choice('A', 'AAAA', 'SRV', 'MX', 'NS'), port: whole }, 'names'),
  docker_sd_configs: sd(
    { ...BY_HTTP, host: url, port: whole, filters, host_networking_host: scalar, match_first_network: flag },
    'host',
  ),
  dockerswarm_sd_configs: sd({ ...BY_HTTP, host: url, role: scalar, port: whole, filters }, 'host', 'role'),
  ec2_sd_configs: sd({
    ...REFRESH,
    region: scalar,
    endpoint: url,
    sts_endpoint: vmagent(url),
    access_key: scalar,
    secret_key: clear(),
    profile: scalar,
    role_arn: scalar,
    port: whole,
    filters,
    az_filters: vmagent(filters),
  }),
  eureka_sd_configs: sd({ ...BY_HTTP, server: url }),
  file_sd_configs: sd({ ...REFRESH, files: texts }, 'files'),
  gce_sd_configs: sd({
    ...REFRESH,
    project: scalar,
    zone: (value, prop, problems) => (Array.isArray(value) ? texts : scalar)(value, prop, problems),
    filter: scalar,
    port: whole,
    tag_separator: scalar,
  }),
  hetzner_sd_configs: sd({ ...BY_HTTP, role: scalar, port: whole, label_selector: prometheus(scalar) }, 'role'),
  http_sd_configs: sd({ ...BY_HTTP, url }, 'url'),
  kubernetes_sd_configs: sd(KUBERNETES_SD, 'role'),
  kuma_sd_configs: sd(
    { ...BY_HTTP, server: url, client_id: scalar, fetch_timeout: prometheus(durationText) },
    'server',
  ),
  linode_sd_configs: sd({ ...BY_HTTP, server: vmagent(url), port: whole, tag_separator: scalar, region: scalar }),
  marathon_sd_configs: sd(
    { ...BY_HTTP, servers: listOf(url), auth_token: prometheus(clear()), auth_token_file: prometheus(file) },
    'servers',
  ),
  nomad_sd_configs: sd({
    ...BY_HTTP,
    server: url,
    namespace: scalar,
    region: scalar,
    tag_separator: scalar,
    allow_stale: flag,
  }),
  openstack_sd_configs: sd({
    ...REFRESH,
    identity_endpoint: url,
    username: scalar,
    userid: scalar,
    password: clear(),
    project_name: scalar,
    project_id: scalar,
    domain_name: scalar,
    domain_id: scalar,
    application_credential_name: scalar,
    application_credential_id: scalar,
    application_credential_secret: clear(),
    role: scalar,
    region: scalar,
    port: whole,
    all_tenants: flag,
    tls_config: fields(TLS),
    availability: scalar,
  }),
  ovhcloud_sd_configs: sd({
    ...BY_HTTP,
    endpoint: scalar,
    application_key: scalar,
    application_secret: clear(),
    consumer_key: clear(),
    service: scalar,
  }),
  puppetdb_sd_configs: sd({ ...BY_HTTP, url, query: scalar, include_parameters: flag, port: whole }, 'url', 'query'),
  static_configs: listOf(fields({ targets: listOf(url), labels })),
  vultr_configs: vmagent(
    sd({
      ...CLIENT,
      ...PROXY,
      label: scalar,
      main_ip: scalar,
      region: scalar,
      firewall_group_id: scalar,
      hostname: scalar,
      port: whole,
    }),
  ),
  vultr_sd_configs: prometheus(sd({ ...CLIENT, ...REFRESH, port: whole })),
  yandexcloud_sd_configs: vmagent(
    sd({
      service: scalar,
      yandex_passport_oauth_token: clear(),
      api_endpoint: url,
      folder_ids: texts,
      tls_config: fields(TLS),
    }),
  ),
};

/** @see https://docs.victoriametrics.com/victoriametrics/sd_configs/#scrape_configs */
const SCRAPE_CONFIG: Fields = {
  job_name: all(
    scalar,
    rule((value) => value !== '', 'must not be empty', 'give the job a name'),
  ),
  scrape_interval: durationText,
  scrape_timeout: durationText,
  scrape_align_interval: vmagent(durationText),
  scrape_offset: vmagent(durationText),
  max_scrape_size: vmagent(bytes),
  body_size_limit: prometheus(bytes),
  metrics_path: metricsPath,
  honor_labels: flag,
  honor_timestamps: flag,
  track_timestamps_staleness: prometheus(flag),
  scheme: choice('http', 'https'),
  params: mapWithoutSecrets(texts),
  ...CLIENT,
  ...PROXY,
  relabel_configs: rawRelabelConfigsCheck,
  metric_relabel_configs: rawRelabelConfigsCheck,
  sample_limit: whole,
  label_limit: whole,
  label_name_length_limit: prometheus(whole),
  label_value_length_limit: prometheus(whole),
  target_limit: prometheus(whole),
  keep_dropped_targets: prometheus(whole),
  native_histogram_bucket_limit: prometheus(whole),
  native_histogram_min_bucket_factor: prometheus(number),
  series_limit: vmagent(whole),
  scrape_classic_histograms: prometheus(flag),
  always_scrape_classic_histograms: prometheus(flag),
  convert_classic_histograms_to_nhcb: prometheus(flag),
  scrape_protocols: prometheus(texts),
  fallback_scrape_protocol: prometheus(scalar),
  scrape_failure_log_file: prometheus(scalar),
  metric_name_validation_scheme: prometheus(scalar),
  metric_name_escaping_scheme: prometheus(scalar),
  enable_compression: flag,
  disable_compression: vmagent(flag),
  disable_keepalive: vmagent(flag),
  stream_parse: vmagent(flag),
  no_stale_markers: vmagent(flag),
  ...DISCOVERIES,
};

/** The names of the fields that say where targets are. */
export const DISCOVERY_FIELDS: readonly string[] = Object.keys(DISCOVERIES);

const scrapeConfigCheck = fields(SCRAPE_CONFIG, 'job_name');

/** A scrape config as far as it is right, with the types that its fields have; Secrets are still `SecretRef`s. */
export type CheckedConfig = Readonly<Record<string, unknown>>;

/**
 * Checks a scrape config that is written as in the file.
 *
 * @param problems those of the program that is to run it, if one is known
 */
export function checkScrapeConfig(config: unknown, path: string, problems: JobProblems): CheckedConfig {
  // To checks `undefined` is what was refused before.
  const checked = (scrapeConfigCheck(config ?? null, path, problems) ?? {}) as CheckedConfig;
  if (problems.program !== 'prometheus') return checked;
  for (const list of ['relabel_configs', 'metric_relabel_configs']) {
    const rules = (checked[list] ?? []) as readonly Readonly<Record<string, unknown>>[];
    for (const [index, one] of rules.entries()) {
      for (const problem of onlyKnownToVmagent(one, `${path}.${list}[${index}]`)) problems.add(problem);
    }
  }
  return checked;
}
