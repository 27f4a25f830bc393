import { parse } from 'yaml';
import { destinations, inClusterAddresses } from './addresses';
import { podTexts, workloads, type Manifest, type Workload } from './manifest';
import { podPorts, type PodPort } from './network-policies';

/** A connection that pods open since something in their manifests names or finds the other side. */
export interface WiredFlow {
  readonly source: Workload;
  readonly target: Workload;
  readonly port: PodPort;
}

/** All connections that the pods are told to open, as their args, environment and config files say. Policies are not asked. */
export function wiredFlows(objects: readonly Manifest[]): WiredFlow[] {
  return workloads(objects).flatMap((source) => [
    ...inClusterAddresses(source, objects).flatMap((address) =>
      destinations(address, objects).flatMap(({ target, port }) =>
        protocolsOf(target, port).map((protocol) => ({ source, target, port: { ...port, protocol } })),
      ),
    ),
    ...discoveries(source, objects).flatMap((job) =>
      workloads(objects).flatMap((target) =>
        podPorts(target)
          .filter((port) => finds(job, source, target, port))
          .map((port) => ({ source, target, port })),
      ),
    ),
  ]);
}

/** Alertmanagers gossip by both protocols on the one port that they are told. */
function protocolsOf(target: Workload, { port, protocol }: PodPort): string[] {
  const gossips = target.program === 'alertmanager' && port === 9094;
  return gossips ? ['TCP', 'UDP'] : [protocol];
}

interface Discovery {
  readonly role: string;
  readonly namespaces?: { readonly names?: readonly string[]; readonly own_namespace?: boolean };
  readonly selectors?: readonly { readonly role: string; readonly label?: string }[];
}

interface Job {
  readonly kubernetes_sd_configs?: readonly Discovery[];
  readonly relabel_configs?: readonly Relabeling[];
}

interface Relabeling {
  readonly action?: string;
  readonly source_labels?: readonly string[];
  readonly separator?: string;
  readonly regex?: string | number;
}

/** The jobs of a scrape config that find pods by themselves. */
export function discoveries(source: Workload, objects: readonly Manifest[]): Job[] {
  return podTexts(source, objects)
    .filter(({ text }) => /^scrape_configs:/m.test(text))
    .flatMap(({ text }) => (parse(text) as { readonly scrape_configs?: readonly Job[] }).scrape_configs ?? [])
    .filter((job) => job.kubernetes_sd_configs !== undefined);
}

function finds(job: Job, source: Workload, target: Workload, port: PodPort): boolean {
  const isFound = (job.kubernetes_sd_configs ?? []).some(
    ({ role, namespaces, selectors = [] }) =>
      role === 'pod' &&
      (namespaces?.own_namespace ? target.namespace === source.namespace : true) &&
      (namespaces?.names?.includes(target.namespace) ?? true) &&
      selectors.every(({ label = '' }) =>
        label.split(',').every((term) => {
          const [key = '', value] = term.split('=');
          return target.podLabels[key] === value;
        }),
      ),
  );
  return isFound && isKept(job.relabel_configs ?? [], discoveredLabels(target, port));
}

/** What discovery says of a port of a running pod, as far as relabeling looks at it. */
function discoveredLabels({ namespace, podAnnotations, podLabels }: Workload, port: PodPort): Record<string, string> {
  const labels: Record<string, string> = {
    __meta_kubernetes_namespace: namespace,
    __meta_kubernetes_pod_phase: 'Running',
    __meta_kubernetes_pod_container_init: 'false',
    __meta_kubernetes_pod_container_port_number: String(port.port),
    __meta_kubernetes_pod_container_port_name: port.name ?? '',
    __meta_kubernetes_pod_container_port_protocol: port.protocol,
  };
  for (const [kind, given] of Object.entries({ annotation: podAnnotations, label: podLabels })) {
    for (const [name, value] of Object.entries(given)) {
      labels[`__meta_kubernetes_pod_${kind}_${name.replace(/\W/g, '_')}`] = value;
    }
  }
  return labels;
}

/** Heeds `keep` and `drop` alone: they decide whether a target stays. */
function isKept(relabelings: readonly Relabeling[], labels: Readonly<Record<string, string>>): boolean {
  return relabelings.every(({ action, source_labels: sources = [], separator = ';', regex = '.*' }) => {
    if (action !== 'keep' && action !== 'drop') return true;
    const value = sources.map((name) => labels[name] ?? '').join(separator);
    return new RegExp(`^(?:${regex})$`).test(value) === (action === 'keep');
  });
}
