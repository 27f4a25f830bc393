import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Size, type Chart } from 'cdk8s';
import { parse } from 'yaml';
import {
  Endpoint,
  NotifyEndpoint,
  ReadEndpoint,
  SecretRef,
  Tenant,
  VmCluster,
  VmSingle,
  WriteEndpoint,
} from '../../src';
import { AlertSource, Rules, Slo, SLO_SERIES, VmAlert, type RuleGroup, type VmAlertProps } from '../../src/alerting';
import { argsOf, find, podOf, problemsOf, synth, type Manifest } from './synth';

const volume = { size: Size.gibibytes(10) };
const datasource = ReadEndpoint.external('https://metrics.example.com');
const remoteWrite = WriteEndpoint.external('https://metrics.example.com/api/v1/write');

/** What JavaScript, a spread or a cast lets through. */
type Loose<T> = { [K in keyof T]?: unknown } & Record<string, unknown>;

const down: RuleGroup = { name: 'targets', rules: [{ alert: 'TargetDown', expr: 'up == 0' }] };
const rules = [Rules.of({ groups: [down] })];
const group = (fields: Loose<RuleGroup>): Rules =>
  Rules.of({ groups: [{ ...down, ...fields } as unknown as RuleGroup] });
const rule = (fields: Record<string, unknown>): Rules => group({ rules: [{ expr: 'up == 0', ...fields }] });

const vmalert = (props: Partial<VmAlertProps> = {}, more: (chart: Chart) => unknown = () => undefined): Manifest[] =>
  synth((chart) => {
    more(chart);
    new VmAlert(chart, 'alert', { datasource, rules, ...props });
  });
const deployment = (manifests: readonly Manifest[]) => find(manifests, 'Deployment', 'alert-vmalert');
const flag = (manifests: readonly Manifest[], name: string) =>
  argsOf(deployment(manifests))
    .filter((arg) => arg.startsWith(`-${name}=`))
    .map((arg) => arg.slice(name.length + 2));
const ruleFile = (manifests: readonly Manifest[], name: string) =>
  parse(find(manifests, 'ConfigMap', 'alert-vmalert-rules')['data'][name] as string) as {
    readonly groups: readonly (Record<string, unknown> & { readonly rules: readonly Record<string, string>[] })[];
  };

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'rules-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file below a folder of its own. @returns the path */
function written(name: string, content: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}

describe('what a pod is', () => {
  test('a process that sends to nobody and stores nothing', () => {
    const manifests = vmalert();
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'NetworkPolicy',
      'Service',
      'ServiceAccount',
    ]);
    expect(argsOf(deployment(manifests))).toEqual([
      '-configCheckInterval=30s',
      '-datasource.url=https://metrics.example.com',
      '-external.url=http://alert-vmalert.monitoring.svc:8880',
      '-http.shutdownDelay=10s',
      '-httpListenAddr=:8880',
      '-notifier.blackhole=true',
      '-rule=/etc/vmalert/rules/*.yaml',
    ]);
    expect(podOf(deployment(manifests))).toMatchObject({
      terminationGracePeriodSeconds: 57,
      automountServiceAccountToken: false,
      containers: [
        {
          resources: { requests: { cpu: '50m', memory: '200Mi' }, limits: { memory: '500Mi' } },
          volumeMounts: [{ name: 'rules', mountPath: '/etc/vmalert/rules', readOnly: true }],
        },
      ],
    });
    // vmalert reads the rules again by itself.
    expect(deployment(manifests)['spec'].template.metadata.annotations).toBeUndefined();
  });

  test('several replicas have a budget, and equal labels and links', () => {
    const manifests = vmalert({
      replicas: 2,
      externalLabels: { cluster: 'a', site: 'b, c' },
      externalUrl: 'https://grafana.example.com',
      alertSource: AlertSource.grafanaExplore({ datasource: 'vm' }),
      evaluationInterval: Duration.seconds(15),
    });
    expect(manifests.map(({ kind }) => kind)).toContain('PodDisruptionBudget');
    expect(flag(manifests, 'external.label')).toEqual(['cluster=a', '"site=b, c"']);
    expect(flag(manifests, 'external.url')).toEqual(['https://grafana.example.com']);
    expect(flag(manifests, 'external.alert.source')).toEqual([
      'explore?schemaVersion=1&panes=%7B%22a%22%3A%7B%22datasource%22%3A%22vm%22%2C%22queries%22%3A%5B%7B%22refId%22%3A' +
        '%22A%22%2C%22expr%22%3A{{.Expr|jsonEscape|queryEscape}}%7D%5D%2C%22range%22%3A%7B%22from%22%3A%22now-1h%22%2C' +
        '%22to%22%3A%22now%22%7D%7D%7D',
    ]);
    expect(flag(manifests, 'evaluationInterval')).toEqual(['15s']);
  });

  test('links may be any template', () => {
    const alertSource = 'explore?expr={{ .Expr | queryEscape }}';
    expect(flag(vmalert({ alertSource }), 'external.alert.source')).toEqual([alertSource]);
  });

  test('its pages have an endpoint', () => {
    let url = '';
    synth((chart) => (url = new VmAlert(chart, 'alert', { datasource, rules }).pages().url));
    expect(url).toBe('http://alert-vmalert.monitoring.svc:8880');
  });
});

describe('endpoints', () => {
  test('of the stack are reached by both NetworkPolicies, and the state is read where rules are queried', () => {
    const manifests = synth((chart) => {
      const single = new VmSingle(chart, 'metrics', { volume });
      new VmAlert(chart, 'alert', { datasource: single.read(), remoteWrite: single.write(), rules });
    });
    expect(flag(manifests, 'datasource.url')).toEqual(['http://metrics-vmsingle.monitoring.svc:8428']);
    expect(flag(manifests, 'remoteRead.url')).toEqual(['http://metrics-vmsingle.monitoring.svc:8428']);
    expect(flag(manifests, 'remoteWrite.url')).toEqual(['http://metrics-vmsingle.monitoring.svc:8428/api/v1/write']);
    expect(flag(manifests, 'remoteWrite.disablePathAppend')).toEqual(['true']);
    const ports = [{ port: 8428, protocol: 'TCP' }];
    const labels = (name: string) => ({ podSelector: { matchLabels: { 'app.kubernetes.io/name': name } } });
    expect(find(manifests, 'NetworkPolicy', 'alert-vmalert')['spec'].egress).toContainEqual(
      expect.objectContaining({ to: [expect.objectContaining(partial(labels('vmsingle')))], ports }),
    );
    expect(find(manifests, 'NetworkPolicy', 'metrics-vmsingle')['spec'].ingress).toEqual([
      { from: [expect.objectContaining(partial(labels('vmalert')))], ports },
    ]);
  });

  test('get their credentials from files', () => {
    const password = SecretRef.of('storage', 'password');
    const manifests = vmalert({
      datasource: ReadEndpoint.external('https://read.example.com', { credentials: { username: 'me', password } }),
      remoteWrite: WriteEndpoint.external('https://write.example.com/api/v1/write', {
        credentials: { bearerToken: SecretRef.of('storage', 'token') },
      }),
      remoteRead: ReadEndpoint.external('https://state.example.com', { credentials: { username: 'you', password } }),
    });
    const credentials = argsOf(deployment(manifests)).filter((arg) => /basicAuth|bearer/.test(arg));
    expect(credentials).toEqual([
      '-datasource.basicAuth.passwordFile=/etc/secrets/storage/password',
      '-datasource.basicAuth.username=me',
      '-remoteRead.basicAuth.passwordFile=/etc/secrets/storage/password',
      '-remoteRead.basicAuth.username=you',
      '-remoteWrite.bearerTokenFile=/etc/secrets/storage/token',
    ]);
    expect(podOf(deployment(manifests))['volumes']).toContainEqual({
      name: 'secret-0',
      secret: {
        secretName: 'storage',
        items: [
          { key: 'password', path: 'password' },
          { key: 'token', path: 'token' },
        ],
        defaultMode: undefined,
      },
    });
  });

  test('every replica of each Alertmanager is told, each with its own credentials', () => {
    const pair = new NotifyEndpoint(
      { scheme: 'http', host: 'am', port: 9093 },
      [0, 1].map((ordinal) => new Endpoint({ scheme: 'http', host: `am-${ordinal}.am`, port: 9093 })),
    );
    const elsewhere = NotifyEndpoint.external('https://alerts.example.com/prefix', {
      credentials: { username: 'me', password: SecretRef.of('alerts', 'password') },
    });
    const manifests = vmalert({ notifiers: [pair, elsewhere] });
    expect(flag(manifests, 'notifier.url')).toEqual([
      'http://am-0.am:9093',
      'http://am-1.am:9093',
      'https://alerts.example.com/prefix',
    ]);
    expect(flag(manifests, 'notifier.basicAuth.username')).toEqual(['', '', 'me']);
    expect(flag(manifests, 'notifier.basicAuth.passwordFile')).toEqual(['', '', '/etc/secrets/alerts/password']);
    expect(flag(manifests, 'notifier.bearerTokenFile')).toEqual([]);
    expect(flag(manifests, 'notifier.blackhole')).toEqual([]);
  });
});

function partial(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      typeof item === 'object' && item !== null ? expect.objectContaining(partial(item as object)) : item,
    ]),
  );
}

describe('rules', () => {
  test('are written as vmalert wants them, a file for each group', () => {
    const manifests = vmalert({
      remoteWrite,
      rules: [
        Rules.of({
          groups: [
            {
              rules: [
                {
                  annotations: { summary: '{{ $labels.instance }} is gone' },
                  expr: 'up{job="a(b"} == 0 # (',
                  labels: { severity: 'critical' },
                  for: Duration.minutes(5),
                  keepFiringFor: Duration.seconds(90),
                  alert: 'TargetDown',
                },
                { record: 'job:up:sum', expr: 'sum(up) by (job)', debug: true, updateEntriesLimit: 3 },
              ],
              name: 'my targets',
              interval: Duration.seconds(30),
              evalOffset: Duration.seconds(10),
              limit: 100,
              concurrency: 2,
              params: { denyPartialResponse: ['true'] },
              headers: ['X-Team: a'],
              notifierHeaders: ['X-Team: b'],
            },
            { name: 'late', rules: [{ record: 'a', expr: 'b' }], evalDelay: Duration.minutes(2), evalAlignment: false },
          ],
        }),
      ],
    });
    expect(find(manifests, 'ConfigMap', 'alert-vmalert-rules')['data']).toEqual({
      'late.yaml':
        'groups:\n  - name: late\n    eval_delay: 2m\n    eval_alignment: false\n    rules:\n' +
        '      - record: a\n        expr: b\n',
      'my-targets.yaml': `groups:
  - name: my targets
    interval: 30s
    eval_offset: 10s
    limit: 100
    concurrency: 2
    params:
      denyPartialResponse:
        - "true"
    headers:
      - "X-Team: a"
    notifier_headers:
      - "X-Team: b"
    rules:
      - alert: TargetDown
        expr: 'up{job="a(b"} == 0 # ('
        for: 5m
        keep_firing_for: 90s
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.instance }} is gone"
      - record: job:up:sum
        expr: sum(up) by (job)
        debug: true
        update_entries_limit: 3
`,
    });
  });

  test('come from folders, but for the tests beside them', () => {
    const alert = (name: string) =>
      `groups:\n- name: ${name}\n  rules:\n  - alert: ${name}\n    expr: up == 0\n    for: 1h30m`;
    written('all/b.yml', alert('b'));
    written('all/a.yaml', `${alert('a')}\n---\n${alert('a2')}\n`);
    written('all/deeper/c.yaml', alert('c'));
    written('all/b.test.yaml', 'rule_files: [b.yml]');
    written('all/README.md', 'no rules');
    written('all/empty.yaml', '# nothing yet\n');
    const manifests = vmalert({ rules: [Rules.fromDirectory(join(folder, 'all')), ...rules] });
    expect(Object.keys(find(manifests, 'ConfigMap', 'alert-vmalert-rules')['data'] as object)).toEqual([
      'a.yaml',
      'a2.yaml',
      'b.yaml',
      'c.yaml',
      'targets.yaml',
    ]);
    expect(ruleFile(manifests, 'c.yaml').groups).toEqual([
      { name: 'c', rules: [{ alert: 'c', expr: 'up == 0', for: '1h30m' }] },
    ]);
  });

  test('of a file may say all that vmalert knows, in its own words', () => {
    const content = `
groups:
  - name: api
    interval: 1m
    eval_offset: -10s
    eval_alignment: true
    limit: 5
    type: prometheus
    tenant: 42:7
    labels: { team: 7 }
    rules:
      - alert: HighErrors
        expr: |
          sum(rate(errors_total[5m]))
            > 5
        keep_firing_for: 300
        labels: { page: true }
        annotations:
          runbook: https://example.com/{{ $labels.service }}
`;
    const manifests = vmalert({ rules: [Rules.fromFile(written('api.yaml', content))] });
    expect(ruleFile(manifests, 'api.yaml').groups).toEqual([
      {
        name: 'api',
        interval: '1m',
        eval_offset: '-10s',
        eval_alignment: true,
        limit: 5,
        type: 'prometheus',
        labels: { team: '7', vm_account_id: '42', vm_project_id: '7' },
        params: { extra_label: ['vm_account_id=42', 'vm_project_id=7'] },
        rules: [
          {
            alert: 'HighErrors',
            expr: 'sum(rate(errors_total[5m]))\n  > 5\n',
            keep_firing_for: '300',
            labels: { page: 'true' },
            annotations: { runbook: 'https://example.com/{{ $labels.service }}' },
          },
        ],
      },
    ]);
  });

  test('a group may have a tenant where the endpoints are for all', () => {
    const manifests = synth((chart) => {
      const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
      new VmAlert(chart, 'alert', {
        datasource: cluster.read(Tenant.MULTITENANT),
        remoteWrite: cluster.write(Tenant.MULTITENANT),
        rules: [group({ tenant: Tenant.of(42), params: { extra_label: ['env=a'], nocache: ['1'] } })],
      });
    });
    expect(ruleFile(manifests, 'targets.yaml').groups[0]).toMatchObject({
      labels: { vm_account_id: '42', vm_project_id: '0' },
      params: { extra_label: ['env=a', 'vm_account_id=42', 'vm_project_id=0'], nocache: ['1'] },
    });
  });

  test('that fill a ConfigMap are spread over several', () => {
    const many = [...Array(30).keys()].map((index) => ({
      ...down,
      name: `g${String(index).padStart(2, '0')}`,
      rules: [{ alert: 'A', expr: `up == 0`, annotations: { description: 'x'.repeat(20_000) } }],
    }));
    const manifests = vmalert({ rules: [Rules.of({ groups: many })] });
    const maps = manifests.filter(({ kind }) => kind === 'ConfigMap');
    expect(maps.map(({ metadata }) => metadata.name)).toEqual([0, 1, 2].map((part) => `alert-vmalert-rules-${part}`));
    expect(maps.flatMap(({ data }) => Object.keys(data as object))).toEqual(many.map(({ name }) => `${name}.yaml`));
    for (const map of maps) expect(JSON.stringify(map).length).toBeLessThan(256 * 1024);
    expect(podOf(deployment(manifests))['volumes'][0].projected.sources).toEqual(
      maps.map(({ metadata }) => ({ configMap: { name: metadata.name } })),
    );
  });

  test('look the same whatever their order', () => {
    const other: RuleGroup = { ...down, name: 'another' };
    const one = vmalert({ rules: [Rules.of({ groups: [down, other] })] });
    const two = vmalert({ rules: [Rules.of({ groups: [other] }), Rules.of({ groups: [down] })] });
    expect(JSON.stringify(one)).toBe(JSON.stringify(two));
  });
});

describe('an objective', () => {
  const slo = {
    name: 'checkout',
    objective: 0.999,
    errors: 'sum(rate(requests_total{code="500"}[$window]))',
    total: 'sum(rate(requests_total[$window]))',
    labels: { team: 'shop' },
  };
  const groupsOf = (props: object = {}) => {
    const manifests = vmalert({ remoteWrite, rules: [Slo.of({ ...slo, ...props }).rules()] });
    return [
      ...ruleFile(manifests, 'slo-checkout.yaml').groups,
      ...ruleFile(manifests, 'slo-checkout-budget.yaml').groups,
    ];
  };

  test('is watched over several windows, as in the workbook', () => {
    const [burn] = groupsOf();
    expect(burn!.rules.flatMap(({ record }) => record ?? [])).toEqual([
      ...['5m', '30m', '1h', '2h', '6h', '24h', '72h'].map((window) => `slo:error_ratio:rate${window}`),
      SLO_SERIES.errors,
      SLO_SERIES.total,
    ]);
    expect(burn!.rules[0]).toEqual({
      record: 'slo:error_ratio:rate5m',
      expr:
        '((sum(rate(requests_total{code="500"}[5m]))) or 0 * (sum(rate(requests_total[5m])))) / ' +
        '((sum(rate(requests_total[5m]))) > 0)',
      labels: { team: 'shop', slo: 'checkout' },
    });
    const alerts = burn!.rules.filter(({ alert }) => alert);
    expect(alerts.map(({ alert, labels, expr }) => [alert, labels, expr])).toEqual([
      [
        'SloErrorBudgetBurn',
        { team: 'shop', slo: 'checkout', severity: 'critical' },
        '(slo:error_ratio:rate1h{slo="checkout"} > 0.0144 and slo:error_ratio:rate5m{slo="checkout"} > 0.0144)\nor\n' +
          '(slo:error_ratio:rate6h{slo="checkout"} > 0.006 and slo:error_ratio:rate30m{slo="checkout"} > 0.006)',
      ],
      [
        'SloErrorBudgetBurn',
        { team: 'shop', slo: 'checkout', severity: 'warning' },
        '(slo:error_ratio:rate24h{slo="checkout"} > 0.003 and slo:error_ratio:rate2h{slo="checkout"} > 0.003)\nor\n' +
          '(slo:error_ratio:rate72h{slo="checkout"} > 0.001 and slo:error_ratio:rate6h{slo="checkout"} > 0.001)',
      ],
    ]);
  });

  test('may be one of a tenant', () => {
    for (const { labels } of groupsOf({ tenant: Tenant.of(42, 7) })) {
      expect(labels).toEqual({ vm_account_id: '42', vm_project_id: '7' });
    }
  });

  test('of another window burns at another rate, and its budget is recorded', () => {
    const [burn, budget] = groupsOf({ window: Duration.days(7), objective: 0.99 });
    expect(burn!.rules.at(-2)!.expr).toContain('slo:error_ratio:rate1h{slo="checkout"} > 0.0336 ');
    expect(budget).toMatchObject({
      interval: '5m',
      rules: [
        { record: SLO_SERIES.objective, expr: 'vector(0.99)' },
        {
          record: SLO_SERIES.budgetRemaining,
          expr:
            '1 - sum_over_time(slo:errors:rate5m{slo="checkout"}[7d]) / ' +
            'sum_over_time(slo:total:rate5m{slo="checkout"}[7d]) / 0.01',
        },
      ],
    });
  });
});

describe('wrong configurations', () => {
  const wrong = (make: (chart: Chart) => Loose<VmAlertProps>) =>
    problemsOf((chart) => {
      new VmAlert(chart, 'alert', { datasource, rules, ...make(chart) } as unknown as VmAlertProps);
    }).map((line) => line.replace('[test/alert] ', '').replaceAll(`${folder}/`, ''));
  const file = (content: string) => [Rules.fromFile(written('wrong.yaml', content))];

  test.each<[string, (chart: Chart) => Loose<VmAlertProps>, ...string[]]>([
    [
      'no props',
      () => ({ datasource: undefined, rules: undefined }),
      'datasource = (not set): vmalert must be told where to query. To fix: write for example `datasource: ' +
        'cluster.read()`.',
      'rules = (not set): vmalert must be told what to evaluate. To fix: write for example `rules: ' +
        "[Rules.fromDirectory('rules')]`.",
    ],
    [
      'no rules',
      () => ({ rules: [] }),
      `rules = []: vmalert has nothing to evaluate. To fix: write for example [Rules.fromDirectory('rules')].`,
    ],
    [
      'a folder instead of rules',
      () => ({ rules: ['rules/'] }),
      `rules[0] = "rules/": must be a Rules. To fix: write Rules.fromDirectory('rules').`,
    ],
    [
      'a datasource that cannot be queried',
      () => ({ datasource: remoteWrite }),
      'datasource = https://metrics.example.com/api/v1/write: must be a ReadEndpoint. To fix: write ' +
        `cluster.read() or ReadEndpoint.external('https://...').`,
    ],
    [
      'a notifier that takes no alerts',
      () => ({ notifiers: [datasource] }),
      'notifiers[0] = https://metrics.example.com: must be a NotifyEndpoint. To fix: write ' +
        `alertmanager.notify() or NotifyEndpoint.external('https://...').`,
    ],
    [
      'a misspelt prop',
      () => ({ evaluationIntervall: Duration.seconds(1) }),
      'evaluationIntervall = 1 second: there is no such prop. To fix: did you mean `evaluationInterval`?',
    ],
    [
      'an interval below a second',
      () => ({ evaluationInterval: Duration.millis(100) }),
      'evaluationInterval = 100 millis: vmalert queries for full seconds. To fix: set it to Duration.seconds(1) ' +
        'or more.',
    ],
    [
      'an autoscaler',
      () => ({ autoscaling: { maxReplicas: 3 } }),
      'autoscaling = {"maxReplicas":3}: a replica more evaluates every rule once more. To fix: remove it and ' +
        'set `replicas`.',
    ],
    [
      'a host as URL',
      () => ({ externalUrl: 'grafana.example.com' }),
      'externalUrl = "grafana.example.com": must be a URL of http or https, without credentials and ' +
        "parameters. To fix: write for example 'https://grafana.example.com'.",
    ],
    [
      'a URL that ends in a slash',
      () => ({ externalUrl: 'https://grafana.example.com/' }),
      'externalUrl = "https://grafana.example.com/": vmalert appends a path that begins with /. To fix: remove ' +
        'the / at the end.',
    ],
    ...(
      [
        ['a password in a URL', 'https://me:pass@grafana.example.com', 'https://me:***@grafana.example.com'],
        ['a user in a URL', 'https://bob@grafana.example.com/a'],
        ['a URL with parameters', 'https://grafana.example.com/a?b=c'],
      ] as const
    ).map(([title, externalUrl, shown = externalUrl]): [string, () => Loose<VmAlertProps>, string] => [
      title,
      () => ({ externalUrl }),
      `externalUrl = "${shown}": must be a URL of http or https, without credentials and parameters. To fix: ` +
        "write for example 'https://grafana.example.com'.",
    ]),
    [
      'a template that begins with a slash',
      () => ({ alertSource: '/explore?expr={{ .Expr | queryEscape }}' }),
      'alertSource = "/explore?expr={{ .Expr | queryEscape }}": is no part of a URL: it has a blank, or begins with /, ' +
        "which vmalert adds itself. To fix: write for example AlertSource.grafanaExplore({ datasource: 'uid' }).",
    ],
    [
      'a bad label for all results',
      () => ({ externalLabels: { 'data-center': 'a' } }),
      `externalLabels['data-center'] = "data-center": must be a label name: letters, digits and _, no digit ` +
        'first. To fix: give a label name: letters, digits and _, no digit first.',
    ],
    [
      'a label that tells replicas apart',
      () => ({ replicas: 2, externalLabels: { replica: '%{HOSTNAME}' } }),
      `externalLabels['replica'] = "%{HOSTNAME}": the value differs from replica to replica, and Alertmanager ` +
        'would take their alerts for different ones. To fix: remove the label: equal alerts are sent once.',
    ],
    [
      'a state to read that nobody writes',
      () => ({ remoteRead: datasource }),
      'remoteRead = "https://metrics.example.com": there is no state of alerts to read where none is written. ' +
        'To fix: set `remoteWrite`, or remove `remoteRead`.',
    ],
    [
      'nowhere to store what is recorded',
      () => ({ rules: [rule({ record: 'a:b' })] }),
      'remoteWrite = (not set): the results of recording rules (a:b) would be lost. To fix: write for example ' +
        '`remoteWrite: cluster.write()`.',
    ],
    [
      'a notifier listed twice',
      () => ({ notifiers: [1, 2].map(() => NotifyEndpoint.external('https://am')) }),
      'notifiers = "https://am": the URL is listed twice, and would be told everything twice. To fix: remove ' +
        'one of the two.',
    ],
    [
      'a notifier with parameters',
      () => ({ notifiers: [NotifyEndpoint.external('https://am?a=b')] }),
      'notifiers = "https://am?a=b": vmalert appends /api/v2/alerts to it, which parameters would swallow. To ' +
        'fix: remove what follows the ?',
    ],
    [
      'flags that belong to props',
      () => ({ extraFlags: { 'notifier.url': 'http://am', 'external.url': 'https://x' } }),
      `extraFlags['notifier.url'] = "http://am": -notifier.url belongs to notifiers. To fix: remove it here and ` +
        'use notifiers.',
      `extraFlags['external.url'] = "https://x": -external.url belongs to externalUrl. To fix: remove it here ` +
        'and use externalUrl.',
    ],
    [
      'a flag that ends the process',
      () => ({ extraFlags: { dryRun: true } }),
      `extraFlags['dryRun'] = true: the process would check its files and exit. To fix: remove it.`,
    ],
    [
      'a flag for notifiers',
      () => ({ extraFlags: { 'notifier.config': '/x' } }),
      'extraFlags[\'notifier.config\'] = "/x": vmalert takes no file besides `notifiers`. To fix: use `notifiers`.',
    ],
    [
      'a password among the flags',
      () => ({ extraFlags: { 'datasource.basicAuth.password': 'hunter2' } }),
      `extraFlags['datasource.basicAuth.password'] = "***": -datasource.basicAuth.password takes a secret from ` +
        'its args only, where everybody can read it. To fix: use the flag of the same name that ends in File.',
    ],
    [
      'a grace period in which it cannot finish',
      () => ({ terminationGracePeriod: Duration.seconds(20) }),
      'terminationGracePeriod = 20 seconds: the process needs 47 seconds to finish what it has begun, and would ' +
        'be killed before. To fix: give it at least 47 seconds.',
    ],
    [
      'rules without groups',
      () => ({ rules: [Rules.of({} as never)] }),
      'groups = (not set): rules stand in groups. To fix: write Rules.of({ groups: [...] }).',
    ],
    [
      'a misspelt prop of a rule',
      () => ({ rules: [rule({ alert: 'A', lables: {} })] }),
      `groups['targets'].rules['A'].lables = {}: there is no such prop. To fix: did you mean ` +
        "`groups['targets'].rules['A'].labels`?",
    ],
    [
      'a misspelt prop of a group',
      () => ({ rules: [group({ intervall: Duration.seconds(30) })] }),
      `groups['targets'].intervall = 30 seconds: there is no such prop. To fix: did you mean ` +
        "`groups['targets'].interval`?",
    ],
    [
      'a group without a name',
      () => ({ rules: [group({ name: '' })] }),
      'groups[0].name = "": must not be empty. To fix: give a name.',
    ],
    [
      'a rule that is of no kind',
      () => ({ rules: [rule({})] }),
      `groups['targets'].rules[0] = {"expr":"up == 0"}: a rule either alerts or records. To fix: set one of ` +
        '`alert` and `record`.',
    ],
    [
      'a rule that is of both kinds',
      () => ({ rules: [rule({ alert: 'A', record: 'b' })] }),
      `groups['targets'].rules['A'] = {"expr":"up == 0","alert":"A","record":"b"}: a rule either alerts or ` +
        'records. To fix: keep one of `alert` and `record`.',
    ],
    [
      'a rule without an expression',
      () => ({ rules: [rule({ alert: 'A', expr: undefined })] }),
      `groups['targets'].rules['A'].expr = (not set): groups['targets'].rules['A'] is nothing without it. To ` +
        "fix: set `groups['targets'].rules['A'].expr`.",
    ],
    [
      'an expression that is a comment',
      () => ({ rules: [rule({ alert: 'A', expr: ' # all' })] }),
      `groups['targets'].rules['A'].expr = " # all": is no query: it is empty. To fix: correct the expression.`,
    ],
    [
      'a bracket that is not closed',
      () => ({ rules: [rule({ alert: 'A', expr: 'sum(rate(x[5m]) > 1' })] }),
      `groups['targets'].rules['A'].expr = "sum(rate(x[5m]) > 1": is no query: a ( is not closed. To fix: ` +
        'correct the expression.',
    ],
    [
      'brackets that cross',
      () => ({ rules: [rule({ alert: 'A', expr: 'sum(rate(x[5m)]) > 1' })] }),
      `groups['targets'].rules['A'].expr = "sum(rate(x[5m)]) > 1": is no query: a [ is closed by ). To fix: ` +
        'correct the expression.',
    ],
    [
      'a bracket that closes nothing',
      () => ({ rules: [rule({ alert: 'A', expr: 'sum(x)) > 1' })] }),
      `groups['targets'].rules['A'].expr = "sum(x)) > 1": is no query: a ) closes nothing. To fix: correct the ` +
        'expression.',
    ],
    [
      'a quote that is not closed',
      () => ({ rules: [rule({ alert: 'A', expr: 'up{job="a} == 0' })] }),
      'groups[\'targets\'].rules[\'A\'].expr = "up{job=\\"a} == 0": is no query: a " is not closed. To fix: correct ' +
        'the expression.',
    ],
    [
      'a duration in words',
      () => ({ rules: [rule({ alert: 'A', for: '5 minutes' })] }),
      `groups['targets'].rules['A'].for = "5 minutes": is no duration of at least 0. To fix: write for example ` +
        `'30s', '5m' or '1h30m'.`,
    ],
    [
      'a recording rule that waits',
      () => ({ rules: [rule({ record: 'a', for: Duration.seconds(1) })], remoteWrite }),
      `groups['targets'].rules['a'].for = 1 second: there is no such prop. To fix: use one of record, expr, ` +
        'labels, debug, updateEntriesLimit.',
    ],
    [
      'a bad name of a series',
      () => ({ rules: [rule({ record: 'error-rate' })], remoteWrite }),
      `groups['targets'].rules['error-rate'].record = "error-rate": the name of a series consists of letters, ` +
        `digits, _ and :, no digit first. To fix: write for example 'job:http_requests:rate5m'.`,
    ],
    [
      'a bad name of a label',
      () => ({ rules: [rule({ alert: 'A', labels: { 'a-b': 'c' } })] }),
      `groups['targets'].rules['A'].labels['a-b'] = "a-b": must be a label name: letters, digits and _, no ` +
        'digit first. To fix: give a label name: letters, digits and _, no digit first.',
    ],
    [
      'labels that vmalert sets',
      () => ({
        externalLabels: { __name__: 'a', alertname: 'b' },
        rules: [
          group({
            labels: { alertgroup: 'c' },
            rules: [
              { alert: 'A', expr: 'up == 0', labels: { __name__: 'd', alertname: 'e' } },
              { record: 'a:b', expr: 'up', labels: { __name__: 'f', alertname: 'of a copy of ALERTS' } },
            ],
          }),
        ],
        remoteWrite,
      }),
      ...[
        [`externalLabels['__name__'] = "a"`, 'name of the series'],
        [`externalLabels['alertname'] = "b"`, '`alert` of a rule'],
        [`groups['targets'].rules['A'].labels['__name__'] = "d"`, 'name of the series'],
        [`groups['targets'].rules['A'].labels['alertname'] = "e"`, '`alert` of a rule'],
        [`groups['targets'].rules['a:b'].labels['__name__'] = "f"`, 'name of the series'],
        [`groups['targets'].labels['alertgroup'] = "c"`, '`name` of the group'],
      ].map(([prop, what]) => `${prop}: vmalert sets it, to the ${what}. To fix: remove it, or rename it.`),
    ],
    [
      'another tenant than that of the group',
      () => ({
        externalLabels: { vm_project_id: '1' },
        rules: [
          group({
            tenant: Tenant.of(1),
            labels: { vm_account_id: '2' },
            rules: [{ record: 'a:b', expr: 'up', labels: { vm_account_id: '7' } }],
          }),
        ],
        remoteWrite,
      }),
      `groups['targets'].labels['vm_account_id'] = "2": the group belongs to tenant 1, and the result would be ` +
        "another's. To fix: remove it: `tenant` sets it.",
      `groups['targets'].rules['a:b'].labels['vm_account_id'] = "7": the group belongs to tenant 1, and the result ` +
        "would be another's. To fix: remove it: `tenant` sets it.",
      `externalLabels['vm_project_id'] = "1": the group 'targets' has a tenant of its own, which sets it. To fix: ` +
        'remove it.',
    ],
    [
      'no groups',
      () => ({ rules: [Rules.of({ groups: [] })] }),
      'groups = []: there is nothing to evaluate. To fix: write a group, or leave the rules out.',
    ],
    [
      'a group that fits into no ConfigMap',
      () => ({ rules: [group({ rules: [{ alert: 'A', expr: `a ${'or a '.repeat(210_000)}` }] })] }),
      `groups['targets'] = "targets": has 1050073 bytes, and a ConfigMap takes 1 MiB. To fix: split the group.`,
    ],
    [
      'a group without rules',
      () => ({ rules: [group({ rules: [] })] }),
      `groups['targets'].rules = []: there is nothing to evaluate. To fix: write a rule, or remove the group.`,
    ],
    [
      'secrets in annotations',
      () => ({
        rules: [rule({ alert: 'A', annotations: { webhook: 'https://me:pass@host/', api_token: 'abc' } })],
      }),
      `groups['targets'].rules['A'].annotations['webhook'] = "https://me:***@host/": looks like a secret, and ` +
        'would stand in the ConfigMap in the clear. To fix: take it out of the URL.',
      `groups['targets'].rules['A'].annotations['api_token'] = "***": looks like a secret, and would stand in ` +
        'the ConfigMap in the clear. To fix: remove it.',
    ],
    [
      'a template that is not closed',
      () => ({ rules: [rule({ alert: 'A', annotations: { summary: '{{ $value }' } })] }),
      `groups['targets'].rules['A'].annotations['summary'] = "{{ $value }": is no template: a {{ is not ` +
        'closed. To fix: correct the template.',
    ],
    [
      'bad headers',
      () => ({ rules: [group({ headers: ['Authorization: Bearer abc', 'none'] })] }),
      `groups['targets'].headers[0] = "***": looks like a secret, and would stand in the ConfigMap in the ` +
        'clear. To fix: pass `credentials` to the endpoint instead.',
      `groups['targets'].headers[1] = "none": is no header. To fix: write 'Name: value'.`,
    ],
    [
      'a tenant that is none',
      () => ({ rules: [group({ tenant: 'a' })] }),
      `groups['targets'].tenant = "a": must be accountID or accountID:projectID, each from 0 to 4294967295. To ` +
        `fix: write for example Tenant.of(42), Tenant.of(42, 7) or Tenant.parse('42:7').`,
    ],
    [
      'all tenants as the tenant of a group',
      () => ({ rules: [group({ tenant: Tenant.MULTITENANT })] }),
      `groups['targets'].tenant = multitenant: a group belongs to one tenant, and this is all of them. To fix: ` +
        'name one, or leave `tenant` out to query all.',
    ],
    [
      'an offset without an interval',
      () => ({ rules: [group({ evalOffset: Duration.seconds(10) })] }),
      'groups[\'targets\'].evalOffset = "10s": wants the `interval` of the group. To fix: set ' +
        "`groups['targets'].interval`.",
    ],
    [
      'an offset beyond the interval',
      () => ({
        rules: [
          group({ evalOffset: Duration.seconds(60), interval: Duration.seconds(30), evalDelay: Duration.seconds(1) }),
        ],
      }),
      'groups[\'targets\'].evalOffset = "1m": vmalert does not take both `evalOffset` and `evalDelay`. To fix: ' +
        'remove one of the two.',
      `groups['targets'].evalOffset = "1m": is beyond the interval, which is 30s. To fix: set it to less than ` +
        '30s.',
    ],
    [
      'groups of the same name',
      () => ({ rules: [...rules, ...rules] }),
      `groups['targets'] = "targets": another group has the same name. To fix: rename one of the two.`,
    ],
    [
      'groups whose files have the same name',
      () => ({ rules: [group({ name: 'a b' }), group({ name: 'a-b' })] }),
      `groups['a-b'] = "a-b": another group has the name 'a b', and both would be the file a-b.yaml. To fix: ` +
        'rename one of the two.',
    ],
    [
      'alerts that cannot be told apart',
      () => ({ rules: [group({ rules: [1, 2].map((limit) => ({ alert: 'A', expr: `x > ${limit}` })) })] }),
      `groups['targets'].rules['A'] = "A": another alert of the group has the same name and labels, and nobody ` +
        'could tell them apart. To fix: rename one of the two, or give it another label.',
    ],
    [
      'a recording rule twice',
      () => ({ rules: [group({ rules: [1, 2].map(() => ({ record: 'a', expr: `x` })) })], remoteWrite }),
      `groups['targets'].rules['a'] = "a": another rule of the group records the same. To fix: remove one of ` +
        'the two.',
    ],
    [
      'paths that do not exist',
      () => ({
        rules: [Rules.fromFile(join(folder, 'gone.yaml')), Rules.fromDirectory(join(folder, 'gone'))],
      }),
      'rules = "gone.yaml": cannot be read: ENOENT. To fix: name it by its path from the folder that the app is run in.',
      'rules = "gone": cannot be read: ENOENT. To fix: name it by its path from the folder that the app is run in.',
    ],
    [
      'a file that is no YAML',
      () => ({ rules: file('groups: [') }),
      'wrong.yaml = (not set): is no YAML: Flow sequence in block collection must be sufficiently indented and ' +
        'end with a ] at line 1, column 10. To fix: correct the file.',
    ],
    [
      'a file without groups',
      () => ({ rules: file('- a') }),
      'wrong.yaml: groups = (not set): rules stand in groups. To fix: begin the file with `groups:`.',
    ],
    [
      'wrong fields in a file',
      () => ({
        rules: file(
          'groups:\n- name: a\n  evalOffset: 1s\n  type: vlogs\n  rules:\n  - alert: B\n    exprs: up\n    keep_firing_for: ten',
        ),
      }),
      'wrong.yaml: groups[\'a\'].evalOffset = "1s": there is no such prop. To fix: did you mean `wrong.yaml: ' +
        "groups['a'].eval_offset`?",
      `wrong.yaml: groups['a'].type = "vlogs": the datasource answers PromQL and MetricsQL only. To fix: remove ` +
        'it, and give these rules to a vmalert of their own.',
      `wrong.yaml: groups['a'].rules['B'].exprs = "up": there is no such prop. To fix: did you mean ` +
        "`wrong.yaml: groups['a'].rules['B'].expr`?",
      `wrong.yaml: groups['a'].rules['B'].keep_firing_for = "ten": is no duration of at least 0. To fix: write ` +
        `for example '30s', '5m' or '1h30m'.`,
      `wrong.yaml: groups['a'].rules['B'].expr = (not set): wrong.yaml: groups['a'].rules['B'] is nothing ` +
        "without it. To fix: set `wrong.yaml: groups['a'].rules['B'].expr`.",
    ],
    [
      'an unknown key in a file',
      () => ({ rules: file('groups: []\nrules: []') }),
      'wrong.yaml: rules = []: there is no such prop. To fix: use one of groups.',
    ],
    [
      'a folder with tests only',
      () => {
        written('none/a.test.yaml', 'tests: []');
        return { rules: [Rules.fromDirectory(join(folder, 'none'))] };
      },
      'none = "a.test.yaml": there is no rule file in the folder. To fix: name the folder of the files, which ' +
        'end in .yaml or .yml.',
    ],
    [
      'a tenant of a single node',
      (chart) => {
        const single = new VmSingle(chart, 'metrics', { volume });
        return { datasource: single.read(), remoteWrite: single.write(), rules: [group({ tenant: Tenant.of(42) })] };
      },
      `datasource = "http://metrics-vmsingle.monitoring.svc:8428": the group 'targets' has a tenant of its own, ` +
        'and the URL leads to a storage without tenants. To fix: set it to `cluster.read(Tenant.MULTITENANT)`, or ' +
        'remove the `tenant` of the group.',
      `remoteWrite = "http://metrics-vmsingle.monitoring.svc:8428/api/v1/write": the group 'targets' has a ` +
        'tenant of its own, and the URL leads to a storage without tenants. To fix: set it to ' +
        '`cluster.write(Tenant.MULTITENANT)`, or remove the `tenant` of the group.',
    ],
    [
      'a tenant of a group where the endpoints are of another',
      (chart) => {
        const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
        return { datasource: cluster.read(), rules: [group({ tenant: Tenant.of(42) })] };
      },
      `datasource = "http://metrics-vmselect.monitoring.svc:8481/select/0/prometheus": the group 'targets' has ` +
        'a tenant of its own, and the URL leads to tenant 0. To fix: set it to ' +
        '`cluster.read(Tenant.MULTITENANT)`, or remove the `tenant` of the group.',
    ],
    [
      'replicas whose samples are all kept',
      (chart) => {
        const single = new VmSingle(chart, 'metrics', { volume });
        return { replicas: 2, remoteWrite: single.write() };
      },
      'remoteWrite = "http://metrics-vmsingle.monitoring.svc:8428/api/v1/write": 2 replicas write every sample, ' +
        'and the storage keeps all of them. To fix: set `dedupInterval: Duration.seconds(60)` on the storage, or ' +
        '`replicas` to 1.',
    ],
    [
      'replicas that evaluate at different times',
      (chart) => {
        const single = new VmSingle(chart, 'metrics', { volume, dedupInterval: Duration.seconds(15) });
        return { replicas: 2, remoteWrite: single.write(), rules: [group({ evalAlignment: false })] };
      },
      `groups['targets'] = "targets": 2 replicas evaluate it at different points in time, and the storage keeps ` +
        'one sample in 15 seconds only. To fix: set `dedupInterval` of the storage to 60 s, or leave the time of ' +
        'evaluation to vmalert.',
    ],
    [
      'an objective that is wrong in all respects',
      () => ({
        remoteWrite,
        rules: [
          Slo.of({
            name: 'a',
            objective: 99.9,
            errors: 'rate(x[5m])',
            total: 'rate(y[$window]',
            window: Duration.days(1),
          }).rules(),
        ],
      }),
      `slo['a'].objective = 99.9: must be above 0 and below 1: a share, not per cent. To fix: write for example ` +
        '0.999.',
      `slo['a'].errors = "rate(x[5m])": does not say where the time goes over which the rate is taken. To fix: ` +
        'write for example sum(rate(http_requests_total[$window])).',
      `slo['a'].total = "rate(y[$window]": is no query: a ( is not closed. To fix: correct the expression.`,
      `slo['a'].window = 1 day: is shorter than a week, in which alerts that look at three days make no sense. ` +
        'To fix: set it to Duration.days(7) or more.',
    ],
    [
      'an objective whose alerts could not fire',
      () => ({
        remoteWrite,
        rules: [Slo.of({ name: 'a', objective: 0.9, errors: 'rate(x[$window])', total: 'rate(y[$window])' }).rules()],
      }),
      `slo['a'].objective = 0.9: leaves so many errors that they cannot come 14.4 times as fast, at which the ` +
        'first alert fires. To fix: set it above 0.931.',
    ],
    [
      'an objective of nothing',
      () => ({ remoteWrite, rules: [Slo.of({ name: 'a' } as never).rules()] }),
      "slo['a'].objective = (not set): slo['a'] is nothing without it. To fix: set `slo['a'].objective`.",
      "slo['a'].errors = (not set): slo['a'] is nothing without it. To fix: set `slo['a'].errors`.",
      "slo['a'].total = (not set): slo['a'] is nothing without it. To fix: set `slo['a'].total`.",
    ],
  ])('%s', (_, make, ...lines) => {
    expect(wrong(make)).toEqual(lines);
  });
});

describe('the storage that shows the alerts', () => {
  const stack = (chart: Chart, extraFlags = {}) => {
    const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume }, vmselect: { extraFlags } });
    const single = new VmSingle(chart, 'one', { volume, extraFlags });
    const alert = new VmAlert(chart, 'alert', { datasource, rules });
    for (const storage of [cluster, single]) storage.showAlerts(alert.pages());
    return { single, alert };
  };

  test.each([
    ['Deployment', 'metrics-vmselect'],
    ['StatefulSet', 'one-vmsingle'],
  ])('a %s asks the vmalert', (kind, name) => {
    const manifests = synth(stack);
    expect(argsOf(find(manifests, kind, name))).toContain('-vmalert.proxyURL=http://alert-vmalert.monitoring.svc:8880');
    const component = name.replace(/^.*-/, '');
    const ingress = find(manifests, 'NetworkPolicy', 'alert-vmalert')['spec'].ingress as readonly object[];
    expect(JSON.stringify(ingress)).toContain(`"app.kubernetes.io/name":"${component}"`);
  });

  test('is one storage of one vmalert, and has the flag from nowhere else', () => {
    const problems = problemsOf((chart) => {
      const { single, alert } = stack(chart, { 'vmalert.proxyURL': 'http://elsewhere:8880' });
      single.showAlerts(alert.pages());
    });
    const flag = '-vmalert.proxyURL';
    const owned = `'] = "http://elsewhere:8880": ${flag} belongs to showAlerts. To fix: remove it here and use showAlerts.`;
    expect(problems).toEqual([
      `[test/metrics] vmselect.extraFlags['vmalert.proxyURL${owned}`,
      `[test/one] extraFlags['vmalert.proxyURL${owned}`,
      `[test/one] showAlerts = "http://alert-vmalert.monitoring.svc:8880": ${flag} takes one value, and this is the second. To fix: remove one of the two.`,
    ]);
  });
});
