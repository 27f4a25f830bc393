import type { Duration } from 'cdk8s';
import { hideUrlSecrets, inTheClear, milliseconds, namesSecret, type Problems } from '../validation';
import { isServiceName } from '../values';
import type { Connections } from '../wiring';
import type { AutoscalingProps } from './autoscaling';
import { MAX_NAME_LENGTH, type ControllerKind } from './controller';
import type { Container, EnvVar, Volume, VolumeMount } from './kubernetes';
import type { PortProps, ServiceProps } from './service';

export function checkName(kind: ControllerKind, name: string, problems: Problems): void {
  const limit = MAX_NAME_LENGTH[kind];
  problems.when(!isServiceName(name) || name.length > limit, {
    prop: 'name',
    value: name,
    rule: `the name of a ${kind} and its Service has at most ${limit} lower-case letters, digits and -, begins with a letter and ends with a letter or digit`,
    fix: 'give the construct a shorter or simpler id, or set its `name`',
  });
}

export function checkPorts(ports: readonly PortProps[], serverSideApply: boolean, problems: Problems): void {
  const seen = new Map<number, PortProps>();
  for (const port of ports) {
    const other = seen.get(port.port);
    problems.when(other !== undefined, {
      prop: port.source === undefined ? `port ${port.name}` : `${port.source}.port`,
      value: port.port,
      rule: `the port ${other?.name} of the same process has this number`,
      fix: 'give one of them another number',
    });
    seen.set(port.port, port);
    problems.when((port.protocols?.length ?? 1) > 1 && !port.podsOnly && !serverSideApply, {
      prop: port.source === undefined ? `port ${port.name}` : `${port.source}.udp`,
      value: true,
      rule: 'a client-side kubectl apply tells the ports of a Service apart by number, and would lose TCP or UDP',
      fix: 'apply server-side and say so with `StackDefaults.set(chart, { serverSideApply: true })`, or leave UDP out',
    });
  }
}

export function checkGracePeriod(
  given: Duration | undefined,
  least: Duration,
  prefix: string,
  problems: Problems,
): void {
  problems.when(given !== undefined && milliseconds(given) < milliseconds(least), {
    prop: `${prefix}terminationGracePeriod`,
    value: given,
    rule: `the process needs ${least.toHumanString()} to finish what it has begun, and would be killed before`,
    fix: `give it at least ${least.toHumanString()}`,
  });
}

/** A Service that is open to the outside of the cluster is of no use when the NetworkPolicy lets nobody in. */
export function checkReachable(
  { type = 'ClusterIP', loadBalancerClass }: ServiceProps = {},
  connections: Connections,
  networkPolicies: boolean,
  prefix: string,
  problems: Problems,
): void {
  const outside = connections.ingress.some(({ peer }) => peer === undefined || peer.ipBlock !== undefined);
  problems.when(type !== 'ClusterIP' && networkPolicies && !outside, {
    prop: `${prefix}service.type`,
    value: type,
    rule: 'opens the Service to the outside of the cluster, and the NetworkPolicy lets nobody in from there',
    fix: "let clients in at an endpoint, e.g. `write().allowFrom({ ipBlock: { cidr: '10.0.0.0/8' } })`",
  });
  problems.when(loadBalancerClass !== undefined && type !== 'LoadBalancer', {
    prop: `${prefix}service.loadBalancerClass`,
    value: loadBalancerClass,
    rule: `a Service of type ${type} has no load balancer`,
    fix: `set \`${prefix}service.type\` to 'LoadBalancer', or remove it`,
  });
}

/** The parts of a pod that several hands add to. */
export interface AssembledPod {
  /** The name of the main container. */
  readonly main: string;
  /** The ports that it listens on. */
  readonly ports: readonly number[];
  readonly extraContainers: readonly Container[];
  readonly initContainers: readonly Container[];
  readonly env: readonly EnvVar[];
  readonly volumes: readonly Volume[];
  readonly volumeMounts: readonly VolumeMount[];
  /** Names of volumes that come from claim templates. */
  readonly claimed: readonly string[];
  /** How many of these pods there may be at once. */
  readonly most: number;
}

/** @param prefix where the user says something about the pods, e.g. `vmstorage.` */
export function checkPod(pod: AssembledPod, prefix: string, problems: Problems): void {
  checkSecrets(pod, prefix, problems);
  const volumeNames = [...pod.claimed, ...namesOf(pod.volumes)];
  const containerNames = [pod.main, ...namesOf(pod.extraContainers), ...namesOf(pod.initContainers)];
  for (const [prop, names] of [
    ['extraContainers', containerNames],
    ['extraVolumes', volumeNames],
    ['env', namesOf(pod.env)],
  ] as const) {
    for (const name of repeated(names)) {
      problems.add({
        prop: `${prefix}${prop}`,
        value: name,
        rule: 'a pod cannot have two of the same name',
        fix: 'rename one of them',
      });
    }
  }
  for (const [prop, mounts] of [
    [`${prefix}extraVolumeMounts`, pod.volumeMounts],
    ...[...pod.extraContainers, ...pod.initContainers].map(
      ({ name, volumeMounts = [] }) => [`volumeMounts of the container ${name}`, volumeMounts] as const,
    ),
  ] as const) {
    for (const path of repeated(mounts.map(({ mountPath }) => mountPath))) {
      problems.add({
        prop,
        value: path,
        rule: 'two volumes are mounted at this path',
        fix: 'mount one of them elsewhere',
      });
    }
    for (const { name } of mounts) {
      problems.when(!volumeNames.includes(name), {
        prop,
        value: name,
        rule: 'the pod has no volume of this name',
        fix: `add it to \`${prefix}extraVolumes\``,
      });
    }
  }
  checkContainerPorts(pod, problems);
  for (const { name, persistentVolumeClaim: claim } of pod.volumes) {
    problems.when(claim !== undefined && !claim.readOnly && pod.most > 1, {
      prop: `${prefix}extraVolumes['${name}'].persistentVolumeClaim.claimName`,
      value: claim?.claimName,
      rule: `one claim would be shared by ${Number.isFinite(pod.most) ? pod.most : 'all'} replicas, which a ReadWriteOnce volume cannot be`,
      fix: 'mount it with `readOnly: true`, or use a volume that each pod has for itself',
    });
  }
}

/** Containers of a pod share its address. Of init containers only those that stay, with `restartPolicy`, are about. */
function checkContainerPorts({ main, ports, extraContainers, initContainers }: AssembledPod, problems: Problems): void {
  const taken = new Map(ports.map((port) => [port, main]));
  for (const { name, ports: own = [] } of [
    ...extraContainers,
    ...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ]) {
    for (const { containerPort } of own) {
      const other = taken.get(containerPort);
      problems.when(other !== undefined, {
        prop: `ports of the container ${name}`,
        value: containerPort,
        rule: `the container ${other} of the same pod listens on it`,
        fix: 'give one of them another port',
      });
      taken.set(containerPort, name);
    }
  }
}

/** The autoscaler reckons in percent of requests, and gives up where a container has none. */
export function checkAutoscaling(
  pod: AssembledPod,
  { targetMemoryUtilization }: AutoscalingProps,
  prefix: string,
  problems: Problems,
): void {
  const measured = targetMemoryUtilization === undefined ? ['cpu'] : ['cpu', 'memory'];
  for (const { name, resources } of pod.extraContainers) {
    for (const resource of measured) {
      problems.when(resources?.requests?.[resource] === undefined, {
        prop: `${prefix}extraContainers['${name}'].resources.requests.${resource}`,
        value: undefined,
        rule: `the autoscaler needs a ${resource} request of every container`,
        fix: 'set it',
      });
    }
  }
}

/** The environment of every container, by whomever it was given. */
function checkSecrets(pod: AssembledPod, prefix: string, problems: Problems): void {
  const environments = [
    [`${prefix}env`, pod.env],
    ...[...pod.extraContainers, ...pod.initContainers].map(
      ({ name, env = [] }) => [`env of the container ${name}`, env] as const,
    ),
  ] as const;
  for (const [prop, env] of environments) {
    for (const { name, value } of env) {
      if (value === undefined) continue;
      const hidden = namesSecret(name) ? '***' : hideUrlSecrets(value);
      problems.when(hidden !== value, {
        prop: `${prop}['${name}']`,
        value: hidden,
        rule: inTheClear('manifest'),
        fix: "write valueFrom: { secretKeyRef: { name: 'name-of-the-secret', key: 'key' } }",
      });
    }
  }
}

function namesOf(items: readonly { readonly name: string }[]): string[] {
  return items.map(({ name }) => name);
}

function repeated(names: readonly string[]): Set<string> {
  const known = new Set<string>();
  return new Set(names.filter((name) => known.size === known.add(name).size));
}
