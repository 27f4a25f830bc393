import type { SecretPath } from '../flags';
import {
  anything,
  boolean,
  checkProps,
  InvalidValueError,
  isObject,
  listOf,
  object,
  oneOf,
  portNumber,
  yaml,
  readYamlFile,
  type Check,
  type Problem,
  type Shape,
} from '../validation';
import { parsePrometheusDuration, SecretRef } from '../values';
import { peerCheck, type NetworkPort } from '../wiring';
import type { ApiAccess, ApiRule } from '../workload';
import { JobProblems, jobPath } from './job-problems';
import { KUBELET_PORT, podsOf, READ, SERVICE_ACCOUNT } from './kubernetes-jobs';
import { checkScrapeConfig, DISCOVERY_FIELDS, type CheckedConfig } from './raw-config';
import { setsLabel, type RenderedRule } from './relabeling';
import type { Plain, ScrapeDestination, ScrapeJob } from './scrape-job';
import { destinationsOf, parseAddress } from './static-job';

/** A value of YAML, or a key of a Secret where the field names a file. */
export type RawValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | SecretRef
  | readonly RawValue[]
  | { readonly [field: string]: RawValue };

/** One entry of `scrape_configs`, as the documentation of vmagent and Prometheus spells it. */
export type RawScrapeConfig = Readonly<Record<string, RawValue>> & { readonly job_name: string };

/** What raw scrape configs need beyond what they say. */
export interface ScrapeNeeds {
  /**
   * Where connections go, those to a discovery included.
   *
   * @default - where `static_configs` and `kubernetes_sd_configs` say, of nodes the kubelet; other discoveries, and
   *   relabeling of `__address__`, do not tell
   */
  readonly destinations?: readonly ScrapeDestination[];
  /** What is read of the Kubernetes API. @default - what the roles of `kubernetes_sd_configs` need */
  readonly apiAccess?: readonly ApiAccess[];
}

const destinationKind = oneOf('nodes', 'peer', 'anywhere');
const ports = listOf(object<NetworkPort>({ port: portNumber, protocol: oneOf('TCP', 'UDP') }, 'port'));
const toPeer = object<Extract<ScrapeDestination, { kind: 'peer' }>>(
  { kind: destinationKind, peer: peerCheck, ports, byAddress: boolean },
  'kind',
  'peer',
);
const elsewhere = object<Exclude<ScrapeDestination, { kind: 'peer' }>>({ kind: destinationKind, ports }, 'kind');
const destination: Check = (value, prop, problems) => {
  const { kind } = (value ?? {}) as Partial<ScrapeDestination>;
  return (kind === 'peer' ? toPeer : elsewhere)(value, prop, problems);
};

const NEEDS: Shape<ScrapeNeeds> = { destinations: listOf(destination), apiAccess: anything };

/** A scrape config as the file says it. @param source begins the names in messages, where it is not the job's own */
export function rawJob(config: RawScrapeConfig, given?: ScrapeNeeds, source?: string): ScrapeJob {
  const name = typeof (config as unknown as CheckedConfig | null)?.job_name === 'string' ? config.job_name : '';
  const path = source === undefined ? jobPath(name) : `${source}['${name}']`;
  const checked = checkScrapeConfig(config, path, new JobProblems());
  const found = new JobProblems();
  const needs = checkProps(given, NEEDS, found, `${path}.needs.`);
  const destinations = needs.destinations ?? destinationsIn(checked);
  found.when(destinations === undefined, {
    prop: path,
    value: DISCOVERY_FIELDS.filter((field) => checked[field] !== undefined),
    rule: 'where its connections go cannot be told from it, and the NetworkPolicy would refuse them',
    fix: "say it beside the config, for example { destinations: [{ kind: 'anywhere', ports: [{ port: 9100 }] }] }",
  });
  found.when(isObject(config) && DISCOVERY_FIELDS.every((field) => isNothing(config[field])), {
    prop: path,
    value: undefined,
    rule: 'there is nothing to scrape: no field says where targets are',
    fix: "write for example `static_configs: [{ targets: ['node-1.example.com:9100'] }]`",
  });
  const apiAccess = needs.apiAccess ?? apiAccessIn(checked);
  found.when(apiAccess.length === 0 && JSON.stringify(checked).includes(`"${SERVICE_ACCOUNT}/`), {
    prop: path,
    value: SERVICE_ACCOUNT,
    rule: 'the pods have no token where nothing is read of the Kubernetes API',
    fix: "say beside the config what the token is for, for example { apiAccess: [{ rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] }] }",
  });
  return {
    name,
    apiAccess,
    destinations: destinations ?? [],
    secrets: secretsIn(checked),
    intervalSeconds: secondsIn(checked.scrape_interval),
    timeoutSeconds: secondsIn(checked.scrape_timeout),
    check: (program) => {
      const problems = new JobProblems(program);
      checkScrapeConfig(config, path, problems);
      return [...problems.all, ...found.all];
    },
    render: (secretPath) => ({ ...(plain(checked, secretPath) as Record<string, Plain>), job_name: name }),
  };
}

/**
 * The scrape configs of a YAML file: one, a list, or `scrape_configs` of a whole configuration.
 *
 * @throws InvalidValueError when there is no such file, it is no YAML, or holds no scrape config
 */
export function jobsFromFile(path: string, needs?: ScrapeNeeds): ScrapeJob[] {
  const content = parse(path);
  const list = configsIn(content);
  if (list === undefined || list.length === 0) {
    throw new InvalidValueError({
      prop: 'path',
      value: path,
      rule: 'the file holds no scrape config',
      fix: 'write one with `job_name`, a list of them, or `scrape_configs` with a list',
    });
  }
  const [first, ...others] = list.map((config) => rawJob(config as RawScrapeConfig, needs, path));
  return [withProblems(first!, ignoredIn(content, path)), ...others];
}

/** What else stands in a whole configuration would be lost. */
function ignoredIn(content: unknown, path: string): readonly Problem[] {
  if (!isObject(content) || 'job_name' in content) return [];
  const ignored = Object.entries(content).flatMap(([field, value]) =>
    field === 'scrape_configs' || value === null ? [] : [field],
  );
  if (ignored.length === 0) return [];
  return [
    {
      prop: path,
      value: ignored,
      rule: 'of the file only `scrape_configs` is taken',
      fix: 'remove the other fields; what `global` says is the prop `global` of the agent',
    },
  ];
}

function withProblems(job: ScrapeJob, problems: readonly Problem[]): ScrapeJob {
  return { ...job, check: (program) => [...problems, ...(job.check?.(program) ?? [])] };
}

/** All scalars as the text that stands there, but for those that say that there is nothing. */
function parse(path: string): unknown {
  const { isScalar, visit } = yaml();
  const document = readYamlFile(path);
  visit(document, (key, node) => {
    if (key !== 'key' && isScalar(node) && node.type === 'PLAIN' && /^(?:|~|null)$/i.test(String(node.value))) {
      node.value = null;
    }
  });
  return document.toJS();
}

function configsIn(content: unknown): readonly unknown[] | undefined {
  if (Array.isArray(content)) return content as unknown[];
  if (typeof content !== 'object' || content === null) return undefined;
  const { scrape_configs: list } = content as { readonly scrape_configs?: unknown };
  if (list === undefined) return 'job_name' in content ? [content] : undefined;
  return Array.isArray(list) ? (list as unknown[]) : undefined;
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Both programs take nothing for what is not set. */
function secondsIn(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? parsePrometheusDuration(value) : undefined;
  return milliseconds ? milliseconds / 1000 : undefined;
}

function secretsIn(value: unknown): SecretRef[] {
  if (SecretRef.is(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsIn) : [];
}

/** The config with paths for Secrets, and nothing in it that stands there twice: YAML would write a reference. */
function plain(value: unknown, secretPath: SecretPath): Plain {
  if (SecretRef.is(value)) return secretPath(value);
  if (Array.isArray(value)) return value.map((item) => plain(item, secretPath));
  if (typeof value !== 'object' || value === null) return value as Plain;
  return Object.fromEntries(Object.entries(value).map(([field, item]) => [field, plain(item, secretPath)]));
}

/** What of `kubernetes_sd_configs` matters here. */
interface KubernetesDiscovery {
  readonly role?: string;
  readonly api_server?: string;
  readonly kubeconfig_file?: unknown;
  readonly namespaces?: { readonly own_namespace?: boolean; readonly names?: readonly string[] };
  readonly attach_metadata?: { readonly node?: boolean; readonly namespace?: boolean };
}

const ADDRESS = '__address__';

const RULES: Readonly<Record<string, readonly ApiRule[]>> = {
  pod: [READ.pods],
  service: [READ.services],
  endpoints: [READ.endpoints, READ.services, READ.pods],
  endpointslice: [READ.endpointSlices, READ.services, READ.pods],
  ingress: [READ.ingresses],
};

function discoveriesIn(config: CheckedConfig): readonly KubernetesDiscovery[] {
  return (config.kubernetes_sd_configs ?? []) as readonly KubernetesDiscovery[];
}

function apiAccessIn(config: CheckedConfig): ApiAccess[] {
  return discoveriesIn(config)
    .filter((discovery) => discovery.api_server === undefined && discovery.kubeconfig_file === undefined)
    .flatMap((discovery) => {
      const { role = '', attach_metadata: attached = {} } = discovery;
      const ofCluster: ApiRule[] = [
        ...(role === 'node' || attached.node ? [READ.nodes] : []),
        ...(attached.namespace ? [READ.namespaces] : []),
      ];
      const rules = RULES[role] ?? [];
      return [
        ...(ofCluster.length > 0 ? [{ rules: ofCluster }] : []),
        ...(rules.length > 0 ? [{ rules, namespaces: namespacesOf(discovery) }] : []),
      ];
    });
}

/** `undefined` in the list is the namespace of the agent. */
function namespacesOf({ namespaces }: KubernetesDiscovery): readonly (string | undefined)[] | undefined {
  const listed = [...(namespaces?.own_namespace ? [undefined] : []), ...(namespaces?.names ?? [])];
  return listed.length > 0 ? listed : undefined;
}

/** Where the connections of a config go; nothing where it does not tell. */
function destinationsIn(config: CheckedConfig): ScrapeDestination[] | undefined {
  const rules = (config.relabel_configs ?? []) as readonly RenderedRule[];
  if (config.proxy_url !== undefined || rules.some((one) => setsLabel(one, ADDRESS))) return undefined;
  const known = ['static_configs', 'kubernetes_sd_configs'];
  if (DISCOVERY_FIELDS.some((field) => config[field] !== undefined && !known.includes(field))) return undefined;
  const statics = (config.static_configs ?? []) as readonly { readonly targets?: readonly string[] }[];
  const addresses = statics.flatMap(({ targets = [] }) => targets);
  if (!addresses.every((address) => parseAddress(address))) return undefined;
  const found = discoveriesIn(config).map(destinationsOfRole);
  if (found.includes(undefined)) return undefined;
  return [...destinationsOf(addresses, undefined), ...found.flatMap((destinations) => destinations ?? [])];
}

function destinationsOfRole(discovery: KubernetesDiscovery): ScrapeDestination[] | undefined {
  // Without relabeling the address of a node is that of its kubelet.
  if (discovery.role === 'node') return [{ kind: 'nodes', ports: [{ port: KUBELET_PORT }] }];
  if (discovery.role === 'ingress' || discovery.api_server !== undefined || discovery.kubeconfig_file !== undefined) {
    return undefined;
  }
  const namespaces = namespacesOf(discovery);
  const own = namespaces?.includes(undefined) ? [{ kind: 'peer', peer: { podSelector: {} }, ports: [] } as const] : [];
  const named = namespaces?.filter((namespace) => namespace !== undefined);
  return [...own, ...(named?.length === 0 ? [] : podsOf(named, undefined))];
}
