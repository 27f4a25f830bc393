import { join } from 'node:path';
import { ENVIRONMENTS } from '../../charts/environments';
import { VictoriaMetricsClient, type VectorSeries } from '../../src/client';
import { droppedSamples, MetricsPage } from './metrics-page';
import { describeWith, findBinary, readManifests, Runner, until, type Pod } from './runner';
import { flush, untilAnswering, untilConnected, withDryRun } from './stacks';

jest.setTimeout(240_000);

interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}

interface ConfigMap {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
}

/** Programs by the name of their container, where it is not that of their binary. */
const BINARIES: Readonly<Record<string, string>> = {
  vmsingle: 'victoria-metrics',
  otelcol: 'otelcol-contrib',
  alertmanager: 'prometheus-alertmanager',
  'metrics-demo': 'node',
};

/** In no package. The first does not start without a Kubernetes API, the others where they are installed by hand. */
const MAY_BE_LEFT_OUT = ['kube-state-metrics', 'otelcol', 'grafana'];

/** What the environments refer to and whoever applies them makes. */
const SECRETS = {
  'vmauth-users': { reader: 'read-password', writer: 'write-token' },
  alertmanager: {
    'slack-webhook-url': 'http://127.0.0.1:1/slack',
    'smtp-password': 'password',
    'watchdog-url': 'http://127.0.0.1:1/watchdog',
  },
};

const main = (workload: object): Container | undefined =>
  (workload as { spec?: { template?: Workload['spec']['template'] } }).spec?.template?.spec.containers[0];

const isPresent = (name: string): boolean =>
  name !== 'kube-state-metrics' && findBinary(BINARIES[name] ?? name) !== undefined;

/** Names of VictoriaMetrics' flags in the args of a container, by the name of its workload. */
function renderedFlags(objects: readonly object[]): Map<string, string[]> {
  return new Map(
    objects.flatMap((object) => {
      const names = (main(object)?.args ?? []).flatMap((arg) => /^-(?!-)([^=]+)=/.exec(arg)?.[1] ?? []);
      return names.length > 0 ? [[(object as Workload).metadata.name, [...new Set(names)].sort()]] : [];
    }),
  );
}

const workloadOf = ({ name }: Pod): string => name.replace(/-\d+$/, '');

interface RuleGroups {
  readonly data: {
    readonly groups: readonly {
      readonly name: string;
      /** Seconds. */
      readonly interval: number;
      readonly rules: readonly { readonly name: string; readonly lastError: string; readonly lastEvaluation: string }[];
    }[];
  };
}

interface Targets {
  readonly data: {
    readonly activeTargets: readonly { readonly labels: { readonly pod: string }; readonly health: string }[];
  };
}

/** The targets of an agent, by the name of their pod, with their state. */
async function targetsOf(agent: Pod): Promise<Map<string, string>> {
  const answer = (await (await fetch(`${agent.url()}/api/v1/targets?state=active`)).json()) as Targets;
  return new Map(answer.data.activeTargets.map(({ labels, health }) => [labels.pod, health]));
}

for (const [name, { storage, access }] of Object.entries(ENVIRONMENTS)) {
  const committed = readManifests(join(__dirname, '../../dist', name));
  const programs = committed.flatMap((object) => main(object)?.name ?? []);
  const leftOut = programs.filter((program) => MAY_BE_LEFT_OUT.includes(program) && !isPresent(program));
  const needed = programs
    .filter((program) => !leftOut.includes(program))
    .map((program) => BINARIES[program] ?? program);
  const title = `the environment ${name}${leftOut.length > 0 ? `, without ${leftOut.join(' and ')}` : ''}`;
  const isCluster = 'cluster' in storage;
  // Each has one group.
  const ruleFiles = (committed as ConfigMap[])
    .filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('rules-vmalert-rules'))
    .flatMap(({ data }) => Object.keys(data));

  describeWith(needed, title, () => {
    let stack: Runner;
    let client: VictoriaMetricsClient;
    let answeringAt: number;

    beforeAll(async () => {
      const present = committed.filter((object) => !leftOut.includes(main(object)?.name ?? ''));
      const objects = JSON.parse(JSON.stringify(present).replaceAll('smtp.example.com:587', '127.0.0.1:1')) as object[];
      stack = await Runner.start(withDryRun(objects), { secrets: SECRETS });
      client = isCluster
        ? VictoriaMetricsClient.cluster({
            insert: stack.url('metrics-vminsert'),
            select: stack.url('metrics-vmselect'),
          })
        : VictoriaMetricsClient.single(stack.url('metrics-vmsingle'));
      await untilAnswering(stack);
      answeringAt = Date.now();
      // The watchdog looks at what was there half a minute ago.
      const samples = [{ timestamp: Date.now() - 60_000, value: 1 }];
      await client.remoteWrite([{ labels: { __name__: 'up', job: 'earlier' }, samples }]);
    });

    afterAll(async () => {
      client.close();
      await stack.close();
    });

    it('starts as it is committed, and takes all of its args', async () => {
      await client.health();
      const flags = renderedFlags(committed);
      for (const pod of stack.pods().filter((each) => flags.has(workloadOf(each)))) {
        const page = await MetricsPage.of(pod);
        expect([pod.name, Object.keys(page.setFlags()).sort()]).toEqual([pod.name, flags.get(workloadOf(pod))]);
      }
    });

    it('stores and answers', async () => {
      await untilConnected(stack, stack.pods('metrics-vmstorage').length);
      const timestamp = Date.now() - 60_000;
      await client.remoteWrite([{ labels: { __name__: 'started' }, samples: [{ timestamp, value: 1 }] }]);
      const answer = await until('the sample can be queried', async () => {
        await flush(stack);
        const { result, isPartial } = await client.query('count_over_time(started[5m])', { nocache: true });
        const series = result as readonly VectorSeries[];
        return series.length > 0 && { isPartial, values: series.map(({ value }) => value) };
      });
      expect(answer).toEqual({ isPartial: false, values: [1] });
      expect(await droppedSamples(stack)).toBe(0);
    });

    it('scrapes every one of its pods, from each agent', async () => {
      const pods = stack.pods().map((pod) => [pod.name, 'up'] as const);
      for (const agent of stack.pods('agent-vmagent')) {
        const targets = await until(
          `all targets of ${agent.name} are up`,
          async () => {
            const found = await targetsOf(agent);
            return [...found.values()].every((health) => health === 'up') && found;
          },
          { timeout: 90_000 },
        );
        expect([agent.name, targets]).toEqual([agent.name, new Map(pods)]);
      }
    });

    it('evaluates all rules without an error, shows them beside the queries, and tells every Alertmanager', async () => {
      const url = isCluster ? `${stack.url('metrics-vmselect')}/select/0/prometheus` : stack.url('metrics-vmsingle');
      const groups = await until(
        'every rule whose turn comes each minute was evaluated since the storage answers',
        async () => {
          const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as RuleGroups;
          const all = data.groups.filter(({ interval }) => interval <= 60).flatMap(({ rules }) => rules);
          return (
            all.length > 0 && all.every(({ lastEvaluation }) => Date.parse(lastEvaluation) > answeringAt) && data.groups
          );
        },
        { timeout: 90_000 },
      );
      expect(groups).toHaveLength(ruleFiles.length);
      // vmalert starts beside the storage: an evaluation from before may have found nobody there.
      const failed = groups
        .flatMap(({ rules }) => rules)
        .filter(({ lastError, lastEvaluation }) => lastError !== '' && Date.parse(lastEvaluation) > answeringAt);
      expect(failed.map(({ name, lastError }) => `${name}: ${lastError}`)).toEqual([]);
      for (const pod of stack.pods('alerts-alertmanager')) {
        await until(`${pod.name} is told`, async () => {
          const alerts = await (await fetch(`${pod.url()}/api/v2/alerts?filter=alertname="Watchdog"`)).json();
          return (alerts as readonly object[]).length === 1;
        });
      }
    });

    if (!access) return;

    it('lets in by vmauth whom it should', async () => {
      const query = `${stack.url('gateway-vmauth')}/api/v1/query?query=1`;
      const asReader = { headers: { authorization: `Basic ${btoa('reader:read-password')}` } };
      const statuses = await Promise.all([fetch(query), fetch(query, asReader)]);
      const isOpen = access.everybodyMay !== undefined;
      expect(statuses.map(({ status }) => status)).toEqual([isOpen ? 200 : 401, 200]);
    });
  });
}
