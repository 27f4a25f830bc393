import { ApiObject, Chart, Lazy, type Duration } from 'cdk8s';
import type { ContainerResources } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { wholeSeconds, type Problems } from '../validation';
import { isDnsLabel, type Image, type SecretRef } from '../values';
import {
  Connections,
  Endpoint,
  ScrapeTarget,
  type Credentials,
  type EndpointProps,
  type LabelSelector,
  type NetworkPort,
  type Wired,
} from '../wiring';
import { horizontalPodAutoscaler } from './autoscaling';
import { checkAutoscaling, checkGracePeriod, checkName, checkPod, checkPorts, checkReachable } from './checks';
import { checksum, configMap, splitFiles, type ConfigFilesOptions, type Files } from './config-files';
import { controllerSpec, leastReplicas, mostReplicas, type Controller } from './controller';
import { budgetOf, disruptionBudget } from './disruption-budget';
import { apiServerFlows, type ApiAccess } from './kubernetes-api';
import type { Container, EnvVar, Volume, VolumeMount } from './kubernetes';
import { descriptiveLabels, joinLabels, selectorLabels, type Identity, type Labels } from './labels';
import { networkPolicy } from './network-policy';
import { ApiPermissions } from './permissions';
import { podSpec, type HostAccess } from './pod';
import { adjust, type Probes } from './probes';
import type { WorkloadProps } from './props';
import { register } from './registry';
import { checkLimits, mergeResources, renderResources } from './resources';
import { affinity, topologySpread } from './scheduling';
import { secretMounts, secretVolumes } from './secret-files';
import { clientService, headlessService, readyPodsService, type PortProps } from './service';
import { StackDefaults, type StackDefaultsProps } from './stack-defaults';
import { claimTemplate, emptyDir, isEphemeral, type ClaimProps } from './storage';

/** What a component says about itself; everything else is the same for all. */
export interface WorkloadSpec {
  /** What keeps the pods, and how many. */
  readonly controller: Controller;
  /** The name of the workload, its Service and everything else that belongs to it. */
  readonly name: string;
  /** What the pods are, as their labels say it. */
  readonly identity: Identity;
  /** The image in the version of the stack; the user's `image` wins. */
  readonly image: Image;
  /** The command of the main container. @default - that of the image */
  readonly command?: readonly string[];
  /** Asked for when the manifest is written, so that later wiring may add to them. */
  readonly args: () => readonly string[];
  /** Secrets to mount as files, see `secretPath`; asked for with the args. @default - none */
  readonly secrets?: () => readonly SecretRef[];
  /** Environment of the main container. @default - none */
  readonly env?: readonly EnvVar[];
  /** Beside the data of the controller. @default - none */
  readonly volumes?: readonly Volume[];
  /** Of the main container. @default - none */
  readonly volumeMounts?: readonly VolumeMount[];
  /** The ports of the main container and of the Services. */
  readonly ports: readonly PortProps[];
  /** Where each pod serves its own metrics. */
  readonly metrics: readonly MetricsPort[];
  /** What HTTP clients must send. @default - nothing */
  readonly credentials?: Credentials;
  /** What the pods share with their node, which Pod Security "restricted" forbids. @default - nothing */
  readonly host?: HostAccess;
  /** CPU and memory of the main container; amounts of the user win. */
  readonly resources: ContainerResources;
  /** Probes of the main container; timings of the user win. */
  readonly probes: Probes;
  /** From SIGTERM until the process is killed; that of the user wins. */
  readonly gracePeriod: GracePeriod;
  /** What the user said. */
  readonly props: WorkloadProps;
  /** Where the user said it, e.g. `vmstorage.`; empty at the top. */
  readonly prefix: string;
  /** Gets what is wrong. */
  readonly problems: Problems;
}

/** A port that serves metrics. */
export interface MetricsPort {
  /** One of the ports of the workload. */
  readonly portName: string;
  /** Where the metrics are on the port. @default /metrics */
  readonly path?: string;
  /** Whether the metrics tell of others, so that their own labels win over those of the pod. @default false */
  readonly honorLabels?: boolean;
  /** Whether the metrics are those of the node, whose name is then the label `instance`. @default false */
  readonly ofNode?: boolean;
}

/** How long a clean exit takes. */
export interface GracePeriod {
  /** What is usual. */
  readonly standard: Duration;
  /** Below this the process would be killed before it has finished. */
  readonly least: Duration;
}

const DATA_VOLUME = 'data';

/**
 * A set of equal pods with all that belongs to it: Services, ServiceAccount, PodDisruptionBudget, NetworkPolicy, and a
 * HorizontalPodAutoscaler where asked for. `ApiObject.of(workload)` is the StatefulSet, Deployment or DaemonSet; a
 * patch of it, or of any other object below the construct, is written as it is.
 */
export abstract class Workload extends Construct implements Wired {
  public readonly name: string;
  /** The labels that select the pods; they never change. */
  public readonly selectorLabels: Labels;
  /** What the pods may receive and send. */
  public readonly connections: Connections;
  /** Where each pod serves its own metrics. */
  public readonly metrics: readonly ScrapeTarget[];

  protected readonly problems: Problems;

  private readonly defaults: StackDefaultsProps;
  private readonly image: Image;
  private readonly resources: ContainerResources;
  private readonly labels: Labels;
  private readonly podLabels: Labels;
  private readonly probes: Probes;
  /** The Deployment, StatefulSet or DaemonSet; written after what its pods cannot start without. */
  private readonly resource: ApiObject;
  private readonly permissions: ApiPermissions;
  private readonly serviceAccountName: string;
  private readonly env: EnvVar[];
  private readonly volumes: Volume[];
  private readonly volumeMounts: VolumeMount[];
  private readonly extraContainers: Container[];
  private readonly initContainers: Container[];
  private readonly configNames = new Set<string>();
  private readonly rolledFiles = new Map<string, () => Files>();

  protected constructor(
    scope: Construct,
    id: string,
    private readonly spec: WorkloadSpec,
  ) {
    super(scope, id);
    const { name, identity, props, prefix, problems } = spec;
    problems.reportAt(this);
    this.name = name;
    this.problems = problems;
    this.defaults = StackDefaults.of(this);
    this.image = this.resolveImage();
    this.resources = mergeResources(spec.resources, props.resources);
    this.probes = adjust(spec.probes, props.probes, prefix, problems);
    this.serviceAccountName = props.serviceAccount?.name ?? name;

    this.selectorLabels = selectorLabels(identity);
    const layers = [
      { prop: 'version', labels: descriptiveLabels(this.image) },
      { prop: 'labels of the chart', labels: Chart.of(this).labels },
      { prop: 'StackDefaults.labels', labels: this.defaults.labels },
      { prop: `${prefix}labels`, labels: props.labels },
    ];
    const podLayer = { prop: `${prefix}podLabels`, labels: props.podLabels };
    this.labels = joinLabels(this.selectorLabels, problems, ...layers);
    this.podLabels = joinLabels(this.selectorLabels, problems, ...layers, podLayer);

    const nodes = spec.host?.network ? (this.defaults.nodes ?? []) : undefined;
    this.connections = new Connections(this.podSelector, this.namespace, problems, nodes);
    this.permissions = new ApiPermissions(
      this,
      { name: this.serviceAccountName, namespace: this.namespace, given: props.serviceAccount !== undefined },
      this.labels,
      problems,
    );
    this.metrics = spec.metrics.map(
      ({ portName, path, honorLabels, ofNode }) =>
        new ScrapeTarget({
          owner: this,
          name,
          job: identity.name,
          podSelector: this.podSelector,
          namespace: this.namespace,
          portName,
          port: this.portNamed(portName).port,
          path,
          credentials: spec.credentials,
          honorLabels,
          ofNode,
        }),
    );

    const { controller } = spec;
    const data = controller.kind === 'DaemonSet' ? undefined : controller.data;
    const ephemeral = data && isEphemeral(data.volume) ? [emptyDir(DATA_VOLUME, data.volume.sizeLimit)] : [];
    const dataMount = data ? [{ name: DATA_VOLUME, mountPath: data.mountPath }] : [];
    this.env = [...(spec.env ?? []), ...(props.env ?? [])];
    this.volumes = [...ephemeral, ...(spec.volumes ?? []), ...(props.extraVolumes ?? [])];
    this.volumeMounts = [...dataMount, ...(spec.volumeMounts ?? []), ...(props.extraVolumeMounts ?? [])];
    this.extraContainers = [...(props.extraContainers ?? [])];
    this.initContainers = [...(props.initContainers ?? [])];

    checkName(controller.kind, name, problems);
    checkPorts(spec.ports, this.defaults.serverSideApply ?? false, problems);
    checkLimits(this.resources, `${prefix}resources`, problems);
    checkGracePeriod(props.terminationGracePeriod, spec.gracePeriod.least, prefix, problems);
    this.resource = this.object('Resource', spec.controller.kind, 'apps/v1', {
      metadata: { annotations: spec.props.annotations },
      spec: Lazy.any({ produce: () => this.controllerSpec() }),
    });
    this.makeObjects();
    register(this);
    problems.later((late) => this.checkLate(late));
  }

  /** The namespace of the chart, where it says one. */
  public get namespace(): string | undefined {
    return Chart.of(this).namespace;
  }

  /** How many pods there are, at the least where they are autoscaled; of a DaemonSet, on each node. */
  public get replicas(): number {
    return leastReplicas(this.spec.controller);
  }

  /** Adds variables to the main container. A literal that looks like a secret is reported. */
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
   * Mounts files, read-only, from a ConfigMap of their own. A change of a file rolls the pods, unless the process reads
   * it again by itself.
   *
   * @param name tells several ConfigMaps of one workload apart: lower-case letters, digits and -
   * @param mountPath the folder of the files in the main container
   * @param files the files, or what gives them when all wiring is done
   */
  public addConfigFiles(
    name: string,
    mountPath: string,
    files: Files | (() => Files),
    { reloaded = false, split = false }: ConfigFilesOptions = {},
  ): this {
    const id = `config-${name}`;
    if (!isDnsLabel(name) || this.configNames.has(name)) {
      this.problems.add({
        prop: `addConfigFiles('${name}')`,
        value: name,
        rule: 'the name consists of lower-case letters, digits and -, and is given once for each workload',
        fix: 'give another name',
      });
      return this;
    }
    this.configNames.add(name);
    const serverSideApply = this.defaults.serverSideApply ?? false;
    const produce = typeof files === 'function' ? files : () => files;
    if (!reloaded) this.rolledFiles.set(`checksum/${name}`, produce);
    const parts = split && typeof files !== 'function' ? splitFiles(files, serverSideApply) : [produce];
    const names = parts.map((part, index) => {
      const suffix = parts.length > 1 ? `-${index}` : '';
      const metadata = { name: `${this.name}-${name}${suffix}`, labels: this.labels };
      const partFiles = typeof part === 'function' ? part : () => part;
      this.resource.addDependency(
        configMap(this, `${id}${suffix}`, metadata, partFiles, serverSideApply, this.problems),
      );
      return metadata.name;
    });
    const [only, ...others] = names;
    const volume: Volume =
      only !== undefined && others.length === 0
        ? { name, configMap: { name: only } }
        : { name, projected: { sources: names.map((each) => ({ configMap: { name: each } })) } };
    return this.addVolume(volume, { mountPath, readOnly: true });
  }

  /** Lets the pods use the Kubernetes API: a token, the roles, and the way there. */
  public allowApi(access: ApiAccess): void {
    if (access.rules.length === 0) return;
    this.permissions.grant(access);
    for (const { peer, ports } of apiServerFlows(this.defaults.apiServer)) this.connections.allowTo(peer, ...ports);
    this.connections.allowDns();
  }

  /** Lets the pods reach ports of the nodes: of the kubelet, and of pods on the network of their node. */
  public allowToNodes(...ports: readonly NetworkPort[]): void {
    const { nodes = [] } = this.defaults;
    for (const peer of nodes.length > 0 ? nodes : [undefined]) this.connections.allowTo(peer, ...ports);
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
      service: { name: this.name, namespace: this.namespace, portName },
      podsHost: () => this.host(this.readyPodsName),
      ...props,
    };
  }

  /** An endpoint at one pod of a StatefulSet, by its stable name. */
  protected podEndpoint(ordinal: number, portName: string, props: Partial<EndpointProps> = {}): Endpoint {
    return this.endpoint(portName, {
      host: this.host(`${this.name}-${ordinal}.${this.governingName}`),
      service: undefined,
      podsHost: undefined,
      ...props,
    });
  }

  private get podSelector(): LabelSelector {
    return { matchLabels: this.selectorLabels };
  }

  private portNamed(name: string): PortProps {
    const port = this.spec.ports.find((candidate) => candidate.name === name);
    if (!port) throw new Error(`${this.node.path}: no port is named ${name}`);
    return port;
  }

  /** A name below the namespace, as pods of any namespace resolve it. */
  private host(name: string): string {
    const { clusterDomain } = this.defaults;
    if (this.namespace === undefined) return name;
    return `${name}.${this.namespace}.svc${clusterDomain === undefined ? '' : `.${clusterDomain}.`}`;
  }

  /** Whether clients reach any ready pod through one address. */
  private get balanced(): boolean {
    const { controller } = this.spec;
    return controller.kind !== 'StatefulSet' || controller.balanced;
  }

  /** The headless Service that gives the pods of a StatefulSet their names. */
  private get governingName(): string {
    return this.balanced ? `${this.name}-headless` : this.name;
  }

  /** The headless Service of the ready pods, made when somebody asks for it. */
  private get readyPodsName(): string {
    const name = `${this.name}-pods`;
    if (!this.node.tryFindChild('PodsService')) {
      this.object('PodsService', 'Service', 'v1', {
        metadata: { name },
        spec: readyPodsService(this.spec.ports, this.selectorLabels),
      });
    }
    return name;
  }

  private resolveImage(): Image {
    const { imageRegistry } = this.defaults;
    const given = this.spec.props.image;
    if (given?.registry !== undefined) return given;
    const chosen = given ?? this.spec.image;
    return imageRegistry === undefined ? chosen : chosen.inRegistry(imageRegistry);
  }

  private get claim(): ClaimProps | undefined {
    const { controller } = this.spec;
    const volume = controller.kind === 'StatefulSet' ? controller.data?.volume : undefined;
    return volume === undefined || isEphemeral(volume) ? undefined : volume;
  }

  private makeObjects(): void {
    const { controller, ports, props, prefix, problems } = this.spec;
    const { kind } = controller;
    const workload = this.resource;
    if (this.balanced) {
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
      const account = this.object('ServiceAccount', 'ServiceAccount', 'v1', { automountServiceAccountToken: false });
      workload.addDependency(account);
    }
    const budget = budgetOf(controller, props.podDisruptionBudget, `${prefix}podDisruptionBudget`, problems);
    if (budget) {
      this.object('PodDisruptionBudget', 'PodDisruptionBudget', 'policy/v1', {
        spec: disruptionBudget(budget, this.selectorLabels, this.claim === undefined),
      });
    }
    // No NetworkPolicy reaches pods on the network of their node.
    if ((this.defaults.networkPolicies ?? true) && !this.spec.host?.network) {
      this.object('NetworkPolicy', 'NetworkPolicy', 'networking.k8s.io/v1', {
        spec: Lazy.any({ produce: () => networkPolicy(this.selectorLabels, this.connections, this.defaults.dns) }),
      });
    }
    if (kind !== 'DaemonSet' && controller.autoscaling) {
      const { apiVersion, name } = workload;
      this.object('HorizontalPodAutoscaler', 'HorizontalPodAutoscaler', 'autoscaling/v2', {
        spec: horizontalPodAutoscaler(controller.autoscaling, { apiVersion, kind, name }),
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
    return controllerSpec(this.spec.controller, {
      selector: this.selectorLabels,
      template: this.podTemplate(),
      governingService: this.governingName,
      claims: this.claim ? [claimTemplate(DATA_VOLUME, this.claim, this.selectorLabels)] : [],
      claimRetentionPolicy: this.claim?.retentionPolicy,
    });
  }

  private podTemplate(): object {
    const { spec, defaults, selectorLabels: selector } = this;
    const { props, controller, gracePeriod } = spec;
    const checksums = [...this.rolledFiles].map(([name, files]) => [name, checksum(files())] as const);
    const annotations = { ...props.podAnnotations, ...Object.fromEntries(checksums) };
    return {
      metadata: {
        labels: this.podLabels,
        annotations: Object.keys(annotations).length > 0 ? annotations : undefined,
      },
      spec: podSpec(
        {
          containerName: spec.identity.name,
          image: this.image.toString(),
          command: spec.command,
          args: spec.args(),
          env: this.env,
          ports: spec.ports,
          resources: renderResources(this.resources),
          probes: this.probes,
          ...this.mountedVolumes(),
          extraContainers: this.extraContainers,
          initContainers: this.initContainers,
          serviceAccountName: this.serviceAccountName,
          automountServiceAccountToken: this.permissions.used,
          host: spec.host,
          terminationGracePeriodSeconds: wholeSeconds(props.terminationGracePeriod ?? gracePeriod.standard),
          affinity: affinity(controller, props, selector),
          topologySpreadConstraints: topologySpread(controller, props.spread, selector),
        },
        props,
        defaults,
      ),
    };
  }

  /** All volumes, with those of the Secrets that are referred to by now. */
  private mountedVolumes(): { readonly volumes: readonly Volume[]; readonly volumeMounts: readonly VolumeMount[] } {
    const secrets = this.spec.secrets?.() ?? [];
    return {
      volumes: [...this.volumes, ...secretVolumes(secrets)],
      volumeMounts: [...this.volumeMounts, ...secretMounts(secrets)],
    };
  }

  /** What can only be told once nothing is added to the pods any more. */
  private checkLate(problems: Problems): void {
    const { controller, identity, props, prefix } = this.spec;
    const pod = {
      main: identity.name,
      ports: this.spec.ports.map(({ port }) => port),
      extraContainers: this.extraContainers,
      initContainers: this.initContainers,
      env: this.env,
      ...this.mountedVolumes(),
      claimed: this.claim ? [DATA_VOLUME] : [],
      most: mostReplicas(controller),
    };
    checkPod(pod, prefix, problems);
    if (controller.kind !== 'DaemonSet' && controller.autoscaling) {
      checkAutoscaling(pod, controller.autoscaling, prefix, problems);
    }
    checkReachable(props.service, this.connections, this.defaults.networkPolicies ?? true, prefix, problems);
  }
}
