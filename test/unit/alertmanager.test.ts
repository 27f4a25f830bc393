import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import { Endpoint, SecretRef, StackDefaults, VmSingle } from '../../src';
import {
  Alertmanager,
  AlertmanagerConfig,
  type AlertmanagerConfigProps,
  type AlertmanagerProps,
  type ReceiverIntegrations,
  type SeverityProps,
} from '../../src/alertmanager';
import { describeWith, findBinary } from '../integration/runner';
import { argsOf, find, podOf, problemsOf, synth, type Manifest } from './synth';

const HOOK = { url: 'http://hook.example.com:8080/alerts' };
const SECRET = SecretRef.of('receivers', 'key');
const NO_TIME = Duration.seconds(0);

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

const least: AlertmanagerConfigProps = {
  route: { receiver: 'hook' },
  receivers: [{ name: 'hook', webhookConfigs: [HOOK] }],
};

const bySeverity = (props: Partial<SeverityProps> = {}): AlertmanagerConfig =>
  AlertmanagerConfig.bySeverity({ critical: { webhookConfigs: [HOOK] }, warning: {}, ...props });

const withAlertmanager = (props: Loose<AlertmanagerProps>) => (chart: Chart) =>
  new Alertmanager(chart, 'main', { config: AlertmanagerConfig.of(least), ...props } as unknown as AlertmanagerProps);

const objectsOf = (props: Loose<AlertmanagerProps> = {}): Manifest[] => synth(withAlertmanager(props));

function configText(objects: readonly Manifest[]): string {
  return find(objects, 'ConfigMap', 'main-alertmanager-config')['data']['alertmanager.yml'] as string;
}

function renderedOf(config: AlertmanagerConfig, props: Loose<AlertmanagerProps> = {}) {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look deep into the file
  return parse(configText(objectsOf({ config, ...props }))) as Record<string, any>;
}

const problemsWith = (props: Loose<AlertmanagerProps>): string[] =>
  problemsOf(withAlertmanager(props)).map((line) => line.replace('[test/main] ', ''));

const problemsOfConfig = (props: Loose<AlertmanagerConfigProps>): string[] =>
  problemsWith({ config: AlertmanagerConfig.of({ ...least, ...props } as unknown as AlertmanagerConfigProps) });

const withReceiver = (integrations: Loose<ReceiverIntegrations>): string[] =>
  problemsOfConfig({ receivers: [{ name: 'hook', ...integrations }] });

const folder = mkdtempSync(join(tmpdir(), 'alertmanager-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fromText(text: string): AlertmanagerConfig {
  const path = join(folder, 'alertmanager.yml');
  writeFileSync(path, text);
  return AlertmanagerConfig.fromFile(path);
}

const problemsOfText = (text: string, props: Loose<AlertmanagerProps> = {}): string[] =>
  problemsWith({ config: fromText(text), ...props }).map((line) => line.replace(`${folder}/`, ''));

const NOT_FOR_SECRETS = {
  httpConfig: {
    basicAuth: { username: 'me', password: SECRET },
    tlsConfig: { ca: SECRET, cert: SECRET, key: SECRET, serverName: 'hook', minVersion: 'TLS13' },
    proxyUrl: 'http://proxy.example.com:3128',
    noProxy: 'example.org',
    followRedirects: false,
    enableHttp2: false,
    httpHeaders: { 'X-Team': { values: ['shop'] }, 'X-Token': { files: [SECRET] } },
  },
} as const;

/** Every integration, with much of what it has. */
const ALL_INTEGRATIONS: ReceiverIntegrations = {
  discordConfigs: [{ webhookUrl: SECRET, title: 'a', content: 'b', username: 'c', avatarUrl: 'd', message: 'e' }],
  emailConfigs: [
    { to: 'team@example.com' },
    {
      to: 'team@example.com',
      from: 'alerts@example.com',
      smarthost: 'smtp.example.com:465',
      authPassword: SECRET,
      authSecret: SECRET,
      requireTls: true,
      forceImplicitTls: true,
      headers: { Subject: 'Alert' },
      html: '<b>',
      threading: { enabled: true, threadByDate: 'none' },
    },
  ],
  incidentioConfigs: [
    { url: 'https://api.incident.io/v2/alert_events/http/1', alertSourceToken: SECRET, maxAlerts: 5 },
    { url: SECRET, httpConfig: { authorization: { credentials: SECRET } }, timeout: Duration.seconds(5) },
  ],
  jiraConfigs: [
    {
      apiUrl: 'https://jira.example.com',
      apiType: 'cloud',
      project: 'OPS',
      issueType: 'Bug',
      summary: { template: 'a', enableUpdate: false },
      description: 'b',
      labels: ['alert'],
      reopenDuration: Duration.days(1),
      fields: { customfield_1: { value: 'red', count: 5 } },
    },
  ],
  mattermostConfigs: [
    {
      webhookUrl: SECRET,
      text: 'a',
      attachments: [{ title: 'b', fields: [{ title: 'c', value: 'd', short: true }] }],
      props: { card: 'e' },
      priority: { priority: 'urgent', requestedAck: true },
    },
  ],
  msteamsConfigs: [{ webhookUrl: SECRET, summary: 'a' }],
  msteamsv2Configs: [{ webhookUrl: SECRET, title: 'a', text: 'b' }],
  opsgenieConfigs: [
    { apiKey: SECRET, responders: [{ name: 'shop', type: 'team' }], details: { a: 'b' }, updateAlerts: true },
  ],
  pagerdutyConfigs: [
    {
      routingKey: SECRET,
      details: { firing: 'yes', count: 3 },
      images: [{ src: 'https://example.com/a.png' }],
      links: [{ href: 'https://example.com', text: 'a' }],
      timeout: Duration.seconds(90),
    },
    { serviceKey: SECRET, sendResolved: false },
  ],
  pushoverConfigs: [
    { userKey: SECRET, token: SECRET, retry: Duration.minutes(2), expire: Duration.hours(2), html: true },
  ],
  rocketchatConfigs: [{ token: SECRET, tokenId: SECRET, actions: [{ type: 'button', text: 'a', imageurl: 'b' }] }],
  slackConfigs: [
    {
      apiUrl: SECRET,
      channel: '#alerts',
      fields: [{ title: 'a', value: 'b' }],
      actions: [{ type: 'button', text: 'a', url: 'https://example.com', confirm: { text: 'sure' } }],
      mrkdwnIn: ['text'],
    },
    { appToken: SECRET, channel: '#alerts', timeout: Duration.seconds(3) },
    {
      apiUrl: 'https://slack.com/api/chat.postMessage',
      channel: '#alerts',
      updateMessage: true,
      httpConfig: { authorization: { credentials: SECRET } },
    },
  ],
  snsConfigs: [{ topicArn: 'arn:aws:sns:eu-west-1:1:alerts', sigv4: { region: 'eu-west-1', roleArn: 'a' } }],
  telegramConfigs: [
    { botToken: SECRET, chatId: -5, parseMode: '', messageThreadId: 3 },
    { botToken: SECRET, chatId: SECRET },
  ],
  victoropsConfigs: [{ apiKey: SECRET, routingKey: 'shop', customFields: { a: 'b' } }],
  webexConfigs: [{ roomId: 'a', httpConfig: { authorization: { credentials: SECRET } } }],
  webhookConfigs: [
    HOOK,
    { url: SECRET, maxAlerts: 5, timeout: Duration.millis(1500), payload: { text: '{{ .Status }}', n: 1 } },
    { ...HOOK, ...NOT_FOR_SECRETS },
    {
      ...HOOK,
      httpConfig: {
        oauth2: {
          clientId: 'a',
          clientSecret: SECRET,
          tokenUrl: 'https://login.example.com:8443/token',
          scopes: ['alerts'],
          endpointParams: { audience: 'hook' },
        },
      },
    },
    {
      url: Endpoint.external('https://bot.example.com/hook', {
        credentials: { username: 'bot', password: SecretRef.of('bot', 'password') },
      }),
    },
  ],
  wechatConfigs: [{ apiSecret: SECRET, corpId: 'a', messageType: 'markdown', toUser: 'b' }],
};

const FILE = `
global:
  resolve_timeout: 5m
  smtp_smarthost: smtp.example.com:587
  smtp_from: alerts@example.com
  smtp_auth_password_file: secret://smtp/password
  slack_api_url_file: secret://slack/url
route:
  receiver: team
  group_by: ['...']
  group_wait: 10s
  group_interval: 1m30s
  repeat_interval: 1d
  routes:
    - matchers: [severity = critical, 'team=~"shop|search"']
      receiver: pager
      group_wait: 0s
      continue: true
      active_time_intervals: [office]
inhibit_rules:
  - source_matchers: ['{severity="critical", alertname!="Up"}']
    target_matchers: [severity="warning"]
    equal: [alertname]
receivers:
  - name: team
    slack_configs:
      - channel: '#team'
        send_resolved: true
    email_configs: [{ to: team@example.com }]
  - name: pager
    pagerduty_configs:
      - routing_key_file: secret://pagerduty/key
        details: { count: 5, version: '1.10' }
    webhook_configs:
      - url: http://hook.example.com:8080/
        max_alerts: 10
        timeout: 1m30s
        payload: { n: 5, on: true, text: '5' }
        http_config:
          authorization: { credentials_file: /var/run/token }
time_intervals:
  - name: office
    time_intervals:
      - weekdays: ['monday:friday']
        times: [{ start_time: '09:00', end_time: '17:00' }]
        days_of_month: ['1:-1']
        months: ['january:march', '12']
        years: ['2026:2030']
        location: Europe/Berlin
tracing: { endpoint: 'otel.example.com:4317', sampling_fraction: 0.5, client_type: grpc, insecure: true }
`;

/** Configs of which each says something that the others do not. */
const CONFIGS: Readonly<Record<string, () => Loose<AlertmanagerProps>>> = {
  'the least': () => ({}),
  'by severity': () => ({ config: bySeverity() }),
  'by severity, all of it': () => ({
    config: bySeverity({
      info: { webhookConfigs: [HOOK] },
      default: { slackConfigs: [{ channel: '#other' }] },
      watchdog: { webhookConfigs: [HOOK] },
      groupBy: ['alertname'],
      global: { slackApiUrl: SECRET, resolveTimeout: Duration.minutes(10) },
      inhibitRules: [{ sourceMatchers: ['a="b"'], targetMatchers: ['c=~"d|e"'] }],
    }),
  }),
  'every integration': () => ({
    config: AlertmanagerConfig.of({
      global: {
        smtpSmarthost: 'smtp.example.com:587',
        smtpFrom: 'alerts@example.com',
        httpConfig: NOT_FOR_SECRETS.httpConfig,
        rocketchatApiUrl: 'https://chat.example.com/',
      },
      route: {
        receiver: 'all',
        routes: [{ muteTimeIntervals: ['nights'], matchers: ['"grün"="ja \\"ja\\""', '{a=~"b{2}"}', 'a=~"b\\(.\\d"'] }],
      },
      receivers: [{ name: 'all', labels: { team: 'shop' }, ...ALL_INTEGRATIONS }],
      timeIntervals: [{ name: 'nights', timeIntervals: [{ times: [{ startTime: '22:00', endTime: '24:00' }] }] }],
      tracing: { endpoint: 'otel:4317', clientType: 'http', timeout: Duration.seconds(5), compression: 'gzip' },
    }),
  }),
  'a file': () => ({ config: fromText(FILE) }),
  'a file with templates': () => ({
    config: fromText(`templates: [tmpl/*.tmpl]\n${FILE}`),
    templates: { 'a.tmpl': '{{ define "a" }}{{ template "__subject" . }}{{ end }}' },
  }),
};

describeWith(['amtool'], 'amtool', () => {
  it.each(Object.entries(CONFIGS))('accepts %s', (_name, props) => {
    const objects = objectsOf(props());
    const templates = join(folder, 'templates');
    mkdirSync(templates, { recursive: true });
    const given = objects.find(({ metadata }) => metadata.name === 'main-alertmanager-templates');
    for (const [name, text] of Object.entries((given?.['data'] ?? {}) as Record<string, string>)) {
      writeFileSync(join(templates, name), text);
    }
    const path = join(folder, 'rendered.yml');
    writeFileSync(path, configText(objects).replaceAll('/etc/alertmanager/templates', templates));
    const answer = execFileSync(findBinary('amtool')!, ['check-config', path], { encoding: 'utf8' });
    expect(answer).toContain('SUCCESS');
  });
});

describe('the config', () => {
  it('is that of the props, with files for secrets', () => {
    const { slack_configs, webhook_configs, telegram_configs } = renderedOf(
      AlertmanagerConfig.of({
        ...least,
        receivers: [{ name: 'hook', ...ALL_INTEGRATIONS }],
        global: {
          smtpSmarthost: 'smtp.example.com:587',
          smtpFrom: 'alerts@example.com',
        },
      }),
    )['receivers'][0];
    expect(slack_configs[0]).toEqual({
      api_url_file: '/etc/secrets/receivers/key',
      channel: '#alerts',
      fields: [{ title: 'a', value: 'b' }],
      actions: [{ type: 'button', text: 'a', url: 'https://example.com', confirm: { text: 'sure' } }],
      mrkdwn_in: ['text'],
    });
    expect(telegram_configs.map((each: object) => Object.keys(each))).toEqual([
      ['bot_token_file', 'chat_id', 'parse_mode', 'message_thread_id'],
      ['bot_token_file', 'chat_id_file'],
    ]);
    expect(webhook_configs[1]).toEqual({
      url_file: '/etc/secrets/receivers/key',
      max_alerts: 5,
      timeout: '1500ms',
      payload: { text: '{{ .Status }}', n: 1 },
    });
    expect(webhook_configs[4]).toEqual({
      http_config: { basic_auth: { username: 'bot', password_file: '/etc/secrets/bot/password' } },
      url: 'https://bot.example.com/hook',
    });
  });

  it('is that of the file, with numbers where it has them', () => {
    const { global, receivers, route, tracing } = renderedOf(fromText(FILE));
    expect(global).toEqual({
      resolve_timeout: '5m',
      smtp_smarthost: 'smtp.example.com:587',
      smtp_from: 'alerts@example.com',
      smtp_auth_password_file: '/etc/secrets/smtp/password',
      slack_api_url_file: '/etc/secrets/slack/url',
    });
    expect(route.routes).toEqual([
      {
        matchers: ['severity = critical', 'team=~"shop|search"'],
        receiver: 'pager',
        group_wait: '0s',
        continue: true,
        active_time_intervals: ['office'],
      },
    ]);
    expect(receivers[1].pagerduty_configs[0].details).toEqual({ count: 5, version: '1.10' });
    expect(receivers[1].webhook_configs[0]).toEqual({
      url: 'http://hook.example.com:8080/',
      max_alerts: 10,
      timeout: '1m30s',
      payload: { n: 5, on: true, text: '5' },
      http_config: { authorization: { credentials_file: '/var/run/token' } },
    });
    expect(tracing.sampling_fraction).toBe(0.5);
  });

  it('routes by severity, and a critical alert silences what is less urgent', () => {
    const config = renderedOf(bySeverity({ watchdog: { webhookConfigs: [HOOK] } }));
    expect(config['route']).toMatchObject({
      receiver: 'warning',
      group_by: ['alertname', 'cluster', 'service'],
      group_wait: '10s',
      repeat_interval: '43200s',
    });
    expect(config['route'].routes).toMatchObject([
      { receiver: 'watchdog', matchers: ['alertname="Watchdog"'] },
      { receiver: 'critical', matchers: ['severity="critical"'], group_wait: '0s', repeat_interval: '300s' },
      { receiver: 'warning', matchers: ['severity="warning"'], repeat_interval: '3600s' },
      { receiver: 'warning', matchers: ['severity="info"'], repeat_interval: '86400s' },
    ]);
    expect(config['receivers'].map(({ name }: { name: string }) => name)).toEqual(['critical', 'warning', 'watchdog']);
    expect(config['inhibit_rules']).toEqual([
      {
        source_matchers: ['severity="critical"'],
        target_matchers: ['severity=~"warning|info"'],
        equal: expect.arrayContaining(['alertname', 'cluster', 'namespace', 'job', 'service', 'slo', 'instance']),
      },
      {
        source_matchers: ['alertname="ServiceDown"', 'severity="critical"', 'instance!=""'],
        target_matchers: ['severity="warning"'],
        equal: ['cluster', 'namespace', 'instance'],
      },
    ]);
  });

  it('tells apart all that the shipped rules tell apart', () => {
    const [{ equal }] = renderedOf(bySeverity({ inhibitEqual: ['queue', 'job'] }))['inhibit_rules'];
    expect(equal).toEqual([...new Set(equal)]);
    expect(equal).toContain('queue');
    const cases = readdirSync('rules')
      .filter((name) => name.endsWith('.test.yaml'))
      .flatMap((name) => parse(readFileSync(join('rules', name), 'utf8')).tests)
      .flatMap(({ alert_rule_test: expected = [] }) => expected)
      .flatMap(({ alertname, exp_alerts: alerts = [] }) =>
        alerts.map(({ exp_labels: labels }: { exp_labels: object }) => ({ alertname, labels })),
      );
    const labelsOf = (severity: string) =>
      cases
        .filter(({ labels }) => labels.severity === severity)
        .map(({ alertname, labels }) => ({
          alertname,
          labels: Object.keys(labels).filter((one) => one !== 'severity'),
        }));
    const warnings = labelsOf('warning').map(({ alertname }) => alertname);
    const silencing = labelsOf('critical').filter(({ alertname }) => warnings.includes(alertname));
    expect(silencing.length).toBeGreaterThan(3);
    for (const { labels } of silencing) expect(equal).toEqual(expect.arrayContaining(labels));
  });

  it('names templates that are mounted', () => {
    const templates = { 'a.tmpl': '{{ define "a" }}{{ end }}' };
    const objects = objectsOf({ templates });
    expect(parse(configText(objects)).templates).toEqual(['/etc/alertmanager/templates/*.tmpl']);
    expect(find(objects, 'ConfigMap', 'main-alertmanager-templates')['data']).toEqual(templates);
    expect(parse(configText(objectsOf())).templates).toBeUndefined();
  });
});

describe('the pods', () => {
  const egressOf = (objects: readonly Manifest[]) =>
    find(objects, 'NetworkPolicy', 'main-alertmanager')['spec'].egress as {
      ports: { port: number }[];
      to?: object[];
    }[];

  it('mount the Secrets that the config names, and roll when it changes', () => {
    const podWith = (channel: string) => {
      const slackConfigs = [{ apiUrl: SecretRef.of('slack', 'url'), channel }];
      const config = bySeverity({ warning: { slackConfigs } });
      return find(objectsOf({ config }), 'StatefulSet', 'main-alertmanager');
    };
    expect(podOf(podWith('#a'))['volumes']).toContainEqual({
      name: 'secret-0',
      secret: { secretName: 'slack', items: [{ key: 'url', path: 'url' }] },
    });
    const checksum = (channel: string): unknown =>
      podWith(channel)['spec'].template.metadata.annotations['checksum/config'];
    expect(checksum('#a')).toBe(checksum('#a'));
    expect(checksum('#a')).not.toBe(checksum('#b'));
  });

  it('of one replica know of no cluster', () => {
    const objects = objectsOf();
    const workload = find(objects, 'StatefulSet', 'main-alertmanager');
    expect(argsOf(workload)).toEqual([
      '--cluster.listen-address=',
      '--config.file=/etc/alertmanager/config/alertmanager.yml',
      '--data.retention=120h',
      '--storage.path=/alertmanager',
      '--web.listen-address=:9093',
    ]);
    expect(workload['spec'].volumeClaimTemplates[0].spec.resources.requests.storage).toBe('1Gi');
    expect(podOf(workload)['containers'][0].ports).toEqual([{ containerPort: 9093, name: 'http', protocol: 'TCP' }]);
  });

  it('of several replicas gossip with each other, and with nobody else', () => {
    const objects = objectsOf({ replicas: 2 });
    expect(argsOf(find(objects, 'StatefulSet', 'main-alertmanager')).filter((arg) => arg.includes('cluster'))).toEqual([
      '--cluster.advertise-address=[$(POD_IP)]:9094',
      '--cluster.label=monitoring/main-alertmanager',
      '--cluster.listen-address=0.0.0.0:9094',
      '--cluster.peer=main-alertmanager-0.main-alertmanager-headless.monitoring.svc:9094',
      '--cluster.peer=main-alertmanager-1.main-alertmanager-headless.monitoring.svc:9094',
      '--cluster.reconnect-timeout=5m',
    ]);
    const { egress, ingress } = find(objects, 'NetworkPolicy', 'main-alertmanager')['spec'];
    const own = { podSelector: find(objects, 'NetworkPolicy', 'main-alertmanager')['spec'].podSelector as object };
    const ports = [
      { port: 9094, protocol: 'TCP' },
      { port: 9094, protocol: 'UDP' },
    ];
    expect(ingress).toEqual([{ from: [own], ports }]);
    expect(egress).toContainEqual({ to: [own], ports });
    for (const service of objects.filter(({ kind }) => kind === 'Service')) {
      expect(service['spec'].ports.map(({ port }: { port: number }) => port)).toEqual([9093]);
    }
  });

  it('may connect to where the config says, and by HTTPS where only a Secret knows', () => {
    const openPorts = (config: AlertmanagerConfig): number[] =>
      egressOf(objectsOf({ config }))
        .filter(({ to }) => to === undefined)
        .flatMap(({ ports }) => ports.map(({ port }) => port));
    expect(openPorts(AlertmanagerConfig.of(least))).toEqual([8080]);
    expect(openPorts(bySeverity({ warning: { discordConfigs: [{ webhookUrl: SECRET }] } }))).toEqual([443, 8080]);
    expect(openPorts(fromText(FILE))).toEqual([443, 587, 4317, 8080]);
    const oauth2 = { clientId: 'a', clientSecret: SECRET, tokenUrl: 'https://login.example.com:8443/token' };
    const proxied = { ...HOOK, httpConfig: { oauth2, proxyUrl: 'http://proxy.example.com:3128' } };
    expect(openPorts(bySeverity({ critical: { webhookConfigs: [proxied] } }))).toEqual([3128, 8080, 8443]);
  });

  it('reach a receiver of the stack in both policies', () => {
    const objects = synth((chart) => {
      const single = new VmSingle(chart, 'receiver', { volume: { size: Size.gibibytes(1) } });
      const config = bySeverity({ critical: { webhookConfigs: [{ url: single.read() }] } });
      new Alertmanager(chart, 'main', { config });
    });
    expect(parse(configText(objects)).receivers[0].webhook_configs).toEqual([
      { url: 'http://receiver-vmsingle.monitoring.svc:8428' },
    ]);
    const podSelector = { matchLabels: expect.objectContaining({ 'app.kubernetes.io/instance': 'main' }) as object };
    expect(find(objects, 'NetworkPolicy', 'receiver-vmsingle')['spec'].ingress).toContainEqual({
      from: [{ podSelector }],
      ports: [{ port: 8428, protocol: 'TCP' }],
    });
  });

  it('ask for a password, and the kubelet has none', () => {
    const httpAuth = {
      username: 'me',
      password: SecretRef.of('web', 'password'),
      webConfig: SecretRef.of('web', 'web.yml'),
    };
    const workload = find(objectsOf({ httpAuth }), 'StatefulSet', 'main-alertmanager');
    expect(argsOf(workload)).toContain('--web.config.file=/etc/secrets/web/web.yml');
    const [{ readinessProbe, livenessProbe }] = podOf(workload)['containers'];
    expect([readinessProbe.tcpSocket, livenessProbe.tcpSocket]).toEqual([{ port: 'http' }, { port: 'http' }]);
  });

  it('write links for users, and serve below the root path all the same', () => {
    const args = argsOf(find(objectsOf({ externalUrl: 'https://example.com/am' }), 'StatefulSet', 'main-alertmanager'));
    expect(args).toEqual(expect.arrayContaining(['--web.external-url=https://example.com/am', '--web.route-prefix=/']));
  });
});

test('notify() names every pod', () => {
  synth((chart) => {
    StackDefaults.set(chart, { clusterDomain: 'cluster.local' });
    const endpoint = new Alertmanager(chart, 'main', { config: bySeverity(), replicas: 2 }).notify();
    expect(endpoint.kind).toBe('notify');
    expect(endpoint.url).toBe('http://main-alertmanager.monitoring.svc.cluster.local.:9093');
    expect(endpoint.replicas.map(({ url }) => url)).toEqual([
      'http://main-alertmanager-0.main-alertmanager-headless.monitoring.svc.cluster.local.:9093',
      'http://main-alertmanager-1.main-alertmanager-headless.monitoring.svc.cluster.local.:9093',
    ]);
  });
});

const IN_THE_CLEAR = 'looks like a secret, and would stand in the ConfigMap in the clear';
const REF = "write SecretRef.of('name', 'key'), which is mounted and named by";

describe('wrong configurations', () => {
  const CASES: readonly (readonly [string, () => string[], readonly string[]])[] = [
    [
      'no config',
      () => problemsWith({ config: undefined }),
      [
        'config = (not set): without routes and receivers nobody would be notified. To fix: write for example `config: AlertmanagerConfig.bySeverity({ critical: ..., warning: ... })`.',
      ],
    ],
    [
      'a plain object for the config',
      () => problemsWith({ config: least }),
      [
        expect.stringMatching(
          /^config = .*: must be an AlertmanagerConfig\. To fix: write AlertmanagerConfig\.bySeverity\(.*\) or AlertmanagerConfig\.fromFile\(path\)\.$/,
        ) as string,
      ],
    ],
    [
      'an unknown field of a route',
      () => problemsOfConfig({ route: { receiver: 'hook', groupWaits: Duration.seconds(5) } }),
      ['config.route.groupWaits = 5 seconds: there is no such field. To fix: did you mean `groupWait`?'],
    ],
    [
      'a field as the file has it',
      () => problemsOfConfig({ route: { receiver: 'hook', group_by: ['a'] } }),
      ['config.route.group_by = ["a"]: there is no such field. To fix: did you mean `groupBy`?'],
    ],
    [
      'an unknown field of an integration',
      () => withReceiver({ webhookConfigs: [{ ...HOOK, max_alert: 5 }] }),
      [
        'config.receivers[0].webhookConfigs[0].max_alert = 5: there is no such field. To fix: did you mean `maxAlerts`?',
      ],
    ],
    [
      'an unknown integration',
      () => withReceiver({ slackConfig: [] }),
      ['config.receivers[0].slackConfig = []: there is no such field. To fix: did you mean `slackConfigs`?'],
    ],
    [
      'a route to a missing receiver',
      () => problemsOfConfig({ route: { receiver: 'hook', routes: [{ receiver: 'hok' }] } }),
      ['config.route.routes[0].receiver = "hok": there is no such receiver. To fix: did you mean `hook`?'],
    ],
    [
      'a receiver that no route names',
      () => problemsOfConfig({ receivers: [...least.receivers, { name: 'pager' }] }),
      ['config.receivers[1].name = "pager": no route leads to the receiver. To fix: name it in a route, or remove it.'],
    ],
    [
      'two receivers of one name',
      () => problemsOfConfig({ receivers: [...least.receivers, { name: 'hook' }] }),
      ['config.receivers[1].name = "hook": a receiver before it has the name. To fix: rename one of them.'],
    ],
    [
      'no receiver at the top, and conditions there',
      () => problemsOfConfig({ route: { matchers: ['a="b"'], routes: [{ receiver: 'hook' }] } }),
      [
        'config.route.receiver = (not set): alerts that no other route takes go to the receiver of the uppermost one. To fix: name a receiver.',
        'config.route.matchers = ["a=\\"b\\""]: the uppermost route takes all alerts at all times, and is the last. To fix: move it to one of `config.route.routes`.',
      ],
    ],
    [
      'a bad matcher',
      () => problemsOfConfig({ route: { receiver: 'hook', routes: [{ matchers: ['severity: critical'] }] } }),
      [
        'config.route.routes[0].matchers[0] = "severity: critical": is no matcher: a label, one of =, !=, =~, !~, and a value in double quotes. To fix: write for example \'severity="critical"\'.',
      ],
    ],
    [
      'a bad regular expression',
      () => problemsOfConfig({ route: { receiver: 'hook', routes: [{ matchers: ['team=~"a(b"'] }] } }),
      [
        'config.route.routes[0].matchers[0] = "team=~\\"a(b\\"": is no regular expression of RE2: a ( is not closed. To fix: correct it.',
      ],
    ],
    [
      'an inhibition of nothing in particular',
      () => problemsOfConfig({ inhibitRules: [{ sourceMatchers: [], equal: ['a'] }] }),
      [
        'config.inhibitRules[0].sourceMatchers = []: is empty, and so every alert. To fix: write for example [\'severity="critical"\'].',
        'config.inhibitRules[0].targetMatchers = (not set): is required. To fix: set `targetMatchers`.',
      ],
    ],
    [
      'a duration that is none',
      () => problemsOfConfig({ route: { receiver: 'hook', groupWait: '5m', repeatInterval: NO_TIME } }),
      [
        'config.route.groupWait = "5m": must be a Duration. To fix: write Duration.minutes(5), with Duration from cdk8s.',
        'config.route.repeatInterval = "0s": must be above zero. To fix: give a longer time or leave it out.',
      ],
    ],
    [
      'an unknown time interval',
      () =>
        problemsOfConfig({
          route: { receiver: 'hook', routes: [{ muteTimeIntervals: ['night'] }] },
          timeIntervals: [{ name: 'nights', timeIntervals: [{ weekdays: ['monday:sonntag'] }] }],
        }),
      [
        'config.timeIntervals[0].timeIntervals[0].weekdays[0] = "monday:sonntag": is no range of the days sunday to saturday. To fix: write one, or the first and the last with a : between them.',
        'config.route.routes[0].muteTimeIntervals[0] = "night": there is no such time interval. To fix: did you mean `nights`?',
      ],
    ],
    [
      'times that are none',
      () =>
        problemsOfConfig({
          timeIntervals: [
            {
              name: 'a',
              timeIntervals: [
                {
                  times: [
                    { startTime: '22:00', endTime: '06:00' },
                    { startTime: '9:00', endTime: '10:00' },
                  ],
                  daysOfMonth: ['0'],
                  location: 'Atlantis',
                },
              ],
            },
          ],
        }),
      [
        'config.timeIntervals[0].timeIntervals[0].times[0] = {"start_time":"22:00","end_time":"06:00"}: ends before it begins. To fix: write two: until \'24:00\', and from \'00:00\'.',
        'config.timeIntervals[0].timeIntervals[0].times[1].startTime = "9:00": is no time of day. To fix: write for example \'09:00\'.',
        'config.timeIntervals[0].timeIntervals[0].daysOfMonth[0] = "0": is no range of days from 1 to 31 or -31 to -1. To fix: write one, or the first and the last with a : between them.',
        'config.timeIntervals[0].timeIntervals[0].location = "Atlantis": is no time zone. To fix: write for example \'Europe/Berlin\'.',
      ],
    ],
    [
      'labels twice in a group',
      () => problemsOfConfig({ route: { receiver: 'hook', groupBy: ['a', 'a'] } }),
      ['config.route.groupBy = ["a","a"]: has a label twice. To fix: remove one of them.'],
    ],
    [
      'all labels and one more in a group',
      () => problemsOfConfig({ route: { receiver: 'hook', groupBy: ['...', 'a'] } }),
      [
        'config.route.groupBy = ["...","a"]: has `...`, which is all labels, beside others. To fix: write [\'...\'] or just the others.',
      ],
    ],
    [
      'secrets in the clear',
      () =>
        withReceiver({
          slackConfigs: [{ apiUrl: 'https://hooks.slack.com/services/T0/B0/abc' }],
          webhookConfigs: [
            { url: 'https://me:hunter2@example.com/' },
            { ...HOOK, httpConfig: { authorization: { credentials: 'abc' } } },
          ],
          snsConfigs: [{ topicArn: 'a', sigv4: { secretKey: 'abc' } }],
          emailConfigs: [{ to: 'a', from: 'b', smarthost: 'c:25', authPassword: 'abc' }],
        }),
      [
        `config.receivers[0].slackConfigs[0].apiUrl = "***": ${IN_THE_CLEAR}. To fix: ${REF} \`api_url_file\`.`,
        `config.receivers[0].webhookConfigs[0].url = "https://me:***@example.com/": ${IN_THE_CLEAR}. To fix: take it out of the URL.`,
        `config.receivers[0].webhookConfigs[1].httpConfig.authorization.credentials = "***": ${IN_THE_CLEAR}. To fix: ${REF} \`credentials_file\`.`,
        `config.receivers[0].snsConfigs[0].sigv4.secretKey = "***": ${IN_THE_CLEAR}. To fix: remove it: give the ServiceAccount of the pods a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY by \`env\` with a \`secretKeyRef\`.`,
        `config.receivers[0].emailConfigs[0].authPassword = "***": ${IN_THE_CLEAR}. To fix: ${REF} \`auth_password_file\`.`,
        'config.receivers[0].slackConfigs[0] = (not set): does not work without `apiUrl` or `appToken`, and `global` has no `slackApiUrl` or `slackAppToken`. To fix: set `apiUrl` or `appToken`.',
      ],
    ],
    [
      'integrations that lack what they need',
      () => withReceiver({ pagerdutyConfigs: [{}], emailConfigs: [{ to: 'a', from: 'b' }], discordConfigs: [{}] }),
      [
        'config.receivers[0].discordConfigs[0].webhookUrl = (not set): is required. To fix: set `webhookUrl`.',
        'config.receivers[0].pagerdutyConfigs[0] = (not set): does not work without `routingKey` or `serviceKey`. To fix: set `routingKey` or `serviceKey`.',
        'config.receivers[0].emailConfigs[0] = (not set): does not work without `smarthost`, and `global` has no `smtpSmarthost`. To fix: set `smarthost`.',
      ],
    ],
    [
      'fields that exclude each other',
      () => withReceiver({ slackConfigs: [{ apiUrl: SECRET, appToken: SECRET }] }),
      [
        'config.receivers[0].slackConfigs[0].apiUrl = "***": Alertmanager does not take it together with `appToken`. To fix: remove one of them.',
      ],
    ],
    [
      'a message to Slack that cannot be changed',
      () => withReceiver({ slackConfigs: [{ apiUrl: SECRET, updateMessage: true }] }),
      [
        "config.receivers[0].slackConfigs[0] = {\"updateMessage\":true}: only Slack's own API changes messages, and Alertmanager would crash with another URL. To fix: set the URL of the API to 'https://slack.com/api/chat.postMessage' and give the token of the bot as authorization of the HTTP config.",
      ],
    ],
    [
      'two ways to Slack, and a header that the client sets',
      () =>
        problemsOfConfig({
          global: { slackApiUrl: SECRET, slackAppToken: SECRET, httpConfig: { httpHeaders: { Host: {} } } },
        }),
      [
        'config.global.httpConfig.httpHeaders[\'Host\'] = "***": the client sets the header itself. To fix: remove it; for credentials there are fields of their own.',
        expect.stringMatching(
          /^config\.global = .*: Slack is reached by a webhook or by an app, not by both\. To fix: remove the URL of the webhook or the token of the app\.$/,
        ) as string,
      ],
    ],
    [
      'two ways to authenticate',
      () =>
        withReceiver({
          webhookConfigs: [
            {
              ...HOOK,
              httpConfig: {
                basicAuth: { username: 'a', password: SECRET },
                authorization: { credentials: SECRET },
                tlsConfig: { cert: SECRET },
              },
            },
          ],
        }),
      [
        'config.receivers[0].webhookConfigs[0].httpConfig.tlsConfig.key = (not set): a client shows its certificate with its key, not one of them alone. To fix: give both, or neither.',
        'config.receivers[0].webhookConfigs[0].httpConfig = ["basic_auth","authorization"]: Alertmanager authenticates in one way only. To fix: keep one of them.',
      ],
    ],
    [
      'what is wrong in a receiver by severity, under its own name',
      () =>
        problemsWith({ config: bySeverity({ info: { slackConfigs: [{ chanel: '#a', apiUrl: SECRET } as object] } }) }),
      ['config.info.slackConfigs[0].chanel = "#a": there is no such field. To fix: did you mean `channel`?'],
    ],
    [
      'an unknown severity',
      () => problemsWith({ config: bySeverity({ warnings: {}, warning: undefined } as object) }),
      [
        'config.warnings = {}: there is no such field. To fix: did you mean `warning`?',
        'config.warning = (not set): is required. To fix: set `warning`.',
      ],
    ],
    [
      'a retention below the longest repetition',
      () => problemsWith({ config: bySeverity(), retention: Duration.hours(12) }),
      [
        'retention = "12h": a route repeats notifications after 24 hours, of which nothing would be known any more, so that they came more often. To fix: make it longer than 24 hours.',
      ],
    ],
    [
      'templates that cannot be read',
      () =>
        problemsWith({
          config: AlertmanagerConfig.of({
            ...least,
            receivers: [
              {
                name: 'hook',
                webhookConfigs: [{ ...HOOK, payload: { text: ['{{ .Status'] } }],
                slackConfigs: [{ apiUrl: SECRET, title: '{{ if .Alerts }}' }],
                pagerdutyConfigs: [{ routingKey: SECRET, details: { count: '{{ }}' } }],
              },
            ],
          }),
          templates: { 'a.tmpl': '{{ define "m" }}{{ .Foo ' },
        }),
      [
        'config.receivers[0].webhookConfigs[0].payload.text[0] = "{{ .Status": is no template: a {{ is not closed. To fix: correct the template.',
        'config.receivers[0].slackConfigs[0].title = "{{ if .Alerts }}": is no template: a {{ if }} has no {{ end }}. To fix: correct the template.',
        'config.receivers[0].pagerdutyConfigs[0].details[\'count\'] = "{{ }}": is no template: {{ }} is empty. To fix: correct the template.',
        'templates[\'a.tmpl\'] = "{{ define \\"m\\" }}{{ .Foo ": Alertmanager would not start with it: a {{ is not closed. To fix: correct the template.',
      ],
    ],
    [
      'secrets in headers and parameters',
      () =>
        withReceiver({
          webhookConfigs: [{ ...HOOK, httpConfig: { httpHeaders: { 'X-Authorization': { values: ['a'] } } } }],
          emailConfigs: [{ to: 'a@b', from: 'c@d', smarthost: 'e:25', headers: { 'Set-Cookie': 'b' } }],
          opsgenieConfigs: [{ apiKey: SECRET, details: { cookie: 'a flavour', api_token: 'c' } }],
        }),
      [
        "config.receivers[0].webhookConfigs[0].httpConfig.httpHeaders['X-Authorization'].values = \"***\": looks like a secret, and would stand in the ConfigMap in the clear. To fix: use `files` with SecretRef.of('name', 'key'), in YAML secret://name-of-the-secret/key.",
        'config.receivers[0].emailConfigs[0].headers[\'Set-Cookie\'] = "***": looks like a secret, and would stand in the ConfigMap in the clear. To fix: remove it.',
        'config.receivers[0].opsgenieConfigs[0].details[\'api_token\'] = "***": looks like a secret, and would stand in the ConfigMap in the clear. To fix: remove it.',
      ],
    ],
    [
      'templates that nothing defines',
      () =>
        problemsWith({
          config: bySeverity({ warning: { webhookConfigs: [{ ...HOOK, payload: '{{ template "text" . }}' }] } }),
          templates: { 'a.txt': '{{ define "txt" }}{{ template "slack.default.title" . }}{{ end }}' },
        }),
      [
        'templates[\'a.txt\'] = "a.txt": the name of a template file ends in .tmpl. To fix: rename the file.',
        'templates = ["a.txt"]: none of them defines "text", and notifications with it would fail. To fix: did you mean `txt`?',
      ],
    ],
    [
      'args of props',
      () => problemsWith({ extraArgs: ['--cluster.peer=a:9094', '--data.retention=5h', '--web.systemd-socket'] }),
      [
        'extraArgs[\'--cluster.peer\'] = "a:9094": --cluster.peer belongs to replicas. To fix: remove it here and use replicas.',
        'extraArgs[\'--data.retention\'] = "5h": --data.retention belongs to retention. To fix: remove it here and use retention.',
        "extraArgs['--web.systemd-socket'] = true: the probes of the pod and everything that is wired to it ask at the port, below the root path. To fix: remove it.",
      ],
    ],
    [
      'an external URL with a password, and autoscaling',
      () => problemsWith({ externalUrl: 'https://me:secret@example.com', autoscaling: {} }),
      [
        'externalUrl = "https://me:***@example.com": must be a URL of http or https, without credentials and parameters. To fix: write for example \'https://alertmanager.example.com\'.',
        'autoscaling = {}: each pod is told of every alert, so that more of them do not have less to do. To fix: set `replicas`.',
      ],
    ],
  ];

  it.each(CASES)('%s', (_name, problems, expected) => {
    expect(problems()).toEqual(expected);
  });

  const FILES: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'an unknown field',
      'route: { receiver: a, group_wayt: 5s }\nreceivers: [{ name: a }]',
      ['alertmanager.yml: route.group_wayt = "5s": there is no such field. To fix: did you mean `group_wait`?'],
    ],
    [
      'a bad duration, number and switch',
      'route: { receiver: a, group_wait: 5 minutes, continue: maybe }\nreceivers: [{ name: a, webhook_configs: [{ url: "http://a", timeout: 1d, max_alerts: many }] }]',
      [
        'alertmanager.yml: route.group_wait = "5 minutes": is no duration. To fix: write whole numbers with units, from the largest to the smallest, e.g. \'1h30m\'.',
        'alertmanager.yml: route.continue = "maybe": must be true or false. To fix: give true or false.',
        'alertmanager.yml: receivers[0].webhook_configs[0].timeout = "1d": is no duration. To fix: write numbers with the units h, m, s, ms, e.g. \'1m30s\'.',
        'alertmanager.yml: receivers[0].webhook_configs[0].max_alerts = "many": must be a whole number. To fix: give a whole number.',
      ],
    ],
    [
      'secrets in the clear',
      'route: { receiver: a }\nreceivers: [{ name: a, slack_configs: [{ api_url: "https://hooks.slack.com/x" }], discord_configs: [{ webhook_url_file: secret://discord }] }]',
      [
        `alertmanager.yml: receivers[0].slack_configs[0].api_url = "***": ${IN_THE_CLEAR}. To fix: use \`api_url_file: secret://name-of-the-secret/key\`, or SecretRef.of('name', 'key') from TypeScript.`,
        'alertmanager.yml: receivers[0].discord_configs[0].webhook_url_file = "secret://discord": names no key of a Secret. To fix: write secret://name-of-the-secret/key.',
        'alertmanager.yml: receivers[0].slack_configs[0] = (not set): does not work without `api_url_file` or `app_token_file`, and `global` has no `slack_api_url_file` or `slack_app_token_file`. To fix: set `api_url_file` or `app_token_file`.',
      ],
    ],
    [
      'what Alertmanager is about to drop',
      'route: { receiver: a, routes: [{ match: { severity: critical }, receiver: a }] }\nreceivers: [{ name: a }]\ninhibit_rules: [{ source_match_re: { a: b }, target_matchers: [c="d"] }]\nmute_time_intervals: []',
      [
        'alertmanager.yml: route.routes[0].match = {"severity":"critical"}: Alertmanager is about to drop it. To fix: write `matchers: [\'severity="critical"\']`.',
        'alertmanager.yml: inhibit_rules[0].source_match_re = {"a":"b"}: Alertmanager is about to drop it. To fix: write `source_matchers: [\'a=~"b"\']`.',
        'alertmanager.yml: inhibit_rules[0].source_matchers = (not set): is required. To fix: set `source_matchers`.',
        'alertmanager.yml: mute_time_intervals = []: Alertmanager is about to drop it. To fix: rename it to `time_intervals`.',
      ],
    ],
    [
      'templates that are not given',
      'route: { receiver: a }\nreceivers: [{ name: a }]\ntemplates: [/etc/am/*.tmpl]',
      [
        'alertmanager.yml: templates = "/etc/am/*.tmpl": the pods have no such file. To fix: give it to the Alertmanager: `templates: { \'name.tmpl\': readFileSync(...) }`.',
      ],
    ],
    [
      'a value in the clear and in a file, and a file of nobody',
      'route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url: "http://a", url_file: ./b }] }]',
      [
        'alertmanager.yml: receivers[0].webhook_configs[0].url_file = "./b": `url` and `url_file` say the same. To fix: remove one of them.',
        'alertmanager.yml: receivers[0].webhook_configs[0].url_file = "./b": names no file of the pod. To fix: write secret://name-of-the-secret/key.',
      ],
    ],
  ];

  it.each(FILES)('in a file: %s', (_name, text, expected) => {
    expect(problemsOfText(text)).toEqual(expected);
  });

  it('of a file that is none', () => {
    expect(() => AlertmanagerConfig.fromFile('/nowhere.yml')).toThrow(
      'path = "/nowhere.yml": the file cannot be read: ENOENT. To fix: name a file by its path from the folder that the app is run in.',
    );
    expect(() => fromText('')).toThrow(
      /^path = ".*alertmanager.yml": the file holds no config\. To fix: write one with `route` and `receivers`\.$/,
    );
    expect(() => fromText('route: [')).toThrow(
      /^path = ".*alertmanager.yml": the file is no YAML: .* To fix: correct the file\.$/,
    );
  });
});

describe('templates', () => {
  const accepted = [
    '{{ .Status }}',
    '}} is text: {"a":{"b":1}}',
    '{{/* a }} in a comment */}}{{- /* another */ -}} x',
    `{{ "a }} in a text" }}{{ \`and }} "here\` }}{{ '}' }}{{ "don't" }}`,
    '{{ if eq .Status "a" }}1{{ else if .Alerts }}2{{ end }}',
    '{{ range .Alerts }}{{- with .Labels -}}{{ .end }}{{ end }}{{ break }}{{end}}',
    '{{ (index .Alerts 0).Labels.job }}',
    '{{ $open := "{{" }}{{ $open }}',
    '{{\n.Status\n}}',
    '{{ block "a" . }}x{{ end }}',
  ];
  const refused = [
    '{{ .Status ',
    '{{ .Status }',
    '{{ define "text" }}{{ .Foo ',
    '{{ define "text" }}x',
    '{{ range .Alerts }}{{ .Labels }}',
    '{{ if .Alerts }}x{{ end }}{{ end }}',
    '{{/* a comment',
    '{{/* a comment */ }}',
    '{{ "a text }}',
    '{{ (index .Alerts 0 }}',
    '{{ index .Alerts 0) }}',
    '{{ }}',
    '{{ .A {{ .B }} }}',
    '{{{ .A }}}',
  ];
  const isRight = (template: string): boolean => problemsWith({ templates: { 'a.tmpl': template } }).length === 0;
  const everywhere = [...accepted, ...refused];

  it.each(accepted)('%j', (template) => {
    expect(isRight(template)).toBe(true);
  });

  it.each(refused)('not %j', (template) => {
    expect(isRight(template)).toBe(false);
  });

  describeWith(['amtool'], 'as amtool has it', () => {
    it.each(everywhere)('%j', (template) => {
      const path = join(folder, 'with-template.yml');
      writeFileSync(join(folder, 'a.tmpl'), template);
      writeFileSync(path, `templates: [a.tmpl]\nroute: { receiver: a }\nreceivers: [{ name: a }]\n`);
      const { status } = spawnSync(findBinary('amtool')!, ['check-config', path]);
      expect(status === 0).toBe(isRight(template));
    });
  });
});

describe('matchers', () => {
  const accepted = [
    'a=b',
    'a = "b"',
    '{a="b",}',
    'a!="b", c=~d|e',
    '"a b"="c"',
    'a=""',
    'a=~"x{2},y"',
    'grün=ja',
    'a=~"b\\(|\\\\."',
  ];
  const refused = ['a', 'a==b', '=b', 'a="b', "a='b'", 'a="b" c="d"', '{a="b"', 'a=b c', '', 'a=~b{2}'];
  const isRight = (matcher: string): boolean =>
    problemsOfConfig({ route: { receiver: 'hook', routes: [{ matchers: [matcher] }] } }).length === 0;

  it.each(accepted)('%s', (matcher) => {
    expect(isRight(matcher)).toBe(true);
  });

  it.each(refused)('not %s', (matcher) => {
    expect(isRight(matcher)).toBe(false);
  });
});
