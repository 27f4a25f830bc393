import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { App, Size } from 'cdk8s';
import { parse } from 'yaml';
import { kind } from '../../charts/environments/kind';
import { MetricsStack, type MetricsStackProps } from '../../charts/metrics-stack';
import { Retention } from '../../src';
import { parseManifests } from '../manifests/environments';
import type { Manifest } from '../manifests/manifest';
import { LOCAL_COMMANDS, type Commands, type Outcome, type RunOptions } from '../smoke/commands';
import { immutableChanges } from '../smoke/immutable-changes';
import { liveChanges } from '../smoke/live-changes';
import { smoke, type SmokeOptions } from '../smoke/smoke';

const ROOT = join(__dirname, '../..');
const NAMESPACE = 'monitoring';
const DONE: Outcome = { code: 0, stdout: '', stderr: '' };

function metadata(name: string, program: string): object {
  return { name, namespace: NAMESPACE, labels: { 'app.kubernetes.io/name': program } };
}

const MANIFESTS = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metadata('metrics-vmstorage', 'vmstorage'),
    spec: { serviceName: 'metrics-vmstorage', replicas: 2, template: { spec: { containers: [] } } },
  },
  { apiVersion: 'v1', kind: 'Service', metadata: metadata('pods', 'vminsert'), spec: { clusterIP: 'None' } },
  { apiVersion: 'v1', kind: 'Service', metadata: metadata('metrics-vminsert', 'vminsert'), spec: {} },
  { apiVersion: 'v1', kind: 'Service', metadata: metadata('metrics-vmselect', 'vmselect'), spec: {} },
];

function writeManifests(folder: string, manifests: readonly object[] = MANIFESTS): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '0000.k8s.yaml'), manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n'));
  return folder;
}

/** Text import and raw queries, as vminsert and vmselect have them. */
class Storage {
  /** Series to its samples. */
  public readonly series = new Map<string, [seconds: number, value: string][]>();
  /** Answers that are errors before one is right. */
  public failures = 0;

  public static async start(): Promise<Storage> {
    const storage = new Storage();
    await new Promise<void>((resolve) => storage.server.listen(0, '127.0.0.1', resolve));
    return storage;
  }

  private readonly server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      if (request.url?.startsWith('/insert/0/prometheus/api/v1/import/prometheus')) {
        for (const line of body.trim().split('\n')) {
          const [, series = '', value = '', timestamp] = /series="(\d+)"} (\d+) (\d+)$/.exec(line) ?? [];
          this.series.set(series, [...(this.series.get(series) ?? []), [Number(timestamp) / 1000, value]]);
        }
        response.writeHead(204).end();
      } else if (this.failures-- > 0) {
        response.writeHead(503).end();
      } else {
        const result = [...this.series].map(([series, values]) => ({ metric: { series }, values }));
        const data = { resultType: 'matrix', result };
        response.end(JSON.stringify({ status: 'success', isPartial: false, data }));
      }
    });
  });

  public get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  public async stop(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Programs that only write down how they are called. */
class RecordedCommands implements Commands {
  public readonly lines: string[] = [];
  public readonly environments = new Set<string>();
  public open = 0;

  public constructor(
    private readonly world: { readonly temporary: () => string; readonly port: number },
    /** What differs from a program that succeeds and says nothing. */
    private readonly answers: readonly (readonly [
      start: string,
      answer: Partial<Outcome> | (() => Partial<Outcome>),
    ])[],
  ) {}

  public run(command: string, args: readonly string[], { env = {}, signal }: RunOptions = {}): Promise<Outcome> {
    const line = this.record(command, args, env);
    const [, answer = {}] = this.answers.find(([start]) => line.startsWith(start)) ?? [];
    const outcome = { ...DONE, ...defaultAnswer(line), ...(typeof answer === 'function' ? answer() : answer) };
    return signal?.aborted ? Promise.reject(new Error('aborted')) : Promise.resolve(outcome);
  }

  public start(command: string, args: readonly string[], ready: RegExp, { env = {} }: RunOptions = {}) {
    this.record(command, args, env);
    const match = ready.exec(`Forwarding from 127.0.0.1:${this.world.port} -> 8480`);
    this.open++;
    const stop = () => {
      this.open--;
      return Promise.resolve();
    };
    return match ? Promise.resolve({ match, stop }) : Promise.reject(new Error('never ready'));
  }

  private record(command: string, args: readonly string[], env: Readonly<Record<string, string>>): string {
    const work = this.world.temporary();
    const show = (text: string): string =>
      text.replaceAll(work, 'WORK').replaceAll(ROOT, 'ROOT').replace(process.execPath, 'node');
    const line = [command, ...args].map(show).join(' ');
    this.lines.push(line);
    this.environments.add(
      JSON.stringify(env, (_, value: unknown) => (typeof value === 'string' ? show(value) : value)),
    );
    return line;
  }
}

/** What a healthy cluster answers where an empty text would be none. */
function defaultAnswer(line: string): Partial<Outcome> {
  if (line === 'kind version') return { stdout: 'kind v0.24.0 go1.22.6 linux/amd64\n' };
  if (line === 'kubectl version --client') return { stdout: 'Client Version: v1.27.0\nKustomize Version: v5.0.1\n' };
  return line.endsWith('--output json') ? { stdout: '{"items":[]}' } : {};
}

type Answers = ConstructorParameters<typeof RecordedCommands>[1];

interface Run {
  readonly passed: boolean;
  readonly lines: readonly string[];
  readonly environments: ReadonlySet<string>;
  readonly output: string;
  /** Port-forwards that were not ended. */
  readonly open: number;
}

let temporary: string;
let storage: Storage;

beforeEach(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'smoke-test-'));
  storage = await Storage.start();
});

afterEach(async () => {
  rmSync(temporary, { recursive: true });
  await storage.stop();
});

async function run(options: SmokeOptions, answers: Answers = [], interruptAt?: string): Promise<Run> {
  const interruption = new AbortController();
  const output: string[] = [];
  let work = temporary;
  const interrupting: Answers = interruptAt ? [[interruptAt, () => (interruption.abort(), { code: 1 })]] : [];
  const commands = new RecordedCommands({ temporary: () => work, port: storage.port }, [...interrupting, ...answers]);
  let now = 1_800_000_000_000;
  const passed = await smoke(
    { diagnostics: join(temporary, 'diagnostics'), ...options },
    {
      commands,
      time: {
        now: () => now,
        pause: (milliseconds) => {
          now += milliseconds;
          return Promise.resolve();
        },
      },
      run: 'run-1',
      synthesize: (outdir) => {
        work = join(outdir, '..');
        return { folder: writeManifests(join(outdir, 'kind')), namespace: NAMESPACE };
      },
      print: (line) => output.push(line),
      signal: interruption.signal,
    },
  );
  expect(existsSync(work === temporary ? 'none' : work)).toBe(false);
  return {
    passed,
    lines: commands.lines,
    environments: commands.environments,
    output: output.join('\n'),
    open: commands.open,
  };
}

const CHECKS = ['docker info', 'kind version', 'kubectl version --client', 'kind get clusters'];
const CREATE = `kind create cluster --name=cdk8s-victoriametrics-smoke --config=ROOT/test/smoke/kind.yaml --wait=5m`;
const DELETE = 'kind delete cluster --name=cdk8s-victoriametrics-smoke';
const ON = 'kubectl --context=kind-cdk8s-victoriametrics-smoke';
const DIST = '--filename=WORK/dist/kind';
const APPLY = `${ON} apply --server-side --validate=strict ${DIST}`;
const ROLLOUT = `${ON} rollout status statefulset/metrics-vmstorage --namespace=monitoring --timeout=10m`;
const DIFF = `${ON} diff --server-side ${DIST}`;
const LIVE = `${ON} get ${DIST} --show-managed-fields --output json`;
const REQUIRED = '--require=rollout --require=ingestion --require=collection --require=alerting --require=grafana';
const VERIFY =
  'node --require=ts-node/register ROOT/src/verify/cli.ts verify --context=kind-cdk8s-victoriametrics-smoke ' +
  `--namespace=monitoring --wait=300 ${REQUIRED} --require=network --require=chaos ` +
  '--chaos --yes-break-things=kind-cdk8s-victoriametrics-smoke';

describe('on kind', () => {
  test('makes a cluster, deploys, proves that it works and that applying again changes nothing, and removes it', async () => {
    const { passed, lines, environments, output } = await run({});
    expect(lines).toEqual([...CHECKS, CREATE, APPLY, ROLLOUT, DIFF, LIVE, APPLY, LIVE, VERIFY, DELETE]);
    expect(output).toContain('The smoke test passed.');
    expect(passed).toBe(true);
    expect([...environments]).toEqual(['{}', '{"KUBECONFIG":"WORK/kubeconfig"}']);
  });

  test('uses podman when docker does not answer', async () => {
    const { passed, lines, environments } = await run({}, [['docker info', { code: 1, stderr: 'no daemon' }]]);
    expect(lines.slice(0, 2)).toEqual(['docker info', 'podman info']);
    expect(environments).toContain('{"KUBECONFIG":"WORK/kubeconfig","KIND_EXPERIMENTAL_PROVIDER":"podman"}');
    expect(passed).toBe(true);
  });

  test('says how to get all that is missing, and makes nothing', async () => {
    const missing = { code: 127 };
    const { passed, lines, output } = await run({}, [
      ['docker', missing],
      ['podman', missing],
      ['kind', missing],
      ['kubectl', missing],
    ]);
    expect(passed).toBe(false);
    expect(lines).toEqual(['docker info', 'podman info', 'kind version', 'kubectl version --client']);
    expect(output).toMatch(/needs\n- docker or podman: https:.*\n- kind .*: https:.*\n- kubectl .*: https:/);
  });

  test.each([
    ['kind version', 'kind v0.20.0 go1.20.4 linux/amd64', /- kind 0\.24 or later, .*; this is v0\.20\.0$/m],
    ['kind version', 'kind nightly', /- kind 0\.24 or later, .*; this is one that tells no version$/m],
    [
      'kubectl version',
      'Client Version: version.Info{GitVersion:"v1.26.3"}',
      /- kubectl 1\.27 .*; this is v1\.26\.3$/m,
    ],
  ])('makes nothing where %s says %j', async (command, stdout, message) => {
    const { passed, lines, output } = await run({}, [[command, { stdout }]]);
    expect([passed, lines.filter((line) => line.includes('create'))]).toEqual([false, []]);
    expect(output).toMatch(message);
  });

  test('is content with any later version', async () => {
    const { passed } = await run({}, [
      ['kind version', { stdout: 'kind v1.0.0-alpha+1a2b go1.30 darwin/arm64' }],
      ['kubectl version', { stdout: 'Client Version: v2.0.1' }],
    ]);
    expect(passed).toBe(true);
  });

  test('tells a container engine that does not run from one that is missing', async () => {
    const { output } = await run({}, [
      ['docker', { code: 1, stderr: 'Cannot connect to the Docker daemon' }],
      ['podman', { code: 127 }],
    ]);
    expect(output).toContain('- docker is installed but does not answer: Cannot connect to the Docker daemon');
  });

  test('leaves a cluster of that name alone which was there before', async () => {
    const { passed, lines, output } = await run({}, [
      ['kind get clusters', { stdout: 'mine\ncdk8s-victoriametrics-smoke\n' }],
    ]);
    expect(passed).toBe(false);
    expect(lines).toEqual(CHECKS);
    expect(output).toContain('there is a cluster cdk8s-victoriametrics-smoke already');
  });

  test('keeps the cluster when told to, and says how to use it', async () => {
    const { passed, lines, output } = await run({ keep: true });
    expect(passed).toBe(true);
    expect(lines).not.toContain(DELETE);
    expect(output).toContain('kind export kubeconfig --name=cdk8s-victoriametrics-smoke');
  });
});

describe('a failure', () => {
  const live = (resourceVersion: string): Partial<Outcome> => ({
    stdout: JSON.stringify({
      items: [
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config', namespace: NAMESPACE, resourceVersion } },
      ],
    }),
  });
  let version = 0;

  test.each<[step: string, answers: Answers, message: string]>([
    [
      'apply',
      [[APPLY, { code: 1, stderr: 'strict decoding error: unknown field "spec.x"' }]],
      'unknown field "spec.x"',
    ],
    ['rollout', [[ROLLOUT, { code: 1, stderr: 'timed out waiting for the condition' }]], 'timed out waiting'],
    [
      'difference',
      [[DIFF, { code: 1, stdout: '-  cpu: 1000m\n+  cpu: "1"' }]],
      'applying it again would change this:\n- ',
    ],
    ['diff itself', [[DIFF, { code: 2, stderr: 'conflict with "hpa"' }]], 'conflict with "hpa"'],
    [
      'a second apply that writes',
      [[LIVE, () => live(String(version++))]],
      'A second apply wrote:\n- ConfigMap monitoring/config was written: resourceVersion changed',
    ],
    ['verify', [[VERIFY, { code: 1, stderr: 'no sample came back' }]], 'no sample came back'],
  ])('of %s is told, events and logs are collected, and the cluster is removed', async (_step, answers, message) => {
    const { passed, lines, output } = await run({}, [
      ...answers,
      [`${ON} get pods --namespace=monitoring --output=name`, { stdout: 'pod/metrics-vmstorage-0\n' }],
      [`${ON} logs metrics-vmstorage-0`, { stdout: 'panic' }],
    ]);
    expect(passed).toBe(false);
    expect(output).toContain(message);
    expect(output).toContain(`Events, logs and descriptions are in ${join(temporary, 'diagnostics')}`);
    expect(readdirSync(join(temporary, 'diagnostics'))).toEqual([
      'monitoring-events.txt',
      'monitoring-metrics-vmstorage-0-previous.log',
      'monitoring-metrics-vmstorage-0.log',
      'monitoring-overview.txt',
      'monitoring-pods.txt',
      'nodes.txt',
    ]);
    expect(readFileSync(join(temporary, 'diagnostics', 'monitoring-metrics-vmstorage-0.log'), 'utf8')).toBe('panic');
    expect(lines.at(-1)).toBe(DELETE);
  });

  test('is no difference that a controller makes while kubectl compares', async () => {
    const answers = [{ code: 1, stdout: '-  readyReplicas: 1' }, {}];
    const { passed, lines } = await run({}, [[DIFF, () => answers.shift()!]]);
    expect(passed).toBe(true);
    expect(lines.filter((line) => line === DIFF)).toHaveLength(2);
  });

  test('to create the cluster removes what there is of it', async () => {
    const { passed, lines, output } = await run({}, [[CREATE, { code: 1, stderr: 'could not find a log line' }]]);
    expect(passed).toBe(false);
    expect(lines).toEqual([...CHECKS, CREATE, DELETE]);
    expect(output).toContain('could not find a log line');
  });

  test('to remove the cluster fails the test, and does not hide an earlier failure', async () => {
    const removal: Answers[number] = [DELETE, { code: 1, stderr: 'device busy' }];
    const alone = await run({}, [removal]);
    expect(alone.passed).toBe(false);
    expect(alone.output).toContain('FAILED to clean up');
    const both = await run({}, [removal, [APPLY, { code: 1, stderr: 'refused' }]]);
    expect(both.output).toMatch(/refused[^]*device busy/);
  });

  test('to collect what explains a failure hides nothing', async () => {
    writeFileSync(join(temporary, 'diagnostics'), 'a file where a folder must be');
    const { output, lines } = await run({}, [[APPLY, { code: 1, stderr: 'refused' }]]);
    expect(output).toMatch(/refused[^]*could not be collected/);
    expect(lines.at(-1)).toBe(DELETE);
  });
});

describe('interrupted', () => {
  test.each([CREATE, APPLY, ROLLOUT, VERIFY])('during %s, it removes the cluster', async (line) => {
    const { passed, lines, output } = await run({}, [], line);
    expect(passed).toBe(false);
    expect(lines.slice(-2)).toEqual([line, DELETE]);
    expect(output).toContain('Interrupted.');
  });
});

test('Ctrl-C removes the cluster, and a second one does not keep it from that', async () => {
  const log = join(temporary, 'log');
  const program = (name: string, script: string): void =>
    writeFileSync(join(temporary, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program('docker', 'exit 0');
  program('kubectl', 'echo Client Version: v1.30.0');
  program(
    'kind',
    `echo "$1" >> ${log}; echo kind v0.30.0; case "$1" in create) sleep 60;; delete) sleep 1; echo gone >> ${log};; esac`,
  );
  const main = spawn(process.execPath, ['--require=ts-node/register', 'test/smoke/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, PATH: `${temporary}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  main.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise((resolve) => main.once('close', resolve));
  const logged = async (line: string): Promise<void> => {
    while (!existsSync(log) || !readFileSync(log, 'utf8').split('\n').includes(line)) await setTimeout(20);
  };
  await logged('create');
  main.kill('SIGINT');
  await logged('delete');
  main.kill('SIGINT');
  expect(await ended).toBe(1);
  expect(readFileSync(log, 'utf8').trim().split('\n').slice(-3)).toEqual(['create', 'delete', 'gone']);
  expect(output).toContain('Interrupted.');
}, 60_000);

test.each([
  ['--help', 0, /^Usage: npm run smoke/],
  ['--bogus', 1, /^Unknown option '--bogus'.*\n\nUsage: npm run smoke/],
])(
  '%s tells how it is used',
  async (option, code, text) => {
    const main = spawn(process.execPath, ['--require=ts-node/register', 'test/smoke/main.ts', option], { cwd: ROOT });
    let output = '';
    for (const stream of [main.stdout, main.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => (output += part));
    expect(await new Promise((resolve) => main.once('close', resolve))).toBe(code);
    expect(output).toMatch(text);
    expect(output).not.toContain('    at ');
  },
  60_000,
);

describe('on a cluster that exists', () => {
  const there = 'kubectl --context=lab';
  const namespaces = `${there} get namespace monitoring --ignore-not-found --output name`;
  const removal = `${there} delete ${DIST} --ignore-not-found --timeout=10m`;

  test('neither makes nor removes a cluster, and removes what it applied', async () => {
    const { passed, lines, environments } = await run({ context: 'lab' });
    expect(passed).toBe(true);
    expect(lines.slice(0, 3)).toEqual([
      'kubectl version --client',
      namespaces,
      `${there} apply --server-side --validate=strict ${DIST}`,
    ]);
    expect(lines.at(-1)).toBe(removal);
    expect(lines.filter((line) => line.startsWith('kind'))).toEqual([]);
    expect([...environments]).toEqual(['{}']);
  });

  test('does not ask that it enforces NetworkPolicies', async () => {
    const { lines } = await run({ context: 'lab' });
    expect(lines.at(-2)).toContain(` ${REQUIRED} --require=chaos --chaos `);
  });

  test('refuses a namespace that is in use, and leaves it alone', async () => {
    const { passed, lines, output } = await run({ context: 'lab' }, [
      [namespaces, { stdout: 'namespace/monitoring\n' }],
    ]);
    expect(passed).toBe(false);
    expect(lines).toEqual(['kubectl version --client', namespaces]);
    expect(output).toContain('namespace/monitoring: exists already in lab.');
  });

  test('keeps what it applied when told to', async () => {
    const { lines, output } = await run({ context: 'lab', keep: true });
    expect(lines).not.toContain(removal);
    expect(output).toContain('What was applied to lab is kept.');
  });

  test('removes what it applied when interrupted', async () => {
    const { lines } = await run({ context: 'lab' }, [], `${there} rollout`);
    expect(lines.at(-1)).toBe(removal);
  });
});

describe('an upgrade', () => {
  const CLAIMS = `${ON} get persistentvolumeclaims --namespace=monitoring --output json`;
  const FORWARDS = ['vminsert', 'vmselect'].map(
    (name, index) =>
      `${ON} port-forward --namespace=monitoring --address=127.0.0.1 service/metrics-${name} :${8480 + index}`,
  );
  const claims = (uid: string): Partial<Outcome> => ({
    stdout: JSON.stringify({
      items: [{ metadata: { name: 'data-0', namespace: NAMESPACE, uid }, spec: { volumeName: 'pv-1' } }],
    }),
  });
  let older: string;

  beforeEach(() => {
    older = writeManifests(join(temporary, 'older'));
  });

  test('applies the older manifests, writes, applies the current ones and looks at claims and samples', async () => {
    const { passed, lines, open, output } = await run({ from: older }, [[CLAIMS, claims('uid-1')]]);
    expect(output).toContain('The smoke test passed.');
    expect(passed).toBe(true);
    expect(lines.slice(5, 16)).toEqual([
      `${ON} apply --server-side --validate=strict --filename=${older}`,
      ROLLOUT,
      ...FORWARDS,
      ...FORWARDS,
      CLAIMS,
      APPLY,
      ROLLOUT,
      CLAIMS,
      FORWARDS[0],
    ]);
    expect(storage.series.size).toBe(100);
    expect(open).toBe(0);
  });

  test('is refused before anything is made when a field cannot change', async () => {
    const changed = structuredClone(MANIFESTS) as { spec: { serviceName: string } }[];
    changed[1]!.spec.serviceName = 'storage';
    writeManifests(older, changed);
    const { passed, lines, output } = await run({ from: older });
    expect(passed).toBe(false);
    expect(lines).toEqual([]);
    expect(output).toContain(
      'The API server would refuse:\n- StatefulSet monitoring/metrics-vmstorage: ' +
        'spec.serviceName cannot change from "storage" to "metrics-vmstorage"',
    );
  });

  test.each([
    ['replaced', claims('uid-2'), 'claim monitoring/data-0 was uid-1 on volume pv-1 and is uid-2 on volume pv-1'],
    ['deleted', { stdout: '{"items":[]}' }, 'claim monitoring/data-0 was uid-1 on volume pv-1 and is gone'],
  ])('fails when a claim was %s', async (_what, after, message) => {
    const answers = [claims('uid-1'), after];
    const { passed, output } = await run({ from: older }, [[CLAIMS, () => answers.shift()!]]);
    expect(passed).toBe(false);
    expect(output).toContain(message);
  });

  test.each<[what: string, spoil: (samples: [number, string][]) => void]>([
    ['lost', (samples) => samples.pop()],
    ['changed', (samples) => (samples[3]![1] = '7')],
    ['there twice', (samples) => samples.push(samples.at(-1)!)],
  ])('fails when a sample is %s', async (_what, spoil) => {
    const upgraded = (): Partial<Outcome> => {
      spoil(storage.series.get('42')!);
      return {};
    };
    const { passed, output, open } = await run({ from: older }, [[APPLY, upgraded]]);
    expect(passed).toBe(false);
    expect(output).toContain('1 of 100 series are not as they were written, the first is smoke_upgrade{series="42"}');
    expect(open).toBe(0);
  });

  test('reads again when a pod that is about to end was asked', async () => {
    storage.failures = 3;
    const { passed } = await run({ from: older });
    expect(passed).toBe(true);
  });

  test('removes the older manifests as well from a cluster that exists', async () => {
    const { lines } = await run({ from: older, context: 'lab' });
    expect(lines.slice(-2)).toEqual([
      `kubectl --context=lab delete --filename=${older} --ignore-not-found --timeout=10m`,
      `kubectl --context=lab delete ${DIST} --ignore-not-found --timeout=10m`,
    ]);
  });
});

describe('programs of this machine', () => {
  const node = process.execPath;

  test('give their output, line by line and as a whole, and their exit code', async () => {
    const lines: string[] = [];
    const script = 'console.log("a\\nb"); console.error(process.env.WORD); process.exitCode = 3';
    const outcome = await LOCAL_COMMANDS.run(node, ['-e', script], {
      env: { WORD: 'c' },
      onLine: (line) => lines.push(line),
    });
    expect(outcome).toEqual({ code: 3, stdout: 'a\nb\n', stderr: 'c\n' });
    expect(lines.sort()).toEqual(['a', 'b', 'c']);
  });

  test('that are missing have the exit code of a shell', async () => {
    expect(await LOCAL_COMMANDS.run('no-such-program', [])).toMatchObject({ code: 127 });
  });

  test('end when the signal says so, with all that they started', async () => {
    const interruption = new AbortController();
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      console.log(child.pid);
      setInterval(() => {}, 1000);`;
    let child = 0;
    const running = LOCAL_COMMANDS.run(node, ['-e', script], {
      signal: interruption.signal,
      onLine: (line) => {
        child = Number(line);
        interruption.abort();
      },
    });
    await expect(running).rejects.toThrow('abort');
    expect(child).toBeGreaterThan(0);
    const isRunning = (): boolean => {
      try {
        // A zombie that nobody has collected yet answers as well.
        process.kill(child, 0);
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${child}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    while (isRunning()) await setTimeout(10);
  });

  test('do not start after the signal', async () => {
    await expect(LOCAL_COMMANDS.run(node, ['-e', ''], { signal: AbortSignal.abort() })).rejects.toThrow('abort');
  });

  test('run on until they are stopped', async () => {
    const script = 'console.log("Forwarding from 127.0.0.1:4242 -> 80"); setInterval(() => {}, 1000)';
    const { match, stop } = await LOCAL_COMMANDS.start(node, ['-e', script], /127\.0\.0\.1:(\d+)/);
    expect(match[1]).toBe('4242');
    await stop();
    await stop();
  });

  test('that end before they are ready say why', async () => {
    const script = 'console.error("no such service"); process.exitCode = 1';
    await expect(LOCAL_COMMANDS.start(node, ['-e', script], /ready/)).rejects.toThrow('no such service');
    await expect(LOCAL_COMMANDS.start('no-such-program', [], /ready/)).rejects.toThrow('ENOENT');
  });
});

describe('fields that cannot change', () => {
  function synthesized(props: MetricsStackProps): Manifest[] {
    const app = new App();
    new MetricsStack(app, 'metrics', props);
    return parseManifests(app.synthYaml());
  }

  function withCluster(change: object): MetricsStackProps {
    const { cluster } = kind.storage as Extract<MetricsStackProps['storage'], { cluster: object }>;
    return { ...kind, storage: { cluster: { ...cluster, ...change } } };
  }

  const { vmstorage } = (kind.storage as Extract<MetricsStackProps['storage'], { cluster: object }>).cluster;
  const current = synthesized(kind);

  test.each<[what: string, older: MetricsStackProps]>([
    ['another version', withCluster({ version: 'v1.140.0' })],
    ['fewer nodes', withCluster({ replicationFactor: 1, vmstorage: { ...vmstorage, replicas: 2 } })],
    ['another retention', withCluster({ retention: Retention.months(1) })],
    ['no access, exporters and OTLP', { ...kind, access: undefined, exporters: undefined, openTelemetry: undefined }],
    ['another agent', { ...kind, agent: { extraFlags: { 'promscrape.maxScrapeSize': '32MB' } } }],
  ])('are none in an upgrade from %s', (_what, older) => {
    expect(immutableChanges(synthesized(older), current)).toEqual([]);
  });

  test('are the volumes of vmstorage', () => {
    const older = synthesized(withCluster({ vmstorage: { ...vmstorage, volume: { size: Size.gibibytes(1) } } }));
    const changes = immutableChanges(older, current);
    expect(changes).toHaveLength(1);
    expect(changes[0]).toMatch(
      /^StatefulSet monitoring\/metrics-vmstorage: spec\.volumeClaimTemplates cannot change from .*"storage":1073741824/,
    );
  });

  const object = (kindName: string, rest: object, apiVersion = 'apps/v1'): Manifest => ({
    apiVersion,
    kind: kindName,
    metadata: { name: 'web', namespace: 'shop' },
    ...rest,
  });
  const claim = (storage: string, rest: object = {}): Manifest =>
    object('PersistentVolumeClaim', { spec: { resources: { requests: { storage } }, ...rest } }, 'v1');
  const templates = (spec: object, labels = {}): Manifest =>
    object('StatefulSet', { spec: { volumeClaimTemplates: [{ metadata: { name: 'data', labels }, spec }] } });
  const size = (storage: string): object => ({ resources: { requests: { storage } } });
  const service = (spec: object): Manifest => object('Service', { spec }, 'v1');
  const selector = (app: string): object => ({ spec: { selector: { matchLabels: { app } } } });
  const role = (name: string): object => ({ roleRef: { kind: 'Role', name } });
  const config = (value: string, immutable?: boolean): Manifest =>
    object('ConfigMap', { data: { value }, ...(immutable === undefined ? {} : { immutable }) }, 'v1');

  test.each<[what: string, before: Manifest, after: Manifest, path: string]>([
    [
      'selector of a Deployment',
      object('Deployment', selector('a')),
      object('Deployment', selector('b')),
      'spec.selector',
    ],
    [
      'selector of a DaemonSet',
      object('DaemonSet', selector('a')),
      object('DaemonSet', selector('b')),
      'spec.selector',
    ],
    [
      'selector of a StatefulSet',
      object('StatefulSet', selector('a')),
      object('StatefulSet', selector('b')),
      'spec.selector',
    ],
    [
      'management of pods',
      object('StatefulSet', { spec: {} }),
      object('StatefulSet', { spec: { podManagementPolicy: 'Parallel' } }),
      'spec.podManagementPolicy',
    ],
    [
      'labels of claim templates',
      templates(size('1Gi')),
      templates(size('1Gi'), { a: 'b' }),
      'spec.volumeClaimTemplates',
    ],
    ['size of claim templates', templates(size('1Gi')), templates(size('2Gi')), 'spec.volumeClaimTemplates'],
    ['claim that shrinks', claim('2Gi'), claim('1Gi'), 'spec.resources.requests.storage'],
    ['class of a claim', claim('1Gi'), claim('1Gi', { storageClassName: 'fast' }), 'spec.storageClassName'],
    ['headless Service', service({}), service({ clusterIP: 'None' }), 'spec.clusterIP'],
    ['Service that is no longer headless', service({ clusterIP: 'None' }), service({}), 'spec.clusterIP'],
    ['role of a binding', object('RoleBinding', role('a')), object('RoleBinding', role('b')), 'roleRef'],
    [
      'role of a cluster binding',
      object('ClusterRoleBinding', role('a')),
      object('ClusterRoleBinding', role('b')),
      'roleRef',
    ],
    ['frozen data', config('a', true), config('b', true), 'data'],
    ['frozen data that thaws', config('a', true), config('a'), 'immutable'],
  ])('include the %s', (_what, before, after, path) => {
    const changes = immutableChanges([before], [after]);
    expect(changes).toHaveLength(1);
    expect(changes[0]).toContain(`${after.kind} shop/web: ${path} cannot change from `);
  });

  test.each<[what: string, before: Manifest, after: Manifest]>([
    [
      'replicas and pods',
      object('StatefulSet', { spec: { replicas: 1 } }),
      object('StatefulSet', { spec: { replicas: 2, template: {} } }),
    ],
    [
      'the same size in other words',
      templates(size('1Gi')),
      templates({ ...size('1024Mi'), volumeMode: 'Filesystem' }),
    ],
    ['a claim that grows', claim('1Gi'), claim('2Gi')],
    ['ports of a Service', service({ ports: [] }), service({ ports: [{ port: 80 }] })],
    ['data', config('a'), config('b')],
    ['data that is frozen from now on', config('a'), config('b', true)],
    [
      'an object of another name',
      { ...config('a', true), metadata: { name: 'other', namespace: 'shop' } },
      config('b', true),
    ],
    [
      'another version of the API',
      object('Deployment', selector('a'), 'apps/v1beta1'),
      object('Deployment', selector('a')),
    ],
  ])('do not include %s', (_what, before, after) => {
    expect(immutableChanges([before], [after])).toEqual([]);
  });
});

describe('what an apply wrote', () => {
  const live = (fields: object, meta: object = {}): Manifest => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', ...meta },
    ...fields,
  });

  test.each<[what: string, before: Manifest, after: Manifest]>([
    [
      'a status',
      live({ status: { replicas: 1 } }, { resourceVersion: '1' }),
      live({ status: { replicas: 2 } }, { resourceVersion: '2' }),
    ],
    [
      'what a controller reported',
      live({ status: {} }, { managedFields: [{ subresource: 'status', time: '1' }] }),
      live({ status: {} }, { managedFields: [{ subresource: 'status', time: '2' }] }),
    ],
  ])('is not %s', (_what, before, after) => {
    expect(liveChanges([before], [after])).toEqual([]);
  });

  test.each<[what: string, before: Manifest, after: Manifest, fields: string]>([
    ['a spec', live({ spec: 1, status: {} }), live({ spec: 2, status: {} }), 'spec'],
    ['a label', live({ status: {} }), live({ status: {} }, { labels: { a: 'b' } }), 'metadata'],
    [
      'an owner',
      live({ status: {} }),
      live({ status: {} }, { managedFields: [{ manager: 'kubectl' }] }),
      'managedFields',
    ],
    ['a version', live({}, { resourceVersion: '1' }), live({}, { resourceVersion: '2' }), 'resourceVersion'],
  ])('is %s', (_what, before, after, fields) => {
    expect(liveChanges([before], [after])).toEqual([`Deployment shop/web was written: ${fields} changed`]);
  });

  test('is an object that was not there', () => {
    expect(liveChanges([], [live({})])).toEqual(['Deployment shop/web is new']);
  });
});

test('what the workflow uses of others is pinned', () => {
  const workflow = readFileSync(join(ROOT, '.github/workflows/ci.yml'), 'utf8');
  const actions = [...workflow.matchAll(/uses: (.*)/g)].map(([, action]) => action);
  expect(actions).not.toHaveLength(0);
  for (const action of actions) expect(action).toMatch(/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  expect(workflow).toMatch(/KIND_SHA256: [0-9a-f]{64}\n/);
});

test('the cluster has one control plane and a worker in each of three zones', () => {
  const { nodes } = parse(readFileSync(join(ROOT, 'test/smoke/kind.yaml'), 'utf8'));
  expect(nodes.map(({ role }: { role: string }) => role)).toEqual(['control-plane', 'worker', 'worker', 'worker']);
  const zones = nodes.slice(1).map((node: { labels: object }) => Object.entries(node.labels));
  expect(zones).toEqual(['zone-a', 'zone-b', 'zone-c'].map((zone) => [['topology.kubernetes.io/zone', zone]]));
  for (const { image } of nodes) expect(image).toMatch(/^docker\.io\/kindest\/node:v[\d.]+@sha256:[0-9a-f]{64}$/);
});
