import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApiObject, App } from 'cdk8s';
import { ENVIRONMENTS } from './environments';
import { writeKustomization } from './kustomization';
import { MetricsStack, type MetricsStackProps } from './metrics-stack';

/** Environments by the name of their folder. */
type Environments = Readonly<Record<string, MetricsStackProps>>;

/** What was written for one environment, beside its kustomization. */
export interface WrittenEnvironment {
  readonly name: string;
  /** Relative to the folder of the environment, in the order in which they are applied. */
  readonly files: readonly string[];
  /** How many objects there are of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

/** One app for each environment, which writes to a folder of its name. */
export function environmentApps(outdir: string, environments: Environments = ENVIRONMENTS): ReadonlyMap<string, App> {
  return new Map(
    Object.entries(environments).map(([name, props]) => [name, environmentApp(join(outdir, name), props)]),
  );
}

function environmentApp(outdir: string, props: MetricsStackProps): App {
  const app = new App({ outdir });
  new MetricsStack(app, 'metrics', props);
  return app;
}

/**
 * Writes all environments, or, when anything is wrong with one of them, none. The folder of an environment is replaced
 * as a whole, so that no file of an earlier synth is left in it.
 *
 * @throws Error with all problems of all environments.
 */
export function writeEnvironments(outdir: string, environments: Environments = ENVIRONMENTS): WrittenEnvironment[] {
  const staging = join(outdir, '.staging');
  rmSync(staging, { recursive: true, force: true });
  const written: WrittenEnvironment[] = [];
  const failures: string[] = [];
  for (const [name, props] of Object.entries(environments)) {
    try {
      const folder = join(staging, name);
      const app = environmentApp(folder, props);
      app.synth();
      const files = readdirSync(folder).sort();
      writeKustomization(folder, files);
      written.push({ name, files, kinds: countKinds(app) });
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (failures.length > 0) {
    rmSync(staging, { recursive: true, force: true });
    throw new Error(failures.join('\n'));
  }
  for (const { name } of written) {
    rmSync(join(outdir, name), { recursive: true, force: true });
    renameSync(join(staging, name), join(outdir, name));
  }
  rmSync(staging, { recursive: true });
  return written;
}

function countKinds(app: App): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const object of app.node.findAll()) {
    if (ApiObject.isApiObject(object)) {
      const { kind } = object;
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
  }
  return Object.fromEntries(Object.entries(kinds).sort(([a], [b]) => (a < b ? -1 : 1)));
}
