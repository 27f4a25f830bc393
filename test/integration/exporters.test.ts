import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart, Duration, Size } from 'cdk8s';
import { SecretRef, VmAgent, VmSingle } from '../../src';
import { VictoriaMetricsClient, type VectorSeries } from '../../src/client';
import { KubeStateMetrics, NodeExporter, Pushgateway, type KubeStateMetricsProps } from '../../src/exporters';
import { MetricsPage } from './metrics-page';
import { describeWith, findBinary, parseManifests, Runner, Subnet, until } from './runner';
import { flush } from './stacks';

jest.setTimeout(120_000);

function synthesize(make: (chart: Chart) => unknown): object[] {
  const app = new App();
  make(new Chart(app, 'metrics', { namespace: 'monitoring' }));
  return parseManifests(app.synthYaml());
}

async function textOf(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url}: answered ${response.status}`);
  return response.text();
}

/** bcrypt of `hunter2` with the least cost. */
const WEB_CONFIG = 'basic_auth_users:\n  me: $2b$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm\n';

describeWith(['node-exporter'], 'node-exporter', () => {
  let stack: Runner;

  beforeAll(async () => {
    const collectors = { processes: true, wifi: false, xfs: false };
    stack = await Runner.start(synthesize((chart) => new NodeExporter(chart, 'nodes', { collectors })));
  });
  afterAll(() => (stack as Runner | undefined)?.close());

  it('tells about this machine', async () => {
    const page = new MetricsPage(await textOf(`${stack.url('nodes-node-exporter')}/metrics`));
    const cpus = readFileSync('/proc/stat', 'utf8').match(/^cpu\d+/gm);
    expect(page.sum('node_memory_MemTotal_bytes')).toBe(
      Number(/^MemTotal: *(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024,
    );
    for (const cpu of cpus ?? []) {
      expect(page.sum('node_cpu_seconds_total', { cpu: cpu.replace('cpu', ''), mode: 'idle' })).toBeGreaterThan(0);
    }
    expect(page.sum('node_time_seconds')).toBeGreaterThan(1.7e9);
  });

  it('runs the collectors that it was told to', async () => {
    const page = new MetricsPage(await textOf(`${stack.url('nodes-node-exporter')}/metrics`));
    expect(page.sum('node_scrape_collector_success', { collector: 'processes' })).toBe(1);
    for (const collector of ['cpu', 'filesystem', 'meminfo', 'netclass', 'netdev', 'uname']) {
      expect([collector, page.sum('node_scrape_collector_success', { collector })]).toEqual([collector, 1]);
    }
    const text = await textOf(`${stack.url('nodes-node-exporter')}/metrics`);
    expect(text).not.toMatch(/node_scrape_collector_success\{collector="(wifi|xfs)"\}/);
  });

  it('leaves out the file systems and devices of pods', async () => {
    const text = await textOf(`${stack.url('nodes-node-exporter')}/metrics`);
    expect(text).toMatch(/^node_network_receive_bytes_total\{device="/m);
    expect(text).not.toMatch(/device="veth/);
    expect(text).not.toMatch(/mountpoint="\/(proc|sys|dev)[/"]/);
  });
});

async function push(url: string, job: string, text: string, headers: Record<string, string> = {}): Promise<number> {
  const { status } = await fetch(`${url}/metrics/job/${job}`, { method: 'PUT', body: text, headers });
  return status;
}

describeWith(['pushgateway', 'victoria-metrics', 'vmagent'], 'Pushgateway with an agent', () => {
  it('is scraped for what was pushed, under the names that the jobs have', async () => {
    let gateway: Pushgateway | undefined;
    const objects = synthesize((chart) => {
      gateway = new Pushgateway(chart, 'jobs');
      const single = new VmSingle(chart, 'metrics', {
        volume: { size: Size.gibibytes(1) },
        extraFlags: { 'search.latencyOffset': '0s' },
      });
      new VmAgent(chart, 'agent', {
        remoteWrite: [single.write()],
        global: { interval: Duration.seconds(1), externalLabels: { cluster: 'near' } },
      });
    });
    const stack = await Runner.start(objects);
    const client = VictoriaMetricsClient.single(stack.url('metrics-vmsingle'));
    try {
      expect(await push(stack.localize(gateway!.push().url), 'backup', 'backup_bytes 42\n')).toBe(200);
      const found = await until('what was pushed is stored', async () => {
        await flush(stack);
        const query = 'last_over_time({__name__=~"backup_bytes|push_time_seconds",job="backup"}[1m])';
        const { result } = await client.query(query, { time: Date.now(), nocache: true });
        const series = result as readonly VectorSeries[];
        return series.length >= 2 && series;
      });
      const byName = new Map(found.map(({ labels, value }) => [labels.__name__, { labels, value }]));
      const { labels, value } = byName.get('backup_bytes')!;
      expect(value).toBe(42);
      expect(labels).toEqual({
        __name__: 'backup_bytes',
        job: 'backup',
        cluster: 'near',
        namespace: 'monitoring',
        node: labels.node,
        pod: 'jobs-pushgateway-0',
        app_instance: 'jobs',
      });
      expect(Date.now() / 1000 - byName.get('push_time_seconds')!.value).toBeLessThan(120);
    } finally {
      client.close();
      await stack.close();
    }
  });
});

describeWith(['pushgateway'], 'Pushgateway', () => {
  it('keeps what was pushed over a restart of its pod', async () => {
    let gateway: Pushgateway | undefined;
    const stack = await Runner.start(
      synthesize((chart) => {
        gateway = new Pushgateway(chart, 'jobs', { volume: { size: Size.gibibytes(1) } });
      }),
    );
    try {
      const url = stack.localize(gateway!.push().url);
      expect(await push(url, 'backup', 'backup_bytes 42\n')).toBe(200);
      const pod = stack.pod('jobs-pushgateway-0');
      const value = async () =>
        new MetricsPage(await textOf(`${url}/metrics`)).sum('backup_bytes', { job: 'backup', instance: '' });
      expect(await value()).toBe(42);
      await pod.stop();
      await pod.start();
      expect(await until('the restarted pod answers', value)).toBe(42);
    } finally {
      await stack.close();
    }
  });

  it('forgets at a restart where nothing is said, and lets nobody wipe or end it', async () => {
    const stack = await Runner.start(synthesize((chart) => new Pushgateway(chart, 'jobs')));
    try {
      const url = stack.url('jobs-pushgateway');
      expect(await push(url, 'backup', 'backup_bytes 42\n')).toBe(200);
      for (const path of ['/api/v1/admin/wipe', '/-/quit']) {
        const { status } = await fetch(url + path, { method: 'PUT' });
        expect([path, status >= 400]).toEqual([path, true]);
      }
      expect(await textOf(`${url}/metrics`)).toContain('backup_bytes{instance="",job="backup"} 42');
      const pod = stack.pod('jobs-pushgateway-0');
      await pod.stop();
      await pod.start();
      await until('the Service leads to the restarted pod', () => textOf(`${url}/-/ready`).catch(() => false));
      expect(await textOf(`${url}/metrics`)).not.toContain('backup_bytes');
    } finally {
      await stack.close();
    }
  });

  it('lets in only who knows the password', async () => {
    const stack = await Runner.start(
      synthesize(
        (chart) =>
          new Pushgateway(chart, 'jobs', {
            httpAuth: {
              username: 'me',
              password: SecretRef.of('push', 'password'),
              webConfig: SecretRef.of('push-web', 'web.yaml'),
            },
          }),
      ),
      { secrets: { 'push-web': { 'web.yaml': WEB_CONFIG } } },
    );
    try {
      const url = stack.url('jobs-pushgateway');
      const basic = (password: string) => ({
        authorization: `Basic ${Buffer.from(`me:${password}`).toString('base64')}`,
      });
      expect(await push(url, 'backup', 'backup_bytes 42\n')).toBe(401);
      expect(await push(url, 'backup', 'backup_bytes 42\n', basic('wrong'))).toBe(401);
      expect(await push(url, 'backup', 'backup_bytes 42\n', basic('hunter2'))).toBe(200);
    } finally {
      await stack.close();
    }
  });
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly spec?: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly args: string[] }[] } };
  };
}

interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: object;
  readonly spec?: object;
}

/** What a client asks of the Kubernetes API, as RBAC sees it. */
interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** @default - all namespaces */
  readonly namespace?: string;
  readonly name?: string;
}

/** Just enough of a Kubernetes API: it has no objects but those it is given, and allows what the rendered roles allow. */
class FakeApi {
  public readonly denied: string[] = [];
  public readonly asked = new Set<string>();
  private readonly server: Server;

  public constructor(
    private readonly roles: readonly Rendered[],
    /** By resource. */
    private readonly objects: Readonly<Record<string, KubernetesObject>>,
  ) {
    this.server = createServer((request, response) => {
      const attributes = attributesOf(request);
      const answer = (status: number, body: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      if (!attributes) {
        answer(200, { major: '1', minor: '35', gitVersion: 'v1.35.0' });
        return;
      }
      const { verb, namespace, resource } = attributes;
      const shown = `${verb} ${resource} in ${namespace ?? 'all namespaces'}`;
      this.asked.add(shown);
      const object = this.objects[resource];
      if (!this.allows(attributes)) {
        this.denied.push(shown);
        answer(403, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403 });
      } else if (request.url?.includes('sendInitialEvents=true')) {
        // As a server that is older than lists by watching: the client then lists.
        answer(422, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Invalid', code: 422 });
      } else if (verb === 'watch') {
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      } else {
        const list = { apiVersion: object?.apiVersion, kind: object && `${object.kind}List` };
        const listed = { ...list, metadata: { resourceVersion: '1' }, items: object ? [object] : [] };
        answer(200, verb === 'get' && object ? object : listed);
      }
    });
  }

  public async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private allows({ verb, group, resource, namespace }: Attributes): boolean {
    return this.roles
      .filter(({ kind, metadata }) => kind === 'ClusterRole' || metadata.namespace === namespace)
      .flatMap(({ rules = [] }) => rules)
      .some((rule) => rule.apiGroups.includes(group) && rule.resources.includes(resource) && rule.verbs.includes(verb));
  }
}

function attributesOf({ url = '' }: IncomingMessage): Attributes | undefined {
  const { pathname, searchParams } = new URL(url, 'http://api');
  const match =
    /^\/(?:api|apis\/(?<group>[^/]+))\/v\d+(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[a-z]+)(?:\/(?<name>[^/]+))?$/.exec(
      pathname,
    );
  if (!match?.groups) return undefined;
  const { group = '', namespace, resource = '', name } = match.groups;
  const verb = name !== undefined ? 'get' : searchParams.has('watch') ? 'watch' : 'list';
  return { verb, group, resource, namespace, name };
}

describeWith(['kube-state-metrics'], 'kube-state-metrics', () => {
  const NAME = 'cluster-kube-state-metrics';
  const POD: Readonly<Record<string, string>> = { POD_NAME: `${NAME}-1`, POD_NAMESPACE: 'monitoring' };
  let ended: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const end of ended.reverse()) await end();
    ended = [];
  });

  /** Runs it with the rendered args against an API that allows what the rendered roles do. */
  async function run(props: KubeStateMetricsProps, objects: Readonly<Record<string, KubernetesObject>> = {}) {
    const manifests = synthesize((chart) => new KubeStateMetrics(chart, 'cluster', props)) as Rendered[];
    const api = new FakeApi(manifests, objects);
    const server = await api.listen();
    ended.push(() => api.close());
    const subnet = await Subnet.claim();
    ended.push(() => subnet.release());
    const address = subnet.allocate();
    const folder = mkdtempSync(join(tmpdir(), 'kube-state-metrics-'));
    ended.push(() => rm(folder, { recursive: true }));
    const kubeconfig = join(folder, 'kubeconfig');
    const cluster = { name: 'fake', cluster: { server } };
    const context = { name: 'fake', context: { cluster: 'fake', user: 'fake' } };
    writeFileSync(
      kubeconfig,
      JSON.stringify({ clusters: [cluster], contexts: [context], 'current-context': 'fake', users: [] }),
    );
    const workload = manifests.find(({ spec, metadata }) => spec && metadata.name === NAME);
    const args = workload!.spec!.template.spec.containers[0]!.args.map((arg) =>
      arg.replace(/\$\((\w+)\)/, (whole, name: string) => POD[name] ?? whole),
    );
    const child: ChildProcess = spawn(
      findBinary('kube-state-metrics')!,
      [...args, `--kubeconfig=${kubeconfig}`, `--host=${address}`, `--telemetry-host=${address}`],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
    const exit = new Promise((resolve) => child.once('close', resolve));
    ended.push(async () => {
      child.kill('SIGKILL');
      await exit;
    });
    const answers = (url: string) => async () => {
      if (child.exitCode !== null) throw new Error(`it ended:\n${log}`);
      return fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
    };
    await until('it is ready', answers(`http://${address}:8081/readyz`));
    await until('it is alive', answers(`http://${address}:8080/healthz`));
    return { api, args, address };
  }

  /** Resolves when a resource is watched, which follows its list, or was refused. */
  const settled = (api: FakeApi, namespaces: readonly string[], args: readonly string[]) => {
    const resources = args
      .find((arg) => arg.startsWith('--resources='))!
      .replace(/.*=/, '')
      .split(',');
    const wanted = resources.flatMap((resource) => namespaces.map((place) => `list ${resource} in ${place}`));
    return until('it asked for everything', () => api.denied.length > 0 || wanted.every((ask) => api.asked.has(ask)));
  };

  it('takes the args, and is allowed all that it asks for', async () => {
    const metadata = { name: 'a', uid: '1', labels: { team: 'shop', other: 'x' }, annotations: { owner: 'me' } };
    const { api, args, address } = await run(
      {
        metricDenylist: ['kube_node_info', 'kube_node_status_.*'],
        metricLabelsAllowlist: { nodes: ['app.kubernetes.io/name', 'team'], pods: ['*'] },
        metricAnnotationsAllowlist: { '*': ['owner'] },
      },
      { nodes: { apiVersion: 'v1', kind: 'Node', metadata } },
    );
    await settled(api, ['all namespaces'], args);
    expect(api.denied).toEqual([]);
    const page = await until('it tells about the node', async () => {
      const text = await textOf(`http://${address}:8080/metrics`);
      return text.includes('node="a"') && text;
    });
    expect(page).toMatch(/^kube_node_labels\{node="a",label_team="shop"\} 1$/m);
    expect(page).toMatch(/^kube_node_annotations\{node="a",annotation_owner="me"\} 1$/m);
    expect(page).not.toMatch(/^kube_node_(info|status_)/m);
  });

  it('asks in its namespaces only', async () => {
    const { api, args } = await run({ namespaces: ['shop', 'monitoring'] });
    await settled(api, ['shop', 'monitoring'], args);
    expect(api.denied).toEqual([]);
    expect([...api.asked].filter((ask) => ask.includes('all namespaces'))).toEqual([]);
  });

  it('finds out which shard it is, with what its Role allows', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: NAME, uid: '1', controller: true };
    const { api, address } = await run(
      { shards: 2, watchedResources: ['nodes'] },
      {
        pods: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: POD['POD_NAME'], namespace: 'monitoring', ownerReferences: [owner] },
        },
        statefulsets: {
          apiVersion: 'apps/v1',
          kind: 'StatefulSet',
          metadata: { name: NAME, namespace: 'monitoring', resourceVersion: '1' },
          spec: { replicas: 2 },
        },
      },
    );
    const own = await until('it knows its shard', async () => {
      const page = await textOf(`http://${address}:8081/metrics`);
      return page.includes('kube_state_metrics_total_shards 2') && page;
    });
    expect(own).toContain('kube_state_metrics_shard_ordinal{shard_ordinal="1"} 1');
    await until('it asked for its nodes', () => api.asked.has('list nodes in all namespaces'));
    expect(api.denied).toEqual([]);
  });
});
