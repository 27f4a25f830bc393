import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { App, Chart, Duration, Size } from 'cdk8s';
import { NotifyEndpoint, SecretRef, StackDefaults, Tenant, VmCluster, VmSingle } from '../../src';
import { AlertSource, Rules, Slo, VmAlert, type VmAlertProps } from '../../src/alerting';
import { Alertmanager, AlertmanagerConfig } from '../../src/alertmanager';
import { VictoriaMetricsClient, type MatrixSeries, type VectorSeries } from '../../src/client';
import { MetricsPage } from './metrics-page';
import { describeWith, parseManifests, Runner, until, type Pod } from './runner';
import { flush, withDryRun } from './stacks';

jest.setTimeout(180_000);

const EXACT = { 'search.latencyOffset': '0s' } as const;
const NOW = { 'rule.evalDelay': '0s', 'group.maxStartDelay': '1s' } as const;
const SECOND = Duration.seconds(1);
const volume = { size: Size.gibibytes(1) };

interface Alert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generatorURL: string;
  readonly startsAt: string;
  readonly endsAt: string;
}

/** Takes what is posted, as Alertmanager or as a receiver of its notifications. */
class Receiver {
  /** @param authorization the header without which it takes nothing */
  public static async start(authorization?: string): Promise<Receiver> {
    const receiver = new Receiver(authorization);
    await new Promise<void>((resolve) => receiver.server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  public readonly bodies: unknown[] = [];
  private readonly server: Server;

  private constructor(authorization?: string) {
    this.server = createServer((request, answer) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const refused = authorization !== undefined && request.headers.authorization !== authorization;
        if (!refused) this.bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
        answer.writeHead(refused ? 401 : 200).end();
      });
    });
  }

  public get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The alerts that it was told of as an Alertmanager. */
  public get alerts(): readonly Alert[] {
    return this.bodies.flat() as Alert[];
  }

  public close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

interface ActiveAlert {
  readonly name: string;
  readonly state: string;
  readonly activeAt: string;
  readonly labels: Readonly<Record<string, string>>;
}

async function activeAlerts(pod: Pod, headers: Record<string, string> = {}): Promise<readonly ActiveAlert[]> {
  const answer = await fetch(`${pod.url()}/api/v1/alerts`, { headers });
  const { data } = (await answer.json()) as { readonly data: { readonly alerts: readonly ActiveAlert[] } };
  return data.alerts;
}

const HOT = 'last_over_time(temperature[1h]) > 30';
const hot = (wait: Duration) =>
  Rules.of({
    groups: [
      {
        name: 'boiler',
        interval: SECOND,
        labels: { team: 'house' },
        rules: [
          { record: 'room:temperature:max', expr: 'max(last_over_time(temperature[1h])) by (room)' },
          {
            alert: 'TooHot',
            expr: HOT,
            for: wait,
            labels: { severity: 'critical' },
            annotations: { summary: '{{ $labels.room }} has {{ $value }} degrees' },
          },
        ],
      },
    ],
  });

describeWith(['victoria-metrics', 'vmalert'], 'vmalert', () => {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  function keep<T extends { close(): unknown }>(one: T): T {
    opened.push(one);
    return one;
  }

  interface Stack {
    readonly runner: Runner;
    readonly client: VictoriaMetricsClient;
    /** Sets the temperature of a room from now on. */
    heat(degrees: number): Promise<void>;
  }

  const SECRETS = { storage: { password: 'open sesame' }, managers: { token: 'sesame', password: 'seed' } };

  async function start(props: Partial<VmAlertProps> & Pick<VmAlertProps, 'rules'>): Promise<Stack> {
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
    StackDefaults.set(chart, { serverSideApply: true });
    const single = new VmSingle(chart, 'metrics', {
      volume,
      // No longer than it must be: the replicas evaluate for the same points in time.
      dedupInterval: Duration.millis(1),
      extraFlags: EXACT,
      httpAuth: { username: 'me', password: SecretRef.of('storage', 'password') },
    });
    new VmAlert(chart, 'alert', {
      datasource: single.read(),
      remoteWrite: single.write(),
      shutdownDelay: SECOND,
      evaluationInterval: SECOND,
      extraFlags: NOW,
      ...props,
    });
    const secrets = SECRETS;
    const runner = keep(await Runner.start(withDryRun(parseManifests(app.synthYaml())), { secrets }));
    const auth = { username: 'me', password: secrets.storage.password };
    const client = keep(VictoriaMetricsClient.single(runner.url('metrics-vmsingle'), { auth }));
    const heat = async (value: number): Promise<void> => {
      const labels = { __name__: 'temperature', room: 'kitchen' };
      await client.remoteWrite([{ labels, samples: [{ timestamp: Date.now(), value }] }]);
    };
    return { runner, client, heat };
  }

  const notifier = ({ url }: { readonly url: string }, credentials?: Parameters<typeof NotifyEndpoint.external>[1]) =>
    NotifyEndpoint.external(url, credentials);

  it('tells every Alertmanager of a firing alert, and of its end', async () => {
    const managers = [
      keep(await Receiver.start('Bearer sesame')),
      keep(await Receiver.start()),
      keep(await Receiver.start(`Basic ${Buffer.from('me:seed').toString('base64')}`)),
    ] as const;
    const { runner, heat } = await start({
      rules: [hot(Duration.seconds(2))],
      externalLabels: { site: 'a, b' },
      externalUrl: 'https://grafana.example.com',
      alertSource: AlertSource.grafanaExplore({ datasource: 'vm' }),
      notifiers: [
        notifier(managers[0], { credentials: { bearerToken: SecretRef.of('managers', 'token') } }),
        notifier(managers[1]),
        notifier(managers[2], { credentials: { username: 'me', password: SecretRef.of('managers', 'password') } }),
      ],
    });
    const pod = runner.pod('alert-vmalert-0');
    const state = (wanted: string) =>
      until(`the alert is ${wanted}`, async () => (await activeAlerts(pod)).find((alert) => alert.state === wanted));
    await heat(40);
    await state('pending');
    await state('firing');
    const labels = {
      alertname: 'TooHot',
      alertgroup: 'boiler',
      room: 'kitchen',
      severity: 'critical',
      site: 'a, b',
      team: 'house',
    };
    for (const manager of managers) {
      const alert = await until('the alert arrives', () => manager.alerts[0]);
      expect(alert.labels).toEqual(labels);
      expect(alert.annotations).toEqual({ summary: 'kitchen has 40 degrees' });
      expect(new Date(alert.endsAt).getTime()).toBeGreaterThan(Date.now());
      const link = new URL(alert.generatorURL);
      expect(link.origin + link.pathname).toBe('https://grafana.example.com/explore');
      expect(JSON.parse(link.searchParams.get('panes')!)).toEqual({
        a: { datasource: 'vm', queries: [{ refId: 'A', expr: HOT }], range: { from: 'now-1h', to: 'now' } },
      });
    }
    await heat(20);
    for (const manager of managers) {
      const ended = await until('the end arrives', () =>
        manager.alerts.find(({ endsAt }) => new Date(endsAt).getTime() <= Date.now()),
      );
      expect(ended.labels).toEqual(labels);
    }
    expect(await activeAlerts(pod)).toEqual([]);
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
  });

  it('knows after a restart since when an alert is active', async () => {
    const manager = keep(await Receiver.start());
    const { runner, heat } = await start({ rules: [hot(Duration.seconds(15))], notifiers: [notifier(manager)] });
    const pod = runner.pod('alert-vmalert-0');
    await heat(40);
    const before = await until('the alert is pending', async () => (await activeAlerts(pod))[0]);
    await until(
      'its state is written',
      async () => (await MetricsPage.of(pod)).sum('vmalert_remotewrite_sent_rows_total') > 5,
    );
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
    await flushStorage(runner);
    await pod.start();
    const after = await until('the alert is restored', async () => {
      const [alert] = await activeAlerts(pod);
      return alert && pod.logs().includes('restored to state') && alert;
    });
    expect(Math.floor(new Date(after.activeAt).getTime() / 1000)).toBe(
      Math.floor(new Date(before.activeAt).getTime() / 1000),
    );
    const fired = await until('it fires', () => manager.alerts[0]);
    // Not once more the whole time after the restart.
    const waited = new Date(fired.startsAt).getTime() - new Date(before.activeAt).getTime();
    expect(waited).toBeGreaterThanOrEqual(14_000);
    expect(waited).toBeLessThan(19_000);
  });

  it('evaluates the same in two replicas, of which the storage keeps one', async () => {
    const manager = keep(await Receiver.start());
    const { runner, client, heat } = await start({
      replicas: 2,
      rules: [hot(Duration.seconds(2))],
      notifiers: [notifier(manager)],
    });
    await heat(40);
    const pods = runner.pods('alert-vmalert');
    await until('both send', async () => {
      const sent = await Promise.all(
        pods.map(async (pod) => (await MetricsPage.of(pod)).sum('vmalert_alerts_sent_total')),
      );
      return sent.length === 2 && sent.every((count) => count > 0);
    });
    expect(new Set(manager.alerts.map(({ labels }) => JSON.stringify(labels))).size).toBe(1);
    expect(new Set(manager.alerts.map(({ generatorURL }) => new URL(generatorURL).pathname)).size).toBe(1);
    for (const pod of pods) await pod.stop();
    await flushStorage(runner);
    const { result } = await client.query('room:temperature:max[5m]', { time: Date.now(), nocache: true });
    const [{ samples } = { samples: [] }] = result as readonly MatrixSeries[];
    const times = samples.map(({ timestamp }) => timestamp);
    expect(times.length).toBeGreaterThan(2);
    expect(times.every((time) => time % 1000 === 0)).toBe(true);
    expect(new Set(times).size).toBe(times.length);
  });

  it('takes changed rules by itself', async () => {
    const { runner, heat } = await start({ rules: [hot(Duration.seconds(1))] });
    const pod = runner.pod('alert-vmalert-0');
    await heat(40);
    await until('the alert fires', async () => (await activeAlerts(pod))[0]?.name === 'TooHot');
    const changed = { groups: [{ name: 'other', interval: '1s', rules: [{ alert: 'StillHot', expr: HOT }] }] };
    pod.updateConfigMap('alert-vmalert-rules', { 'other.yaml': JSON.stringify(changed) });
    const alert = await until(
      'the other alert is there',
      async () => (await activeAlerts(pod)).find(({ name }) => name === 'StillHot'),
      { timeout: 60_000 },
    );
    expect(alert.state).toBe('firing');
  });

  it('tells when the budget of an objective burns too fast', async () => {
    const manager = keep(await Receiver.start());
    const { runner, client } = await start({
      rules: [
        Slo.of({
          name: 'checkout',
          objective: 0.99,
          errors: 'sum(rate(requests_total{code="500"}[$window]))',
          total: 'sum(rate(requests_total[$window]))',
          labels: { team: 'shop' },
        }).rules(),
      ],
      notifiers: [notifier(manager)],
    });
    const now = Date.now();
    const counter = (code: string, perMinute: number) => ({
      labels: { __name__: 'requests_total', code },
      samples: [...Array(130).keys()].map((minute) => ({
        timestamp: now - (125 - minute) * 60_000,
        value: perMinute * minute,
      })),
    });
    await client.remoteWrite([counter('200', 80), counter('500', 20)]);
    const alert = await until('the alert arrives', () =>
      manager.alerts.find(({ labels }) => labels.severity === 'critical'),
    );
    expect(alert.labels).toEqual({
      alertname: 'SloErrorBudgetBurn',
      alertgroup: 'slo-checkout',
      severity: 'critical',
      slo: 'checkout',
      team: 'shop',
    });
    expect(alert.annotations.description).toBe(
      '20% of events were bad of late, and the objective of checkout allows 1% over 30d: ' +
        '2% of the budget in 1h, or 5% of the budget in 6h are spent at this rate.',
    );
    await flushStorage(runner);
    const { result } = await client.query('last_over_time({slo="checkout",__name__=~"slo:error_ratio:.*"}[5m])', {
      time: Date.now(),
      nocache: true,
    });
    const ratios = (result as readonly VectorSeries[]).map(({ value }) => value);
    expect(ratios).toHaveLength(7);
    for (const ratio of ratios) expect(ratio).toBeCloseTo(0.2, 5);
  });

  const password = Buffer.from(`me:${SECRETS.storage.password}`).toString('base64');

  /** As `flush`, for a storage with a password. */
  async function flushStorage(runner: Runner): Promise<void> {
    const url = `${runner.url('metrics-vmsingle')}/internal/force_flush`;
    expect((await fetch(url, { headers: { authorization: `Basic ${password}` } })).status).toBe(200);
  }
});

describeWith(['victoria-metrics', 'vmalert', 'alertmanager'], 'from a sample to a notification', () => {
  it('a shipped rule is told once when it fires, and once at its end', async () => {
    const hook = await Receiver.start();
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
    StackDefaults.set(chart, { serverSideApply: true });
    const single = new VmSingle(chart, 'metrics', { volume, dedupInterval: Duration.millis(1), extraFlags: EXACT });
    const alertmanager = new Alertmanager(chart, 'alerts', {
      config: AlertmanagerConfig.bySeverity({
        critical: { webhookConfigs: [{ url: `${hook.url}/critical` }] },
        warning: { webhookConfigs: [{ url: `${hook.url}/warning` }] },
      }),
    });
    new VmAlert(chart, 'alert', {
      datasource: single.read(),
      remoteWrite: single.write(),
      notifiers: [alertmanager.notify()],
      // Both tell the Alertmanager.
      replicas: 2,
      rules: [Rules.fromFile('rules/victoriametrics-storage.yaml')],
      externalUrl: 'https://grafana.example.com',
      alertSource: AlertSource.grafanaExplore({ datasource: 'vm' }),
      evaluationInterval: SECOND,
      shutdownDelay: SECOND,
      extraFlags: NOW,
    });
    const runner = await Runner.start(withDryRun(parseManifests(app.synthYaml())));
    const client = VictoriaMetricsClient.single(runner.url('metrics-vmsingle'));
    const labels = {
      cluster: 'eu',
      namespace: 'shop',
      app_instance: 'main',
      instance: 'main-0:8428',
      path: '/storage',
    };
    const setReadOnly = (value: number): Promise<void> =>
      client.remoteWrite([
        { labels: { __name__: 'vm_storage_is_read_only', ...labels }, samples: [{ timestamp: Date.now(), value }] },
      ]);
    interface Notification {
      readonly status: string;
      readonly receiver: string;
      readonly alerts: readonly Alert[];
    }
    const told = (status: string) => (hook.bodies as readonly Notification[]).filter((one) => one.status === status);
    try {
      await setReadOnly(1);
      const pods = runner.pods('alert-vmalert');
      for (const state of ['pending', 'firing']) {
        await until(
          `both know that it is ${state}`,
          async () => (await Promise.all(pods.map((pod) => activeAlerts(pod)))).every(([one]) => one?.state === state),
          { timeout: 90_000 },
        );
        if (state === 'pending') expect(hook.bodies).toEqual([]);
      }
      const [notification] = await until('the notification', () => told('firing').length > 0 && told('firing'));
      expect(notification!.receiver).toBe('critical');
      expect(notification!.alerts).toMatchObject([
        {
          labels: { alertname: 'VictoriaMetricsStorageReadOnly', severity: 'critical', ...labels },
          annotations: { summary: expect.stringContaining('main-0:8428') as string },
          generatorURL: expect.stringContaining('https://grafana.example.com/explore?') as string,
        },
      ]);
      await setReadOnly(0);
      const [end] = await until('the end', () => told('resolved').length > 0 && told('resolved'));
      expect(end!.alerts.map(({ labels: { alertname } }) => alertname)).toEqual(['VictoriaMetricsStorageReadOnly']);
      expect([told('firing').length, told('resolved').length, hook.bodies.length]).toEqual([1, 1, 2]);
    } finally {
      client.close();
      hook.close();
      await runner.close();
    }
  });
});

describeWith(['vmstorage', 'vminsert', 'vmselect', 'vmalert'], 'vmalert of a cluster', () => {
  it('evaluates the rules of a tenant for that tenant alone', async () => {
    const app = new App();
    const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
    const cluster = new VmCluster(chart, 'metrics', {
      vmstorage: { replicas: 1, volume },
      vminsert: { replicas: 1 },
      vmselect: { replicas: 1, extraFlags: EXACT },
    });
    const manager = await Receiver.start();
    const tenants = [Tenant.of(42), Tenant.of(42, 7)];
    new VmAlert(chart, 'alert', {
      datasource: cluster.read(Tenant.MULTITENANT),
      remoteWrite: cluster.write(Tenant.MULTITENANT),
      notifiers: [NotifyEndpoint.external(manager.url)],
      evaluationInterval: SECOND,
      shutdownDelay: SECOND,
      extraFlags: NOW,
      rules: tenants.map((tenant, index) =>
        Rules.of({
          groups: [
            {
              name: `stock-${index}`,
              tenant,
              rules: [
                { record: 'stock:sum', expr: 'sum(last_over_time(stock[1h]))' },
                { alert: 'Sold', expr: 'sum(last_over_time(stock[1h])) by (shop) < 15' },
                { alert: 'Short', expr: 'last_over_time(stock[1h]) < 15' },
                { alert: 'Lasting', expr: 'last_over_time(stock[1h]) < 15', for: Duration.minutes(5) },
              ],
            },
          ],
        }),
      ),
    });
    const runner = await Runner.start(withDryRun(parseManifests(app.synthYaml())));
    try {
      for (const [index, tenant] of [...tenants, Tenant.DEFAULT].entries()) {
        const url = runner.localize(cluster.ingest(tenant).importText.url);
        const body = `stock{shop="a"} ${10 * (index + 1)}\n`;
        expect((await fetch(url, { method: 'POST', body })).status).toBe(204);
      }
      await flush(runner);
      const recorded = async (tenant: Tenant) => {
        const client = new VictoriaMetricsClient({ readUrl: runner.localize(cluster.read(tenant).url) });
        const { result } = await client.query('last_over_time(stock:sum[1h])', { time: Date.now(), nocache: true });
        client.close();
        return (result as readonly VectorSeries[]).map(({ labels, value }) => ({ labels, value }));
      };
      await until('both tenants have the series', async () => {
        await flush(runner);
        return (await Promise.all(tenants.map(recorded))).every((series) => series.length > 0);
      });
      expect(await recorded(Tenant.of(42))).toEqual([{ labels: { __name__: 'stock:sum' }, value: 10 }]);
      expect(await recorded(Tenant.of(42, 7))).toEqual([{ labels: { __name__: 'stock:sum' }, value: 20 }]);
      expect(await recorded(Tenant.DEFAULT)).toEqual([]);
      const told = () => [...new Map(manager.alerts.map(({ labels }) => [labels.alertname, labels])).values()];
      await until('both alerts arrive', () => told().length === 2);
      const ids = { vm_account_id: '42', vm_project_id: '0' };
      expect(told().sort((a, b) => (a.alertname! < b.alertname! ? -1 : 1))).toEqual([
        { alertname: 'Short', alertgroup: 'stock-0', shop: 'a', ...ids },
        { alertname: 'Sold', alertgroup: 'stock-0', shop: 'a', ...ids },
      ]);
      const pod = runner.pod('alert-vmalert-0');
      const lasting = async () => (await activeAlerts(pod)).find(({ name }) => name === 'Lasting');
      const before = await until('the lasting alert is pending', lasting);
      await pod.stop();
      await flush(runner);
      await pod.start();
      await until('its state is restored', () => pod.logs().includes('restored to state'));
      const { activeAt, labels } = await until('it is pending again', lasting);
      expect(labels).toMatchObject(ids);
      expect(Date.parse(activeAt) - Date.parse(before.activeAt)).toBeLessThan(1000);
    } finally {
      manager.close();
      await runner.close();
    }
  });
});
