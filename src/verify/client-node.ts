import { createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import type * as ClientNode from '@kubernetes/client-node';
import type { Forward, Kubernetes, NetworkPolicy, Pod, PodContainer, PodManifest, Workload } from './kubernetes';

/** Where the stack is. */
export interface KubernetesOptions {
  /** @default - the current context of the kubeconfig */
  readonly context?: string;
  /** The one that the stack was deployed to. */
  readonly namespace: string;
  /** @default - what `KUBECONFIG` names, else `~/.kube/config` */
  readonly kubeconfig?: string;
}

/** How long the API may take for an answer, in milliseconds. */
const API_TIMEOUT = 15_000;

/**
 * Kubernetes as `@kubernetes/client-node` reaches it.
 *
 * Who runs `verify` needs a Role with these rules in the namespace of the stack:
 *
 * ```yaml
 * - { apiGroups: [apps], resources: [deployments, statefulsets, daemonsets], verbs: [list] }
 * - { apiGroups: [''], resources: [pods, persistentvolumeclaims, events], verbs: [list] }
 * - { apiGroups: [''], resources: [configmaps, pods/log], verbs: [get] }
 * - { apiGroups: [''], resources: [pods/portforward], verbs: [get, create] }
 * # What tries the network, which `only` may leave out.
 * - { apiGroups: [networking.k8s.io], resources: [networkpolicies], verbs: [list] }
 * - { apiGroups: [''], resources: [pods], verbs: [create, delete] }
 * # `chaos`; it deletes pods, too.
 * - { apiGroups: [apps], resources: [deployments, statefulsets, daemonsets], verbs: [patch] }
 * ```
 *
 * @throws Error when the package is missing or the kubeconfig has no such context
 */
export async function connectToKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const library = await load();
  const config = new library.KubeConfig();
  if (options.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(options.kubeconfig);
  // What the library makes up where it finds none.
  if (
    config.getCurrentContext() === 'loaded-context' &&
    config.getCurrentCluster()?.server === 'http://localhost:8080'
  ) {
    throw new Error('there is no kubeconfig: set KUBECONFIG, or write ~/.kube/config');
  }
  if (options.context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(options.context)) {
      throw new Error(`context ${options.context}: the kubeconfig has only ${names.join(', ') || 'none'}`);
    }
    config.setCurrentContext(options.context);
  }
  if (config.getCurrentCluster() === null) throw new Error('the kubeconfig has no current context: name one');
  return new ClientNodeKubernetes(library, config, options.namespace);
}

async function load(): Promise<typeof ClientNode> {
  try {
    return await import('@kubernetes/client-node');
  } catch (cause) {
    throw new Error(
      'verify needs the package @kubernetes/client-node, which is not there: npm install @kubernetes/client-node',
      { cause },
    );
  }
}

/** Of `kubectl rollout restart`. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

/** What is needed of a web socket, whose own types are those of a package that may not be there. */
interface WebSocketLike {
  addEventListener(event: 'close' | 'error', listener: () => void): void;
  close(): void;
}

class ClientNodeKubernetes implements Kubernetes {
  public readonly context: string;
  private readonly core: ClientNode.CoreV1Api;
  private readonly apps: ClientNode.AppsV1Api;
  private readonly networking: ClientNode.NetworkingV1Api;

  public constructor(
    private readonly clientNode: typeof ClientNode,
    private readonly config: ClientNode.KubeConfig,
    public readonly namespace: string,
  ) {
    this.context = config.getCurrentContext();
    const configuration = clientNode.createConfiguration({
      baseServer: new clientNode.ServerConfiguration(config.getCurrentCluster()!.server, {}),
      authMethods: { default: config },
      httpApi: inTime(clientNode),
    });
    this.core = new clientNode.CoreV1Api(configuration);
    this.apps = new clientNode.AppsV1Api(configuration);
    this.networking = new clientNode.NetworkingV1Api(configuration);
  }

  public async workloads(): Promise<readonly Workload[]> {
    const { namespace } = this;
    const [deployments, statefulSets, daemonSets] = await Promise.all([
      this.apps.listNamespacedDeployment({ namespace }),
      this.apps.listNamespacedStatefulSet({ namespace }),
      this.apps.listNamespacedDaemonSet({ namespace }),
    ]);
    return [
      ...deployments.items.map(fromDeployment),
      ...statefulSets.items.map(fromStatefulSet),
      ...daemonSets.items.map(fromDaemonSet),
    ];
  }

  public async pods(): Promise<readonly Pod[]> {
    return (await this.core.listNamespacedPod({ namespace: this.namespace })).items.map(fromPod);
  }

  public async claims(): ReturnType<Kubernetes['claims']> {
    const { items } = await this.core.listNamespacedPersistentVolumeClaim({ namespace: this.namespace });
    return items.map(({ metadata, status }) => ({ name: metadata?.name ?? '', phase: status?.phase ?? 'Pending' }));
  }

  public async networkPolicies(): Promise<readonly NetworkPolicy[]> {
    const { items } = await this.networking.listNamespacedNetworkPolicy({ namespace: this.namespace });
    return items.filter(({ spec }) => spec?.policyTypes?.includes('Ingress') ?? true).map(fromPolicy);
  }

  public async events(kind: string, name: string): ReturnType<Kubernetes['events']> {
    const { items } = await this.core.listNamespacedEvent({
      namespace: this.namespace,
      fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name}`,
    });
    return items
      .sort((a, b) => timeOf(a) - timeOf(b))
      .map(({ type, reason = '', message = '' }) => ({ warning: type === 'Warning', reason, message }));
  }

  public async configMap(name: string): ReturnType<Kubernetes['configMap']> {
    try {
      return (await this.core.readNamespacedConfigMap({ namespace: this.namespace, name })).data ?? {};
    } catch (error) {
      if (this.isNotFound(error)) return undefined;
      throw error;
    }
  }

  public async logs(pod: string, container: string, lines: number, previous: boolean): Promise<readonly string[]> {
    const text = await this.core.readNamespacedPodLog({
      namespace: this.namespace,
      name: pod,
      container,
      tailLines: lines,
      previous,
    });
    return text.split('\n').filter((line) => line !== '');
  }

  public async forward(pod: string, port: number): Promise<Forward> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      this.tunnel(socket, pod, port).catch((error: unknown) => {
        refuse(socket, `port-forward to ${pod}, port ${port}: ${(error as { message?: string }).message ?? 'failed'}`);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no local port is free');
    return {
      url: `http://127.0.0.1:${address.port}`,
      close: async () => {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  public async createPod(manifest: PodManifest): Promise<void> {
    await this.core.createNamespacedPod({
      namespace: this.namespace,
      body: manifest as ClientNode.V1Pod,
      fieldValidation: 'Strict',
    });
  }

  public async deletePod(name: string): Promise<void> {
    try {
      await this.core.deleteNamespacedPod({ namespace: this.namespace, name });
    } catch (error) {
      if (!this.isNotFound(error)) throw error;
    }
  }

  public async restart({ kind, name }: Pick<Workload, 'kind' | 'name'>): Promise<void> {
    const { namespace } = this;
    const annotations = { [RESTARTED_AT]: new Date().toISOString() };
    const request = { namespace, name, body: { spec: { template: { metadata: { annotations } } } } };
    const { setHeaderOptions, PatchStrategy } = this.clientNode;
    const options = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
    if (kind === 'Deployment') await this.apps.patchNamespacedDeployment(request, options);
    else if (kind === 'StatefulSet') await this.apps.patchNamespacedStatefulSet(request, options);
    else await this.apps.patchNamespacedDaemonSet(request, options);
  }

  /** One connection to a port of a pod: the API server takes one for each web socket. */
  private async tunnel(socket: Socket, pod: string, port: number): Promise<void> {
    const errors = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        // The stream of errors starts with the number of the port, of which nothing is left here.
        if (chunk.length > 0) refuse(socket, chunk.toString());
        done();
      },
    });
    const forward = new this.clientNode.PortForward(this.config);
    const webSocket = (await forward.portForward(
      this.namespace,
      pod,
      [port],
      socket,
      errors,
      socket,
    )) as unknown as WebSocketLike;
    webSocket.addEventListener('close', () => socket.end());
    webSocket.addEventListener('error', () => socket.destroy());
    if (socket.destroyed) webSocket.close();
    else socket.once('close', () => webSocket.close());
  }

  private isNotFound(error: unknown): boolean {
    return error instanceof this.clientNode.ApiException && error.code === 404;
  }
}

/** Requests that end: a connection can be lost without a word. */
function inTime({
  IsomorphicFetchHttpLibrary,
  ResponseContext,
  wrapHttpLibrary,
}: typeof ClientNode): ClientNode.HttpLibrary {
  const library = new IsomorphicFetchHttpLibrary();
  return wrapHttpLibrary({
    async send(request) {
      const signal = AbortSignal.timeout(API_TIMEOUT);
      request.setSignal(signal);
      try {
        const { httpStatusCode, headers, body } = await library.send(request).toPromise();
        const bytes = await body.binary();
        return new ResponseContext(httpStatusCode, headers, {
          text: () => Promise.resolve(bytes.toString()),
          binary: () => Promise.resolve(bytes),
        });
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new Error(`the Kubernetes API did not answer within ${API_TIMEOUT / 1000} s`, { cause: error });
      }
    },
  });
}

/** Says why there is no answer. Where a connection just ends, `fetch` would connect again and again. */
function refuse(socket: Socket, reason: string): void {
  if (socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const head = `HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(reason)}`;
  socket.end(`${head}\r\n\r\n${reason}`);
}

interface Owned {
  readonly metadata?: ClientNode.V1ObjectMeta;
  readonly spec?: { readonly template: ClientNode.V1PodTemplateSpec };
  readonly status?: { readonly observedGeneration?: number };
}

function described({ metadata, spec, status }: Owned): Pick<Workload, 'name' | 'labels' | 'podLabels' | 'observed'> {
  return {
    name: metadata?.name ?? '',
    labels: metadata?.labels ?? {},
    podLabels: spec?.template.metadata?.labels ?? {},
    observed: (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
  };
}

function fromDeployment(object: ClientNode.V1Deployment): Workload {
  const { replicas: total = 0, updatedReplicas: updated = 0, readyReplicas: ready = 0 } = object.status ?? {};
  return { kind: 'Deployment', ...described(object), desired: object.spec?.replicas ?? 1, total, updated, ready };
}

function fromStatefulSet(object: ClientNode.V1StatefulSet): Workload {
  const { replicas: total = 0, updatedReplicas = 0, readyReplicas: ready = 0 } = object.status ?? {};
  // When all are of one version, there are none of a newer one.
  const { currentRevision, updateRevision } = object.status ?? {};
  const updated = currentRevision === updateRevision ? total : updatedReplicas;
  return { kind: 'StatefulSet', ...described(object), desired: object.spec?.replicas ?? 1, total, updated, ready };
}

function fromDaemonSet(object: ClientNode.V1DaemonSet): Workload {
  // Pods that are on their node from before a taint are not counted: they stay.
  const { desiredNumberScheduled = 0, currentNumberScheduled: total = 0 } = object.status ?? {};
  const { updatedNumberScheduled: updated = 0, numberReady: ready = 0 } = object.status ?? {};
  return { kind: 'DaemonSet', ...described(object), desired: desiredNumberScheduled, total, updated, ready };
}

function fromPod({ metadata, spec, status }: ClientNode.V1Pod): Pod {
  const volumes = spec?.volumes ?? [];
  const states = new Map(status?.containerStatuses?.map((each) => [each.name, each]));
  const ready = status?.conditions?.find((condition) => condition.type === 'Ready' && condition.status === 'True');
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    labels: metadata?.labels ?? {},
    ip: status?.podIP,
    phase: status?.phase ?? 'Unknown',
    ready: ready !== undefined,
    readySince: ready?.lastTransitionTime && new Date(ready.lastTransitionTime),
    terminating: metadata?.deletionTimestamp !== undefined,
    containers: (spec?.containers ?? []).map((container) => fromContainer(container, states.get(container.name))),
    claims: volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []),
    configMaps: volumes.flatMap(({ configMap, projected }) => [
      ...(configMap?.name === undefined ? [] : [configMap.name]),
      ...(projected?.sources?.flatMap((source) => source.configMap?.name ?? []) ?? []),
    ]),
    imagePullSecrets: spec?.imagePullSecrets?.flatMap(({ name }) => name ?? []) ?? [],
  };
}

function fromContainer(
  { name, image = '', args = [], ports = [], readinessProbe }: ClientNode.V1Container,
  status: ClientNode.V1ContainerStatus | undefined,
): PodContainer {
  const ended = status?.lastState?.terminated;
  return {
    name,
    image,
    args,
    ports: ports.map((port) => ({ name: port.name, port: port.containerPort })),
    readinessPath: readinessProbe?.httpGet?.path,
    restarts: status?.restartCount ?? 0,
    lastEnd: ended && {
      at: new Date(ended.finishedAt ?? 0),
      reason: ended.reason ?? 'Unknown',
      exitCode: ended.exitCode,
    },
    waiting: status?.state?.waiting && (status.state.waiting.reason ?? 'Unknown'),
    exitCode: status?.state?.terminated?.exitCode,
  };
}

function fromPolicy({ metadata, spec }: ClientNode.V1NetworkPolicy): NetworkPolicy {
  return {
    name: metadata?.name ?? '',
    podSelector: spec?.podSelector ?? {},
    ingress: (spec?.ingress ?? []).map(({ _from: from = [], ports = [] }) => ({ from, ports })),
  };
}

function timeOf({ lastTimestamp, eventTime, metadata }: ClientNode.CoreV1Event): number {
  const time = lastTimestamp ?? eventTime ?? metadata.creationTimestamp;
  return time === undefined ? 0 : new Date(time).getTime();
}
