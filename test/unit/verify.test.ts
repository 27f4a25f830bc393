import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArguments } from '../../src/verify/arguments';
import { admits, entries } from '../../src/verify/policies';
import { Stack } from '../../src/verify/stack';
import { dedupInterval, problemOf } from '../../src/verify/traffic';
import { runCommand, type Terminal } from '../../src/verify/cli';
import { otlpGauge } from '../../src/verify/otlp';
import {
  connectToKubernetes,
  formatReport,
  verify,
  type Kubernetes,
  type NetworkPolicy,
  type Pod,
  type PodManifest,
  type PolicyPeer,
  type Program,
  type Report,
  type Topic,
  type VerifyOptions,
  type Workload,
} from '../../src/verify';

interface WebSocketLike {
  send(data: Buffer): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
  terminate(): void;
}

interface WebSocketServerLike {
  readonly clients: ReadonlySet<WebSocketLike>;
  on(event: 'connection', listener: (socket: WebSocketLike, request: IncomingMessage) => void): void;
  close(): void;
}

/** What @kubernetes/client-node itself depends on; it comes without types. */
const { WebSocketServer } = jest.requireActual<{
  readonly WebSocketServer: new (options: {
    server: Server;
    handleProtocols: () => string;
    verifyClient: (info: { readonly req: IncomingMessage }) => boolean;
  }) => WebSocketServerLike;
}>('ws');

describe('the command line', () => {
  const parse = (line: string, environment = {}) => parseArguments(line.split(' '), environment);

  it('takes all options', () => {
    const line =
      'verify --context kind --namespace monitoring --tenant 0 --tenant 1:2 --credentials vmauth=env:TOKEN ' +
      '--credentials grafana=env:ADMIN --only rollout --only chaos --require rollout --wait 60 --network-image busybox --json --chaos --yes-break-things kind';
    expect(parse(line, { TOKEN: 'abc\n', ADMIN: 'admin:a:b' })).toEqual({
      namespace: 'monitoring',
      context: 'kind',
      tenants: ['0', '1:2'],
      credentials: { vmauth: { bearerToken: 'abc' }, grafana: { username: 'admin', password: 'a:b' } },
      only: ['rollout', 'chaos'],
      require: ['rollout'],
      wait: 60_000,
      networkImage: 'busybox',
      json: true,
      chaos: { confirmContext: 'kind' },
    });
    expect(parse('--help')).toBeUndefined();
  });

  it.each([
    ['', 'there is one command, verify, and nothing was given'],
    ['destroy --namespace a', 'there is one command, verify, and destroy was given'],
    ['verify', '--namespace is missing'],
    ['verify --namespace a --chaos', 'say --yes-break-things CONTEXT as well'],
    ['verify --namespace a --yes-break-things b', '--yes-break-things is given without --chaos'],
    ['verify --namespace a --wait soon', '--wait: soon is no number of seconds'],
    ['verify --namespace a --only love', '--only: love is none of rollout, '],
    ['verify --namespace a --require love', '--require: love is none of rollout, '],
    ['verify --namespace a --only chaos', '--only chaos is given without --chaos'],
    ['verify --namespace a --tenant abc', '--tenant: abc is neither accountID nor accountID:projectID'],
    ['verify --namespace a --tenant 1:', '--tenant: 1: is neither'],
    ['verify --namespace a --tenant 4294967296', '--tenant: 4294967296 is neither'],
    ['verify --namespace a --credentials vmauth=secret', 'give PROGRAM=env:NAME or PROGRAM=file:PATH'],
    ['verify --namespace a --credentials other=env:A', 'with one of vmstorage, '],
    ['verify --namespace a --credentials vmauth=env:NONE', 'the environment has no variable NONE'],
    ['verify --namespace a --nonsense', "Unknown option '--nonsense'"],
  ])('refuses %j', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  it('takes the greatest tenant', () => {
    expect(parse('verify --namespace a --tenant 4294967295:4294967295')?.tenants).toEqual(['4294967295:4294967295']);
  });

  it('repeats no secret that was given in the wrong way', () => {
    expect(() => parse('verify --namespace a --credentials vmauth=hunter2')).not.toThrow('hunter2');
  });
});

const podLabels = { 'app.kubernetes.io/name': 'metrics-demo', 'app.kubernetes.io/part-of': 'victoriametrics-stack' };
const workload: Workload = {
  kind: 'Deployment',
  name: 'agent',
  labels: podLabels,
  podLabels,
  ...{ observed: true, desired: 1, total: 1, updated: 1, ready: 1 },
};

function podOf(program: Program, { args = [] as string[], ready = true, restarts = 0 } = {}): Pod {
  const state = { phase: 'Running', ready, terminating: false, claims: [], configMaps: [], imagePullSecrets: [] };
  const labels = { 'app.kubernetes.io/name': program, 'app.kubernetes.io/instance': 'metrics' };
  const ports = [{ name: 'http', port: 80 }];
  const containers = [{ name: program, image: '', args, ports, restarts }];
  return { name: `${program}-0`, uid: program, labels, ...state, containers };
}

function kubernetesOf(workloads: readonly Workload[], pods: readonly Pod[] = []): Kubernetes {
  const none = () => Promise.resolve([]);
  return {
    ...{ context: 'test', namespace: 'monitoring', workloads: () => Promise.resolve(workloads) },
    ...{ pods: () => Promise.resolve(pods), claims: none, networkPolicies: none, events: none, logs: none },
    configMap: () => Promise.resolve(undefined),
    forward: () => Promise.reject(new Error('nothing to forward to')),
    createPod: () => Promise.resolve(),
    deletePod: () => Promise.resolve(),
    restart: () => Promise.resolve(),
  };
}

describe('the command', () => {
  async function run(line: string, connect: Terminal['connect']) {
    const out: string[] = [];
    const error: string[] = [];
    const code = await runCommand(line.split(' '), {
      environment: {},
      out: (text) => out.push(text),
      error: (text) => error.push(text),
      signal: new AbortController().signal,
      connect,
    });
    return { code, out: out.join('\n'), error: error.join('\n') };
  }

  it('exits with 0 when all is well, and prints a table', async () => {
    const { code, out, error } = await run('verify --namespace monitoring', () =>
      Promise.resolve(kubernetesOf([workload])),
    );
    expect(code).toBe(0);
    expect(error).toMatch(/^\.\.\. rollout: workloads are there\nok rollout: workloads are there \(0\.\d s\): 1\n/);
    expect(out).toMatch(/^ok {7}rollout {5}Deployment agent +0\.\d s$/m);
    expect(out).toMatch(/^skipped {2}ingestion {3}storage is there +0\.\d s {2}no vmstorage and no single node/m);
    expect(out).toMatch(/^skipped {2}alerting {4}vmalert is there +0\.\d s {2}no vmalert is in this namespace$/m);
    expect(out).toMatch(/\nmonitoring in test: passed \(5 passed, 0 failed, 6 skipped\)$/);
  });

  it('exits with 1 when something is not, and prints JSON when it is asked to', async () => {
    const broken = kubernetesOf([{ ...workload, ready: 0 }]);
    const { code, out } = await run('verify --namespace monitoring --json', () => Promise.resolve(broken));
    expect(code).toBe(1);
    const report = JSON.parse(out) as Report;
    expect(report).toMatchObject({ result: 'failed', namespace: 'monitoring', context: 'test', leftBehind: [] });
    expect(report.steps.find(({ name }) => name === 'Deployment agent')).toMatchObject({
      topic: 'rollout',
      result: 'failed',
      reason: '0 of 1 pods are ready',
    });
  });

  it('exits with 1 when it is used wrongly, or finds no Kubernetes, or may not break things', async () => {
    const never = () => Promise.reject(new Error('context other: the kubeconfig has only kind'));
    expect(await run('verify', never)).toEqual({ code: 1, out: '', error: '--namespace is missing' });
    expect(await run('verify --namespace a', never)).toMatchObject({
      code: 1,
      error: expect.stringContaining('has only'),
    });
    const line = 'verify --namespace monitoring --chaos --yes-break-things production';
    const { code, error } = await run(line, () => Promise.resolve(kubernetesOf([workload])));
    expect([code, error]).toEqual([1, expect.stringContaining("for the context 'production', and this is 'test'")]);
  });

  /** What looks at pods, by what it is about. */
  const looks: readonly (readonly [Topic, Program])[] = [
    ['collection', 'vmagent'],
    ['alerting', 'vmalert'],
    ['alerting', 'alertmanager'],
    ['grafana', 'grafana'],
    ['network', 'vmstorage'],
  ];

  it.each(looks)(
    '%s: fails when the pods of %s cannot be listed, when none is ready, and when none is there',
    async (topic, program) => {
      const outcome = async (kubernetes: Partial<Kubernetes>) => {
        const all = { ...kubernetesOf([workload]), ...kubernetes };
        const { code, out } = await run(`verify --namespace monitoring --only ${topic} --json`, () =>
          Promise.resolve(all),
        );
        const { result, reason } = (JSON.parse(out) as Report).steps.find(
          ({ name }) => name === `${program} is there`,
        )!;
        return [code, result, reason];
      };
      const unready = [podOf(program, { ready: false })];
      const wanting = { ...workload, labels: podOf(program).labels };
      expect(await outcome({ pods: () => Promise.reject(new Error('etcd is away')) })).toEqual([
        1,
        'failed',
        'etcd is away',
      ]);
      expect(await outcome({ pods: () => Promise.resolve(unready) })).toEqual([
        1,
        'failed',
        `no pod of ${program} is ready`,
      ]);
      expect(await outcome({ workloads: () => Promise.resolve([wanting]) })).toEqual([
        1,
        'failed',
        `no pod of ${program} is ready`,
      ]);
      expect(await outcome({})).toEqual([1, 'skipped', `no ${program} is in this namespace`]);
    },
  );

  it('fails when an error hides Grafana, however well the rest is', async () => {
    const steps: string[] = [];
    const hiding: Kubernetes = {
      ...kubernetesOf([workload]),
      pods: () =>
        steps.at(-1) === 'grafana is there' ? Promise.reject(new Error('etcd is away')) : Promise.resolve([]),
    };
    const onProgress: VerifyOptions['onProgress'] = (progress) => {
      if (progress.kind === 'begin') steps.push(progress.name);
    };
    const report = await verify({ kubernetes: hiding, only: ['rollout', 'grafana'], onProgress });
    expect(report.result).toBe('failed');
    expect(report.steps.filter(({ result }) => result === 'failed')).toMatchObject([{ name: 'grafana is there' }]);
  });

  it('takes no restart of the past for one of now, when the pods could not be counted at the beginning', async () => {
    let begun = '';
    const old = podOf('vmagent', { restarts: 3 });
    const forgetful: Kubernetes = {
      ...kubernetesOf([workload]),
      pods: () => (begun === 'nothing restarts' ? Promise.reject(new Error('etcd is away')) : Promise.resolve([old])),
    };
    const counted = async (only: readonly Topic[], kubernetes: Kubernetes) => {
      const onProgress: VerifyOptions['onProgress'] = (progress) => {
        begun = progress.kind === 'begin' ? progress.name : progress.step.name;
      };
      const { steps } = await verify({ kubernetes, only, onProgress });
      return steps
        .filter(({ name }) => name === 'nothing restarted meanwhile')
        .map(({ result, reason }) => [result, reason]);
    };
    expect(await counted(['rollout'], forgetful)).toEqual([
      ['skipped', 'the pods could not be listed at the beginning'],
    ]);
    expect(await counted(['rollout'], { ...forgetful, pods: () => Promise.resolve([old]) })).toEqual([['passed', '']]);
    expect(await counted(['grafana'], forgetful)).toEqual([]);
  });

  it.each([
    ['Deployment', 'it is scaled to 0'],
    ['StatefulSet', 'it is scaled to 0'],
    ['DaemonSet', 'no node takes it'],
  ] as const)('is not content with a %s without pods', async (kind, reason) => {
    const none: Workload = { ...workload, kind, desired: 0, total: 0, updated: 0, ready: 0 };
    const { steps } = await verify({ kubernetes: kubernetesOf([none]), only: ['rollout'] });
    expect(steps.find(({ name }) => name === `${kind} agent`)).toMatchObject({ result: 'failed', reason });
  });

  it('breaks nothing of a stack that is not well, whatever it is asked to look at', async () => {
    const deletions: string[] = [];
    const kubernetes: Kubernetes = {
      ...kubernetesOf([{ ...workload, ready: 0 }], [podOf('vminsert'), podOf('vmselect'), podOf('vmstorage')]),
      deletePod: (name) => Promise.resolve(void deletions.push(name)),
    };
    const { steps } = await verify({ kubernetes, only: ['chaos'], chaos: { confirmContext: 'test' } });
    expect(steps.at(-1)).toMatchObject({ topic: 'chaos', result: 'skipped', reason: 'the stack is not well as it is' });
    expect(deletions).toEqual([]);
  });

  it('fails where something that is required is skipped, and refuses what nothing would look at', async () => {
    const kubernetes = kubernetesOf([workload]);
    const { result, steps } = await verify({ kubernetes, only: ['rollout', 'grafana'], require: ['grafana'] });
    expect([result, steps.find(({ topic }) => topic === 'grafana')]).toMatchObject([
      'failed',
      { result: 'failed', reason: 'required, but no grafana is in this namespace' },
    ]);
    expect((await verify({ kubernetes, only: ['rollout', 'grafana'], require: ['rollout'] })).result).toBe('passed');
    const unseen = verify({ kubernetes, only: ['rollout'], require: ['rollout', 'network', 'chaos'] });
    await expect(unseen).rejects.toThrow('network, chaos: required, but nothing would look at it');
    expect(await run('verify --namespace a --require chaos', () => Promise.resolve(kubernetes))).toMatchObject({
      code: 1,
      error: 'chaos: required, but nothing would look at it',
    });
  });

  it('fails where chaos is asked for and nothing can go', async () => {
    const deletions: string[] = [];
    const kubernetes: Kubernetes = {
      ...kubernetesOf([workload], [podOf('vminsert'), podOf('vmselect'), podOf('vmstorage')]),
      deletePod: (name) => Promise.resolve(void deletions.push(name)),
    };
    const { steps, result } = await verify({ kubernetes, only: ['rollout'], chaos: { confirmContext: 'test' } });
    expect(steps.at(-1)).toMatchObject({
      ...{ topic: 'chaos', name: 'delete pods', result: 'failed' },
      reason: 'replicationFactor of metrics is 1: without a vmstorage samples are missing, as they must be',
    });
    expect([result, deletions]).toEqual(['failed', []]);
  });

  it('cares for no pod that is over, which Kubernetes keeps', async () => {
    const labels = { ...podOf('vmagent').labels, ...workload.podLabels };
    const lastEnd = { at: new Date(), reason: 'Evicted', exitCode: 137 };
    const over = (phase: string): Pod => {
      const pod = podOf('vmagent', { ready: false, restarts: 1 });
      const containers = pod.containers.map((container) => ({ ...container, lastEnd }));
      return { ...pod, name: phase, uid: phase, labels, phase, containers, claims: ['gone'] };
    };
    const looked: string[] = [];
    const kubernetes: Kubernetes = {
      ...kubernetesOf([{ ...workload, ready: 0 }], [over('Failed'), over('Succeeded')]),
      logs: (pod) => Promise.resolve([void looked.push(pod), 'last words'].map(String)),
    };
    const { steps } = await verify({ kubernetes, only: ['rollout', 'collection'] });
    expect(steps.map(({ name, result }) => [name, result])).toEqual([
      ['workloads are there', 'passed'],
      ['Deployment agent', 'failed'],
      ['claims are bound', 'passed'],
      ['nothing restarts', 'passed'],
      ['vmagent is there', 'skipped'],
      ['nothing restarted meanwhile', 'passed'],
    ]);
    expect(looked).toEqual([]);
  });

  describe('a pod that is not wired', () => {
    const ports = ['http', 'vminsert', 'vmselect'].map((name, index) => ({ name, port: 8482 + index }));
    const vmstorage: Pod = {
      ...podOf('vmstorage'),
      ip: '10.0.0.1',
      containers: [{ name: 'vmstorage', image: 'x', args: [], ports, restarts: 0 }],
    };
    const policy = (peer: PolicyPeer): NetworkPolicy => {
      return { name: 'np', podSelector: {}, ingress: [{ from: [peer], ports: [] }] };
    };

    /** @param codes how the pods end that try */
    async function tries(policies: readonly NetworkPolicy[], codes: { control: number; stranger: number }) {
      const probes: Pod[] = [];
      const kubernetes: Kubernetes = {
        ...kubernetesOf([workload], [vmstorage, podOf('vminsert')]),
        pods: () => Promise.resolve([vmstorage, podOf('vminsert'), ...probes]),
        networkPolicies: () => Promise.resolve(policies),
        createPod: ({ metadata: { name, labels } }) => {
          const exitCode = name.includes('control') ? codes.control : codes.stranger;
          const containers = [{ name: 'probe', image: '', args: [], ports: [], restarts: 0, exitCode }];
          probes.push({ ...vmstorage, name, uid: name, labels, ip: '10.0.0.7', phase: 'Failed', containers });
          return Promise.resolve();
        },
      };
      const { steps } = await verify({ kubernetes, only: ['network'], run: 'abc' });
      const { result, reason } = steps.at(-1)!;
      return [result, reason, probes.length];
    }

    const everywhere = { ipBlock: { cidr: '0.0.0.0/0' } };
    const near = { ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.0/30'] } };
    const team = { namespaceSelector: { matchLabels: { team: 'a' } } };

    it.each([
      ['the namespace', { podSelector: {} }],
      ['all namespaces', { namespaceSelector: {} }],
      [
        'the namespace by its name',
        { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } }, podSelector: {} },
      ],
      ['others by expression', { podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } }],
    ])('is let in with %s, and need not try', async (_who, peer) => {
      expect(await tries([policy(peer)], { control: 0, stranger: 10 })).toEqual([
        'failed',
        `policies let a pod that is not wired reach vmstorage: ${JSON.stringify(peer)} (policy np)`,
        0,
      ]);
    });

    it.each([everywhere, near, team])('is let in by %j when it gets there', async (peer) => {
      const text = JSON.stringify(peer);
      expect(await tries([policy(peer)], { control: 0, stranger: 0 })).toEqual([
        'failed',
        `a pod that is not wired reaches vmstorage-0: policies let in ${text} (policy np)`,
        2,
      ]);
      expect(await tries([policy(peer)], { control: 0, stranger: 10 })).toEqual([
        'passed',
        `vmstorage-0, port 8483; policies also let in ${text} (policy np)`,
        2,
      ]);
    });

    it.each([
      { podSelector: { matchLabels: { app: 'other' } } },
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } },
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['other'] }] } },
      { podSelector: { matchExpressions: [{ key: 'verify_run', operator: 'NotIn', values: ['abc'] }] } },
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } },
      { ipBlock: { cidr: '10.0.0.0/24', except: ['10.0.0.7/32'] } },
      { ipBlock: { cidr: '10.1.0.0/16' } },
      { ipBlock: { cidr: 'fd00::/8' } },
    ])('is not let in by %j: where it gets there nothing enforces it', async (peer) => {
      expect(await tries([policy(peer)], { control: 0, stranger: 0 })).toEqual([
        'skipped',
        expect.stringMatching(/although np forbids it: the network plugin .* does not enforce/),
        2,
      ]);
    });

    it.each([
      ['all', [], true],
      ['its number', [{ port: 8484 }], true],
      ['its name', [{ port: 'vmselect' }], true],
      ['a range around it', [{ port: 8000, endPort: 9000 }], true],
      ['those of a protocol', [{}], true],
      ['another number', [{ port: 3000 }], false],
      ['another name', [{ port: 'web' }], false],
      ['a range below', [{ port: 8000, endPort: 8481 }], false],
    ])('is let in at a port that a policy opens by %s', (_which, open, is) => {
      const all = entries([{ name: 'np', podSelector: {}, ingress: [{ from: [], ports: open }] }], vmstorage);
      const stranger = { labels: {}, namespace: 'monitoring', ip: undefined };
      expect(all.map((each) => admits(each, stranger))).toEqual(is ? [true] : []);
    });

    it('removes what is still being made when the run is interrupted, and waits for no answer', async () => {
      const interruption = new AbortController();
      const deleted: string[] = [];
      const made: string[] = [];
      const kubernetes: Kubernetes = {
        ...kubernetesOf([workload], [vmstorage, podOf('vminsert')]),
        networkPolicies: () => Promise.resolve([policy(near)]),
        createPod: async ({ metadata: { name } }) => {
          interruption.abort();
          await new Promise((resolve) => setTimeout(resolve, 50));
          made.push(name);
        },
        deletePod: (name) => {
          if (made.includes(name)) deleted.push(name);
          return Promise.resolve();
        },
      };
      const report = await verify({ kubernetes, only: ['network'], run: 'abc', signal: interruption.signal });
      expect([report.steps.at(-1)?.reason, report.leftBehind]).toEqual(['interrupted', []]);
      // Nothing is begun after the interruption.
      expect([made, deleted]).toEqual([['verify-control-abc'], ['verify-control-abc']]);
    });
  });

  it('ends when it is interrupted, also where Kubernetes does not answer', async () => {
    const interruption = new AbortController();
    const kubernetes: Kubernetes = {
      ...kubernetesOf([workload]),
      claims: () => {
        interruption.abort();
        return new Promise(() => undefined);
      },
    };
    const { result, steps } = await verify({ kubernetes, signal: interruption.signal });
    expect([result, steps.at(-1)]).toMatchObject(['failed', { name: 'claims are bound', reason: 'interrupted' }]);
  });

  it('waits for the rollout', async () => {
    let looks = 0;
    const late = {
      ...kubernetesOf([]),
      workloads: () => Promise.resolve([{ ...workload, ready: ++looks > 2 ? 1 : 0 }]),
    };
    expect((await run('verify --namespace monitoring --wait 30', () => Promise.resolve(late))).code).toBe(0);
  });
});

describe('what is asked of programs', () => {
  interface Asked {
    readonly method: string;
    /** The name of the pod, then the path. */
    readonly url: string;
    readonly at: number;
  }
  type Answer = string | number | object;
  const QUICK = { visible: 200, scraped: 200, evaluated: 200, settled: 300, interval: 10 };
  const asked: Asked[] = [];
  let answer: (request: Asked) => Answer | Promise<Answer>;
  let server: Server;

  beforeAll(async () => {
    server = createServer((incoming, response) => {
      const { method = '', url = '' } = incoming;
      const request = { method, url, at: performance.now() };
      asked.push(request);
      incoming.resume().on('end', () => {
        void Promise.resolve(answer(request)).then((given) => {
          response.writeHead(typeof given === 'number' ? given : 200);
          response.end(typeof given === 'object' ? JSON.stringify(given) : typeof given === 'string' ? given : '');
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  beforeEach(() => {
    asked.length = 0;
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function look(topic: Topic, pods: readonly Pod[], options: Partial<VerifyOptions> = {}): Promise<Report> {
    const { port } = server.address() as AddressInfo;
    const kubernetes: Kubernetes = {
      ...kubernetesOf([workload], pods),
      forward: (pod) => Promise.resolve({ url: `http://127.0.0.1:${port}/${pod}`, close: () => Promise.resolve() }),
    };
    return verify({ kubernetes, only: [topic], patience: QUICK, run: 'abc', ...options });
  }

  const delivered = ({ steps }: Report) =>
    steps.filter(({ name }) => name.startsWith('what ')).map(({ name, result, reason }) => [name, result, reason]);

  it.each([
    ['passed', { errors: 0, dropped: 0, rows: 1 }, 'http://am, http://store'],
    ['failed', { errors: 1, dropped: 0, rows: 1 }, 'http://am does not take all that vmalert-0 sends'],
    ['failed', { errors: 0, dropped: 1, rows: 1 }, 'http://store does not take all that vmalert-0 sends'],
    ['failed', { errors: 0, dropped: 0, rows: 0 }, 'http://store takes nothing of vmalert-0'],
  ])('%s: the delivery of a vmalert that counts %j each time', async (result, { errors, dropped, rows }, reason) => {
    let looks = 0;
    const rule = { name: 'Watchdog', state: 'firing', lastError: '', lastEvaluation: '2026', lastSamples: 1 };
    answer = ({ url }) => {
      if (url.endsWith('/rules')) return { data: { groups: [{ name: 'a', interval: 0.1, rules: [rule] }] } };
      looks++;
      return [
        `vmalert_alerts_sent_total{addr="http://am"} ${100 + looks}`,
        `vmalert_alerts_send_errors_total{addr="http://am"} ${errors * (100 + looks)}`,
        `vmalert_remotewrite_sent_rows_total ${rows * looks}`,
        `vmalert_remotewrite_dropped_rows_total ${500 + dropped * looks}\n`,
      ].join('\n');
    };
    const report = await look('alerting', [podOf('vmalert', { args: ['-remoteWrite.url=http://store'] })]);
    expect(delivered(report)).toEqual([['what vmalert-0 sends is taken', result, reason]]);
    expect(report.result).toBe(result);
  });

  it.each([
    ['passed', 300, '11:59:50', '1; 1 failed before the storage was ready, and are not due yet'],
    ['passed', 300, '12:00:20', '1; 1 failed before the storage was ready, and are not due yet'],
    ['failed', 300, '12:00:31', 'a / Watchdog: refused'],
    ['failed', 0.1, '11:59:50', 'a / Watchdog: refused'],
  ])('%s: a rule of every %d s that failed at %s, where the storage is ready since 12', async (...row) => {
    const [result, interval, time, reason] = row;
    const lastEvaluation = `2026-01-01T${time}Z`;
    const rule = { name: 'Watchdog', state: 'inactive', lastError: 'refused', lastEvaluation, lastSamples: 0 };
    answer = ({ url }) =>
      url.endsWith('/rules') ? { data: { groups: [{ name: 'a', interval, rules: [rule] }] } } : '';
    const storage = { ...podOf('vmselect'), readySince: new Date('2026-01-01T12:00:00Z') };
    const report = await look('alerting', [podOf('vmalert'), storage]);
    const step = report.steps.find(({ name }) => name === 'rules of vmalert-0 are evaluated');
    expect([step?.result, step?.reason]).toEqual([result, reason]);
  });

  it('tells of an alert that nobody is told of', async () => {
    const rule = { name: 'Watchdog', state: 'firing', lastError: '', lastEvaluation: '2026', lastSamples: 1 };
    answer = ({ url }) =>
      url.endsWith('/rules') ? { data: { groups: [{ name: 'a', interval: 0.1, rules: [rule] }] } } : '';
    const [step] = delivered(await look('alerting', [podOf('vmalert')]));
    expect(step).toContain('an alert fires, and it knows nobody to tell of it');
  });

  it('tells which vmagent of a pair sends nothing to one of its storages', async () => {
    let looks = 0;
    answer = ({ url }) => {
      if (!url.endsWith('/metrics')) return { data: { activeTargets: [] } };
      looks++;
      const sent = (to: string, count: number) => `vmagent_remotewrite_blocks_sent_total{url="${to}"} ${count}\n`;
      return sent('1:a', 100 + looks) + sent('2:b', url.startsWith('/vmagent-1/') ? 100 : 100 + looks);
    };
    const first = podOf('vmagent');
    const second = { ...first, name: 'vmagent-1', uid: 'second' };
    expect(delivered(await look('collection', [first, second]))).toEqual([
      ['what vmagent-0 sends is taken', 'passed', '1:a, 2:b'],
      ['what vmagent-1 sends is taken', 'failed', '2:b takes nothing of vmagent-1'],
    ]);
  });

  describe('of Alertmanager', () => {
    const first = podOf('alertmanager');
    const pods = [first, { ...first, name: 'alertmanager-1', uid: 'second' }];
    /** Answers as it should, but for what is given. */
    const answerExcept = (other: (request: Asked) => Answer | undefined) => {
      answer = (request) => {
        const { method, url } = request;
        if (method === 'POST' && url.endsWith('/silences')) return { silenceID: 's1' };
        const posts = asked.filter((each) => each.method === 'POST' && each.url.endsWith('/alerts')).length;
        const state = url.includes('/alerts?') && posts <= 2 ? [{ status: { state: 'suppressed' } }] : [];
        return other(request) ?? (url.includes('/alerts') ? state : {});
      };
    };

    it('leaves the silence where the alert cannot be resolved, and tries each replica', async () => {
      answerExcept(({ method, url }) => {
        const posts = asked.filter((each) => each.method === 'POST' && each.url.endsWith('/alerts')).length;
        return method === 'POST' && url === '/alertmanager-0/api/v2/alerts' && posts > 2 ? 503 : undefined;
      });
      const { leftBehind } = await look('alerting', pods);
      expect(leftBehind).toEqual([
        'alert with verify_run="abc" and its silence, which end by themselves within 15 minutes: ' +
          'alertmanager-0 answered 503 at /api/v2/alerts: ',
      ]);
      expect(asked.filter(({ method }) => method === 'DELETE')).toEqual([]);
      const posts = asked.filter(({ method, url }) => method === 'POST' && url === '/alertmanager-1/api/v2/alerts');
      // Posted, resolved, and resolved again at the end.
      expect(posts).toHaveLength(3);
    });

    it.each([
      [500, [expect.stringContaining('alertmanager-0 answered 500 at /api/v2/silence/s1')]],
      [404, []],
      [200, []],
    ])('looks at the answer to the end of the silence: %d', async (status, leftBehind) => {
      answerExcept(({ method }) => (method === 'DELETE' ? status : undefined));
      expect((await look('alerting', pods)).leftBehind).toEqual(leftBehind);
      expect(asked.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
    });
  });

  it('writes to a pod one after the other, since it may refuse what comes while it reads its password', async () => {
    const WRITE = /\/(write|prometheus|metrics)$/;
    let busy = 0;
    let most = 0;
    answer = async ({ url }) => {
      if (!WRITE.test(url)) return 204;
      most = Math.max(most, ++busy);
      await new Promise((resolve) => setTimeout(resolve, 20));
      busy--;
      return 204;
    };
    await look('ingestion', [podOf('vmsingle')]);
    expect([most, asked.filter(({ url }) => WRITE.test(url)).length]).toEqual([1, 3]);
  });

  it('says what a gateway took and no storage of the namespace has', async () => {
    answer = ({ url }) =>
      url.includes('/query') ? { status: 'success', data: { resultType: 'vector', result: [] } } : 204;
    const { steps, leftBehind } = await look('ingestion', [podOf('vmsingle'), podOf('vmauth')]);
    const reason = 'is in no tenant of the storages of this namespace';
    expect(steps.at(-1)).toMatchObject({ result: 'failed', reason: `vmauth-0 took a sample, but it ${reason}` });
    expect(leftBehind).toEqual([`series {verify_run="abc"} by vmauth: what vmauth-0 took ${reason}`]);
    expect(asked.some(({ url }) => url === '/vmauth-0/api/v1/write')).toBe(true);
  });

  it('deletes no sooner than all that was written can be found, when it is interrupted', async () => {
    const interruption = new AbortController();
    let written = 0;
    answer = async ({ url }) => {
      if (!url.endsWith('/write')) return 204;
      interruption.abort();
      await new Promise((resolve) => setTimeout(resolve, 100));
      written = performance.now();
      return 204;
    };
    const { leftBehind } = await look('ingestion', [podOf('vmsingle')], { signal: interruption.signal });
    const deletions = asked.filter(({ url }) => url.endsWith('/delete_series'));
    expect([leftBehind, deletions.length]).toEqual([[], 1]);
    expect(written).toBeGreaterThan(0);
    // Timers may come a little early.
    expect(deletions[0]!.at - written).toBeGreaterThan(QUICK.settled - 10);
  });
});

describe('the report', () => {
  it('shows what to look at, and what is left behind', () => {
    const text = formatReport({
      context: 'kind',
      namespace: 'monitoring',
      run: 'abc',
      result: 'failed',
      steps: [
        { topic: 'rollout', name: 'a', result: 'failed', duration: 1234, reason: 'one\ntwo', hints: ['event of a'] },
      ],
      leftBehind: ['pod x: forbidden'],
    });
    expect(text).toBe(
      [
        'FAILED  rollout  a  1.2 s  one',
        '',
        'rollout: a failed:',
        '    one',
        '    two',
        '    event of a',
        '',
        'left behind: pod x: forbidden',
        'monitoring in kind: failed (0 passed, 1 failed, 0 skipped)',
      ].join('\n'),
    );
  });
});

describe('chaos', () => {
  const found = (...timestamps: number[]) => [
    { labels: {}, samples: timestamps.map((timestamp) => ({ timestamp, value: 1 })) },
  ];
  const sent = new Map([1000, 2000, 3000].map((timestamp) => [timestamp, undefined]));
  const pod = { name: 'vmselect-0' };

  it('is content with all that was acknowledged, and with what may be there', () => {
    expect(problemOf([1000, 2000], sent, found(1000, 2000), pod)).toBeUndefined();
    expect(problemOf([1000, 2000], sent, [...found(1000), ...found(2000, 3000)], pod)).toBeUndefined();
  });

  it.each([
    ['1 of 2 acknowledged samples are missing, e.g. of 1970-01-01T00:00:02.000Z', found(1000)],
    ['1 of 2 acknowledged samples are there more than once, e.g. of 1970-01-01T00:00:01.000Z', found(1000, 1000, 2000)],
    ['1 of 2 acknowledged samples are there and were never written', found(1000, 2000, 4000)],
  ])('tells: %s', (text, series) => {
    expect(problemOf([1000, 2000], sent, series, pod)).toContain(`by vmselect-0 ${text}`);
  });

  it('asks for the list of pods no more often than it needs to', async () => {
    let lists = 0;
    const kubernetes = { ...kubernetesOf([]), pods: () => Promise.resolve((lists++, [podOf('vminsert')])) };
    const stack = new Stack(kubernetes, {}, new AbortController().signal);
    for (const program of ['vminsert', 'vmselect', 'vminsert'] as const) await stack.pods(program, 60_000);
    expect(lists).toBe(1);
    expect(await stack.pods('vminsert')).toHaveLength(1);
    expect(lists).toBe(2);
  });

  it('reads the interval of deduplication', () => {
    const intervalOf = (...args: string[]) => dedupInterval(podOf('vmselect', { args }));
    const flag = '-dedup.minScrapeInterval=';
    expect(
      [`${flag}1ms`, `-${flag}15s`, `${flag}1m30s`, `${flag}0s`, '-other=1s'].map((arg) => intervalOf(arg)),
    ).toEqual([1, 15_000, 90_000, 0, 0]);
    expect(dedupInterval(undefined)).toBe(0);
  });
});

it('encodes OTLP whose parts are longer than 127 bytes', () => {
  const long = 'x'.repeat(300);
  const bytes = otlpGauge('name', { long }, { timestamp: 1, value: 2 });
  // Each part says its length: 300 takes two bytes.
  expect(bytes.includes(Buffer.concat([Buffer.from([0x0a, 0xac, 0x02]), Buffer.from(long)]))).toBe(true);
  const body = bytes.subarray(3);
  expect([bytes[0], (bytes[1]! & 0x7f) | (bytes[2]! << 7)]).toEqual([0x0a, body.length]);
});

describe('Kubernetes by @kubernetes/client-node', () => {
  interface Call {
    readonly method: string;
    readonly url: string;
    readonly type: string | undefined;
    readonly authorization: string | undefined;
    readonly body: unknown;
  }
  const calls: Call[] = [];
  const answers: Record<string, unknown> = {};
  let server: Server;
  let sockets: WebSocketServerLike;
  let folder: string;
  let kubernetes: Kubernetes;

  const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    return text === '' ? undefined : JSON.parse(text);
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      void bodyOf(request).then(async (body) => {
        const { method = '', url = '', headers } = request;
        calls.push({ method, url, type: headers['content-type'], authorization: headers.authorization, body });
        const answer = await answers[`${method} ${url.split('?')[0]}`];
        response.writeHead(answer === undefined ? 404 : 200, {
          'content-type': typeof answer === 'string' ? 'text/plain' : 'application/json',
        });
        response.end(typeof answer === 'string' ? answer : JSON.stringify(answer ?? { kind: 'Status', code: 404 }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // What the API server does for a port: one stream of data, one of errors, each beginning with the port.
    sockets = new WebSocketServer({
      server,
      handleProtocols: () => 'v4.channel.k8s.io',
      verifyClient: ({ req }) => !req.url?.includes('/pods/gone/'),
    });
    sockets.on('connection', (socket, request) => {
      calls.push({
        method: 'WS',
        url: request.url ?? '',
        type: undefined,
        authorization: request.headers.authorization,
        body: undefined,
      });
      const port = Buffer.alloc(2);
      port.writeUInt16LE(Number(new URL(request.url ?? '', 'http://a').searchParams.get('ports')));
      socket.send(Buffer.concat([Buffer.from([0]), port]));
      socket.send(Buffer.concat([Buffer.from([1]), port]));
      socket.on('message', (data: Buffer) => {
        const text = data.subarray(1).toString();
        if (text.startsWith('GET /refused')) {
          socket.send(Buffer.concat([Buffer.from([1]), Buffer.from('connection refused')]));
          return;
        }
        const answer = `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok`;
        // In two parts, as a network may do.
        socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(answer.slice(0, 10))]));
        socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(answer.slice(10))]));
      });
    });
    folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
    const { port } = server.address() as AddressInfo;
    const kubeconfig = join(folder, 'config');
    const entry = (name: string) => ({ name, context: { cluster: 'c', user: 'u', namespace: 'ignored' } });
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'other' },
        clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'u', user: { token: 'let-me-in' } }],
        contexts: [entry('other'), entry('test')],
      }),
    );
    kubernetes = await connectToKubernetes({ kubeconfig, context: 'test', namespace: 'monitoring' });
  });

  beforeEach(() => {
    calls.length = 0;
  });

  afterAll(async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  it('uses the context that is named, and knows no other', async () => {
    expect([kubernetes.context, kubernetes.namespace]).toEqual(['test', 'monitoring']);
    const wrong = connectToKubernetes({ kubeconfig: join(folder, 'config'), context: 'gone', namespace: 'a' });
    await expect(wrong).rejects.toThrow('context gone: the kubeconfig has only other, test');
  });

  it('tells how far workloads are rolled out', async () => {
    const metadata = (name: string) => ({ name, generation: 3, labels: { a: 'b' } });
    const spec = { replicas: 2, template: { metadata: { labels: { c: 'd' } }, spec: { containers: [] } } };
    const list = (item: object) => ({ apiVersion: 'apps/v1', kind: 'List', metadata: {}, items: [item] });
    const path = 'GET /apis/apps/v1/namespaces/monitoring';
    answers[`${path}/deployments`] = list({
      ...{ metadata: metadata('web'), spec },
      status: { observedGeneration: 2, replicas: 3, updatedReplicas: 1, readyReplicas: 2 },
    });
    answers[`${path}/statefulsets`] = list({
      ...{ metadata: metadata('store'), spec },
      // Of a StatefulSet that is not changed the API may leave out updatedReplicas.
      status: { observedGeneration: 3, replicas: 2, readyReplicas: 2, currentRevision: 'x', updateRevision: 'x' },
    });
    answers[`${path}/daemonsets`] = list({
      ...{ metadata: metadata('node'), spec },
      status: {
        ...{ observedGeneration: 3, desiredNumberScheduled: 5, currentNumberScheduled: 5, numberMisscheduled: 1 },
        ...{ updatedNumberScheduled: 4, numberReady: 3 },
      },
    });
    const labels = { labels: { a: 'b' }, podLabels: { c: 'd' } };
    expect(await kubernetes.workloads()).toEqual([
      { kind: 'Deployment', name: 'web', ...labels, observed: false, desired: 2, total: 3, updated: 1, ready: 2 },
      { kind: 'StatefulSet', name: 'store', ...labels, observed: true, desired: 2, total: 2, updated: 2, ready: 2 },
      { kind: 'DaemonSet', name: 'node', ...labels, observed: true, desired: 5, total: 5, updated: 4, ready: 3 },
    ]);
    expect(new Set(calls.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer let-me-in']));
  });

  it('tells the state of pods', async () => {
    const pod = {
      metadata: { name: 'a-0', uid: 'u', labels: { a: 'b' }, deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        imagePullSecrets: [{ name: 'pull' }],
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: 'data-a-0' } },
          { name: 'config', configMap: { name: 'one' } },
          { name: 'more', projected: { sources: [{ configMap: { name: 'two' } }, { secret: { name: 'no' } }] } },
        ],
        containers: [
          {
            name: 'main',
            image: 'x:1',
            args: ['-a=b'],
            ports: [{ name: 'http', containerPort: 80 }],
            readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
          },
        ],
      },
      status: {
        phase: 'Running',
        podIP: '10.0.0.1',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [
          {
            name: 'main',
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T00:00:00Z' } },
          },
        ],
      },
    };
    const lastTransitionTime = '2026-01-01T12:00:00Z';
    const ready = { metadata: {}, status: { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] } };
    answers['GET /api/v1/namespaces/monitoring/pods'] = { kind: 'PodList', items: [pod, ready] };
    const [found, other] = await kubernetes.pods();
    expect([other?.ready, other?.readySince]).toEqual([true, new Date(lastTransitionTime)]);
    expect([found]).toEqual([
      {
        ...{ name: 'a-0', uid: 'u', labels: { a: 'b' }, ip: '10.0.0.1', phase: 'Running' },
        ...{ ready: false, terminating: true, claims: ['data-a-0'], configMaps: ['one', 'two'] },
        imagePullSecrets: ['pull'],
        containers: [
          {
            ...{ name: 'main', image: 'x:1', args: ['-a=b'], ports: [{ name: 'http', port: 80 }] },
            ...{ readinessPath: '/ready', restarts: 3, waiting: 'CrashLoopBackOff', exitCode: undefined },
            lastEnd: { at: new Date('2026-01-01T00:00:00Z'), reason: 'Error', exitCode: 1 },
          },
        ],
      },
    ]);
  });

  it('reads claims, policies, events, files and logs', async () => {
    const v1 = 'GET /api/v1/namespaces/monitoring';
    answers[`${v1}/persistentvolumeclaims`] = {
      items: [{ metadata: { name: 'one' }, status: { phase: 'Bound' } }, { metadata: { name: 'two' } }],
    };
    answers['GET /apis/networking.k8s.io/v1/namespaces/monitoring/networkpolicies'] = {
      items: [
        {
          metadata: { name: 'a' },
          spec: { podSelector: { matchLabels: { x: 'y' } }, ingress: [{ ports: [{ port: 1 }] }] },
        },
        { metadata: { name: 'b' }, spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] } },
        { metadata: { name: 'c' }, spec: { podSelector: { matchExpressions: [{ key: 'x', operator: 'Exists' }] } } },
        { metadata: { name: 'd' }, spec: { podSelector: {}, policyTypes: ['Egress'] } },
      ],
    };
    const event = (reason: string, lastTimestamp: string) => {
      return { metadata: {}, involvedObject: {}, type: 'Warning', reason, message: 'm', lastTimestamp };
    };
    answers[`${v1}/events`] = {
      items: [event('Later', '2026-01-01T00:00:02Z'), event('Sooner', '2026-01-01T00:00:01Z')],
    };
    answers[`${v1}/configmaps/files`] = { data: { 'a.yaml': 'b' } };
    answers[`${v1}/pods/a-0/log`] = 'one\ntwo\n';
    expect(await kubernetes.claims()).toEqual([
      { name: 'one', phase: 'Bound' },
      { name: 'two', phase: 'Pending' },
    ]);
    expect(await kubernetes.networkPolicies()).toEqual([
      { name: 'a', podSelector: { matchLabels: { x: 'y' } }, ingress: [{ from: [], ports: [{ port: 1 }] }] },
      { name: 'b', podSelector: {}, ingress: [{ from: [{ podSelector: {} }], ports: [] }] },
      { name: 'c', podSelector: { matchExpressions: [{ key: 'x', operator: 'Exists' }] }, ingress: [] },
    ]);
    expect(await kubernetes.events('Pod', 'a-0')).toEqual([
      { warning: true, reason: 'Sooner', message: 'm' },
      { warning: true, reason: 'Later', message: 'm' },
    ]);
    expect(await kubernetes.configMap('files')).toEqual({ 'a.yaml': 'b' });
    expect(await kubernetes.configMap('none')).toBeUndefined();
    expect(await kubernetes.logs('a-0', 'main', 8, true)).toEqual(['one', 'two']);
    const urls = calls.map(({ url }) => decodeURIComponent(url));
    const root = '/api/v1/namespaces/monitoring';
    expect(urls).toContain(`${root}/events?fieldSelector=involvedObject.kind=Pod,involvedObject.name=a-0`);
    expect(urls).toContain(`${root}/pods/a-0/log?container=main&previous=true&tailLines=8`);
  });

  it('does not wait for ever', async () => {
    const { timeout } = AbortSignal;
    const timeouts = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout.call(AbortSignal, 50));
    const path = 'GET /api/v1/namespaces/monitoring/persistentvolumeclaims';
    const before = answers[path];
    try {
      answers[path] = new Promise(() => undefined);
      await expect(kubernetes.claims()).rejects.toThrow('the Kubernetes API did not answer within 15 s');
      expect(timeouts).toHaveBeenCalledWith(15_000);
    } finally {
      timeouts.mockRestore();
      answers[path] = before;
    }
  });

  it('makes and deletes pods, and rolls workloads', async () => {
    const v1 = '/api/v1/namespaces/monitoring/pods';
    const apps = '/apis/apps/v1/namespaces/monitoring';
    const containers = [{ name: 'probe', image: 'x', command: ['sh'] }];
    const manifest: PodManifest = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'probe', labels: { a: 'b' } },
      spec: { readinessGates: [{ conditionType: 'a/b' }], containers },
    };
    answers[`POST ${v1}`] = manifest;
    answers[`DELETE ${v1}/probe`] = { metadata: { name: 'probe' } };
    for (const kind of ['deployments', 'statefulsets', 'daemonsets']) answers[`PATCH ${apps}/${kind}/a`] = {};
    await kubernetes.createPod(manifest);
    await kubernetes.deletePod('probe');
    await kubernetes.deletePod('gone');
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const)
      await kubernetes.restart({ kind, name: 'a' });
    const template = {
      metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': expect.stringMatching(/^20/) } },
    };
    expect(calls.map(({ method, url, type, body }) => [method, url, type?.split(';')[0], body])).toEqual([
      ['POST', `${v1}?fieldValidation=Strict`, 'application/json', manifest],
      ['DELETE', `${v1}/probe`, expect.anything(), undefined],
      ['DELETE', `${v1}/gone`, expect.anything(), undefined],
      ...['deployments', 'statefulsets', 'daemonsets'].map((kind) => [
        ...['PATCH', `${apps}/${kind}/a`, 'application/strategic-merge-patch+json'],
        { spec: { template } },
      ]),
    ]);
  });

  it('reaches a port of a pod by a web socket for each connection', async () => {
    const forward = await kubernetes.forward('a-0', 8480);
    try {
      expect(await (await fetch(`${forward.url}/health`)).text()).toBe('ok');
      expect(calls).toEqual([
        expect.objectContaining({
          method: 'WS',
          url: '/api/v1/namespaces/monitoring/pods/a-0/portforward?ports=8480',
          authorization: 'Bearer let-me-in',
        }),
      ]);
      const refused = await fetch(`${forward.url}/refused`);
      expect([refused.status, await refused.text()]).toEqual([502, 'connection refused']);
    } finally {
      await forward.close();
    }
    await expect(fetch(forward.url)).rejects.toThrow('fetch failed');
  });

  it('says why a pod cannot be reached', async () => {
    const forward = await kubernetes.forward('gone', 8480);
    try {
      const answer = await fetch(forward.url);
      expect(answer.status).toBe(502);
      expect(await answer.text()).toMatch(/^port-forward to gone, port 8480: Unexpected server response: 401/);
    } finally {
      await forward.close();
    }
  });
});

test('says that there is no kubeconfig', async () => {
  const { HOME, KUBECONFIG } = process.env;
  process.env.HOME = '/nonexistent';
  delete process.env.KUBECONFIG;
  try {
    await expect(connectToKubernetes({ namespace: 'monitoring' })).rejects.toThrow(
      'there is no kubeconfig: set KUBECONFIG, or write ~/.kube/config',
    );
  } finally {
    process.env.HOME = HOME;
    if (KUBECONFIG !== undefined) process.env.KUBECONFIG = KUBECONFIG;
  }
});
