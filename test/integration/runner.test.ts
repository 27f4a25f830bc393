import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart, Size } from 'cdk8s';
import { Cpu, Retention, VmSingle } from '../../src';
import { findBinary, parseManifests, Runner, Subnet, until } from './runner';
import { binaryOf, programOf, titleWith } from './runner/binaries';
import { ClusterDns } from './runner/dns';
import { environment } from './runner/environment';
import { expandVariables, localize, localizeHosts, type Place } from './runner/localize';
import { indexManifests } from './runner/manifests';
import { WATCHDOG_SCRIPT } from './runner/watchdog';

const dns = new ClusterDns();
dns.add('db', 'monitoring', '127.9.9.1');
dns.add('db-0.db', 'monitoring', '127.9.9.2');
dns.add('db', 'other', '127.9.9.3');

const place: Place = {
  address: '127.9.9.9',
  resolve: (host) => dns.resolve(host, 'monitoring'),
  folders: new Map([
    ['/storage', '/tmp/claims/data'],
    ['/storage/cache', '/tmp/cache'],
    ['/etc/secrets/s', '/tmp/secrets'],
  ]),
};

describe('localize', () => {
  test.each([
    // hosts
    ['-storageNode=db-0.db.monitoring.svc:8400', '-storageNode=127.9.9.2:8400'],
    ['-storageNode=db-0.db:8400,db:8401', '-storageNode=127.9.9.2:8400,127.9.9.1:8401'],
    ['http://db/api', 'http://127.9.9.1/api'],
    ['http://db.other:80/x', 'http://127.9.9.3:80/x'],
    ['http://user:pw@db.monitoring.svc.cluster.local.:8428/', 'http://user:pw@127.9.9.1:8428/'],
    ['["db.monitoring.svc"]', '["127.9.9.1"]'],
    ['targets: [db:8428]', 'targets: [127.9.9.1:8428]'],
    // not hosts
    ['job_name: db', 'job_name: db'],
    ['-label=db', '-label=db'],
    ['mydb:80 db_x:80 x.db.y:80', 'mydb:80 db_x:80 x.db.y:80'],
    ['https://example.com:443/db:1', 'https://example.com:443/db:1'],
    ['https://kubernetes.default.svc', 'https://kubernetes.default.svc'],
    // listen addresses
    ['-httpListenAddr=:8482', '-httpListenAddr=127.9.9.9:8482'],
    ['-httpListenAddr=:1,:2', '-httpListenAddr=127.9.9.9:1,127.9.9.9:2'],
    ['endpoint: 0.0.0.0:4317', 'endpoint: 127.9.9.9:4317'],
    ['endpoint: "[::]:4317"', 'endpoint: "127.9.9.9:4317"'],
    ['replacement: $1:9090', 'replacement: $1:9090'],
    ['-at=12:30', '-at=12:30'],
    // paths
    ['-storageDataPath=/storage', '-storageDataPath=/tmp/claims/data'],
    ['-a=/storage/cache/x,/storage/y', '-a=/tmp/cache/x,/tmp/claims/data/y'],
    ['-password=file:///etc/secrets/s/password', '-password=file:///tmp/secrets/password'],
    ['path: "/storage"', 'path: "/tmp/claims/data"'],
    ['/storage2 /a/storage http://x/storage', '/storage2 /a/storage http://x/storage'],
  ])('%s', (rendered, localized) => {
    expect(localize(rendered, place)).toBe(localized);
  });

  it('changes nothing else: an argument without host, port or path stays byte for byte', () => {
    const args = '-retentionPeriod=12 -dedup.minScrapeInterval=1ms -x={__name__=~"a:b|c\\.d"} -y=$$1 -z=50% -é=ü';
    expect(localize(args, place)).toBe(args);
  });

  it('refuses a name in a namespace of the stack that nothing has', () => {
    expect(() => localize('-storageNode=db-7.db.monitoring.svc:8400', place)).toThrow(
      'db-7.db.monitoring.svc: no Service and no pod of the manifests has this name',
    );
  });

  it('resolves a short name in the namespace of the one who asks', () => {
    expect(localizeHosts('db:1', (host) => dns.resolve(host, 'other'))).toBe('127.9.9.3:1');
    expect(localizeHosts('db:1', (host) => dns.resolve(host, 'third'))).toBe('db:1');
  });
});

describe('expandVariables', () => {
  test.each([
    ['-name=$(POD)', '-name=p-0'],
    ['$$(POD)', '$(POD)'],
    ['$$$(POD)', '$p-0'],
    ['$(UNKNOWN) $POD $', '$(UNKNOWN) $POD $'],
  ])('%s', (text, expanded) => {
    expect(expandVariables(text, { POD: 'p-0' })).toBe(expanded);
  });
});

describe('environment', () => {
  const pod = { name: 'p-0', namespace: 'n', address: '127.9.9.9', labels: { zone: 'a' } };
  const sources = {
    configMaps: new Map([['n/config', { url: 'http://db:80', level: 'INFO' }]]),
    secrets: { secret: { password: 'http://db:80' } },
  };
  const of = (env: readonly object[], envFrom: readonly object[] = []) =>
    environment({ name: 'c', image: 'i', env, envFrom } as never, pod, sources, (text) => localize(text, place));

  it('takes values from where Kubernetes does, and rewrites those of manifests only', () => {
    const { rendered, localized } = of(
      [
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'ZONE', valueFrom: { fieldRef: { fieldPath: "metadata.labels['zone']" } } },
        { name: 'URL', value: 'http://db:80/$(POD)' },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'secret', key: 'password' } } },
        { name: 'GONE', valueFrom: { secretKeyRef: { name: 'secret', key: 'none', optional: true } } },
      ],
      [{ prefix: 'C_', configMapRef: { name: 'config' } }],
    );
    expect(localized).toEqual({
      POD: 'p-0',
      IP: '127.9.9.9',
      ZONE: 'a',
      URL: 'http://127.9.9.1:80/p-0',
      PASSWORD: 'http://db:80',
      C_url: 'http://127.9.9.1:80',
      C_level: 'INFO',
    });
    expect(rendered).toEqual({ ...localized, URL: 'http://db:80/p-0', C_url: 'http://db:80' });
  });

  test.each([
    [{ name: 'X', valueFrom: { secretKeyRef: { name: 'secret', key: 'none' } } }, 'X wants secret/none'],
    [{ name: 'X', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }, 'cannot give the variable X'],
    [{ name: 'X', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } }, 'does not know the field status.phase'],
  ])('refuses %j', (variable, message) => {
    expect(() => of([variable])).toThrow(message);
  });
});

describe('manifests', () => {
  const deployment = (podSpec: object, spec: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'n' },
    spec: { ...spec, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [], ...podSpec } } },
  });
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'n' },
    spec: { minReplicas: 3, maxReplicas: 9, scaleTargetRef: { kind: 'Deployment', name: 'web' } },
  };

  it('takes the number of pods from the workload, else from its autoscaler, else one', () => {
    const replicas = (...objects: object[]) => indexManifests(objects).workloads.map((workload) => workload.replicas);
    expect(replicas(deployment({}, { replicas: 2 }), autoscaler)).toEqual([2]);
    expect(replicas(deployment({}), autoscaler)).toEqual([3]);
    expect(replicas(deployment({}))).toEqual([1]);
  });

  test.each([
    [deployment({ hostNetwork: true }), 'Deployment web: the runner cannot honour the field hostNetwork'],
    [
      deployment({ containers: [{ name: 'c', image: 'i', lifecycle: {} }] }),
      'Deployment web, container c: the runner cannot honour the field lifecycle',
    ],
    [{ ...deployment({}), kind: 'Job' }, 'Job web: the runner cannot run this kind'],
    [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { type: 'ExternalName' } },
      'Service s: the runner cannot run a Service that selects no pods',
    ],
  ])('refuses what a process would notice: %#', (object, message) => {
    expect(() => indexManifests([object])).toThrow(message);
  });

  it('parses documents of YAML, empty ones left out', () => {
    expect(parseManifests('---\na: 1\n---\n---\nb: "1"\n')).toEqual([{ a: 1 }, { b: '1' }]);
    expect(() => parseManifests('a: [1')).toThrow();
  });
});

describe('binaries', () => {
  it('names the program by the command, else by the image', () => {
    const program = (image: string, command?: string[]) => programOf({ name: 'c', image, command });
    expect(program('docker.io/victoriametrics/victoria-metrics:v1')).toBe('victoria-metrics');
    expect(program('localhost:5000/vmagent@sha256:abc')).toBe('vmagent');
    expect(program('node:20', ['/usr/bin/node', 'x.js'])).toBe('node');
  });

  it('looks in VM_BINARIES before PATH, and passes over what cannot be executed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'binaries-'));
    try {
      writeFileSync(join(folder, 'plain'), '');
      writeFileSync(join(folder, 'sh'), '', { mode: 0o755 });
      const env = { VM_BINARIES: folder, PATH: process.env.PATH };
      expect(findBinary('sh', env)).toBe(join(folder, 'sh'));
      expect(findBinary('sh', { PATH: process.env.PATH })).toMatch(/\/bin\/sh$/);
      expect(findBinary('plain', env)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says what is missing', () => {
    expect(titleWith('title', [])).toBe('title');
    expect(titleWith('title', ['a', 'b'])).toBe('title (skipped: a, b not in PATH or VM_BINARIES)');
    expect(() => binaryOf({ name: 'c', image: 'no-such-program:1' })).toThrow(
      'container c: no no-such-program in PATH',
    );
  });
});

describe('Subnet', () => {
  it('belongs to one owner until it is released', async () => {
    const first = await Subnet.claim(100);
    const second = await Subnet.claim(100);
    const [a, b] = [first.allocate(), second.allocate()];
    expect(a.split('.').slice(0, 3)).not.toEqual(b.split('.').slice(0, 3));
    await first.release();
    const third = await Subnet.claim(100);
    expect(third.allocate()).toBe(a);
    await Promise.all([second.release(), third.release()]);
  });
});

describe('Watchdog', () => {
  it('kills the process groups that are left when its writer dies, and no other, and removes the folder', async () => {
    const [left, removed] = [1, 2].map(() => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }));
    const folder = mkdtempSync(join(tmpdir(), 'watched-'));
    writeFileSync(join(folder, 'file'), '');
    const watchdog = spawn('sh', ['-c', WATCHDOG_SCRIPT, 'watchdog', folder], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = once(left!, 'exit');
    watchdog.stdin.end(`add ${left!.pid}\nadd ${removed!.pid}\nremove ${removed!.pid}\n`);
    await once(watchdog, 'exit');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect([removed!.exitCode, removed!.signalCode]).toEqual([null, null]);
    expect(existsSync(folder)).toBe(false);
    removed!.kill('SIGKILL');
  });
});

/**
 * Answers on -httpListenAddr: /health as the file `unready` in -storageDataPath says, /self with what it was started
 * with, /exit ends it. On SIGTERM it ends unless it was started with -stubborn.
 */
const SERVER = `#!${process.execPath}
const fs = require('node:fs');
const http = require('node:http');
const flags = Object.fromEntries(process.argv.slice(2).map((arg) => /^-([^=]+)=?(.*)$/s.exec(arg).slice(1)));
const [host, port] = (flags.httpListenAddr ?? '').split(':');
const folder = flags.storageDataPath;
const starts = folder + '/starts';
if ('broken' in flags) { console.error('cannot parse the flag -broken'); process.exit(3); }
if ('litter' in flags) fs.writeFileSync('litter', '');
process.on('SIGTERM', () => { console.log('got SIGTERM'); if (!('stubborn' in flags)) process.exit(0); });
fs.appendFileSync(starts, 'x');
http.createServer((request, response) => {
  if (request.url === '/exit') process.exit(7);
  if (request.url === '/health') response.statusCode = fs.existsSync(folder + '/unready') ? 503 : 200;
  const read = (url) => fs.readFileSync(url.slice('file://'.length), 'utf8');
  response.end(JSON.stringify({
    flags, pid: process.pid, env: process.env, starts: fs.readFileSync(starts, 'utf8').length, folder,
    password: flags['httpAuth.password'] && read(flags['httpAuth.password']),
  }));
}).listen(Number(port), host, () => console.log('listening'));
`;

interface Self {
  readonly flags: Readonly<Record<string, string>>;
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly starts: number;
  readonly folder: string;
  readonly password?: string;
}

describe('Runner', () => {
  let folder: string;
  let stack: Runner | undefined;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'server-'));
    writeFileSync(join(folder, 'server'), SERVER);
    chmodSync(join(folder, 'server'), 0o755);
  });
  afterEach(async () => {
    await stack?.close();
    stack = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Pods of the small server above, in front of a Service. */
  function objects({ kind = 'StatefulSet', args = [] as string[], replicas = 2, ...podSpec } = {}): object[] {
    const labels = { app: 'web' };
    const claims = { volumeClaimTemplates: [{ metadata: { name: 'data' } }] };
    const service = (name: string, spec: object) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'n' },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
    });
    const container = {
      name: 'server',
      image: 'example/server:1',
      args: ['-httpListenAddr=:8080', '-storageDataPath=/data', '-peer=web-0.web-headless.n.svc:8080', ...args],
      ports: [{ name: 'http', containerPort: 8080 }],
      env: [{ name: 'PEERS', value: 'http://web.n.svc' }],
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
      readinessProbe: { httpGet: { path: '/health', port: 'http' }, periodSeconds: 0.05, failureThreshold: 1 },
    };
    const template = {
      metadata: { labels },
      spec: {
        containers: [container],
        terminationGracePeriodSeconds: 1,
        ...(kind === 'Deployment' ? { volumes: [{ name: 'data', emptyDir: {} }] } : {}),
        ...podSpec,
      },
    };
    return [
      service('web', { type: 'ClusterIP' }),
      service('web-headless', { clusterIP: 'None' }),
      {
        apiVersion: 'apps/v1',
        kind,
        metadata: { name: 'web', namespace: 'n' },
        spec: { replicas, serviceName: 'web-headless', template, ...(kind === 'Deployment' ? {} : claims) },
      },
    ];
  }

  const start = async (given: object[], options: object = {}) =>
    (stack = await Runner.start(given, { binaries: { server: join(folder, 'server') }, ...options }));
  const self = async (url: string) =>
    (await (await fetch(`${url}/self`, { headers: { connection: 'close' } })).json()) as Self;

  it('gives a process its rendered args and variables, with hosts, ports and paths of this machine', async () => {
    await start(objects());
    const pod = stack!.pod('web-0');
    const { flags, env, folder: data } = await self(pod.url());
    expect(flags).toEqual({
      httpListenAddr: `${pod.address}:8080`,
      storageDataPath: data,
      peer: `${pod.address}:8080`,
    });
    expect(data).toMatch(/\/claims\/n\/data-web-0$/);
    expect(Object.keys(env).sort()).toEqual(['HOSTNAME', 'PATH', 'PEERS']);
    expect(env.PEERS).toBe(`http://${stack!.service('web').address}`);
    expect(stack!.localize('http://web.n.svc/x')).toBe(`${stack!.url('web').replace(/:80$/, '')}/x`);
  });

  it('balances a Service over the pods that are ready, and resets connections when there is none', async () => {
    await start(objects());
    const url = stack!.url('web');
    const pids = async () => new Set(await Promise.all([1, 2, 3, 4].map(async () => (await self(url)).pid)));
    expect((await pids()).size).toBe(2);
    const { folder: data } = await self(stack!.pod('web-0').url());
    writeFileSync(join(data, 'unready'), '');
    await until('web-0 unready', () => !stack!.pod('web-0').ready);
    expect([...(await pids())]).toEqual([(await self(stack!.pod('web-1').url())).pid]);
    await stack!.pod('web-1').kill();
    expect(stack!.service('web').refused).toBe(0);
    await expect(self(url)).rejects.toThrow();
    expect(stack!.service('web').refused).toBe(1);
  });

  it('keeps a claim over restarts; an empty folder outlives a crash and goes with the pod', async () => {
    await start([...objects({ replicas: 1 })]);
    const pod = stack!.pod('web-0');
    await pod.kill();
    await pod.start();
    await pod.stop();
    await pod.start();
    expect((await self(pod.url())).starts).toBe(3);
    await stack!.close();

    await start(objects({ replicas: 1, kind: 'Deployment' }));
    const stateless = stack!.pod('web-0');
    await stateless.kill();
    await stateless.start();
    expect((await self(stateless.url())).starts).toBe(2);
    await stateless.stop();
    await stateless.start();
    expect((await self(stateless.url())).starts).toBe(1);
  });

  it('stops with SIGTERM, and with SIGKILL after the grace period', async () => {
    await start(objects({ replicas: 1 }));
    expect(await stack!.pod('web-0').stop()).toEqual({ code: 0, signal: null });
    expect(stack!.pod('web-0').logs()).toContain('got SIGTERM');
    await expect(stack!.pod('web-0').stop()).rejects.toThrow('web-0: does not run');
    await stack!.close();
    await start(objects({ replicas: 1, args: ['-stubborn'] }));
    expect(await stack!.pod('web-0').stop()).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('sends connections to a pod that is going until the endpoints have changed', async () => {
    await start(objects({ replicas: 1, args: ['-stubborn'] }), { endpointPropagation: 100 });
    const stopped = stack!.pod('web-0').stop();
    expect((await self(stack!.url('web'))).starts).toBe(1);
    await until('the endpoint is gone', () => !stack!.pod('web-0').ready);
    await expect(self(stack!.url('web'))).rejects.toThrow();
    await stopped;
  });

  it('fails with the last log lines when a process does not start, and leaves nothing behind', async () => {
    await expect(start(objects({ args: ['-broken'] }))).rejects.toThrow(
      /web-0: did not become ready\. web-0 ended with exit code 3; its last log lines:\n {4}cannot parse the flag -broken/,
    );
  });

  it('leaves no process and no folder behind', async () => {
    await start(objects());
    const { pid, folder: data } = await self(stack!.pod('web-0').url());
    await stack!.close();
    stack = undefined;
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(existsSync(data)).toBe(false);
  });

  it('notices a process that ends by itself', async () => {
    await start(objects());
    await expect(fetch(`${stack!.pod('web-0').url()}/exit`)).rejects.toThrow();
    await until('web-0 ended', () => !stack!.pod('web-0').running);
    expect(stack!.pod('web-0').ready).toBe(false);
    await expect(stack!.ready()).rejects.toThrow('web-0 ended with exit code 7');
  });

  it('refuses a port that is taken', async () => {
    const subnet = await Subnet.claim();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(8080, subnet.allocate().replace(/\d+$/, '2'), resolve));
    await expect(start(objects({ replicas: 1 }), { subnet })).rejects.toThrow(/web-0: port 8080 is taken on 127\./);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('notices a process that writes outside of its volumes', async () => {
    await start(objects({ replicas: 1, args: ['-litter'] }));
    const closing = stack!.close();
    stack = undefined;
    await expect(closing).rejects.toThrow('web-0: wrote litter outside of its volumes');
  });

  it('says what the stack has when a test asks for something else', async () => {
    await start(objects());
    expect(() => stack!.pod('web-2')).toThrow('pod web-2: the stack has only web-0, web-1');
    expect(() => stack!.url('db')).toThrow('Service db: the stack has only web, web-headless');
    expect(() => stack!.url('web', 'grpc')).toThrow('Service web: has no port named grpc');
  });

  it('writes the files of ConfigMaps and Secrets where the args say, and runs init containers before', async () => {
    const [service, headless, workload] = objects({
      replicas: 1,
      args: ['-httpAuth.password=file:///etc/secrets/s/k'],
    });
    const podSpec = (workload as { spec: { template: { spec: Record<string, unknown> } } }).spec.template.spec;
    const [container] = podSpec.containers as Record<string, unknown>[];
    const mounts = container!.volumeMounts as object[];
    container!.volumeMounts = [...mounts, { name: 'secret-0', mountPath: '/etc/secrets/s' }];
    podSpec.volumes = [
      { name: 'secret-0', secret: { secretName: 's' } },
      { name: 'config', configMap: { name: 'config' } },
    ];
    podSpec.initContainers = [
      {
        name: 'copy',
        image: 'busybox',
        command: ['sh', '-c', 'cp /etc/config/file /data/copied'],
        volumeMounts: [...mounts, { name: 'config', mountPath: '/etc/config' }],
      },
    ];
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config', namespace: 'n' },
      data: { file: 'url: http://web.n.svc:80' },
    };
    const all = [service!, headless!, workload!, config];
    await expect(start(all)).rejects.toThrow('web-0: the Secret s is mounted and does not exist');
    await start(all, { secrets: { s: { k: 'p:80 http://web' } } });
    const { password, folder: data } = await self(stack!.pod('web-0').url());
    expect(password).toBe('p:80 http://web');
    expect(parseManifests(readFileSync(join(data, 'copied'), 'utf8'))).toEqual([
      { url: `http://${stack!.service('web').address}:80` },
    ]);
  });

  it('maps no more than hosts, ports and paths of what the constructs render', async () => {
    const app = new App();
    const chart = new Chart(app, 'chart', { namespace: 'monitoring' });
    new VmSingle(chart, 'metrics', {
      retention: Retention.days(7),
      volume: { size: Size.gibibytes(1) },
      resources: { cpu: { request: Cpu.millis(10) } },
      extraFlags: { 'search.latencyOffset': '0s' },
    });
    stack = await Runner.start(parseManifests(app.synthYaml()), { binaries: { vmsingle: join(folder, 'server') } });
    const pod = stack.pod('metrics-vmsingle-0');
    const { flags, folder: data } = await self(pod.url());
    expect(flags).toEqual({
      httpListenAddr: `${pod.address}:8428`,
      retentionPeriod: '7d',
      'search.latencyOffset': '0s',
      storageDataPath: data,
    });
  });
});
