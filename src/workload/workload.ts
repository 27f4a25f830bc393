import { ApiObject, Chart, Lazy, type Duration } from 'cdk8s';
import type { ContainerResources } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Problems } from '../validation';
import { isDnsLabel, type Image, type SecretRef } from '../values';
import { Connections, Endpoint, type Credentials, type EndpointProps, type Wired } from '../wiring';
import { horizontalPodAutoscaler, type AutoscalingProps } from './autoscaling';
import { checksum, configMap, type Files } from './config-files';
import { allowedDisruptions, disruptionBudget, type DisruptionBudgetProps } from './disruption-budget';
import type { Container, EnvVar, PersistentVolumeClaim, Volume, VolumeMount } from './kubernetes';
import { descriptiveLabels, selectorLabels, type Identity } from './labels';
import { networkPolicy } from './network-policy';
import { podSpec } from './pod';
import { adjust, type Probes } from './probes';
import type { WorkloadProps } from './props';
import { reportDuplicateNames } from './registry';
import { checkLimits, mergeResources, renderResources } from './resources';
import { clientService, headlessService, type PortProps } from './service';
import { StackDefaults } from './stack-defaults';
import { claimTemplate, emptyDir, isEphemeral, type ClaimProps, type VolumeProps } from './storage';

/** What a component says about itself; everything else is the same for all. */
export interface WorkloadSpec {
  readonly kind: 'StatefulSet' | 'Deployment';
  /** The name of the workload, its Service and everything else that belongs to it. */
  readonly name: string;
  readonly identity: Identity;
  readonly defaultImage: Image;
  /** The image that the user chose at a higher level, e.g. by the version of the cluster. @default - defaultImage */
  readonly image?: Image;
  /** Asked for when the manifest is written, so that later wiring may add to them. */
  readonly args: () => readonly string[];
  readonly ports: readonly PortProps[];
  /** The name of the port that serves `/metrics`. */
  readonly metricsPort: string;
  /** What HTTP clients must send. @default - nothing */
  readonly credentials?: Credentials;
  readonly replicas: number;
  readonly autoscaling?: AutoscalingProps;
  readonly resources: ContainerResources;
  readonly probes: Probes;
  readonly terminationGracePeriod: Duration;
  /** Where the process writes. @default - nowhere */
  readonly data?: { readonly volume: VolumeProps; readonly mountPath: string };
  /** Secrets to mount as files, see `secretPath`. */
  readonly secrets: readonly SecretRef[];
  /** Whether clients reach any ready pod through one address. */
  readonly balanced: boolean;
  /** Whether a pod takes data with it when it goes. */
  readonly stateful: boolean;
  /** What the user said. */
  readonly props: WorkloadProps;
  /** Where the user said it, e.g. `vmstorage.`; empty at the top. */
  readonly prefix: string;
  readonly problems: Problems;
}

/** The file at which a key of a Secret is mounted. */
export function secretPath(ref: SecretRef): string {
  return `${secretFolder(ref.secretName)}/${ref.key}`;
}

function secretFolder(secretName: string): string {
  return `/etc/secrets/${secretName}`;
}

/** Names of Secrets may be longer than names of volumes. */
function secretVolume(index: number): string {
  return `secret-${index}`;
}

/** Pod names add an ordinal or a hash, and a StatefulSet puts its name and a hash of 11 characters into a label. */
const MAX_NAME_LENGTH = { StatefulSet: 52, Deployment: 63 } as const;

const DATA_VOLUME = 'data';

/** Kubernetes' own default. */
const REVISION_HISTORY_LIMIT = 10;

/**
 * A set of equal pods with all that belongs to it: Services, ServiceAccount, PodDisruptionBudget, NetworkPolicy, and a
 * HorizontalPodAutoscaler where asked for. `ApiObject.of(workload)` is the StatefulSet or Deployment; a patch of it,
 * or of any other object below the construct, is written as it is.
 */
export abstract class Workload extends Construct implements Wired {
  public readonly name: string;
  /** The labels that select the pods; they never change. */
  public readonly selectorLabels: Readonly<Record<string, string>>;
  /** What the pods may receive and send. */
  public readonly connections: Connections;
  /** Where the pods serve their own metrics. */
  public readonly metrics: Endpoint;

  protected readonly problems: Problems;

  private readonly image: Image;
  private readonly resources: ContainerResources;
  private readonly labels: Readonly<Record<string, string>>;
  private readonly env: EnvVar[];
  private readonly volumes: Volume[];
  private readonly volumeMounts: VolumeMount[];
  private readonly extraContainers: Container[];
  private readonly initContainers: Container[];
  private readonly checksums: Record<string, string> = {};
  private readonly serviceAccountName: string;

  protected constructor(
    scope: Construct,
    id: string,
    private readonly spec: WorkloadSpec,
  ) {
    super(scope, id);
    const { name, identity, props, problems } = spec;
    this.name = name;
    this.problems = problems;
    this.image = this.resolveImage();
    this.selectorLabels = selectorLabels(identity);
    this.labels = {
      ...StackDefaults.of(this).labels,
      ...props.labels,
      ...descriptiveLabels(this.image),
      ...this.selectorLabels,
    };
    this.connections = new Connections({ matchLabels: this.selectorLabels }, this.namespace, problems);
    this.metrics = this.endpoint(spec.metricsPort, { path: '/metrics' });
    this.env = [...(props.env ?? [])];
    this.volumes = [...this.ownVolumes(), ...(props.extraVolumes ?? [])];
    this.volumeMounts = [...this.ownVolumeMounts(), ...(props.extraVolumeMounts ?? [])];
    this.extraContainers = [...(props.extraContainers ?? [])];
    this.initContainers = [...(props.initContainers ?? [])];
    this.serviceAccountName = props.serviceAccount?.name ?? name;

    this.resources = mergeResources(spec.resources, props.resources);

    this.checkName();
    checkLimits(this.resources, `${spec.prefix}resources`, problems);
    this.makeObjects();
    reportDuplicateNames(this);
    problems.later((late) => this.checkPods(late));
  }

  /** The namespace of the chart, where it says one. */
  public get namespace(): string | undefined {
    return Chart.of(this).namespace;
  }

  /** How many pods there are, at the least where they are autoscaled. */
  public get replicas(): number {
    return this.spec.autoscaling?.minReplicas ?? this.spec.replicas;
  }

  private get mostReplicas(): number {
    return this.spec.autoscaling?.maxReplicas ?? this.spec.replicas;
  }

  public addEnv(...variables: readonly EnvVar[]): this {
    this.env.push(...variables);
    return this;
  }

  /** Adds a volume and, where a path is given, mounts it into the main container. */
  public addVolume(volume: Volume, mount?: Omit<VolumeMount, 'name'>): this {
    this.volumes.push(volume);
    if (mount) this.volumeMounts.push({ name: volume.name, ...mount });
    return this;
  }

  /** Adds a container beside the main one, hardened where it does not say otherwise. */
  public addContainer(container: Container): this {
    this.extraContainers.push(container);
    return this;
  }

  /** Adds a container that runs before the main one, hardened where it does not say otherwise. */
  public addInitContainer(container: Container): this {
    this.initContainers.push(container);
    return this;
  }

  /**
   * Mounts files, read-only, from a ConfigMap of their own. A change of a file rolls the pods.
   *
   * @param name tells several ConfigMaps of one workload apart
   * @param mountPath the folder of the files in the main container
   */
  public addConfigFiles(name: string, mountPath: string, files: Files): this {
    const object = configMap(this, name, { name: `${this.name}-${name}`, labels: this.labels }, files, this.problems);
    this.checksums[`checksum/${name}`] = checksum(files);
    return this.addVolume({ name, configMap: { name: object.name } }, { mountPath, readOnly: true });
  }

  /** An endpoint behind the Service of the workload. */
  protected endpoint(portName: string, props: Partial<EndpointProps> = {}): Endpoint {
    return new Endpoint(this.endpointProps(portName, props));
  }

  /** What an endpoint behind the Service of the workload is made from. */
  protected endpointProps(portName: string, props: Partial<EndpointProps> = {}): EndpointProps {
    const { port, protocols } = this.portNamed(portName);
    return {
      scheme: 'http',
      host: this.host(this.name),
      port,
      owner: this,
      networkPorts: protocols?.map((protocol) => ({ port, protocol })),
      credentials: this.spec.credentials,
      ...props,
    };
  }

  /** An endpoint at one pod of a StatefulSet, by its stable name. */
  protected podEndpoint(ordinal: number, portName: string): Endpoint {
    return this.endpoint(portName, {
      scheme: 'tcp',
      host: this.host(`${this.name}-${ordinal}.${this.governingName}`),
      credentials: undefined,
    });
  }

  private portNamed(name: string): PortProps {
    const port = this.spec.ports.find((candidate) => candidate.name === name);
    if (!port) throw new Error(`${this.node.path}: no port is named ${name}`);
    return port;
  }

  /** A name below the namespace, as pods of any namespace resolve it. */
  private host(name: string): string {
    const { clusterDomain } = StackDefaults.of(this);
    if (this.namespace === undefined) return name;
    return `${name}.${this.namespace}.svc${clusterDomain === undefined ? '' : `.${clusterDomain}.`}`;
  }

  /** The headless Service that gives the pods of a StatefulSet their names. */
  private get governingName(): string {
    return this.spec.balanced ? `${this.name}-headless` : this.name;
  }

  private resolveImage(): Image {
    const { defaultImage, image = defaultImage, props } = this.spec;
    const { imageRegistry } = StackDefaults.of(this);
    const given = props.image;
    if (given?.registry !== undefined) return given;
    const chosen = given ?? image;
    return imageRegistry === undefined ? chosen : chosen.inRegistry(imageRegistry);
  }

  private get claim(): ClaimProps | undefined {
    const volume = this.spec.data?.volume;
    return volume === undefined || isEphemeral(volume) ? undefined : volume;
  }

  /** The Secrets to mount, each with the keys that are needed of it. */
  private get secrets(): { readonly secretName: string; readonly keys: readonly string[] }[] {
    const refs = this.spec.secrets;
    const names = [...new Set(refs.map(({ secretName }) => secretName))].sort();
    return names.map((secretName) => ({
      secretName,
      keys: [...new Set(refs.filter((ref) => ref.secretName === secretName).map(({ key }) => key))].sort(),
    }));
  }

  private ownVolumes(): Volume[] {
    const { data } = this.spec;
    return [
      ...(data && isEphemeral(data.volume) ? [emptyDir(DATA_VOLUME, data.volume.sizeLimit)] : []),
      ...this.secrets.map(({ secretName, keys }, index) => ({
        name: secretVolume(index),
        secret: { secretName, items: keys.map((key) => ({ key, path: key })) },
      })),
    ];
  }

  private ownVolumeMounts(): VolumeMount[] {
    const { data } = this.spec;
    return [
      ...(data ? [{ name: DATA_VOLUME, mountPath: data.mountPath }] : []),
      ...this.secrets.map(({ secretName }, index) => ({
        name: secretVolume(index),
        mountPath: secretFolder(secretName),
        readOnly: true,
      })),
    ];
  }

  private makeObjects(): void {
    const { kind, ports, props, balanced, autoscaling } = this.spec;
    const workload = this.object('Resource', kind, 'apps/v1', {
      metadata: { annotations: props.annotations },
      spec: Lazy.any({ produce: () => (kind === 'StatefulSet' ? this.statefulSet() : this.deployment()) }),
    });
    if (balanced) {
      this.object('Service', 'Service', 'v1', {
        metadata: { annotations: props.service?.annotations },
        spec: clientService(ports, this.selectorLabels, props.service),
      });
    }
    if (kind === 'StatefulSet') {
      this.object('HeadlessService', 'Service', 'v1', {
        metadata: { name: this.governingName },
        spec: headlessService(ports, this.selectorLabels),
      });
    }
    if (!props.serviceAccount) {
      this.object('ServiceAccount', 'ServiceAccount', 'v1', { automountServiceAccountToken: false });
    }
    const budget = this.budget();
    if (budget) {
      this.object('PodDisruptionBudget', 'PodDisruptionBudget', 'policy/v1', {
        spec: disruptionBudget(budget, this.selectorLabels, !this.spec.stateful),
      });
    }
    const { networkPolicies = true, dns } = StackDefaults.of(this);
    if (networkPolicies) {
      this.object('NetworkPolicy', 'NetworkPolicy', 'networking.k8s.io/v1', {
        spec: Lazy.any({ produce: () => networkPolicy(this.selectorLabels, this.connections, dns) }),
      });
    }
    if (autoscaling) {
      const { apiVersion, name } = workload;
      this.object('HorizontalPodAutoscaler', 'HorizontalPodAutoscaler', 'autoscaling/v2', {
        spec: horizontalPodAutoscaler(autoscaling, { apiVersion, kind, name }),
      });
    }
  }

  private object(
    id: string,
    kind: string,
    apiVersion: string,
    { metadata, ...fields }: { readonly metadata?: object; readonly [field: string]: unknown },
  ): ApiObject {
    return new ApiObject(this, id, {
      apiVersion,
      kind,
      metadata: { name: this.name, labels: this.labels, ...metadata },
      ...fields,
    });
  }

  private statefulSet(): object {
    const { claim } = this;
    return {
      ...this.workloadFields(),
      serviceName: this.governingName,
      // Pods do not wait for each other: after an outage of the whole set all must come back at once.
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: {
        whenDeleted: claim?.retentionPolicy?.whenDeleted ?? 'Retain',
        whenScaled: claim?.retentionPolicy?.whenScaled ?? 'Retain',
      },
      volumeClaimTemplates: claim ? [this.claimTemplate(claim)] : undefined,
    };
  }

  private deployment(): object {
    return {
      ...this.workloadFields(),
      // A new pod is ready before an old one goes.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    };
  }

  private workloadFields(): object {
    const { spec } = this;
    return {
      // An autoscaler owns the number; a number here would reset it at every apply.
      replicas: spec.autoscaling ? undefined : spec.replicas,
      revisionHistoryLimit: REVISION_HISTORY_LIMIT,
      selector: { matchLabels: this.selectorLabels },
      template: this.podTemplate(),
    };
  }

  private podTemplate(): object {
    const { spec } = this;
    const { props } = spec;
    const annotations = { ...props.podAnnotations, ...this.checksums };
    return {
      metadata: {
        labels: { ...this.labels, ...props.podLabels, ...this.selectorLabels },
        annotations: Object.keys(annotations).length > 0 ? annotations : undefined,
      },
      spec: podSpec(
        this,
        {
          containerName: spec.identity.name,
          image: this.image.toString(),
          args: spec.args(),
          env: this.env,
          ports: spec.ports,
          resources: renderResources(this.resources),
          probes: adjust(spec.probes, props.probes),
          volumes: this.volumes,
          volumeMounts: this.volumeMounts,
          extraContainers: this.extraContainers,
          initContainers: this.initContainers,
          serviceAccountName: this.serviceAccountName,
          terminationGracePeriodSeconds: this.gracePeriodSeconds,
          selector: this.selectorLabels,
          revisioned: spec.kind === 'Deployment',
        },
        props,
      ),
    };
  }

  private get gracePeriodSeconds(): number {
    const period = this.spec.props.terminationGracePeriod ?? this.spec.terminationGracePeriod;
    return Math.ceil(period.toSeconds({ integral: false }));
  }

  private claimTemplate(claim: ClaimProps): PersistentVolumeClaim {
    return claimTemplate(DATA_VOLUME, claim, this.selectorLabels);
  }

  private budget(): DisruptionBudgetProps | undefined {
    const { props, prefix, problems } = this.spec;
    const given = props.podDisruptionBudget;
    if (given === false) return undefined;
    if (given === undefined) return this.mostReplicas > 1 ? { maxUnavailable: 1 } : undefined;
    const prop = `${prefix}podDisruptionBudget`;
    problems.when(given.maxUnavailable !== undefined && given.minAvailable !== undefined, {
      prop,
      value: given,
      rule: 'takes either maxUnavailable or minAvailable',
      fix: 'remove one of them',
    });
    problems.when(allowedDisruptions(given, this.replicas) < 1, {
      prop,
      value: given,
      rule: `leaves none of the ${this.replicas} replicas to be evicted and so blocks every drain of a node`,
      fix: `set \`${prop}: { maxUnavailable: 1 }\`, or \`${prop}: false\` for no budget`,
    });
    return given;
  }

  private checkName(): void {
    const { kind, name, ports, problems } = this.spec;
    const limit = MAX_NAME_LENGTH[kind];
    problems.when(!isDnsLabel(name) || name.length > limit, {
      prop: 'name',
      value: name,
      rule: `the name of a ${kind} has at most ${limit} lower-case letters, digits and -, and begins and ends with a letter or digit`,
      fix: 'give the construct a shorter or simpler id, or set its `name`',
    });
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

  /** What can only be told once nothing is added to the pods any more. */
  private checkPods(problems: Problems): void {
    const { prefix } = this.spec;
    const containers = [this.spec.identity.name, ...this.extraContainers.map(({ name }) => name)];
    for (const [prop, names] of [
      ['extraContainers', [...containers, ...this.initContainers.map(({ name }) => name)]],
      ['extraVolumes', [...(this.claim ? [DATA_VOLUME] : []), ...this.volumes.map(({ name }) => name)]],
      ['env', this.env.map(({ name }) => name)],
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
    const volumeNames = new Set([...(this.claim ? [DATA_VOLUME] : []), ...this.volumes.map(({ name }) => name)]);
    for (const { name } of this.volumeMounts) {
      problems.when(!volumeNames.has(name), {
        prop: `${prefix}extraVolumeMounts`,
        value: name,
        rule: 'the pod has no volume of this name',
        fix: `add it to \`${prefix}extraVolumes\``,
      });
    }
    for (const { name, persistentVolumeClaim: claim } of this.volumes) {
      problems.when(claim !== undefined && !claim.readOnly && this.mostReplicas > 1, {
        prop: `${prefix}extraVolumes['${name}'].persistentVolumeClaim.claimName`,
        value: claim?.claimName,
        rule: `one claim would be shared by ${this.mostReplicas} replicas, which a ReadWriteOnce volume cannot be`,
        fix: 'mount it with `readOnly: true`, or use a volume that each pod has for itself',
      });
    }
  }
}

function repeated(names: readonly string[]): Set<string> {
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}
