import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOPICS } from '../../src/verify/report';
import { parseManifests } from '../manifests/environments';
import type { Manifest } from '../manifests/manifest';
import { succeed, type Commands, type RunOptions } from './commands';
import { collectDiagnostics } from './diagnostics';
import { immutableChanges } from './immutable-changes';
import { Kubectl, namespacesOf } from './kubectl';
import { liveChanges } from './live-changes';
import { findContainerEngine, requireKubectl } from './prerequisites';
import { claimsIn, replacedClaims, UpgradeSamples, type Time } from './upgrade';

/** The name of the cluster that the smoke test makes. */
export const CLUSTER = 'cdk8s-victoriametrics-smoke';

/** Milliseconds until a controller has written what it is about to write. */
const DIFFERENCE_PAUSE = 5_000;

/** Seconds that `verify` gives the stack to settle. */
const VERIFY_WAIT = 300;

const ROOT = join(__dirname, '../..');

export interface SmokeOptions {
  /** A context of a cluster that exists. @default - a cluster is made with kind */
  readonly context?: string;
  /** Leaves the cluster, or what was applied to it. @default false */
  readonly keep?: boolean;
  /** A folder of older manifests that are applied first and upgraded. @default - none */
  readonly from?: string;
  /** Where events, logs and descriptions go when something fails. @default - a new temporary folder */
  readonly diagnostics?: string;
}

/** What the smoke test needs of the world. */
export interface Surroundings {
  readonly commands: Commands;
  readonly time: Time;
  /** Tells this run from others in the data that it writes. */
  readonly run: string;
  /** Writes the manifests and says in which folder. */
  readonly synthesize: (outdir: string) => { readonly folder: string; readonly namespace: string };
  readonly print: (line: string) => void;
  /** Aborted when the user interrupts; what was made is then removed. */
  readonly signal: AbortSignal;
}

/** @returns whether all went well; what did not was printed */
export async function smoke(options: SmokeOptions, surroundings: Surroundings): Promise<boolean> {
  const work = mkdtempSync(join(tmpdir(), 'smoke-'));
  try {
    return await new SmokeTest(options, surroundings, work).run();
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Undoes one thing that the test did. */
type CleanUp = () => Promise<void>;

class SmokeTest {
  private readonly cleanUps: CleanUp[] = [];
  private env: Record<string, string> = {};
  /** Set as soon as there is a cluster to look at. */
  private diagnose: ((folder: string) => Promise<void>) | undefined;

  public constructor(
    private readonly options: SmokeOptions,
    private readonly world: Surroundings,
    private readonly work: string,
  ) {}

  public async run(): Promise<boolean> {
    const { print, signal } = this.world;
    let failed = false;
    try {
      await this.test();
    } catch (error) {
      failed = true;
      if (signal.aborted) print('\nInterrupted.');
      else {
        print(`\nFAILED: ${messageOf(error)}`);
        await this.collect();
      }
    }
    const clean = await this.cleanUp();
    if (!failed && clean) print('\nThe smoke test passed.');
    return !failed && clean;
  }

  private async test(): Promise<void> {
    const { options, world, work } = this;
    const { folder, namespace } = await this.step('Synthesize', () =>
      Promise.resolve(world.synthesize(join(work, 'dist'))),
    );
    const current = readManifests(folder);
    const older = options.from === undefined ? undefined : readManifests(options.from);
    if (older) {
      refuseAll('The API server would refuse', immutableChanges(older, current));
    }

    const context = options.context ?? (await this.createCluster());
    const kubectl = this.kubectl(context);
    const namespaces = namespacesOf([...(older ?? []), ...current]);
    if (options.context !== undefined) {
      await requireKubectl(world.commands, this.quietOptions);
      await kubectl.requireUnusedNamespaces(namespaces, folder);
      for (const applied of [folder, ...(options.from === undefined ? [] : [options.from])]) {
        this.cleanUps.push(() => this.afterwards(context).delete(applied));
      }
    }
    this.diagnose = (to) => collectDiagnostics(this.afterwards(context), namespaces, to);

    if (older && options.from !== undefined) await this.upgrade(kubectl, options.from, older, folder, current);
    else await this.deploy(kubectl, 'Apply', folder, current);

    await this.step('Apply again, which must change nothing', async () => {
      await kubectl.requireNoDifference(folder, () => world.time.pause(DIFFERENCE_PAUSE));
      const before = await kubectl.live(folder);
      await kubectl.apply(folder);
      refuseAll('A second apply wrote', liveChanges(before, await kubectl.live(folder)));
    });
    await this.step('Verify, with chaos', () =>
      succeed(
        world.commands,
        process.execPath,
        [
          '--require=ts-node/register',
          join(ROOT, 'src/verify/cli.ts'),
          'verify',
          `--context=${context}`,
          `--namespace=${namespace}`,
          `--wait=${VERIFY_WAIT}`,
          // What is skipped proves nothing. Only a cluster that exists may be one that enforces no NetworkPolicy.
          ...TOPICS.filter((topic) => topic !== 'network' || options.context === undefined).map(
            (topic) => `--require=${topic}`,
          ),
          '--chaos',
          `--yes-break-things=${context}`,
        ],
        this.runOptions,
      ),
    );
  }

  private async createCluster(): Promise<string> {
    const { commands } = this.world;
    const engine = await findContainerEngine(commands, this.quietOptions);
    // A file of its own, so that nobody's current context changes.
    this.env = {
      KUBECONFIG: join(this.work, 'kubeconfig'),
      ...(engine === 'podman' ? { KIND_EXPERIMENTAL_PROVIDER: 'podman' } : {}),
    };
    const clusters = await succeed(commands, 'kind', ['get', 'clusters'], this.quietOptions);
    if (clusters.split('\n').includes(CLUSTER)) {
      throw new Error(
        `there is a cluster ${CLUSTER} already. Delete it with \`kind delete cluster --name=${CLUSTER}\`, or use it ` +
          `with \`kind export kubeconfig --name=${CLUSTER}\` and --context=kind-${CLUSTER}`,
      );
    }
    this.cleanUps.push(async () => {
      await succeed(commands, 'kind', ['delete', 'cluster', `--name=${CLUSTER}`], this.afterwardsOptions);
    });
    const config = join(__dirname, 'kind.yaml');
    await this.step(`Create the cluster ${CLUSTER} on ${engine}`, () =>
      succeed(
        commands,
        'kind',
        ['create', 'cluster', `--name=${CLUSTER}`, `--config=${config}`, '--wait=5m'],
        this.runOptions,
      ),
    );
    return `kind-${CLUSTER}`;
  }

  private async deploy(kubectl: Kubectl, title: string, folder: string, objects: readonly Manifest[]): Promise<void> {
    await this.step(title, () => kubectl.apply(folder));
    await this.step('Wait until all run', () => kubectl.waitForRollout(objects));
  }

  private async upgrade(
    kubectl: Kubectl,
    from: string,
    older: readonly Manifest[],
    folder: string,
    current: readonly Manifest[],
  ): Promise<void> {
    await this.deploy(kubectl, `Apply ${from}`, from, older);
    const samples = new UpgradeSamples(kubectl, this.world.run, this.world.time);
    await this.step('Write samples', async () => {
      await samples.write(older);
      await samples.require(older);
    });
    const namespaces = namespacesOf(older);
    const claims = await claimsIn(kubectl, namespaces);
    await this.deploy(kubectl, 'Upgrade to the current manifests', folder, current);
    await this.step('Claims and samples are as before', async () => {
      refuseAll('Claims were replaced', replacedClaims(claims, await claimsIn(kubectl, namespaces)));
      await samples.require(current);
    });
  }

  private async step<T>(title: string, act: () => Promise<T>): Promise<T> {
    const { print, signal, time } = this.world;
    signal.throwIfAborted();
    print(`\n== ${title}`);
    const start = time.now();
    const result = await act();
    signal.throwIfAborted();
    print(`   ${Math.round((time.now() - start) / 1000)} s`);
    return result;
  }

  /** Never hides the failure that it explains. */
  private async collect(): Promise<void> {
    if (!this.diagnose) return;
    const folder = this.options.diagnostics ?? mkdtempSync(join(tmpdir(), 'smoke-diagnostics-'));
    try {
      await this.diagnose(folder);
      this.world.print(`Events, logs and descriptions are in ${folder}`);
    } catch (error) {
      this.world.print(`Events and logs could not be collected: ${messageOf(error)}`);
    }
  }

  private async cleanUp(): Promise<boolean> {
    const { context, keep } = this.options;
    const { print } = this.world;
    if (this.cleanUps.length === 0) return true;
    if (keep) {
      const use = `kind export kubeconfig --name=${CLUSTER}`;
      print(context === undefined ? `\nThe cluster is kept: ${use}` : `\nWhat was applied to ${context} is kept.`);
      return true;
    }
    print('\n== Clean up');
    let clean = true;
    for (const undo of this.cleanUps.reverse()) {
      await undo().catch((error: unknown) => {
        clean = false;
        print(`FAILED to clean up: ${messageOf(error)}`);
      });
    }
    return clean;
  }

  private kubectl(context: string): Kubectl {
    return new Kubectl(this.world.commands, context, this.runOptions);
  }

  /** For what must still be done when the user interrupts. */
  private afterwards(context: string): Kubectl {
    return new Kubectl(this.world.commands, context, this.afterwardsOptions);
  }

  private get runOptions(): RunOptions {
    return { ...this.afterwardsOptions, signal: this.world.signal };
  }

  private get quietOptions(): RunOptions {
    return { ...this.runOptions, onLine: undefined };
  }

  private get afterwardsOptions(): RunOptions {
    return { env: this.env, onLine: (line) => this.world.print(`   ${line}`) };
  }
}

/** The objects of all YAML files of a folder, in the order of their names. */
export function readManifests(folder: string): Manifest[] {
  const files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  if (files.length === 0) throw new Error(`${folder} has no manifests`);
  return files.sort().flatMap((name) => parseManifests(readFileSync(join(folder, name), 'utf8')));
}

function refuseAll(title: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error([`${title}:`, ...problems.map((problem) => `- ${problem}`)].join('\n'));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
