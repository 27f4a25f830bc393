import { App, Chart, type ChartProps } from 'cdk8s';
import { parseAllDocuments } from 'yaml';

/** A Kubernetes object as it stands in the YAML. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look deep into the output
  readonly [field: string]: any;
}

/** Writes a chart to YAML and reads it back. */
export function synth(make: (chart: Chart) => unknown, props: ChartProps = { namespace: 'monitoring' }): Manifest[] {
  return manifestsOf(appWith(make, props));
}

export function manifestsOf(app: App): Manifest[] {
  return parseAllDocuments(app.synthYaml()).map((document) => document.toJS() as Manifest);
}

export function appWith(make: (chart: Chart) => unknown, props: ChartProps = { namespace: 'monitoring' }): App {
  const app = new App();
  make(new Chart(app, 'test', props));
  return app;
}

/** All that is wrong with a chart, a line each, with the construct's path. */
export function problemsOf(make: (chart: Chart) => unknown, props?: ChartProps): string[] {
  const app = appWith(make, props);
  try {
    app.synthYaml();
    return [];
  } catch (error) {
    const lines = (error as Error).message.split('\n  ').slice(1);
    // A crash is no list of problems.
    if (lines.length === 0) throw error;
    return lines;
  }
}

export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found)
    throw new Error(`no ${kind} ${name} among ${manifests.map((m) => `${m.kind} ${m.metadata.name}`).join(', ')}`);
  return found;
}

export function podOf(workload: Manifest) {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see Manifest
  return workload['spec'].template.spec as Record<string, any>;
}

export function argsOf(workload: Manifest): string[] {
  return podOf(workload)['containers'][0].args as string[];
}
