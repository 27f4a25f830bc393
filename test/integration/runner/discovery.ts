import { isNode, isScalar, parseDocument, visit, type Document, type YAMLMap } from 'yaml';
import {
  endpointObjectLabels,
  endpointTargets,
  podTargets,
  serviceTargets,
  type ClusterState,
  type EndpointRole,
  type ListedPod,
  type ListedService,
  type Target,
} from './discovered-targets';
import { labelSelector, type Labels } from './label-selector';

const DISCOVERY = 'kubernetes_sd_configs';
const STATIC = 'static_configs';

/** With all scalars as strings, as they are read. */
interface DiscoveryConfig {
  readonly role: string;
  readonly namespaces?: { readonly own_namespace?: string; readonly names?: readonly string[] };
  readonly selectors?: readonly { readonly role: string; readonly label?: string; readonly field?: string }[];
  readonly attach_metadata?: { readonly node?: string; readonly namespace?: string };
}

/**
 * Kubernetes discovery in a config file of vmagent or Prometheus, as the targets that it would find; all else stays.
 *
 * @param namespace of the pod that reads the file
 * @throws Error for discovery that the runner cannot do
 */
export function discoverTargets(text: string, namespace: string, cluster: ClusterState): string {
  if (!text.includes(DISCOVERY)) return text;
  const document = parseConfig(text);
  const jobs: { readonly job: YAMLMap; readonly configs: readonly unknown[] }[] = [];
  // All are read before any is replaced: one may be an alias of another.
  visit(document, {
    Map: (_key, job) => {
      const discovery = listOf(job, DISCOVERY, document);
      if (!discovery) return;
      const targets = (discovery as readonly DiscoveryConfig[]).flatMap((config) => find(config, namespace, cluster));
      jobs.push({ job, configs: [...(listOf(job, STATIC, document) ?? []), ...targets.map(staticConfig)] });
    },
  });
  if (jobs.length === 0) return text;
  for (const { job, configs } of jobs) {
    job.delete(STATIC);
    const pair = job.items.find(({ key }) => isScalar(key) && key.value === DISCOVERY)!;
    pair.key = document.createNode(STATIC);
    // JSON is YAML, in which each string is quoted and so stays one.
    pair.value = parseDocument(JSON.stringify(configs)).contents;
  }
  return document.toString({ lineWidth: 0 });
}

/** @throws Error when the text is no YAML: what looks like discovery in it would be done for real */
function parseConfig(text: string): Document {
  // Else a number such as 0777 would be written in another way than it is rendered.
  const document = parseDocument(text, { schema: 'failsafe' });
  const [error] = document.errors;
  if (error) throw new Error(`a file with ${DISCOVERY} is no YAML: ${error.message}`, { cause: error });
  return document;
}

function listOf(map: YAMLMap, key: string, document: Document): readonly unknown[] | undefined {
  const value = map.get(key, true);
  if (!isNode(value)) return undefined;
  const list: unknown = value.toJS(document);
  return Array.isArray(list) ? list : [];
}

function staticConfig({ address, labels }: Target): object {
  return { targets: [address], labels };
}

function find(config: DiscoveryConfig, ownNamespace: string, cluster: ClusterState): Target[] {
  const { role, namespaces, selectors = [], attach_metadata: attached } = config;
  const unknown = (what: string): Error => new Error(`${DISCOVERY}: the runner does not know ${what}`);
  if (attached?.node === 'true' || attached?.namespace === 'true') throw unknown('attach_metadata');
  const names = [...(namespaces?.names ?? []), ...(namespaces?.own_namespace === 'true' ? [ownNamespace] : [])];
  const inScope = (namespace: string): boolean => names.length === 0 || names.includes(namespace);
  const selected = (kind: string): ((labels: Labels) => boolean) => {
    const own = selectors.filter((selector) => selector.role === kind);
    if (own.some(({ field }) => field)) throw unknown(`field selectors: ${own[0]!.field!}`);
    const matches = own.map(({ label = '' }) => labelSelector(label));
    return (labels) => matches.every((match) => match(labels));
  };
  const podIsSelected = selected('pod');
  const serviceIsSelected = selected('service');
  const seesPod = (pod: ListedPod): boolean => inScope(pod.namespace) && podIsSelected(pod.labels);
  const seesService = ({ manifest }: ListedService): boolean =>
    inScope(manifest.namespace) && serviceIsSelected(manifest.labels);
  const endpoints = (kind: EndpointRole): Target[] => {
    const objectIsSelected = selected(kind);
    return cluster.services
      .filter(({ manifest }) => inScope(manifest.namespace))
      .filter((service) => objectIsSelected(endpointObjectLabels(kind, service)))
      .flatMap((service) => endpointTargets(kind, service, cluster.pods, { service: seesService, pod: seesPod }));
  };
  switch (role) {
    case 'pod':
      return cluster.pods.filter(seesPod).flatMap(podTargets);
    case 'service':
      return cluster.services.filter(seesService).flatMap(serviceTargets);
    case 'endpoints':
      return endpoints('endpoints');
    case 'endpointslice':
    case 'endpointslices':
      return endpoints('endpointslice');
    case 'node':
      return [];
    default:
      throw unknown(`the role ${role}`);
  }
}
