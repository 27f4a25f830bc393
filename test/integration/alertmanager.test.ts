import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart, Duration } from 'cdk8s';
import { Endpoint, SecretRef } from '../../src';
import {
  Alertmanager,
  AlertmanagerConfig,
  type AlertmanagerConfigProps,
  type AlertmanagerProps,
} from '../../src/alertmanager';
import { describeWith, parseManifests, Runner, until, type Pod } from './runner';

jest.setTimeout(180_000);

/** Of `hunter2`, with the least cost. */
const BCRYPT = '$2b$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm';

/** A notification as a webhook gets it. */
interface Notification {
  /** When it came, in milliseconds. */
  readonly at: number;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly status: string;
  readonly receiver: string;
  /** Of a payload of the test's own. */
  readonly text?: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Readonly<Record<string, string>> }[];
}

/** Takes notifications on this machine. */
class Hook {
  public static async start(): Promise<Hook> {
    const received: Notification[] = [];
    const server = createServer((request, answer) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        const message = JSON.parse(body) as Omit<Notification, 'at' | 'path' | 'authorization'>;
        received.push({ ...message, at: Date.now(), path, authorization: headers.authorization });
        answer.writeHead(200).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Hook(server, received);
  }

  private constructor(
    private readonly server: Server,
    public readonly received: readonly Notification[],
  ) {}

  public url(path: string): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  /** The names of the alerts of all notifications of a path. */
  public alertsAt(path: string): string[][] {
    return this.received
      .filter((one) => one.path === path)
      .map(({ alerts }) => alerts.map(({ labels }) => `${labels['alertname']}@${labels['instance']}`).sort());
  }

  public close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function startHook(): Promise<Hook> {
  const hook = await Hook.start();
  opened.push(hook);
  return hook;
}

async function start(props: AlertmanagerProps, options?: Parameters<typeof Runner.start>[1]): Promise<Runner> {
  const app = new App();
  const chart = new Chart(app, 'alerting', { namespace: 'monitoring' });
  new Alertmanager(chart, 'main', props);
  const runner = await Runner.start(parseManifests(app.synthYaml()), options);
  opened.push(runner);
  return runner;
}

async function request(
  pod: Pod,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${pod.url()}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

async function fire(pods: readonly Pod[], ...labels: readonly Readonly<Record<string, string>>[]): Promise<void> {
  const alerts = labels.map((each) => ({ labels: each, startsAt: new Date().toISOString() }));
  for (const pod of pods) expect((await request(pod, '/api/v2/alerts', alerts)).status).toBe(200);
}

const alert = (alertname: string, severity: string, instance: string) => ({ alertname, severity, instance });

const everySecond = (url: AlertmanagerConfigProps['receivers'][number]): AlertmanagerConfigProps => ({
  route: {
    receiver: url.name,
    groupBy: ['...'],
    groupWait: Duration.seconds(0),
    groupInterval: Duration.seconds(1),
    repeatInterval: Duration.seconds(1),
  },
  receivers: [url],
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describeWith(['alertmanager'], 'an Alertmanager', () => {
  it('tells critical alerts at once and warnings in groups, but not those that a critical one silences', async () => {
    const hook = await startHook();
    const to = (path: string) => ({ webhookConfigs: [{ url: hook.url(path) }] });
    const runner = await start({
      config: AlertmanagerConfig.bySeverity({
        critical: to('/critical'),
        warning: to('/warning'),
        info: to('/info'),
        watchdog: to('/watchdog'),
      }),
    });
    const pods = runner.pods();
    const fired = Date.now();
    await fire(
      pods,
      alert('DiskFull', 'critical', 'a'),
      alert('DiskFull', 'warning', 'a'),
      alert('DiskFull', 'warning', 'b'),
      alert('DiskFull', 'warning', 'c'),
      alert('DiskFull', 'info', 'a'),
      alert('DiskFull', 'info', 'd'),
      alert('ServiceDown', 'critical', 'e'),
      alert('Slow', 'warning', 'e'),
      alert('Slow', 'info', 'e'),
      { alertname: 'Watchdog', instance: 'x' },
      { alertname: 'Odd', instance: 'y' },
    );
    await until('critical alerts', () => hook.alertsAt('/critical').length === 2);
    const last = Math.max(...hook.received.filter(({ path }) => path === '/critical').map(({ at }) => at));
    expect(last - fired).toBeLessThan(5000);
    expect(hook.alertsAt('/critical').sort()).toEqual([['DiskFull@a'], ['ServiceDown@e']]);
    expect(hook.alertsAt('/warning')).toEqual([]);
    await until("the dead man's switch", () => hook.alertsAt('/watchdog').length > 0);

    await until('the others', () => hook.alertsAt('/warning').length >= 2 && hook.alertsAt('/info').length >= 2, {
      timeout: 30_000,
    });
    const warning = hook.received.find(({ path }) => path === '/warning')!;
    expect(warning.at - fired).toBeGreaterThan(8000);
    expect(hook.alertsAt('/warning').sort()).toEqual([['DiskFull@b', 'DiskFull@c'], ['Odd@y']]);
    expect(hook.alertsAt('/info').sort()).toEqual([['DiskFull@d'], ['Slow@e']]);
  });

  it('silences nothing but what the critical alert is about', async () => {
    const hook = await startHook();
    const to = (path: string) => ({ webhookConfigs: [{ url: hook.url(path) }] });
    const runner = await start({
      config: AlertmanagerConfig.bySeverity({
        critical: to('/critical'),
        warning: to('/warning'),
        inhibitEqual: ['queue'],
      }),
    });
    const burn = { alertname: 'SloErrorBudgetBurn', alertgroup: 'slo' };
    const own = { alertname: 'JobsFail', namespace: 'shop' };
    const long = { alertname: 'QueueLong', namespace: 'shop' };
    const down = { namespace: 'a', instance: 'main-0:80' };
    await fire(
      runner.pods(),
      { ...burn, slo: 'checkout', severity: 'critical' },
      { ...burn, slo: 'checkout', severity: 'warning' },
      { ...burn, slo: 'search', severity: 'warning' },
      { ...own, job: 'a', severity: 'critical' },
      { ...own, job: 'a', severity: 'warning' },
      { ...own, job: 'b', severity: 'warning' },
      { ...long, queue: 'mail', severity: 'critical' },
      { ...long, queue: 'mail', severity: 'warning' },
      { ...long, queue: 'print', severity: 'warning' },
      { ...down, alertname: 'ServiceDown', severity: 'critical' },
      { ...down, alertname: 'Slow', severity: 'warning' },
      { ...down, alertname: 'Slow', severity: 'warning', namespace: 'b' },
    );
    interface Told {
      readonly labels: Readonly<Record<string, string>>;
      readonly status: { readonly state: string };
    }
    let told: readonly Told[] = [];
    const warnings = (state: string) =>
      told
        .filter(({ labels, status }) => labels.severity === 'warning' && status.state === state)
        .map(({ labels }) => labels.slo ?? labels.job ?? labels.queue ?? labels.namespace)
        .sort();
    await until('all alerts are looked at', async () => {
      told = (await (await request(runner.pods()[0]!, '/api/v2/alerts')).json()) as readonly Told[];
      return told.every(({ status }) => status.state !== 'unprocessed') && warnings('suppressed').length >= 4;
    });
    expect(warnings('suppressed')).toEqual(['a', 'a', 'checkout', 'mail']);
    expect(warnings('active')).toEqual(['b', 'b', 'print', 'search']);
  });

  it('keeps its silences over a restart', async () => {
    const hook = await startHook();
    const config = AlertmanagerConfig.of(everySecond({ name: 'hook', webhookConfigs: [{ url: hook.url('/') }] }));
    const runner = await start({ config, externalUrl: 'https://example.com/alerts' });
    const [pod] = runner.pods() as [Pod];
    const silence = {
      matchers: [{ name: 'alertname', value: 'Noise', isRegex: false }],
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
      createdBy: 'test',
      comment: 'known',
    };
    expect((await request(pod, '/api/v2/silences', silence)).status).toBe(200);
    expect(await pod.stop()).toEqual({ code: 0, signal: null });
    await pod.start();
    expect(await (await request(pod, '/api/v2/silences')).json()).toMatchObject([
      { comment: 'known', status: { state: 'active' } },
    ]);
    await fire([pod], alert('Noise', 'warning', 'a'), alert('Signal', 'warning', 'a'));
    await until('two repetitions', () => hook.alertsAt('/').length >= 3);
    expect(new Set(hook.alertsAt('/').flat())).toEqual(new Set(['Signal@a']));
    expect(JSON.stringify(hook.received[0])).toContain('https://example.com/alerts');
  });

  it('reads a Secret again when it is changed', async () => {
    const hook = await startHook();
    const workdir = mkdtempSync(join(tmpdir(), 'alertmanager-'));
    opened.push({ close: () => rmSync(workdir, { recursive: true }) });
    const credentials = { username: 'am', password: SecretRef.of('hook', 'password') };
    const url = Endpoint.external(hook.url('/'), { credentials });
    const config = AlertmanagerConfig.of(everySecond({ name: 'hook', webhookConfigs: [{ url }] }));
    const runner = await start({ config }, { workdir, secrets: { hook: { password: 'old' } } });
    await fire(runner.pods(), alert('Signal', 'warning', 'a'));
    const basic = (password: string) => `Basic ${Buffer.from(`am:${password}`).toString('base64')}`;
    const sent = (password: string) => hook.received.some(({ authorization }) => authorization === basic(password));
    await until('the old password', () => sent('old'));
    const file = readdirSync(workdir, { recursive: true, encoding: 'utf8' }).find((path) =>
      path.endsWith('/password'),
    )!;
    writeFileSync(join(workdir, file), 'new');
    await until('the new password', () => sent('new'));
  });

  it('lets nobody in without the password, and writes texts by templates', async () => {
    const hook = await startHook();
    const httpAuth = {
      username: 'me',
      password: SecretRef.of('web', 'password'),
      webConfig: SecretRef.of('web', 'web.yml'),
    };
    const payload = { text: '{{ template "text" . }}' };
    const config = AlertmanagerConfig.of(
      everySecond({ name: 'hook', webhookConfigs: [{ url: hook.url('/'), payload }] }),
    );
    const templates = { 'text.tmpl': '{{ define "text" }}{{ .CommonLabels.alertname }} is on{{ end }}' };
    const secrets = { web: { password: 'hunter2', 'web.yml': `basic_auth_users:\n  me: ${BCRYPT}\n` } };
    const [pod] = (await start({ config, templates, httpAuth }, { secrets })).pods() as [Pod];
    expect((await request(pod, '/api/v2/status')).status).toBe(401);
    const authorization = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
    expect((await request(pod, '/api/v2/status', undefined, { authorization })).status).toBe(200);
    const fired = [{ labels: alert('Signal', 'warning', 'a') }];
    expect((await request(pod, '/api/v2/alerts', fired, { authorization })).status).toBe(200);
    await until('the text', () => hook.received.some(({ text }) => text === 'Signal is on'));
  });

  it('of three replicas sends a notification once, and shares silences', async () => {
    const hook = await startHook();
    const runner = await start({
      replicas: 3,
      config: AlertmanagerConfig.bySeverity({
        critical: { webhookConfigs: [{ url: hook.url('/critical') }] },
        warning: { webhookConfigs: [{ url: hook.url('/warning') }] },
      }),
    });
    const pods = runner.pods();
    for (const pod of pods) {
      await until('all peers are there, and settled', async () => {
        const { cluster } = (await (await request(pod, '/api/v2/status')).json()) as {
          readonly cluster: { readonly status: string; readonly peers: readonly unknown[] };
        };
        return cluster.peers.length === 3 && cluster.status === 'ready';
      });
    }
    await fire(pods, alert('DiskFull', 'critical', 'a'));
    await until('the notification', () => hook.received.length > 0);
    // The second and the third wait 15 s each for those before them.
    await pause(35_000);
    expect(hook.alertsAt('/critical')).toEqual([['DiskFull@a']]);

    const matchers = [{ name: 'alertname', value: 'Noise', isRegex: false }];
    const [startsAt, endsAt] = [new Date().toISOString(), new Date(Date.now() + 3_600_000).toISOString()];
    await request(pods[0]!, '/api/v2/silences', { matchers, startsAt, endsAt, createdBy: 'test', comment: 'known' });
    await until('the silence is everywhere', async () => {
      const answers = await Promise.all(pods.map((pod) => request(pod, '/api/v2/silences')));
      const lists = await Promise.all(answers.map(async (answer) => (await answer.json()) as unknown[]));
      return lists.every((list) => list.length === 1);
    });
    await pods[1]!.kill();
    await fire([pods[0]!, pods[2]!], alert('ServiceDown', 'critical', 'b'));
    await until('a notification without one of them', () =>
      hook.alertsAt('/critical').flat().includes('ServiceDown@b'),
    );
  });
});
