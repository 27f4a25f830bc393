import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../../../src';
import { discoverBackends } from './backend-discovery';
import { binaryOf, programOf } from './binaries';
import { ContainerProcess, type ExitStatus, type ProcessSpec } from './container-process';
import { until } from './deadline';
import type { ClusterState } from './discovered-targets';
import { discoverTargets } from './discovery';
import { environment } from './environment';
import { expandVariables, localize, type Place } from './localize';
import type { WorkloadManifest } from './manifests';
import { PROBE_DEFAULTS, runProbe, type Probe } from './probe';
import { SERVICE_ACCOUNT_PATH } from './service-account';
import { checkFree } from './subnet';
import { PodVolumes, writeFiles, type Mount, type VolumeSources } from './volumes';
import type { Watchdog } from './watchdog';

/** The default of Kubernetes. */
const GRACE_SECONDS = 30;

/** The kubelet waits for the period of the probe; a test need not. */
const STARTUP_PROBE_INTERVAL = 100;

/** What a pod needs of its runner. */
export interface PodContext extends Pick<VolumeSources, 'configMaps' | 'secrets' | 'workdir'> {
  readonly binaries: Readonly<Record<string, string>>;
  readonly watchdog: Watchdog;
  /**
   * How long Services still send connections to a pod that was told to go, in milliseconds: the time until every node
   * of a cluster has learnt of it.
   */
  readonly endpointPropagation: number;
  /** Looks a host up. @returns nothing for one outside of the stack */
  resolve(host: string, namespace: string): string | undefined;
  /** What the Kubernetes API and DNS tell about the stack. */
  cluster(): ClusterState;
}

/** What a container gets: its mounts, and its variables as rendered. */
interface Outfit {
  readonly variables: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly folders: ReadonlyMap<string, string>;
  /** For args and variables. */
  readonly rewrite: (text: string) => string;
  /** For the texts of ConfigMaps. */
  readonly rewriteFile: (text: string) => string;
}

/** A pod: its containers as processes on an address of its own. */
export class Pod {
  public readonly namespace: string;
  public readonly labels: Readonly<Record<string, string>>;

  private readonly volumes: PodVolumes;
  /** As this pod knows them by now. */
  private readonly configMaps: Map<string, Readonly<Record<string, string>>>;
  private containers: ContainerProcess[] = [];
  /** What the containers of earlier lives said. */
  private earlierLogs = '';
  private isReady = false;
  private watching = new AbortController();

  public constructor(
    public readonly name: string,
    public readonly address: string,
    public readonly manifest: WorkloadManifest,
    private readonly context: PodContext,
  ) {
    this.namespace = manifest.namespace;
    this.labels = manifest.podLabels;
    this.configMaps = new Map(context.configMaps);
    this.volumes = new PodVolumes({
      ...context,
      configMaps: this.configMaps,
      pod: name,
      namespace: manifest.namespace,
      volumes: manifest.podSpec.volumes ?? [],
      claimTemplates: manifest.claimTemplates,
      serviceAccount: manifest.podSpec.automountServiceAccountToken ?? false,
    });
  }

  /** Whether Services send connections here: as the rendered probes say, and never to a pod that ended. */
  public get ready(): boolean {
    return this.isReady;
  }

  public get running(): boolean {
    return this.containers.length > 0 && this.containers.every(({ exitStatus }) => exitStatus === undefined);
  }

  /** All that the containers said, over all of their lives. */
  public logs(): string {
    return this.earlierLogs + this.containers.map(({ logs }) => logs).join('\n');
  }

  /** The state and the last log lines, for messages. */
  public describe(): string {
    if (this.containers.length === 0) return `${this.name} is not started`;
    return this.containers.map((container) => container.describe()).join('\n');
  }

  /** The URL of a port of this pod, past all Services. @throws Error when no container has such a port */
  public url(portName = 'http'): string {
    return `http://${this.address}:${this.port(portName)}`;
  }

  /** The names of all ports of its containers. */
  public get portNames(): readonly string[] {
    return this.manifest.podSpec.containers.flatMap(({ ports = [] }) => ports.flatMap(({ name }) => name ?? []));
  }

  /** The number of a port, by its name or as it is. @throws Error when no container has a port of the name */
  public port(port: string | number): number {
    if (typeof port === 'number') return port;
    const named = this.manifest.podSpec.containers
      .flatMap((container) => container.ports ?? [])
      .find(({ name }) => name === port);
    if (!named) throw new Error(`${this.name}: no container has a port named ${port}`);
    return named.containerPort;
  }

  /**
   * Starts the containers and waits until the pod is ready.
   *
   * @throws Error with the last log lines when a container ends or the deadline passes
   */
  public async start({ timeout = 60_000 } = {}): Promise<void> {
    if (this.running) throw new Error(`${this.name}: runs already; stop it first`);
    const { containers, initContainers = [] } = this.manifest.podSpec;
    this.earlierLogs = this.containers.length > 0 ? `${this.logs()}\n` : '';
    this.containers = [];
    for (const { containerPort, protocol = 'TCP' } of containers.flatMap(({ ports = [] }) => ports)) {
      if (protocol === 'TCP') await checkFree(this.name, this.address, containerPort);
    }
    for (const container of initContainers) await this.runInitContainer(container);
    this.containers.push(...containers.map((container) => this.spawn(container)));
    this.watch(this.containers, containers);
    await this.untilReady({ timeout });
  }

  /** Resolves when the pod is ready. @throws Error with the last log lines when a container ends or the time is over */
  public async untilReady({ timeout = 60_000 } = {}): Promise<void> {
    const ended = (): boolean => this.containers.some(({ exitStatus }) => exitStatus !== undefined);
    try {
      await until(`${this.name} ready`, () => this.isReady || ended(), { timeout });
    } catch (error) {
      throw new Error(`${String(error)}\n${this.describe()}`, { cause: error });
    }
    if (!this.isReady) throw new Error(`${this.name}: did not become ready. ${this.describe()}`);
  }

  /**
   * Ends the pod as Kubernetes does: SIGTERM, and SIGKILL after `terminationGracePeriodSeconds`. Services learn of it a
   * little later. Claims stay, everything else is gone.
   *
   * @returns how the main container ended
   */
  public async stop(): Promise<ExitStatus> {
    const { containers } = this;
    const main = this.main();
    const graceful = new AbortController();
    this.watching.abort();
    const propagation = setTimeout(() => (this.isReady = false), this.context.endpointPropagation);
    for (const container of containers) container.signal('SIGTERM');
    const grace = (this.manifest.podSpec.terminationGracePeriodSeconds ?? GRACE_SECONDS) * 1000;
    void delay(grace, undefined, { signal: graceful.signal, ref: false }).then(
      () => containers.forEach((container) => container.signal('SIGKILL')),
      () => undefined,
    );
    await Promise.all(containers.map(({ exited }) => exited));
    graceful.abort();
    clearTimeout(propagation);
    this.checkRootFolder();
    this.volumes.discard();
    return main.exited;
  }

  /**
   * Sends a signal to the containers, as a crash or an operator would; with SIGKILL it waits for their end. As after
   * the crash of a container, everything on disk is there at the next start.
   */
  public async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.main();
    for (const container of this.containers) container.signal(signal);
    if (signal === 'SIGKILL') await Promise.all(this.containers.map(({ exited }) => exited));
  }

  /**
   * Changes the files of a ConfigMap below the running processes, as the kubelet does after an edit; the other pods do
   * not see it. It does not tell the processes: send them a signal with `kill`, or wait until they look.
   *
   * @param files all files that the ConfigMap has from now on
   * @throws Error when no container mounts the ConfigMap, but for single files of it, which the kubelet leaves alone
   */
  public updateConfigMap(name: string, files: Readonly<Record<string, string>>): void {
    this.main();
    const follows = ({ configMaps }: Mount): boolean => configMaps.includes(name);
    if (!this.lastingContainers.some((container) => this.outfit(container).mounts.some(follows))) {
      throw new Error(`${this.name}: no container mounts the ConfigMap ${name} as a folder`);
    }
    this.configMaps.set(`${this.namespace}/${name}`, files);
    for (const container of this.lastingContainers) {
      const { mounts, rewriteFile } = this.outfit(container);
      for (const mount of mounts.filter(follows)) writeFiles(mount, rewriteFile);
    }
  }

  /** Ends the pod at once, whatever state it is in. */
  public async destroy(): Promise<void> {
    this.watching.abort();
    for (const container of this.containers) container.signal('SIGKILL');
    await Promise.all(this.containers.map(({ exited }) => exited));
  }

  /** @throws Error when a process wrote to what is read-only in the cluster */
  public checkRootFolder(): void {
    const written = this.volumes.rootFiles();
    if (written.length > 0) {
      throw new Error(
        `${this.name}: wrote ${written.join(', ')} outside of its volumes, where the file system is read-only; ` +
          'mount a volume there or set the flag that names the folder',
      );
    }
  }

  private main(): ContainerProcess {
    const [main] = this.containers;
    if (!main || !this.running) throw new Error(`${this.name}: does not run. ${this.describe()}`);
    return main;
  }

  /** All containers but those that end before the others start. */
  private get lastingContainers(): readonly Container[] {
    const { containers, initContainers = [] } = this.manifest.podSpec;
    return [...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always'), ...containers];
  }

  private async runInitContainer(container: Container): Promise<void> {
    const process = this.spawn(container);
    if (container.restartPolicy === 'Always') {
      this.containers.push(process);
      return;
    }
    const { code } = await process.exited;
    if (code !== 0) throw new Error(`${this.name}: an init container failed. ${process.describe()}`);
  }

  private spawn(container: Container): ContainerProcess {
    return new ContainerProcess(this.processSpec(container), this.context.watchdog);
  }

  private processSpec(container: Container): ProcessSpec {
    const { name, context } = this;
    const { variables, mounts, folders, rewrite, rewriteFile } = this.outfit(container);
    for (const mount of mounts) writeFiles(mount, rewriteFile);
    const { localized } = environment(container, this, this.valueSources, rewrite);
    const [, ...command] = container.command ?? [programOf(container)];
    const argv = [...command, ...(container.args ?? [])];
    return {
      name: this.manifest.podSpec.containers.length === 1 ? name : `${name}/${container.name}`,
      binary: binaryOf(container, context.binaries),
      args: argv.map((arg) => rewrite(expandVariables(arg, variables))),
      // Nothing of the environment that the tests run in, which a container would not see either.
      env: { PATH: process.env.PATH ?? '', HOSTNAME: name, ...localized },
      cwd: folders.get(container.workingDir ?? '') ?? this.volumes.rootFolder(),
    };
  }

  private get valueSources(): Pick<VolumeSources, 'configMaps' | 'secrets'> {
    return { configMaps: this.configMaps, secrets: this.context.secrets };
  }

  private outfit(container: Container): Outfit {
    const { address, namespace, context } = this;
    const { rendered: variables } = environment(container, this, this.valueSources, (text) => text);
    const mounts = this.volumes.mounts(container, variables);
    const folders = new Map(mounts.map(({ mountPath, folder }) => [mountPath, folder]));
    const place: Place = { address, resolve: (host) => context.resolve(host, namespace), folders };
    const rewrite = (text: string): string => {
      if (text.includes(SERVICE_ACCOUNT_PATH) && !folders.has(SERVICE_ACCOUNT_PATH)) {
        throw new Error(
          `${this.name}: container ${container.name} reads ${SERVICE_ACCOUNT_PATH}, which is mounted only in pods with ` +
            'automountServiceAccountToken: true',
        );
      }
      return localize(text, place);
    };
    const rewriteFile = (text: string): string => {
      const cluster = context.cluster();
      // Hosts first: what is told about pods and Services must stay as it is in the cluster.
      return discoverTargets(discoverBackends(rewrite(text), cluster), namespace, cluster);
    };
    return { variables, mounts, folders, rewrite, rewriteFile };
  }

  /** Keeps `ready` as the kubelet would, for this life of the pod. */
  private watch(processes: readonly ContainerProcess[], containers: readonly Container[]): void {
    const watching = (this.watching = new AbortController());
    const { signal } = watching;
    const readiness = new Map<string, boolean>();
    const update = (): void => {
      if (signal.aborted) return;
      this.isReady = containers.every(({ name }) => readiness.get(name));
    };
    for (const { exited } of processes) {
      void exited.then(() => {
        watching.abort();
        if (processes === this.containers) this.isReady = false;
      });
    }
    for (const { name, readinessProbe, startupProbe } of containers) {
      const report = (passes: boolean): void => {
        readiness.set(name, passes);
        update();
      };
      void this.follow(startupProbe, signal, () => undefined, true)
        .then(() => (readinessProbe ? this.follow(readinessProbe, signal, report, false) : report(true)))
        .catch((error: unknown) => {
          if (!signal.aborted) throw error;
        });
    }
  }

  /** Runs a probe until the signal, or until its first success. */
  private async follow(
    probe: Probe | undefined,
    signal: AbortSignal,
    report: (passes: boolean) => void,
    once: boolean,
  ): Promise<void> {
    if (!probe) return;
    const { periodSeconds, successThreshold, failureThreshold } = { ...PROBE_DEFAULTS, ...probe };
    let passes = false;
    let streak = 0;
    for (;;) {
      const success = await runProbe(probe, this.address, (port) => this.port(port));
      if (signal.aborted) return;
      streak = success === passes ? 0 : streak + 1;
      if (streak >= (success ? successThreshold : failureThreshold)) {
        passes = success;
        streak = 0;
        report(passes);
        if (passes && once) return;
      }
      await delay(passes ? periodSeconds * 1000 : STARTUP_PROBE_INTERVAL, undefined, { signal, ref: false });
    }
  }
}
