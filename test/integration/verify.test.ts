/* eslint-disable @typescript-eslint/require-await -- the stand-in for Kubernetes knows at once what an API tells later */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { App, Chart, Duration, Size } from 'cdk8s';
import {
  Alertmanager,
  AlertmanagerConfig,
  Rules,
  SecretRef,
  StackDefaults,
  Tenant,
  VmAgent,
  VmAlert,
  VmAuth,
  VmCluster,
  VmSingle,
} from '../../src';
import { verify, type Report, type Step, type Topic, type VerifyOptions } from '../../src/verify';
import type { Kubernetes, NetworkPolicy, Pod, PodManifest, Workload } from '../../src/verify';
import { describeWith, parseManifests, Runner, until, type Pod as RunningPod } from './runner';
import { MetricsPage } from './metrics-page';
import { untilConnected } from './stacks';

jest.setTimeout(180_000);

const NAMESPACE = 'monitoring';
const SECOND = Duration.seconds(1);
const QUICK = { shutdownDelay: SECOND };
const PATIENCE = {
  visible: 15_000,
  scraped: 20_000,
  evaluated: 15_000,
  returned: 60_000,
  settled: 6000,
  interval: 200,
};
/** For what never comes. */
const IMPATIENCE = { ...PATIENCE, visible: 1000, scraped: 1500, evaluated: 1500, settled: 1000 };
/** For what must be found although other steps fail: samples can be seen after some seconds. */
const PATIENT_READER = { ...IMPATIENCE, visible: 12_000 };
const OURS = { 'app.kubernetes.io/part-of': 'victoriametrics-stack' };
const SECRETS = { users: { writer: 'right-token' } };

/** A stub of a program that has no binary here, or of one that lies. */
class Stub {
  public static async start(answer: (path: string, request: IncomingMessage) => unknown): Promise<Stub> {
    const server = createServer((request, response) => Stub.respond(answer(request.url ?? '', request), response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Stub(server);
  }

  private static respond(answer: unknown, response: ServerResponse): void {
    const status = typeof answer === 'number' ? answer : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof answer === 'number' ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer));
  }

  private constructor(private readonly server: Server) {}

  public get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** Kubernetes as it would tell of the processes of a runner. A test changes what it tells. */
class LiveKubernetes implements Kubernetes {
  public readonly context = 'live';
  public readonly namespace = NAMESPACE;
  public readonly created: PodManifest[] = [];
  public readonly deleted: string[] = [];
  public readonly restarted: string[] = [];
  /** URLs in the place of pods. */
  public readonly stubs = new Map<string, string>();
  public readonly configMaps = new Map<string, Readonly<Record<string, string>>>();
  public change: {
    readonly workload?: (workload: Workload) => Workload;
    readonly pod?: (pod: Pod) => Pod;
    readonly claimPhase?: string;
    readonly policies?: readonly NetworkPolicy[];
    /** Of the pods that try the network, by the part of their name. */
    readonly exitCodes?: Readonly<Record<string, number>>;
    /** What goes as well when a pod goes. */
    readonly deletes?: readonly string[];
    /** How long a pod is away, in milliseconds. */
    readonly away?: number;
  } = {};
  private readonly lives = new Map<string, number>();
  private readonly going = new Set<string>();
  private readonly returns: Promise<unknown>[] = [];

  public constructor(
    private readonly runner: Runner,
    private readonly extra: { readonly workloads?: readonly Workload[]; readonly pods?: readonly Pod[] } = {},
  ) {}

  public async workloads(): Promise<readonly Workload[]> {
    const { change, extra } = this;
    const manifests = new Map(this.runner.pods().map(({ manifest }) => [manifest.name, manifest]));
    const all = [...manifests.values()].map((manifest) => {
      const pods = this.runner.pods(manifest.name);
      const { length: desired } = pods;
      return {
        kind: manifest.kind as Workload['kind'],
        name: manifest.name,
        labels: { ...manifest.podLabels, ...OURS },
        podLabels: manifest.podLabels,
        ...{ observed: true, desired, total: desired, updated: desired },
        ready: pods.filter((pod) => this.isReady(pod)).length,
      };
    });
    return [...all, ...(extra.workloads ?? [])].map((workload) => change.workload?.(workload) ?? workload);
  }

  public async pods(): Promise<readonly Pod[]> {
    const all = this.runner.pods().map((pod) => this.podOf(pod));
    const extra = (this.extra.pods ?? []).map((pod) => ({
      ...pod,
      uid: `${pod.uid}-${this.lives.get(pod.name) ?? 0}`,
    }));
    const changed = [...all, ...extra].map((pod) => this.change.pod?.(pod) ?? pod);
    return [...changed, ...this.created.map((manifest) => this.probeOf(manifest))];
  }

  public async claims() {
    const names = (await this.pods()).flatMap(({ claims }) => claims);
    return names.map((name) => ({ name, phase: this.change.claimPhase ?? 'Bound' }));
  }

  public async networkPolicies() {
    return (
      this.change.policies ?? [
        { name: 'storage', podSelector: { matchLabels: { 'app.kubernetes.io/name': 'vmstorage' } }, ingress: [] },
      ]
    );
  }

  public async events(kind: string, name: string) {
    return [{ warning: true, reason: 'Tested', message: `${kind} ${name} was looked at` }];
  }

  public async configMap(name: string) {
    return this.configMaps.get(name);
  }

  public async logs(pod: string, _container: string, lines: number) {
    const isRunning = this.runner.pods().some(({ name }) => name === pod);
    return isRunning ? this.runner.pod(pod).logs().trimEnd().split('\n').slice(-lines) : [];
  }

  public async forward(pod: string, port: number) {
    const url = this.stubs.get(pod) ?? `http://${this.runner.pod(pod).address}:${port}`;
    return { url, close: async () => undefined };
  }

  public async createPod(manifest: PodManifest) {
    this.created.push(manifest);
  }

  public async deletePod(name: string) {
    const index = this.created.findIndex(({ metadata }) => metadata.name === name);
    if (index >= 0) {
      this.created.splice(index, 1);
      return;
    }
    this.deleted.push(name);
    for (const each of [name, ...(this.change.deletes ?? [])]) this.returns.push(this.replace(this.runner.pod(each)));
  }

  /**
   * One pod after the other, each ready for as long as a StatefulSet waits; without the new pod that a Deployment would
   * start first.
   */
  public async restart({ name }: Pick<Workload, 'name'>) {
    this.restarted.push(name);
    for (const pod of this.extra.pods ?? []) if (pod.name.startsWith(name)) this.lives.set(pod.name, 1);
    this.returns.push(
      (async () => {
        for (const [index, pod] of this.runner.pods(name).entries()) {
          if (index > 0) await delay(pod.manifest.minReadySeconds * 1000);
          await this.replace(pod);
        }
      })(),
    );
  }

  /** Resolves when all pods are back. */
  public async settled() {
    await Promise.all(this.returns);
  }

  private async replace(pod: RunningPod): Promise<void> {
    this.going.add(pod.name);
    await pod.stop();
    await delay(this.change.away ?? 0);
    await pod.start();
    this.lives.set(pod.name, (this.lives.get(pod.name) ?? 0) + 1);
    this.going.delete(pod.name);
  }

  private isReady(pod: RunningPod): boolean {
    return pod.ready && !this.going.has(pod.name);
  }

  private podOf(running: RunningPod): Pod {
    const { name, address, labels, manifest } = running;
    const { containers, volumes = [] } = manifest.podSpec;
    return {
      name,
      uid: `${name}-${this.lives.get(name) ?? 0}`,
      labels,
      ip: address,
      phase: 'Running',
      ready: this.isReady(running),
      terminating: this.going.has(name),
      containers: containers.map((container) => ({
        name: container.name,
        image: container.image,
        args: container.args ?? [],
        ports: (container.ports ?? []).map((port) => ({ name: port.name, port: port.containerPort })),
        restarts: 0,
        ...(running.running ? {} : { waiting: 'CrashLoopBackOff' }),
      })),
      claims: manifest.claimTemplates.map((claim) => `${claim}-${name}`),
      configMaps: volumes.flatMap(({ configMap }) => (configMap === undefined ? [] : [configMap.name])),
      imagePullSecrets: [],
    };
  }

  private probeOf({ metadata: { name, labels } }: PodManifest): Pod {
    const [, part = ''] = name.split('-');
    const exitCode = { control: 0, stranger: 10, ...this.change.exitCodes }[part];
    const container = { name: 'probe', image: '', args: [], ports: [], restarts: 0, exitCode };
    const phase = exitCode === undefined ? 'Pending' : exitCode === 0 ? 'Succeeded' : 'Failed';
    const state = { phase, ready: false, terminating: false };
    return {
      name,
      uid: name,
      labels,
      ...state,
      containers: [container],
      claims: [],
      configMaps: [],
      imagePullSecrets: [],
    };
  }
}

const table = (steps: readonly Step[]) => steps.map(({ topic, name, result }) => `${result} ${topic}: ${name}`);
const failed = ({ steps }: Report) => steps.filter(({ result }) => result === 'failed');
const stepOf = (report: Report, name: string | RegExp) => {
  const step = report.steps.find((each) => (typeof name === 'string' ? each.name === name : name.test(each.name)));
  if (!step) throw new Error(`no step ${String(name)} in\n${table(report.steps).join('\n')}`);
  return step;
};

describeWith(
  ['vmstorage', 'vminsert', 'vmselect', 'vmagent', 'vmalert', 'vmauth', 'alertmanager'],
  'verify, on a live stack',
  () => {
    let runner: Runner;
    let kubernetes: LiveKubernetes;
    let grafana: Stub;
    /** What the stub of Grafana answers, by path. */
    const pages: Record<string, unknown> = {};
    const stubs: Stub[] = [];

    const grafanaPod: Pod = {
      name: 'dashboards-grafana-abc',
      uid: 'grafana',
      labels: { 'app.kubernetes.io/name': 'grafana', 'app.kubernetes.io/instance': 'dashboards' },
      phase: 'Running',
      ready: true,
      terminating: false,
      containers: [
        {
          name: 'grafana',
          image: 'grafana',
          args: [],
          ports: [{ name: 'http', port: 3000 }],
          readinessPath: '/metrics-ui/api/health',
          restarts: 0,
        },
      ],
      claims: [],
      configMaps: ['datasources', 'dashboards'],
      imagePullSecrets: [],
    };

    const check = (options: Partial<VerifyOptions> = {}) =>
      verify({
        kubernetes,
        credentials: { vmauth: { bearerToken: 'right-token' } },
        patience: PATIENCE,
        tenants: ['0', '7:8'],
        ...options,
      });
    const checkOnly = (only: readonly Topic[], options: Partial<VerifyOptions> = {}) =>
      check({ patience: IMPATIENCE, tenants: ['0'], only, ...options });

    const stub = async (pod: string, answer: (path: string) => unknown) => {
      const made = await Stub.start(answer);
      stubs.push(made);
      kubernetes.stubs.set(pod, made.url);
    };

    beforeAll(async () => {
      const app = new App();
      const chart = new Chart(app, 'metrics', { namespace: NAMESPACE });
      StackDefaults.set(chart, { serverSideApply: true });
      const cluster = new VmCluster(chart, 'metrics', {
        replicationFactor: 2,
        vmstorage: { replicas: 3, volume: { size: Size.gibibytes(1) } },
        vminsert: { replicas: 2, ...QUICK },
        vmselect: { replicas: 2, ...QUICK },
      });
      new VmAgent(chart, 'agent', { remoteWrite: [cluster.write()], global: { interval: SECOND }, ...QUICK });
      const alertmanager = new Alertmanager(chart, 'alerts', {
        replicas: 2,
        config: AlertmanagerConfig.bySeverity({ critical: {}, warning: {} }),
      });
      new VmAlert(chart, 'alert', {
        datasource: cluster.read(),
        remoteWrite: cluster.write(),
        notifiers: [alertmanager.notify()],
        evaluationInterval: SECOND,
        ...QUICK,
        extraFlags: { 'group.maxStartDelay': '1s' },
        rules: [
          Rules.of({ groups: [{ name: 'up', rules: [{ record: 'job:up:sum', expr: 'sum(up) by (job)' }] }] }),
          Rules.of({ groups: [{ name: 'always', rules: [{ alert: 'Watchdog', expr: 'vector(1)' }] }] }),
        ],
      });
      new VmAuth(chart, 'gateway', {
        users: { writer: { bearerToken: SecretRef.of('users', 'writer'), routes: [cluster.write(Tenant.of(7, 8))] } },
        ...QUICK,
      });
      grafana = await Stub.start((path) => pages[path] ?? 404);
      runner = await Runner.start(parseManifests(app.synthYaml()), { secrets: SECRETS, endpointPropagation: 300 });
      await untilConnected(runner, 3);
    });

    beforeEach(() => {
      const podLabels = grafanaPod.labels;
      const counts = { observed: true, desired: 1, total: 1, updated: 1, ready: 1 };
      kubernetes = new LiveKubernetes(runner, {
        workloads: [
          { kind: 'Deployment', name: 'dashboards-grafana', labels: { ...podLabels, ...OURS }, podLabels, ...counts },
        ],
        pods: [grafanaPod],
      });
      kubernetes.stubs.set(grafanaPod.name, grafana.url);
      kubernetes.configMaps.set('datasources', {
        'datasources.yaml': `datasources:\n  - { uid: victoriametrics, name: VM, type: prometheus }\n  - { uid: a, name: Alerts, type: alertmanager }\n`,
      });
      kubernetes.configMaps.set('dashboards', { 'shop.json': '{"uid":"shop","title":"Shop"}' });
      Object.assign(pages, {
        '/metrics-ui/api/health': { database: 'ok' },
        '/metrics-ui/api/datasources/uid/victoriametrics/health': { status: 'OK' },
        '/metrics-ui/api/datasources/proxy/uid/a/api/v2/status': { cluster: { status: 'ready' } },
        '/metrics-ui/api/search?type=dash-db&limit=5000': [{ uid: 'shop' }, { uid: 'other' }],
      });
    });

    afterEach(() => {
      for (const made of stubs.splice(0)) made.close();
    });

    afterAll(async () => {
      grafana.close();
      await runner.close();
    });

    it('finds all well, and leaves nothing behind', async () => {
      const report = await check({ run: 'green' });
      expect(failed(report)).toEqual([]);
      expect(report).toMatchObject({ result: 'passed', leftBehind: [], run: 'green' });
      expect(table(report.steps)).toEqual([
        'passed rollout: workloads are there',
        'passed rollout: StatefulSet metrics-vmstorage',
        'passed rollout: Deployment metrics-vminsert',
        'passed rollout: Deployment metrics-vmselect',
        'passed rollout: Deployment agent-vmagent',
        'passed rollout: StatefulSet alerts-alertmanager',
        'passed rollout: Deployment alert-vmalert',
        'passed rollout: Deployment gateway-vmauth',
        'passed rollout: Deployment dashboards-grafana',
        'passed rollout: claims are bound',
        'passed rollout: nothing restarts',
        'passed ingestion: storage is there',
        ...['0', '7:8'].flatMap((tenant) =>
          ['remote write', 'text import', 'OTLP'].map(
            (format) => `passed ingestion: ${format} by vminsert of metrics, tenant ${tenant}`,
          ),
        ),
        'passed ingestion: vminsert of metrics reaches every vmstorage',
        'passed ingestion: vmauth is there',
        'passed ingestion: remote write by vmauth',
        'passed collection: vmagent is there',
        'passed collection: targets of agent-vmagent-0 are up',
        'passed collection: samples of the targets of agent-vmagent-0 arrive',
        'passed collection: what agent-vmagent-0 sends is taken',
        'passed alerting: vmalert is there',
        'passed alerting: rules of alert-vmalert-0 are evaluated',
        'passed alerting: what alert-vmalert-0 sends is taken',
        'passed alerting: alertmanager is there',
        'passed alerting: replicas of Alertmanager alerts know each other',
        'passed alerting: Alertmanager alerts takes an alert',
        'passed grafana: grafana is there',
        'passed grafana: dashboards-grafana-abc is well',
        'passed grafana: data sources of dashboards-grafana-abc answer',
        'passed grafana: dashboards of dashboards-grafana-abc are there',
        'passed network: vmstorage is there',
        'passed network: a pod that is not wired cannot reach vmstorage',
        'passed rollout: nothing restarted meanwhile',
      ]);
      expect(stepOf(report, 'targets of agent-vmagent-0 are up').reason).toBe('13');
      expect(stepOf(report, 'what alert-vmalert-0 sends is taken').reason).toMatch(
        /^http:.*:9093\/.*, http:.*:9093\/.*, http:.*metrics-vminsert/,
      );
      // The data is gone, and so are the pods, the silence and the alert.
      expect(kubernetes.created).toEqual([]);
      for (const tenant of ['0', '7:8']) expect(await left(tenant, 'green')).toEqual([]);
      for (const pod of runner.pods('alerts-alertmanager')) {
        const filter = encodeURIComponent('verify_run="green"');
        expect(await (await fetch(`${pod.url()}/api/v2/alerts?filter=${filter}`)).json()).toEqual([]);
        // One of them was told, and the others hear of it.
        await until(`the silence is over at ${pod.name}`, async () => {
          const silences = (await (await fetch(`${pod.url()}/api/v2/silences`)).json()) as {
            status: { state: string };
          }[];
          return silences.length === 1 && silences[0]?.status.state === 'expired';
        });
      }
    });

    it('tells of a pod that crashes, with its last words, and of what depends on it', async () => {
      const pod = runner.pod('metrics-vmstorage-2');
      await pod.kill();
      const vminsert = runner.pod('metrics-vminsert-0');
      await until(
        'vminsert knows',
        async () => (await MetricsPage.of(vminsert)).sum('vm_rpc_vmstorage_is_reachable') === 2,
      );
      const report = await checkOnly(['rollout', 'ingestion', 'collection'], {
        patience: PATIENT_READER,
      });
      await pod.start();
      await untilConnected(runner, 3);
      expect(report.result).toBe('failed');
      const rollout = stepOf(report, 'StatefulSet metrics-vmstorage');
      expect(rollout).toMatchObject({ result: 'failed', reason: '2 of 3 pods are ready' });
      expect(rollout.hints[0]).toBe('metrics-vmstorage-2 is not ready: container vmstorage waits: CrashLoopBackOff');
      expect(rollout.hints).toContain('event of metrics-vmstorage-2: Tested: Pod metrics-vmstorage-2 was looked at');
      expect(rollout.hints.at(-1)).toMatch(/^metrics-vmstorage-2 said: \S/);
      expect(stepOf(report, 'vminsert of metrics reaches every vmstorage')).toMatchObject({
        result: 'failed',
        reason: expect.stringContaining(`metrics-vminsert-0 has no connection to ${pod.address}:8400`),
      });
      expect(stepOf(report, 'targets of agent-vmagent-0 are up')).toMatchObject({
        result: 'failed',
        reason: expect.stringMatching(`vmstorage http://${pod.address}:8482/metrics is down: .*refused`),
      });
      // Two copies: what is written is there all the same.
      expect(stepOf(report, /^remote write by vminsert/).result).toBe('passed');
    });

    it('tells of claims without a volume, restarts, old versions and an empty namespace', async () => {
      kubernetes.change = {
        claimPhase: 'Pending',
        workload: (workload) => ({ ...workload, ...(workload.name === 'metrics-vmselect' ? { updated: 1 } : {}) }),
        pod: (pod) => ({
          ...pod,
          containers: pod.containers.map((container) => ({
            ...container,
            ...(pod.name === 'agent-vmagent-0'
              ? { restarts: 3, lastEnd: { at: new Date(), reason: 'OOMKilled', exitCode: 137 } }
              : {}),
          })),
        }),
      };
      const report = await checkOnly(['rollout']);
      expect(stepOf(report, 'claims are bound')).toMatchObject({
        result: 'failed',
        reason: expect.stringContaining('claim data-metrics-vmstorage-0 is Pending'),
        hints: expect.arrayContaining([expect.stringContaining('PersistentVolumeClaim data-metrics-vmstorage-0')]),
      });
      expect(stepOf(report, 'nothing restarts').reason).toBe(
        'agent-vmagent-0: container vmagent restarted 3 times (last ended with OOMKilled, exit code 137)',
      );
      expect(stepOf(report, 'Deployment metrics-vmselect').reason).toBe('1 of 2 pods are of the newest version');

      const { steps, result } = await verify({ kubernetes: new LiveKubernetes(await emptyRunner()) });
      expect([result, table(steps).slice(0, 2)]).toEqual([
        'failed',
        ['failed rollout: workloads are there', 'skipped ingestion: storage is there'],
      ]);
    });

    it('tells of a restart meanwhile', async () => {
      let restarts = 0;
      kubernetes.change = {
        pod: (pod) => ({
          ...pod,
          containers: pod.containers.map((container) =>
            pod.name === 'alert-vmalert-0' ? { ...container, restarts } : container,
          ),
        }),
      };
      const report = await checkOnly(['rollout'], {
        onProgress: (progress) => {
          if (progress.kind === 'begin' && progress.name === 'nothing restarted meanwhile') restarts = 1;
        },
      });
      expect(stepOf(report, 'nothing restarted meanwhile').reason).toBe(
        'restarted since the beginning: alert-vmalert-0',
      );
    });

    it('is not content with a 204, and tells which pod loses data or refuses it', async () => {
      await stub('metrics-vminsert-0', (path) => (path === '/metrics' ? '' : 204));
      await stub('metrics-vminsert-1', (path) => (path === '/metrics' ? '' : 503));
      const report = await checkOnly(['ingestion'], { patience: PATIENT_READER });
      expect(stepOf(report, /^remote write by vminsert/)).toMatchObject({ result: 'failed' });
      for (const format of [/^remote write by vminsert/, /^text import/, /^OTLP/]) {
        const { reason } = stepOf(report, format);
        expect(reason).toMatch(/metrics-vminsert-1 takes nothing: .*503/s);
        expect(reason).toContain('metrics-vminsert-0 took a sample, but metrics-vmselect-0 does not have it');
        expect(reason).toContain('metrics-vminsert-0 took a sample, but metrics-vmselect-1 does not have it');
      }
      // It knows nothing of the stubs.
      expect(stepOf(report, 'remote write by vmauth').result).toBe('passed');
      expect(stepOf(report, 'vminsert of metrics reaches every vmstorage')).toMatchObject({
        result: 'failed',
        reason: 'metrics-vminsert-0 knows of no vmstorage',
      });
    });

    it('tells of a vmselect that answers with other data', async () => {
      const other = (timestamp: number) => ({
        status: 'success',
        data: {
          resultType: 'matrix',
          result: [{ metric: { verify_by: 'metrics-vminsert-0' }, values: [[timestamp, '0.3']] }],
        },
      });
      await stub('metrics-vmselect-1', (path) => (path.includes('/query') ? other(1) : 404));
      const report = await checkOnly(['ingestion']);
      const { reason, result } = stepOf(report, /^remote write by vminsert/);
      expect(result).toBe('failed');
      expect(reason).toContain(
        'metrics-vmselect-1 has {"labels":{"verify_by":"metrics-vminsert-0"},"samples":[{"timestamp":1000',
      );
    });

    it('finds what vmauth writes to a tenant that was not named, and removes it', async () => {
      const options = { run: 'elsewhere', patience: { ...PATIENCE, settled: 3000 } };
      const report = await checkOnly(['ingestion'], options);
      expect([failed(report), report.leftBehind]).toEqual([[], []]);
      expect(stepOf(report, 'remote write by vmauth').result).toBe('passed');
      expect(await left('7:8', 'elsewhere')).toEqual([]);
    });

    it('tells a wrong token from a missing one', async () => {
      const wrong = await checkOnly(['ingestion'], {
        tenants: ['7:8'],
        credentials: { vmauth: { bearerToken: 'wrong-token' } },
      });
      const { result, reason } = stepOf(wrong, 'remote write by vmauth');
      expect([result, reason]).toEqual([
        'failed',
        expect.stringContaining('gateway-vmauth-0 refuses the credentials of vmauth with 401'),
      ]);
      const none = stepOf(await checkOnly(['ingestion'], { credentials: {} }), 'remote write by vmauth');
      expect([none.result, none.reason]).toEqual([
        'skipped',
        'gateway-vmauth-0 wants credentials: give them with --credentials vmauth=env:NAME or vmauth=file:PATH',
      ]);
    });

    it('tells of targets whose samples do not arrive, and of a replica of Alertmanager that is missing', async () => {
      const target = { labels: { job: 'shop', instance: 'shop:80' }, scrapeUrl: '', health: 'up', lastError: '' };
      await stub('agent-vmagent-0', () => ({ data: { activeTargets: [target] } }));
      kubernetes.change = {
        workload: (workload) => ({ ...workload, ...(workload.name === 'alerts-alertmanager' ? { desired: 3 } : {}) }),
      };
      const report = await checkOnly(['collection', 'alerting']);
      expect(stepOf(report, /^samples of the targets/)).toMatchObject({
        result: 'failed',
        reason: 'no new sample of `up` of shop shop:80',
      });
      expect(stepOf(report, /^replicas of Alertmanager/)).toMatchObject({
        result: 'failed',
        reason: expect.stringMatching(
          /^alerts-alertmanager-0 knows 2 of 3 replicas, itself included \((ready|settling)\)$/,
        ),
      });
    });

    it('tells of a replica of Alertmanager that does not learn of silences', async () => {
      await stub('alerts-alertmanager-1', (path) =>
        path === '/api/v2/status' ? { cluster: { status: 'ready', peers: [{}, {}] } } : 404,
      );
      const report = await checkOnly(['alerting']);
      expect(stepOf(report, 'Alertmanager alerts takes an alert')).toMatchObject({
        result: 'failed',
        reason: 'alerts-alertmanager-1 does not know of a silence that alerts-alertmanager-0 took',
      });
    });

    it('tells of a rule that fails, and of rules that cannot be read again', async () => {
      const pod = runner.pod('alert-vmalert-0');
      const name = 'alert-vmalert-rules';
      const reload = async (files: Readonly<Record<string, string>>) => {
        pod.updateConfigMap(name, files);
        await fetch(`${pod.url()}/-/reload`);
      };
      const rule = (expr: string) => `groups:\n  - name: wrong\n    rules: [{ record: twice, expr: '${expr}' }]\n`;
      try {
        await reload({ 'other.yaml': rule('up + on() up') });
        await until('the rule is read', async () =>
          (await (await fetch(`${pod.url()}/api/v1/rules`)).text()).includes('twice'),
        );
        const report = await checkOnly(['alerting']);
        expect(stepOf(report, 'rules of alert-vmalert-0 are evaluated')).toMatchObject({
          result: 'failed',
          reason: expect.stringMatching(/^wrong \/ twice: .* 422 /),
        });
        await reload({ 'other.yaml': 'groups: nonsense' });
        const isStale = async () =>
          (await (await fetch(`${pod.url()}/metrics`)).text()).includes('vmalert_config_last_reload_successful 0');
        await until('the file is refused', isStale);
        expect(stepOf(await checkOnly(['alerting']), 'rules of alert-vmalert-0 are evaluated').reason).toContain(
          'it runs with the rules of before',
        );
      } finally {
        await reload({ 'other.yaml': rule('sum(up)') });
        await until('the rules can be read', async () => {
          const page = await (await fetch(`${pod.url()}/metrics`)).text();
          return page.includes('vmalert_config_last_reload_successful 1');
        });
      }
      await stub('alert-vmalert-0', (path) => (path === '/api/v1/rules' ? { data: { groups: [] } } : ''));
      expect(stepOf(await checkOnly(['alerting']), 'rules of alert-vmalert-0 are evaluated').reason).toBe(
        'no rule is loaded',
      );
    });

    it('tells of a Grafana without its database, data source or dashboard, and of one that wants credentials', async () => {
      pages['/metrics-ui/api/health'] = { database: 'failing' };
      pages['/metrics-ui/api/datasources/uid/victoriametrics/health'] = 500;
      pages['/metrics-ui/api/datasources/proxy/uid/a/api/v2/status'] = 502;
      pages['/metrics-ui/api/search?type=dash-db&limit=5000'] = [];
      const report = await checkOnly(['grafana']);
      const grafanaSteps = (of: Report) =>
        of.steps
          .filter(({ topic }) => topic === 'grafana')
          .slice(1)
          .map(({ result, reason }) => [result, reason]);
      expect(grafanaSteps(report)).toEqual([
        ['failed', 'its database is failing'],
        ['failed', 'VM (prometheus, uid victoriametrics) answered 500: \nAlerts (alertmanager, uid a) answered 502: '],
        ['failed', 'the dashboard Shop (uid shop) is missing'],
      ]);
      pages['/metrics-ui/api/health'] = { database: 'ok' };
      pages['/metrics-ui/api/datasources/uid/victoriametrics/health'] = 403;
      pages['/metrics-ui/api/search?type=dash-db&limit=5000'] = 401;
      expect(grafanaSteps(await checkOnly(['grafana'])).map(([result]) => result)).toEqual([
        'passed',
        'skipped',
        'skipped',
      ]);
    });

    it.each([
      ['passed', { stranger: 10 }, 'metrics-vmstorage-0, port 8400'],
      ['skipped', { stranger: 0 }, /although storage forbids it: the network plugin .* does not enforce/],
      ['skipped', { control: 10 }, /^cannot tell: a pod with the labels of metrics-vminsert-0 does not reach/],
      ['skipped', { control: 127, stranger: 127 }, /has no sh and nc/],
    ])('%s: the network, where the pods end with %j', async (result, exitCodes, reason) => {
      kubernetes.change = { exitCodes };
      const step = await networkStep();
      expect([step.result, step.reason]).toEqual([result, expect.stringMatching(reason)]);
      expect(kubernetes.created).toEqual([]);
    });

    it('tells of a vmstorage that no NetworkPolicy is about, and of one that lets anybody in', async () => {
      kubernetes.change = { policies: [{ name: 'other', podSelector: { matchLabels: { a: 'b' } }, ingress: [] }] };
      expect((await networkStep()).reason).toBe('no NetworkPolicy selects vmstorage: anybody reaches it');
      kubernetes.change = { policies: [{ name: 'all', podSelector: {}, ingress: [{ from: [], ports: [] }] }] };
      expect((await networkStep()).reason).toBe(
        'policies let a pod that is not wired reach vmstorage: everybody (policy all)',
      );
    });

    it('removes what it made when it is interrupted', async () => {
      const interruption = new AbortController();
      // The pods never end.
      kubernetes.change = { exitCodes: { control: undefined as unknown as number, stranger: 10 } };
      const probes = jest.spyOn(kubernetes, 'createPod');
      const report = check({
        only: ['network', 'rollout'],
        run: 'interrupted',
        signal: interruption.signal,
        onProgress: ({ kind, ...progress }) => {
          if (kind === 'begin' && 'topic' in progress && progress.topic === 'network') {
            setTimeout(() => interruption.abort(), 500);
          }
        },
      });
      const { steps, result, leftBehind } = await report;
      expect([result, leftBehind]).toEqual(['failed', []]);
      expect(probes).toHaveBeenCalledTimes(2);
      expect(steps.at(-1)).toMatchObject({ topic: 'network', reason: 'interrupted' });
      expect(kubernetes.created).toEqual([]);
    });

    it('says what it could not remove', async () => {
      jest.spyOn(kubernetes, 'deletePod').mockRejectedValue(new Error('forbidden'));
      const { leftBehind, run } = await checkOnly(['network']);
      expect([...leftBehind].sort()).toEqual([
        `pod verify-control-${run}: forbidden`,
        `pod verify-stranger-${run}: forbidden`,
      ]);
    });

    it('breaks nothing unless the context is named, and the stack is well', async () => {
      await expect(check({ chaos: { confirmContext: 'other' } })).rejects.toThrow(
        "chaos is confirmed for the context 'other', and this is 'live': nothing was done",
      );
      kubernetes.change = { claimPhase: 'Lost' };
      const report = await checkOnly(['rollout'], { chaos: { confirmContext: 'live' } });
      expect(report.steps.at(-1)).toMatchObject({ topic: 'chaos', result: 'skipped' });
      expect([kubernetes.deleted, kubernetes.restarted]).toEqual([[], []]);
    });

    it('loses no acknowledged sample while pods are deleted and everything is restarted', async () => {
      const podLabels = { 'app.kubernetes.io/name': 'grafana', release: 'theirs' };
      const [ours] = (await kubernetes.workloads()).slice(-1);
      const theirs: Workload = { ...ours!, name: 'theirs', labels: podLabels, podLabels };
      const [vminsert] = (await kubernetes.pods()).filter(({ name }) => name === 'metrics-vminsert-0');
      // Kubernetes keeps it, and no workload replaces it.
      const evicted: Pod = { ...vminsert!, name: 'evicted', uid: 'evicted', phase: 'Failed', ready: false };
      kubernetes = new LiveKubernetes(runner, { workloads: [ours!, theirs], pods: [grafanaPod, evicted] });
      const report = await check({ only: ['rollout'], chaos: { confirmContext: 'live' }, run: 'chaos' });
      await kubernetes.settled();
      expect(failed(report)).toEqual([]);
      expect(table(report.steps).filter((line) => line.includes(' chaos: '))).toEqual([
        'passed chaos: write to and read from metrics',
        'passed chaos: delete one vmstorage of metrics',
        'passed chaos: delete one vminsert of metrics',
        'passed chaos: delete one vmselect of metrics',
        'passed chaos: restart everything',
        'passed chaos: all samples of metrics are there at the end',
      ]);
      expect(kubernetes.deleted).toEqual(['metrics-vmstorage-0', 'metrics-vminsert-0', 'metrics-vmselect-0']);
      expect(kubernetes.restarted.slice(0, 3)).toEqual(['metrics-vmstorage', 'metrics-vminsert', 'metrics-vmselect']);
      const others = ['agent-vmagent', 'alert-vmalert', 'alerts-alertmanager', 'dashboards-grafana', 'gateway-vmauth'];
      // Not that of somebody else.
      expect(kubernetes.restarted.slice(3).sort()).toEqual(others);
      expect([report.leftBehind, await left('0', 'chaos')]).toEqual([[], []]);
    });

    it('tells when more goes than the copies allow', async () => {
      kubernetes.change = { deletes: ['metrics-vmstorage-1'], away: 3000 };
      const report = await check({ only: ['rollout'], chaos: { confirmContext: 'live' } });
      await kubernetes.settled();
      expect(stepOf(report, 'delete one vmstorage of metrics')).toMatchObject({
        result: 'failed',
        reason: expect.stringMatching(/no vmselect answers: .* answered \d+|missing/),
      });
    });

    /** What a run left of its series. */
    async function left(tenant: string, run: string): Promise<unknown> {
      const query = new URLSearchParams({
        query: `count(last_over_time({verify_run="${run}"}[1h]))`,
        nocache: '1',
        latency_offset: '1ms',
      });
      const select = `${runner.url('metrics-vmselect')}/select/${tenant}/prometheus`;
      const answer = await fetch(`${select}/api/v1/query?${query.toString()}`);
      return ((await answer.json()) as { data: { result: unknown } }).data.result;
    }

    async function networkStep(): Promise<Step> {
      return stepOf(await checkOnly(['network']), 'a pod that is not wired cannot reach vmstorage');
    }
  },
);

describeWith(['victoria-metrics'], 'verify, on a single node that wants credentials', () => {
  it('writes and reads with them, deletes what it wrote, and leaves the only pod alone', async () => {
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: NAMESPACE });
    new VmSingle(chart, 'metrics', {
      volume: { size: Size.gibibytes(1) },
      httpAuth: { username: 'me', password: SecretRef.of('users', 'writer') },
    });
    const runner = await Runner.start(parseManifests(app.synthYaml()), { secrets: SECRETS });
    try {
      const kubernetes = new LiveKubernetes(runner);
      const options = { kubernetes, patience: { ...PATIENCE, settled: 1000 }, chaos: { confirmContext: 'live' } };
      const password = SECRETS.users.writer;
      const report = await verify({ ...options, credentials: { vmsingle: { username: 'me', password } } });
      expect(failed(report)).toHaveLength(1);
      expect(table(report.steps).filter((line) => !line.includes('rollout'))).toEqual([
        'passed ingestion: storage is there',
        'passed ingestion: remote write by vmsingle of metrics, tenant 0',
        'passed ingestion: text import by vmsingle of metrics, tenant 0',
        'passed ingestion: OTLP by vmsingle of metrics, tenant 0',
        ...['ingestion: vmauth', 'collection: vmagent', 'alerting: vmalert', 'alerting: alertmanager'].map(
          (what) => `skipped ${what} is there`,
        ),
        ...['grafana: grafana', 'network: vmstorage'].map((what) => `skipped ${what} is there`),
        'failed chaos: delete pods',
      ]);
      // Nothing of what was asked for could be done.
      expect(stepOf(report, 'delete pods').reason).toMatch(/a single node cannot do without its pod$/);
      expect([report.result, report.leftBehind, kubernetes.deleted]).toEqual(['failed', [], []]);
      const left = await fetch(`${runner.url('metrics-vmsingle')}/api/v1/export?match[]={verify_run!=""}`, {
        headers: { authorization: `Basic ${btoa(`me:${password}`)}` },
      });
      expect([left.status, await left.text()]).toEqual([200, '']);
      const without = await verify({ ...options, chaos: undefined, only: ['ingestion'] });
      expect(without.steps.map(({ result }) => result)).toEqual([
        ...['passed', 'skipped', 'skipped', 'skipped', 'skipped'],
      ]);
    } finally {
      await runner.close();
    }
  });
});

async function emptyRunner(): Promise<Runner> {
  return Runner.start([]);
}
