import type { Problems } from '../validation';
import { isDnsLabel } from '../values';
import { MAX_NAME_LENGTH, type ControllerKind } from './controller';
import type { Container, EnvVar, Volume, VolumeMount } from './kubernetes';
import type { PortProps } from './service';

export function checkName(kind: ControllerKind, name: string, problems: Problems): void {
  const limit = MAX_NAME_LENGTH[kind];
  problems.when(!isDnsLabel(name) || name.length > limit, {
    prop: 'name',
    value: name,
    rule: `the name of a ${kind} has at most ${limit} lower-case letters, digits and -, and begins and ends with a letter or digit`,
    fix: 'give the construct a shorter or simpler id, or set its `name`',
  });
}

export function checkPorts(name: string, ports: readonly PortProps[], problems: Problems): void {
  const seen = new Map<number, string>();
  for (const port of ports) {
    const other = seen.get(port.port);
    problems.when(other !== undefined, {
      prop: 'port',
      value: port.port,
      rule: `${port.name} and ${other} of ${name} listen on the same port`,
      fix: 'give one of them another port',
    });
    seen.set(port.port, port.name);
  }
}

/** The parts of a pod that several hands add to. */
export interface AssembledPod {
  /** The name of the main container. */
  readonly main: string;
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
  for (const { name } of pod.volumeMounts) {
    problems.when(!volumeNames.includes(name), {
      prop: `${prefix}extraVolumeMounts`,
      value: name,
      rule: 'the pod has no volume of this name',
      fix: `add it to \`${prefix}extraVolumes\``,
    });
  }
  for (const { name, persistentVolumeClaim: claim } of pod.volumes) {
    problems.when(claim !== undefined && !claim.readOnly && pod.most > 1, {
      prop: `${prefix}extraVolumes['${name}'].persistentVolumeClaim.claimName`,
      value: claim?.claimName,
      rule: `one claim would be shared by ${pod.most} replicas, which a ReadWriteOnce volume cannot be`,
      fix: 'mount it with `readOnly: true`, or use a volume that each pod has for itself',
    });
  }
}

function namesOf(items: readonly { readonly name: string }[]): string[] {
  return items.map(({ name }) => name);
}

function repeated(names: readonly string[]): Set<string> {
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}
