import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { titleOf, workloads, type Manifest } from '../manifests/manifest';
import { CommandFailure, succeed, type Commands, type Outcome, type RunOptions } from './commands';
import type { LiveObject } from './live-changes';

/** How long one workload may take; images are pulled meanwhile. */
const ROLLOUT_TIMEOUT = '10m';

/** What `kubectl diff` says by its exit code. */
const DIFFERENT = 1;

const LOOKS = 5;

/** A port of a Service on loopback. */
export interface Forwarding {
  readonly url: string;
  stop(): Promise<void>;
}

/** kubectl for one context. */
export class Kubectl {
  public constructor(
    private readonly commands: Commands,
    private readonly context: string,
    private readonly options: RunOptions,
  ) {}

  /** Server-side, and refusing unknown fields and fields that are given twice. Conflicts with other owners are errors. */
  public async apply(folder: string): Promise<void> {
    await this.show('apply', '--server-side', '--validate=strict', ...manifestsIn(folder));
  }

  /**
   * @param pause resolves before another look: kubectl compares status as well, which a controller may just write
   * @throws Error with the difference when applying would change anything, however often it is asked
   */
  public async requireNoDifference(folder: string, pause: () => Promise<void>): Promise<void> {
    const args = this.args('diff', '--server-side', ...manifestsIn(folder));
    for (let looks = 1; ; looks++) {
      const outcome = await this.commands.run('kubectl', args, this.quiet);
      if (outcome.code === 0) return;
      if (outcome.code !== DIFFERENT) throw new CommandFailure('kubectl', args, outcome);
      if (looks === LOOKS) throw new Error(`applying it again would change this:\n${outcome.stdout}`);
      await pause();
    }
  }

  /** The objects of a folder as the API server has them. */
  public async live(folder: string): Promise<LiveObject[]> {
    return this.list<LiveObject>('get', ...manifestsIn(folder), '--show-managed-fields');
  }

  public async list<T>(...args: readonly string[]): Promise<T[]> {
    const text = await succeed(this.commands, 'kubectl', this.args(...args, '--output', 'json'), this.quiet);
    return (JSON.parse(text) as { items: T[] }).items;
  }

  /** Resolves when every workload among the objects runs as its manifest says. */
  public async waitForRollout(objects: readonly Manifest[]): Promise<void> {
    for (const { manifest, name, namespace } of workloads(objects)) {
      const workload = `${manifest.kind.toLowerCase()}/${name}`;
      await this.show('rollout', 'status', workload, `--namespace=${namespace}`, `--timeout=${ROLLOUT_TIMEOUT}`);
    }
  }

  /** @throws Error when one of the namespaces exists: it may be in use, and the test breaks what is in it */
  public async requireUnusedNamespaces(namespaces: readonly string[], folder: string): Promise<void> {
    const args = this.args('get', 'namespace', ...namespaces, '--ignore-not-found', '--output', 'name');
    const found = (await succeed(this.commands, 'kubectl', args, this.quiet)).trim().split(/\s+/).filter(Boolean);
    if (found.length > 0) {
      throw new Error(
        `${found.join(', ')}: exists already in ${this.context}. The smoke test deletes pods and denies traffic in its ` +
          `namespaces. If they are left from an earlier run: kubectl --context=${this.context} delete ` +
          manifestsIn(folder).join(' '),
      );
    }
  }

  public async delete(folder: string): Promise<void> {
    await this.show('delete', ...manifestsIn(folder), '--ignore-not-found', '--timeout=10m');
  }

  /** Makes a port of a Service reachable on loopback. */
  public async forward(service: Manifest, port: number): Promise<Forwarding> {
    const { name, namespace } = service.metadata;
    const forwarding = await this.commands.start(
      'kubectl',
      this.args('port-forward', `--namespace=${namespace}`, '--address=127.0.0.1', `service/${name}`, `:${port}`),
      /^Forwarding from 127\.0\.0\.1:(\d+) -> /,
      this.quiet,
    );
    return { stop: forwarding.stop, url: `http://127.0.0.1:${forwarding.match[1]}` };
  }

  /** What a command says, whether it succeeds or not. */
  public async report(...args: readonly string[]): Promise<Outcome> {
    return this.commands.run('kubectl', this.args(...args), this.quiet);
  }

  private async show(...args: readonly string[]): Promise<void> {
    await succeed(this.commands, 'kubectl', this.args(...args), this.options);
  }

  private args(...args: readonly string[]): string[] {
    return [`--context=${this.context}`, ...args];
  }

  private get quiet(): RunOptions {
    return { ...this.options, onLine: undefined };
  }
}

/** By the kustomization, where there is one: that of an older synth may be missing. */
function manifestsIn(folder: string): string[] {
  return existsSync(join(folder, 'Kustomization')) ? [`--kustomize=${folder}`] : [`--filename=${folder}`];
}

/**
 * The namespaces that the objects bring along, in the order of their names. A Role may lie in another: what the API server
 * says of itself is in `default`.
 */
export function namespacesOf(objects: readonly Manifest[]): string[] {
  const names = objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
  return [...new Set(names)].sort();
}

/** The Service of a component of VictoriaMetrics that has an address of its own. */
export function serviceOf(objects: readonly Manifest[], program: string): Manifest {
  const service = objects.find(
    ({ kind, metadata, spec }) =>
      kind === 'Service' &&
      metadata.labels?.['app.kubernetes.io/name'] === program &&
      (spec as { clusterIP?: string }).clusterIP !== 'None',
  );
  if (!service) {
    throw new Error(`there is no Service of ${program} among ${objects.map(titleOf).join(', ') || 'no objects'}`);
  }
  return service;
}
