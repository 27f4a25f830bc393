import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterDns } from './dns';
import { localizeHosts } from './localize';
import { indexManifests, isBehind, type Manifests, type WorkloadManifest } from './manifests';
import { Pod, type PodContext } from './pod';
import { ServiceProxy } from './service-proxy';
import { Subnet } from './subnet';
import { Watchdog } from './watchdog';

export interface RunnerOptions {
  /** The values of Secrets: the name of the Secret, the key, the value. @default - no Secret exists */
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Where claims and files are kept, and stay. @default - a temporary folder that is removed at the end */
  readonly workdir?: string;
  /** Paths of executables by the name of the container or of its program. @default - see `findBinary` */
  readonly binaries?: Readonly<Record<string, string>>;
  /** The network of the stack; the runner releases it at the end. @default - a free one */
  readonly subnet?: Subnet;
  /**
   * How long Services still send connections to a pod that was told to go, in milliseconds.
   *
   * @default 1000
   */
  readonly endpointPropagation?: number;
  /** How long the pods may take to become ready, in milliseconds. @default 60000 */
  readonly timeout?: number;
}

/**
 * Runs a synthesized stack on this machine: each container is a process with the rendered args, variables and config
 * files, of which only hosts, listen addresses and mount paths are changed; where a config file leaves it to the
 * Kubernetes API or to DNS to find pods, those of the stack are written instead. Each pod and each Service has a
 * loopback address of its own, so that ports stay as they are rendered.
 *
 * Kubernetes brings processes back that end; the runner does not, so that a test sees it.
 */
export class Runner {
  /**
   * Starts a stack and waits until all of its pods are ready.
   *
   * @param objects Kubernetes objects as plain data
   * @throws Error when a manifest asks for what the runner cannot honour, or a process does not start; nothing is left
   */
  public static async start(objects: readonly object[], options: RunnerOptions = {}): Promise<Runner> {
    const manifests = indexManifests(objects);
    const subnet = options.subnet ?? (await Subnet.claim());
    const runner = new Runner(manifests, subnet, options);
    try {
      await Promise.all([...runner.services.values()].map((service) => service.listen()));
      const starts = await Promise.allSettled(runner.allPods.map((pod) => pod.start({ timeout: options.timeout })));
      const failures = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []));
      if (failures.length > 0) throw new Error(`the stack did not start:\n${failures.join('\n')}`);
    } catch (error) {
      await runner.close().catch(() => undefined);
      throw error;
    }
    return runner;
  }

  private readonly allPods: readonly Pod[];
  private readonly services: ReadonlyMap<string, ServiceProxy>;
  private readonly dns = new ClusterDns();
  private readonly watchdog: Watchdog;
  private readonly workdir: string;
  private readonly namespace: string;
  private closing: Promise<void> | undefined;

  private constructor(
    manifests: Manifests,
    private readonly subnet: Subnet,
    options: RunnerOptions,
  ) {
    this.workdir = options.workdir ?? mkdtempSync(join(tmpdir(), 'stack-'));
    this.watchdog = new Watchdog(options.workdir === undefined ? this.workdir : undefined);
    this.namespace = manifests.workloads[0]?.namespace ?? 'default';
    const context: PodContext = {
      configMaps: manifests.configMaps,
      secrets: options.secrets ?? {},
      workdir: this.workdir,
      binaries: options.binaries ?? {},
      watchdog: this.watchdog,
      endpointPropagation: options.endpointPropagation ?? 1000,
      resolve: (host, namespace) => this.dns.resolve(host, namespace),
      cluster: () => ({ pods: this.allPods, services: [...this.services.values()] }),
    };
    this.allPods = manifests.workloads.flatMap((workload) => this.makePods(workload, manifests, context));
    this.services = new Map(
      manifests.services.map((service) => {
        const proxy = new ServiceProxy(service, subnet.allocate(), this.allPods);
        this.dns.add(service.name, service.namespace, proxy.address);
        return [service.name, proxy];
      }),
    );
  }

  /** The URL of a port of a Service. @throws Error when there is no such Service or port */
  public url(service: string, portName = 'http'): string {
    const proxy = this.service(service);
    return `http://${proxy.address}:${proxy.port(portName)}`;
  }

  /** @throws Error when there is no such Service */
  public service(name: string): ServiceProxy {
    return found('Service', name, this.services);
  }

  /**
   * Replaces the hosts of the stack in a URL or another text, so that it can be used from here.
   *
   * @throws Error when a name belongs to the stack's namespace and no Service or pod has it
   */
  public localize(text: string): string {
    return localizeHosts(text, (host) => this.dns.resolve(host, this.namespace));
  }

  /** A pod by its name; those of a Deployment are numbered like those of a StatefulSet. @throws Error for another name */
  public pod(name: string): Pod {
    return found('pod', name, new Map(this.allPods.map((pod) => [pod.name, pod])));
  }

  /** The pods of a workload, in order, or all of them. */
  public pods(workload?: string): readonly Pod[] {
    if (workload === undefined) return this.allPods;
    return this.allPods.filter(({ name }) => name.replace(/-\d+$/, '') === workload);
  }

  /** Resolves when every pod is ready. @throws Error with the last log lines when one is not in time */
  public async ready(options: { readonly timeout?: number } = {}): Promise<void> {
    await Promise.all(this.allPods.map((pod) => pod.untilReady(options)));
  }

  /**
   * Ends all processes at once and removes what they left. May be called more than once.
   *
   * @throws Error when a process wrote to what is read-only in the cluster
   */
  public async close(): Promise<void> {
    await (this.closing ??= this.end());
  }

  private async end(): Promise<void> {
    try {
      await Promise.all(this.allPods.map((pod) => pod.destroy()));
      await Promise.all([...this.services.values()].map((service) => service.close()));
      for (const pod of this.allPods) pod.checkRootFolder();
    } finally {
      await this.watchdog.close();
      await this.subnet.release();
    }
  }

  private makePods(workload: WorkloadManifest, { services }: Manifests, context: PodContext): Pod[] {
    const { name, namespace, serviceName, podLabels } = workload;
    // Kubernetes gives the names of a StatefulSet's pods only where the Service exists and selects them.
    const governing = services.find(
      (service) => service.name === serviceName && isBehind(service, { namespace, labels: podLabels }),
    );
    return [...Array(workload.kind === 'DaemonSet' ? 1 : workload.replicas).keys()].map((ordinal) => {
      const pod = new Pod(`${name}-${ordinal}`, this.subnet.allocate(), workload, context);
      if (governing?.headless) this.dns.add(`${pod.name}.${governing.name}`, namespace, pod.address);
      return pod;
    });
  }
}

function found<T>(kind: string, name: string, all: ReadonlyMap<string, T>): T {
  const value = all.get(name);
  if (value === undefined) throw new Error(`${kind} ${name}: the stack has only ${[...all.keys()].join(', ')}`);
  return value;
}
