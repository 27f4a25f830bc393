import { ApiObject, Chart, Lazy, type Duration } from 'cdk8s';
import type { ContainerResources } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Problems } from '../validation';
import type { Image, SecretRef } from '../values';
import { Connections, Endpoint, type Credentials, type EndpointProps, type Wired } from '../wiring';
import { horizontalPodAutoscaler, type AutoscalingProps } from './autoscaling';
import { checksum, configMap, type Files } from './config-files';
import { checkName, checkPod, checkPorts } from './checks';
import { controllerSpec, type ControllerKind } from './controller';
import { allowedDisruptions, disruptionBudget, type DisruptionBudgetProps } from './disruption-budget';
import type { Container, EnvVar, Volume, VolumeMount } from './kubernetes';
import { descriptiveLabels, selectorLabels, type Identity } from './labels';
import { networkPolicy } from './network-policy';
import { podSpec } from './pod';
import { adjust, type Probes } from './probes';
import type { WorkloadProps } from './props';
import { reportDuplicateNames } from './registry';
import { checkLimits, mergeResources, renderResources } from './resources';
import { topologySpread } from './scheduling';
import { secretMounts, secretVolumes } from './secret-files';
import { clientService, headlessService, type PortProps } from './service';
import { StackDefaults } from './stack-defaults';
import { claimTemplate, emptyDir, isEphemeral, type ClaimProps, type VolumeProps } from './storage';

/** What a component says about itself; everything else is the same for all. */
export interface WorkloadSpec {
  readonly kind: ControllerKind;
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
  /** Of a DaemonSet: not said, there is one on each node. */
  readonly replicas?: number;
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

const DATA_VOLUME = 'data';

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

    checkName(spec.kind, name, problems);
    checkPorts(name, spec.ports, problems);
    checkLimits(this.resources, `${spec.prefix}resources`, problems);
    this.makeObjects();
    reportDuplicateNames(this);
    problems.later((late) => this.checkPods(late));
  }

  /** The namespace of the chart, where it says one. */
  public get namespace(): string | undefined {
    return Chart.of(this).namespace;
  }

  /** How many pods there are, at the least where they are autoscaled; of a DaemonSet, on each node. */
  public get replicas(): number {
    return this.spec.autoscaling?.minReplicas ?? this.spec.replicas ?? 1;
  }

  private get mostReplicas(): number {
    return this.spec.autoscaling?.maxReplicas ?? this.spec.replicas ?? 1;
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

  private ownVolumes(): Volume[] {
    const { data, secrets } = this.spec;
    const cache = data && isEphemeral(data.volume) ? [emptyDir(DATA_VOLUME, data.volume.sizeLimit)] : [];
    return [...cache, ...secretVolumes(secrets)];
  }

  private ownVolumeMounts(): VolumeMount[] {
    const { data, secrets } = this.spec;
    return [...(data ? [{ name: DATA_VOLUME, mountPath: data.mountPath }] : []), ...secretMounts(secrets)];
  }

  private makeObjects(): void {
    const { kind, ports, props, balanced, autoscaling } = this.spec;
    const workload = this.object('Resource', kind, 'apps/v1', {
      metadata: { annotations: props.annotations },
      spec: Lazy.any({ produce: () => this.controllerSpec() }),
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

  private controllerSpec(): object {
    const { kind, autoscaling, replicas } = this.spec;
    return controllerSpec(kind, {
      selector: this.selectorLabels,
      template: this.podTemplate(),
      replicas: kind === 'DaemonSet' || autoscaling ? undefined : replicas,
      governingService: this.governingName,
      claims: this.claim ? [claimTemplate(DATA_VOLUME, this.claim, this.selectorLabels)] : [],
      claimRetentionPolicy: this.claim?.retentionPolicy,
    });
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
          topologySpreadConstraints: topologySpread(spec.kind, props.spread, this.selectorLabels),
        },
        props,
      ),
    };
  }

  private get gracePeriodSeconds(): number {
    const period = this.spec.props.terminationGracePeriod ?? this.spec.terminationGracePeriod;
    return Math.ceil(period.toSeconds({ integral: false }));
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

  /** What can only be told once nothing is added to the pods any more. */
  private checkPods(problems: Problems): void {
    checkPod(
      {
        main: this.spec.identity.name,
        extraContainers: this.extraContainers,
        initContainers: this.initContainers,
        env: this.env,
        volumes: this.volumes,
        volumeMounts: this.volumeMounts,
        claimed: this.claim ? [DATA_VOLUME] : [],
        most: this.mostReplicas,
      },
      this.spec.prefix,
      problems,
    );
  }
}
