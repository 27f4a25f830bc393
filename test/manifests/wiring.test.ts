import { inClusterAddresses } from './addresses';
import { synthesizedEnvironments } from './environments';
import { podTexts, workloads, type Manifest, type Workload } from './manifest';
import { admits, mayConnect, mayResolveNames, openRules, podPorts, type OpenRule, type Pod } from './network-policies';
import { discoveries, wiredFlows } from './wired-flows';

const environments = synthesizedEnvironments();

/** Pods that no part of an environment is: beside its pods, and in another namespace with the labels of each of them. */
function strangers(pods: readonly Workload[]): Pod[] {
  const beside = [...new Set(pods.map(({ namespace }) => namespace))].map((namespace) => ({ labels: {}, namespace }));
  return [...beside, ...pods.map(({ podLabels }) => ({ labels: podLabels, namespace: 'elsewhere' }))];
}

const title = (flow: { source: Workload; target: Workload; port: { port: number; protocol: string } }): string =>
  `${flow.source.name} -> ${flow.target.name}:${flow.port.port}/${flow.port.protocol}`;

/** Ports for clients outside of an environment that has any. */
const CLIENT_PORTS: Readonly<Record<string, readonly number[]>> = {
  vmauth: [8427],
  otelcol: [4317, 4318],
  pushgateway: [9091],
  grafana: [3000],
};

const CLIENTS = { namespaceSelector: { matchLabels: { 'metrics-client': 'true' } } };

const API_SERVER_PORTS = [443, 6443];
const KUBELET_PORT = 10250;

/** The ports of receivers outside of the cluster, of which an Alertmanager knows the names only. */
function receiverPorts(source: Workload, objects: readonly Manifest[]): number[] {
  if (source.program !== 'alertmanager') return [];
  const texts = podTexts(source, objects).map(({ text }) => text);
  const mail = texts.flatMap((text) =>
    [...text.matchAll(/smtp_smarthost: \S+:(\d+)/g)].map(([, port]) => Number(port)),
  );
  return [...(texts.some((text) => /(slack|pagerduty|webhook)_configs/.test(text)) ? [443] : []), ...mail];
}

/** What cannot be chosen by the labels of pods: clients, the API server, nodes, and pods that ask to be scraped. */
function expectedOpenRules(source: Workload, objects: readonly Manifest[]): OpenRule[] {
  const found = discoveries(source, objects).flatMap((job) => job.kubernetes_sd_configs ?? []);
  const onNodes = wiredFlows(objects).filter(
    (flow) => flow.source.title === source.title && flow.target.pod.hostNetwork,
  );
  const byAddress = [
    ...receiverPorts(source, objects),
    ...(source.pod.automountServiceAccountToken ? API_SERVER_PORTS : []),
    ...(found.some(({ role }) => role === 'node') ? [KUBELET_PORT] : []),
    ...onNodes.map(({ port }) => port.port),
  ].sort((a, b) => a - b);
  const anywhere = found.some(({ role, namespaces }) => role !== 'node' && namespaces === undefined);
  const forClients = CLIENT_PORTS[source.program];
  return [
    ...(forClients ? [{ direction: 'ingress', peers: [CLIENTS], ports: forClients } as const] : []),
    ...(byAddress.length > 0 ? [{ direction: 'egress', peers: 'anybody', ports: byAddress } as const] : []),
    ...(anywhere ? [{ direction: 'egress', peers: [{ namespaceSelector: {} }], ports: [] } as const] : []),
  ];
}

describe.each(environments)('%s', (_name, objects) => {
  const pods = workloads(objects);
  const wired = new Set(wiredFlows(objects).map(title));

  test('exactly the wired flows are allowed, pod by pod and port by port', () => {
    const allowed = pods.flatMap((source) =>
      pods.flatMap((target) =>
        podPorts(target)
          // Between pods on the network of their nodes there is no NetworkPolicy.
          .filter(
            (port) => !(source.pod.hostNetwork && target.pod.hostNetwork) && mayConnect(source, target, port, objects),
          )
          .map((port) => title({ source, target, port })),
      ),
    );
    expect(new Set(allowed)).toEqual(wired);
    expect(wired.size).toBeGreaterThanOrEqual(pods.length - 1);
  });

  test('beyond the environment only what is known by its addresses is reached, and only clients get in', () => {
    for (const source of pods.filter(({ pod }) => !pod.hostNetwork)) {
      expect([source.title, openRules(source, objects)]).toEqual([source.title, expectedOpenRules(source, objects)]);
    }
  });

  test('no other pod gets in anywhere', () => {
    for (const target of pods.filter(({ pod }) => !pod.hostNetwork)) {
      for (const port of podPorts(target)) {
        for (const stranger of strangers(pods)) {
          expect([target.title, port, stranger, admits(target, stranger, port, objects)]).toEqual([
            target.title,
            port,
            stranger,
            false,
          ]);
        }
      }
    }
  });

  test('names are looked up exactly by pods that connect by name or use the Kubernetes API', () => {
    for (const source of pods.filter(({ pod }) => !pod.hostNetwork)) {
      const needs =
        inClusterAddresses(source, objects).length > 0 ||
        receiverPorts(source, objects).length > 0 ||
        source.pod.automountServiceAccountToken === true;
      expect([source.title, mayResolveNames(source, objects)]).toEqual([source.title, needs]);
    }
  });
});
