import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeEnvironments } from '../../charts/app';
import { kind } from '../../charts/environments/kind';
import { describeWith } from '../integration/runner';
import { ApiServer } from './api-server';
import { LOCAL_COMMANDS, type Commands } from './commands';
import { readManifests, smoke } from './smoke';

const NAMESPACE = 'monitoring';

const SMALL = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config', namespace: NAMESPACE }, data: { a: '1' } },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'storage', namespace: NAMESPACE },
    spec: { replicas: 1, updateStrategy: { type: 'RollingUpdate' }, template: { spec: { containers: [] } } },
  },
];

function writeEnvironment(outdir: string): string {
  writeEnvironments(outdir, { kind });
  return join(outdir, 'kind');
}

function writeSmall(outdir: string): string {
  mkdirSync(outdir, { recursive: true });
  writeFileSync(join(outdir, 'small.k8s.yaml'), SMALL.map((object) => stringify(object)).join('---\n'));
  return outdir;
}

/** The real kubectl against an API server that starts nothing. */
describeWith(['kubectl', 'diff'], 'kubectl', () => {
  let temporary: string;
  let server: ApiServer;

  beforeEach(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'kubectl-'));
    server = await ApiServer.start();
  });

  afterEach(async () => {
    await server.stop();
    rmSync(temporary, { recursive: true });
  });

  interface Settings {
    readonly keep?: boolean;
    readonly write?: (outdir: string) => string;
    /** Happens before kubectl is called. */
    readonly before?: (args: readonly string[]) => void;
  }

  async function run({ keep = false, write = writeSmall, before }: Settings = {}) {
    const kubeconfig = join(temporary, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'lab', cluster: { server: server.url } }],
      users: [{ name: 'lab', user: {} }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const env = { KUBECONFIG: kubeconfig, KUBECACHEDIR: join(temporary, 'cache') };
    const commands: Commands = {
      run: (command, args, options) => {
        // What is not kubectl is the verification, which needs pods.
        if (command !== 'kubectl') return Promise.resolve({ code: 0, stdout: '', stderr: '' });
        before?.(args);
        return LOCAL_COMMANDS.run(command, args, { ...options, env });
      },
      start: () => Promise.reject(new Error('nothing is forwarded')),
    };
    const output: string[] = [];
    const passed = await smoke(
      { context: 'lab', keep, diagnostics: join(temporary, 'diagnostics') },
      {
        commands,
        time: { now: Date.now, pause: () => Promise.resolve() },
        run: 'run-1',
        synthesize: (outdir) => ({ folder: write(outdir), namespace: NAMESPACE }),
        print: (line) => output.push(line),
        signal: new AbortController().signal,
      },
    );
    return { passed, output: output.join('\n') };
  }

  test('applies the whole environment, server-side and strictly, waits, compares and applies again', async () => {
    const { passed, output } = await run({ write: writeEnvironment, keep: true });
    expect(output).toContain('The smoke test passed.');
    expect(passed).toBe(true);
    const titles = readManifests(writeEnvironment(temporary)).map(
      ({ kind: kindName, metadata }) => `${kindName} ${metadata.name}`,
    );
    const written = server.applied.filter(({ parameters }) => parameters.dryRun === undefined);
    const half = written.length / 2;
    for (const applied of [written.slice(0, half), written.slice(half)]) {
      expect(applied.map(({ object }) => object).sort()).toEqual([...titles].sort());
    }
    for (const { contentType, parameters } of written) {
      expect(contentType).toBe('application/apply-patch+yaml');
      expect(parameters).toEqual({ fieldManager: 'kubectl', fieldValidation: 'Strict', force: 'false' });
    }
    expect(server.objects.size).toBe(titles.length);
  }, 120_000);

  test('tells what the API server refuses, collects what there is, and removes the rest', async () => {
    server.refuse = (object) => (object.kind === 'StatefulSet' ? 'spec: Forbidden: updates to statefulset' : undefined);
    const { passed, output } = await run();
    expect(passed).toBe(false);
    expect(output).toMatch(/FAILED: kubectl [^]*spec: Forbidden: updates to statefulset/);
    expect(readFileSync(join(temporary, 'diagnostics', 'monitoring-overview.txt'), 'utf8')).not.toBe('');
    expect(server.objects.size).toBe(0);
  }, 120_000);

  test('finds an object that a second apply writes', async () => {
    server.rewrites = true;
    const { passed, output } = await run();
    expect(passed).toBe(false);
    expect(output).toContain('A second apply wrote:\n- Namespace monitoring was written: resourceVersion changed');
  }, 120_000);

  test('finds an object that applying would change', async () => {
    const { passed, output } = await run({
      before: (args) => {
        const path = '/api/v1/namespaces/monitoring/configmaps/config';
        const entry = server.objects.get(path);
        if (!args.includes('diff') || !entry) return;
        server.objects.set(path, { applied: 'by somebody else', stored: { ...entry.stored, data: { a: '2' } } });
      },
    });
    expect(passed).toBe(false);
    expect(output).toMatch(/applying it again would change this:\n[^]*-\s+a: "2"\n\+\s+a: "1"/);
  }, 120_000);

  test('leaves a namespace alone that is in use', async () => {
    expect((await run({ keep: true })).passed).toBe(true);
    const before = server.applied.length;
    const { passed, output } = await run();
    expect(passed).toBe(false);
    expect(output).toContain('namespace/monitoring: exists already in lab.');
    expect(server.applied).toHaveLength(before);
    expect(server.objects.size).toBe(SMALL.length);
    expect(existsSync(join(temporary, 'diagnostics'))).toBe(false);
  }, 120_000);
});
