import { readFileSync } from 'node:fs';
import type { SecretPath } from '../flags';
import { InvalidValueError, yaml, type Problem } from '../validation';
import { SecretRef } from '../values';
import type { ApiAccess, ApiRule } from '../workload';
import { JobProblems, jobPath } from './job-problems';
import { podsOf, READ } from './kubernetes-jobs';
import { checkScrapeConfig, DISCOVERY_FIELDS, type CheckedConfig } from './raw-config';
import { parseScrapeDuration } from './scrape-duration';
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
   * @default - where `static_configs` and `kubernetes_sd_configs` say; other discoveries, and relabeling of
   *   `__address__`, do not tell
   */
  readonly destinations?: readonly ScrapeDestination[];
  /** What is read of the Kubernetes API. @default - what the roles of `kubernetes_sd_configs` need */
  readonly apiAccess?: readonly ApiAccess[];
}

/** A scrape config as the file says it. @param source begins the names in messages, where it is not the job's own */
export function rawJob(config: RawScrapeConfig, needs: ScrapeNeeds = {}, source?: string): ScrapeJob {
  const name = typeof (config as unknown as CheckedConfig | null)?.job_name === 'string' ? config.job_name : '';
  const path = source === undefined ? jobPath(name) : `${source}['${name}']`;
  const checked = checkScrapeConfig(config, path, new JobProblems());
  const destinations = needs.destinations ?? destinationsIn(checked);
  const unknown: readonly Problem[] =
    destinations === undefined
      ? [
          {
            prop: path,
            value: DISCOVERY_FIELDS.filter((field) => checked[field] !== undefined),
            rule: 'where its connections go cannot be told from it, and the NetworkPolicy would refuse them',
            fix: "say it beside the config, for example { destinations: [{ kind: 'anywhere', ports: [{ port: 9100 }] }] }",
          },
        ]
      : [];
  return {
    name,
    apiAccess: needs.apiAccess ?? apiAccessIn(checked),
    destinations: destinations ?? [],
    secrets: secretsIn(checked),
    intervalSeconds: secondsIn(checked.scrape_interval),
    timeoutSeconds: secondsIn(checked.scrape_timeout),
    check: (program) => {
      const problems = new JobProblems(program);
      checkScrapeConfig(config, path, problems);
      return [...problems.all, ...unknown];
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
  const content = parse(path, read(path));
  const list = configsIn(content);
  if (list === undefined || list.length === 0) {
    throw new InvalidValueError({
      prop: 'path',
      value: path,
      rule: 'the file holds no scrape config',
      fix: 'write one with `job_name`, a list of them, or `scrape_configs` with a list',
    });
  }
  return list.map((config) => rawJob(config as RawScrapeConfig, needs, path));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidValueError({
      prop: 'path',
      value: path,
      rule: `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      fix: 'name a file by its path from the folder that the app is run in',
    });
  }
}

/** All scalars as the text that stands there: only the field tells whether `1.10` is a number. */
function parse(path: string, content: string): unknown {
  const { isScalar, parseDocument, visit } = yaml();
  const document = parseDocument(content, { schema: 'failsafe', merge: true });
  const [error] = document.errors;
  if (error) {
    throw new InvalidValueError({
      prop: 'path',
      value: path,
      rule: `the file is no YAML: ${error.message.split('\n', 1)[0]!.replace(/:$/, '')}`,
      fix: 'correct the file',
    });
  }
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

function secondsIn(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? parseScrapeDuration(value) : undefined;
  return milliseconds === undefined ? undefined : milliseconds / 1000;
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
  const rules = (config.relabel_configs ?? []) as readonly { readonly target_label?: string }[];
  if (config.proxy_url !== undefined || rules.some(({ target_label: label }) => label === '__address__')) {
    return undefined;
  }
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
  if (discovery.role === 'node') return [{ kind: 'nodes', ports: [] }];
  if (discovery.role === 'ingress' || discovery.api_server !== undefined || discovery.kubeconfig_file !== undefined) {
    return undefined;
  }
  const namespaces = namespacesOf(discovery);
  const own = namespaces?.includes(undefined) ? [{ kind: 'peer', peer: { podSelector: {} }, ports: [] } as const] : [];
  const named = namespaces?.filter((namespace) => namespace !== undefined);
  return [...own, ...(named?.length === 0 ? [] : podsOf(named, undefined))];
}
