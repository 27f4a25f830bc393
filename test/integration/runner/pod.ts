import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../../../src';
import { binaryOf, programOf } from './binaries';
import { ContainerProcess, type ExitStatus, type ProcessSpec } from './container-process';
import { until } from './deadline';
import { environment } from './environment';
import { expandVariables, localize, type Place } from './localize';
import type { WorkloadManifest } from './manifests';
import { PROBE_DEFAULTS, runProbe, type Probe } from './probe';
import { checkFree } from './subnet';
import { PodVolumes, writeFiles, type VolumeSources } from './volumes';
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
}

/** A pod: its containers as processes on an address of its own. */
export class Pod {
  public readonly namespace: string;
  public readonly labels: Readonly<Record<string, string>>;

  private readonly volumes: PodVolumes;
  private containers: ContainerProcess[] = [];
  /** What the containers of earlier lives said. */
  private earlierLogs = '';
  private isReady = false;
  private watching = new AbortController();

  public constructor(
    public readonly name: string,
    public readonly address: string,
    private readonly manifest: WorkloadManifest,
    private readonly context: PodContext,
  ) {
    this.namespace = manifest.namespace;
    this.labels = manifest.podLabels;
    this.volumes = new PodVolumes({
      ...context,
      pod: name,
      namespace: manifest.namespace,
      volumes: manifest.podSpec.volumes ?? [],
      claimTemplates: manifest.claimTemplates,
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

  private async runInitContainer(container: Container & { readonly restartPolicy?: string }): Promise<void> {
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
    const { name, address, namespace, context } = this;
    const resolve = (host: string): string | undefined => context.resolve(host, namespace);
    const folders = new Map<string, string>();
    const place: Place = { address, resolve, folders };
    const rewrite = (text: string): string => localize(text, place);
    const { rendered } = environment(container, this, context, (text) => text);
    const mounts = this.volumes.mounts(container, rendered);
    for (const { mountPath, folder } of mounts) folders.set(mountPath, folder);
    for (const mount of mounts) writeFiles(mount, rewrite);
    const { localized } = environment(container, this, context, rewrite);
    const [, ...command] = container.command ?? [programOf(container)];
    const argv = [...command, ...(container.args ?? [])];
    return {
      name: this.manifest.podSpec.containers.length === 1 ? name : `${name}/${container.name}`,
      binary: binaryOf(container, context.binaries),
      args: argv.map((arg) => rewrite(expandVariables(arg, rendered))),
      // Nothing of the environment that the tests run in, which a container would not see either.
      env: { PATH: process.env.PATH ?? '', HOSTNAME: name, ...localized },
      cwd: folders.get(container.workingDir ?? '') ?? this.volumes.rootFolder(),
    };
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
