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
            { name: 'late', rules: [], evalDelay: Duration.minutes(2), evalAlignment: false },
          ],
        }),
      ],
    });
    expect(find(manifests, 'ConfigMap', 'alert-vmalert-rules')['data']).toEqual({
      'late.yaml': 'groups:\n  - name: late\n    rules: []\n    eval_delay: 2m\n    eval_alignment: false\n',
      'my-targets.yaml': `groups:
  - name: my targets
    rules:
      - expr: "up{job=\\"a(b\\"} == 0 # ("
        alert: TargetDown
        for: 5m
        keep_firing_for: 90s
        labels:
          severity: critical
        annotations:
          summary: "{{ $labels.instance }} is gone"
      - expr: sum(up) by (job)
        debug: true
        update_entries_limit: 3
        record: job:up:sum
    interval: 30s
    limit: 100
    concurrency: 2
    eval_offset: 10s
    params:
      denyPartialResponse:
        - "true"
    headers:
      - "X-Team: a"
    notifier_headers:
      - "X-Team: b"
`,
    });
  });

  test('come from folders, but for the tests beside them', () => {
    const alert = (name: string) => `groups:\n- name: ${name}\n  rules:\n  - alert: ${name}\n    expr: up == 0\n    for: 1h30m`;
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
    return [...ruleFile(manifests, 'slo-checkout.yaml').groups, ...ruleFile(manifests, 'slo-checkout-budget.yaml').groups];
  };

  test('is watched over several windows, as in the workbook', () => {
    const [burn] = groupsOf();
    expect(burn!.rules.flatMap(({ record }) => record ?? [])).toEqual(
      ['5m', '30m', '1h', '2h', '6h', '24h', '72h'].map((window) => `slo:error_ratio:rate${window}`),
    );
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

  test('of another window burns at another rate, and its budget is recorded', () => {
    const [burn, budget] = groupsOf({ window: Duration.days(7), objective: 0.99 });
    expect(burn!.rules.at(-2)!.expr).toContain('slo:error_ratio:rate1h{slo="checkout"} > 0.0336 ');
    expect(budget).toMatchObject({
      interval: '5m',
      rules: [
        { record: SLO_SERIES.objective, expr: 'vector(0.99)' },
        {
          record: SLO_SERIES.budgetRemaining,
          expr: '1 - avg_over_time(slo:error_ratio:rate5m{slo="checkout"}[7d]) / 0.01',
        },
      ],
    });
  });
});

describe('wrong configurations', () => {
  const wrong = (props: Loose<VmAlertProps>) =>
    problemsOf((chart) => new VmAlert(chart, 'alert', { datasource, rules, ...props } as unknown as VmAlertProps)).map(
      (line) => line.replace('[test/alert] ', '').replaceAll(`${folder}/`, ''),
    );
  const file = (content: string) => [Rules.fromFile(written('wrong.yaml', content))];

  const CASES: Record<string, () => Loose<VmAlertProps>> = {
    'nothing': () => ({ datasource: undefined, rules: undefined }),
    'no rules': () => ({ rules: [] }),
    'rules as text': () => ({ rules: ['rules/'] }),
    'write endpoint as datasource': () => ({ datasource: remoteWrite }),
    'endpoint of another kind as notifier': () => ({ notifiers: [datasource] }),
    'misspelt prop': () => ({ evaluationIntervall: Duration.seconds(1) }),
    'short interval': () => ({ evaluationInterval: Duration.millis(100) }),
    'autoscaling': () => ({ autoscaling: { maxReplicas: 3 } }),
    'external url': () => ({ externalUrl: 'grafana.example.com' }),
    'external url slash': () => ({ externalUrl: 'https://grafana.example.com/' }),
    'external url secret': () => ({ externalUrl: 'https://me:pass@grafana.example.com' }),
    'alert source': () => ({ alertSource: '/explore' }),
    'external label': () => ({ externalLabels: { 'data-center': 'a' } }),
    'label of replica': () => ({ replicas: 2, externalLabels: { replica: '%{HOSTNAME}' } }),
    'remoteRead alone': () => ({ remoteRead: datasource }),
    'recording': () => ({ rules: [rule({ record: 'a:b' })] }),
    'notifier twice': () => ({ notifiers: [1, 2].map(() => NotifyEndpoint.external('https://am')) }),
    'notifier params': () => ({ notifiers: [NotifyEndpoint.external('https://am?a=b')] }),
    'flag of prop': () => ({ extraFlags: { 'notifier.url': 'http://am', 'external.url': 'https://x' } }),
    'flag dryRun': () => ({ extraFlags: { dryRun: true } }),
    'flag config': () => ({ extraFlags: { 'notifier.config': '/x' } }),
    'flag password': () => ({ extraFlags: { 'datasource.basicAuth.password': 'hunter2' } }),
    'grace': () => ({ terminationGracePeriod: Duration.seconds(20) }),
    'no groups': () => ({ rules: [Rules.of({} as never)] }),
    'misspelt rule': () => ({ rules: [rule({ alert: 'A', lables: {} })] }),
    'misspelt group': () => ({ rules: [group({ intervall: Duration.seconds(30) })] }),
    'no name': () => ({ rules: [group({ name: '' })] }),
    'neither': () => ({ rules: [rule({})] }),
    'both': () => ({ rules: [rule({ alert: 'A', record: 'b' })] }),
    'no expr': () => ({ rules: [rule({ alert: 'A', expr: undefined })] }),
    'empty expr': () => ({ rules: [rule({ alert: 'A', expr: ' # all' })] }),
    'open': () => ({ rules: [rule({ alert: 'A', expr: 'sum(rate(x[5m]) > 1' })] }),
    'crossed': () => ({ rules: [rule({ alert: 'A', expr: 'sum(rate(x[5m)]) > 1' })] }),
    'closes': () => ({ rules: [rule({ alert: 'A', expr: 'sum(x)) > 1' })] }),
    'quote': () => ({ rules: [rule({ alert: 'A', expr: 'up{job="a} == 0' })] }),
    'for': () => ({ rules: [rule({ alert: 'A', for: '5 minutes' })] }),
    'for on record': () => ({ rules: [rule({ record: 'a', for: Duration.seconds(1) })], remoteWrite }),
    'record name': () => ({ rules: [rule({ record: 'error-rate' })], remoteWrite }),
    'label name': () => ({ rules: [rule({ alert: 'A', labels: { 'a-b': 'c' } })] }),
    '__name__': () => ({ rules: [rule({ alert: 'A', labels: { __name__: 'c' } })] }),
    'secret annotation': () => ({ rules: [rule({ alert: 'A', annotations: { webhook: 'https://me:pass@host/', api_token: 'abc' } })] }),
    'template': () => ({ rules: [rule({ alert: 'A', annotations: { summary: '{{ $value }' } })] }),
    'header': () => ({ rules: [group({ headers: ['Authorization: Bearer abc', 'none'] })] }),
    'tenant': () => ({ rules: [group({ tenant: 'a' })] }),
    'tenant all': () => ({ rules: [group({ tenant: Tenant.MULTITENANT })] }),
    'offset': () => ({ rules: [group({ evalOffset: Duration.seconds(10) })] }),
    'offset far': () => ({ rules: [group({ evalOffset: Duration.seconds(60), interval: Duration.seconds(30), evalDelay: Duration.seconds(1) })] }),
    'same group': () => ({ rules: [...rules, ...rules] }),
    'same file': () => ({ rules: [group({ name: 'a b' }), group({ name: 'a-b' })] }),
    'same alert': () => ({ rules: [group({ rules: [1, 2].map((limit) => ({ alert: 'A', expr: `x > ${limit}` })) })] }),
    'same record': () => ({ rules: [group({ rules: [1, 2].map(() => ({ record: 'a', expr: `x` })) })], remoteWrite }),
    'file gone': () => ({ rules: [Rules.fromFile(join(folder, 'gone.yaml')), Rules.fromDirectory(join(folder, 'gone'))] }),
    'file yaml': () => ({ rules: file('groups: [') }),
    'file no groups': () => ({ rules: file('- a') }),
    'file field': () => ({ rules: file('groups:\n- name: a\n  evalOffset: 1s\n  type: vlogs\n  rules:\n  - alert: B\n    exprs: up\n    keep_firing_for: ten') }),
    'file key': () => ({ rules: file('groups: []\nrules: []') }),
    'slo': () => ({ remoteWrite, rules: [Slo.of({ name: 'a', objective: 99.9, errors: 'rate(x[5m])', total: 'rate(y[$window]', window: Duration.days(1) }).rules()] }),
    'slo low': () => ({ remoteWrite, rules: [Slo.of({ name: 'a', objective: 0.9, errors: 'rate(x[$window])', total: 'rate(y[$window])' }).rules()] }),
    'slo none': () => ({ remoteWrite, rules: [Slo.of({ name: 'a' } as never).rules()] }),
  };
  test('print', () => {
    for (const [name, make] of Object.entries(CASES)) console.log(name + '\n' + wrong(make()).join('\n'));
  });
});
