import { inClusterAddresses } from './addresses';
import { synthesizedEnvironments } from './environments';
import { workloads, type Workload } from './manifest';
import { admits, mayConnect, mayResolveNames, podPorts, type Pod } from './network-policies';
import { wiredFlows } from './wired-flows';

const environments = synthesizedEnvironments();

/** Pods that no part of an environment is: beside its pods, and in another namespace with the labels of each of them. */
function strangers(pods: readonly Workload[]): Pod[] {
  const beside = [...new Set(pods.map(({ namespace }) => namespace))].map((namespace) => ({ labels: {}, namespace }));
  return [...beside, ...pods.map(({ podLabels }) => ({ labels: podLabels, namespace: 'elsewhere' }))];
}

const title = (flow: { source: Workload; target: Workload; port: { port: number; protocol: string } }): string =>
  `${flow.source.name} -> ${flow.target.name}:${flow.port.port}/${flow.port.protocol}`;

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
      const needs = inClusterAddresses(source, objects).length > 0 || source.pod.automountServiceAccountToken === true;
      expect([source.title, mayResolveNames(source, objects)]).toEqual([source.title, needs]);
    }
  });
});
