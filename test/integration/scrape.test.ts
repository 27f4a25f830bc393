import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { App, Chart, Duration, Size, Yaml } from 'cdk8s';
import { ENVIRONMENTS } from '../../charts/environments';
import { SecretRef, VmCluster, VmSingle } from '../../src';
import {
  checkScrapeJobs,
  relabelConfigsCheck,
  renderRelabelConfigs,
  Scrape,
  scrapeConfigFile,
  type GlobalScrapeProps,
  type RelabelConfig,
  type ScrapeJob,
} from '../../src/scrape';
import { Problems, regexProblem } from '../../src/validation';
import { describeWith, findBinary, readManifests } from './runner';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scrape-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly accepted: boolean;
  readonly output: string;
}

function run(binary: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(binary, args, { maxBuffer: 1 << 28, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ accepted: error === null, output: stdout + stderr }),
    );
  });
}

let files = 0;

function fileWith(content: string): string {
  const path = join(folder, `${files++}.yaml`);
  writeFileSync(path, content);
  return path;
}

/** Every vmagent that there is: the newest, and that of the distribution. */
function vmagents(): string[] {
  const folders = [process.env['VM_BINARIES'], process.env['PATH']].flatMap((list) => list?.split(delimiter) ?? []);
  const found = [...new Set(folders)].map((one) => findBinary('vmagent', { PATH: one }));
  return found.filter((binary) => binary !== undefined);
}

/** A dry run tells of wrong jobs only in its log: vmagent runs the others. */
async function vmagentReads(binary: string, content: string): Promise<Outcome> {
  const { accepted, output } = await run(binary, [
    '-dryRun',
    `-promscrape.config=${fileWith(content)}`,
    '-promscrape.config.strictParse=true',
    '-remoteWrite.url=http://127.0.0.1:1/api/v1/write',
    `-remoteWrite.tmpDataPath=${join(folder, 'queue')}`,
  ]);
  return { accepted: accepted && !/\t(error|fatal|panic)\t|skipping/.test(output), output };
}

const promtoolReads = (content: string) =>
  run(findBinary('promtool')!, ['check', 'config', '--agent', fileWith(content)]);

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The file of an agent, with files that are there on this machine. */
function fileOf(jobs: readonly ScrapeJob[], global?: GlobalScrapeProps): string {
  const secretPath = (ref: SecretRef) => join(folder, ref.secretName, ref.key);
  for (const path of jobs.flatMap(({ secrets = [] }) => secrets.map(secretPath))) touch(path);
  return atAccount(scrapeConfigFile({ global, jobs, secretPath }));
}

/** With a token and a certificate that are there on this machine. */
function atAccount(text: string): string {
  const account = join(folder, 'account');
  for (const file of ['token', 'ca.crt']) touch(join(account, file));
  return text.replaceAll(SERVICE_ACCOUNT, account);
}

function touch(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'x');
}

const chart = new Chart(new App(), 'test', { namespace: 'monitoring' });
const volume = { size: Size.gibibytes(1) };
const cluster = new VmCluster(chart, 'metrics', { vmstorage: { volume } });
const single = new VmSingle(chart, 'single', {
  volume,
  httpAuth: { username: 'u', password: SecretRef.of('web', 'password') },
});

const PORTABLE: readonly ScrapeJob[] = [
  Scrape.annotatedPods(),
  Scrape.annotatedPods({
    name: 'some-pods',
    namespaces: ['a', 'b'],
    matchLabels: { app: 'x' },
    interval: Duration.minutes(1),
    timeout: Duration.millis(1500),
    labels: { team: 'a$1b' },
    relabelConfigs: [
      { action: 'hashmod', sourceLabels: ['__address__'], targetLabel: '__tmp_hash', modulus: 4 },
      { action: 'keep', sourceLabels: ['__tmp_hash'], regex: ['0', '1'] },
      { action: 'lowercase', sourceLabels: ['pod'], targetLabel: 'pod' },
      { action: 'dropequal', sourceLabels: ['a'], targetLabel: 'b' },
      { action: 'labelkeep', regex: '[^x].*' },
    ],
    metricRelabelConfigs: [{ action: 'labeldrop', regex: '(?i:ID|uid)' }],
  }),
  Scrape.serviceEndpoints(),
  ...Scrape.nodes(),
  Scrape.kubelet({ name: 'verified', tls: { insecureSkipVerify: false } }),
  Scrape.apiServer(),
  ...Scrape.component(cluster.vmstorage),
  ...Scrape.component(single),
  Scrape.static({
    name: 'static',
    targets: ['node-1.example.com:9100', '[fd00::7]:9100', cluster.read()],
    labels: { yes: 'no', version: '1.10' },
    params: { module: ['http_2xx', 'on'] },
    honorLabels: true,
    honorTimestamps: false,
    sampleLimit: 1000,
    labelLimit: 50,
    metricsPath: '/probe',
  }),
  Scrape.static({
    name: 'secret',
    scheme: 'https',
    targets: ['a:443'],
    credentials: { bearerToken: SecretRef.of('s', 'token') },
    tls: { serverName: 'b', insecureSkipVerify: true },
  }),
  Scrape.raw({
    job_name: 'raw',
    scrape_interval: '1m30s',
    basic_auth: { username: 'u', password_file: SecretRef.of('s', 'password') },
    static_configs: [{ targets: ['shop:8080'], labels: { team: 'shop' } }],
    metric_relabel_configs: [{ action: 'drop', source_labels: ['__name__'], regex: 'go_.*' }],
  }),
  Scrape.raw(
    { job_name: 'dns', dns_sd_configs: [{ names: ['_http._tcp.example.com'], type: 'SRV' }] },
    { destinations: [] },
  ),
];

const ONLY_VMAGENT: readonly ScrapeJob[] = [
  Scrape.static({
    name: 'vmagent',
    targets: ['a:1'],
    seriesLimit: 5,
    maxScrapeSize: Size.mebibytes(1),
    streamParse: true,
    scrapeAlignInterval: Duration.minutes(1),
    scrapeOffset: Duration.seconds(5),
    noStaleMarkers: true,
    disableKeepalive: true,
    disableCompression: true,
    relabelConfigs: [
      { action: 'replace_all', sourceLabels: ['a'], targetLabel: 'a', regex: '-', replacement: '_' },
      { action: 'labelmap_all', regex: '\\.', replacement: '_' },
      { action: 'keep_if_equal', sourceLabels: ['a', 'b'] },
      { action: 'drop_if_contains', sourceLabels: ['a'], targetLabel: 'b' },
      { action: 'keep_metrics', regex: 'up' },
      { action: 'graphite', match: 'a.*.b', labels: { job: '$1' } },
      { action: 'drop', if: ['{}', 'up{inf=~"5\\\\d"}', '{a=~"\\x41\\u00e4\\""}', `{a='"\\''}`] },
      { action: 'drop', if: ['up{a=~"b|c", d!="e" or f!~`\\d`}', '{"http.requests"}', 'up'] },
      { action: 'drop', sourceLabels: ['service.name'], regex: '(?P<name>x)(?<other>y)' },
    ],
  }),
  Scrape.raw({
    job_name: 'raw-vmagent',
    stream_parse: true,
    headers: ['X-Scope: a'],
    proxy_headers: ['X-Scope: a'],
    static_configs: [{ targets: ['a:1'] }],
  }),
];

const GLOBAL: GlobalScrapeProps = {
  interval: Duration.seconds(20),
  timeout: Duration.seconds(5),
  externalLabels: { cluster: 'eu-1', on: 'off' },
};

function problemsOf(jobs: readonly ScrapeJob[], program: 'vmagent' | 'prometheus'): string[] {
  const problems = new Problems();
  checkScrapeJobs({ jobs, global: GLOBAL }, program, problems);
  return problems.messages();
}

/** Expressions that must be read. */
const EXPRESSIONS: readonly string[] = [
  ...[
    '',
    'a',
    '.*',
    'a|b|',
    '()',
    '(a|)',
    'a*?b+?c??',
    'a{2}',
    'a{2,}?',
    'a{0,1000}',
    'a{,3}',
    'a{',
    '}',
    'a{01}',
    ']',
  ],
  ...['(?i)abc', '(?i:a)b', '(?s-i:a)', '(?U)a*', '(?P<name>a)', '(?<name>a)', '(?:a(b)c)*', '(?i)'],
  ...[
    '[a-z]',
    '[^a-z]',
    '[]a]',
    '[^]a]',
    '[a-]',
    '[-a]',
    '[[:alpha:]_]',
    '[[:^digit:]]',
    '[\\d.]',
    '[\\pL-]',
    '[\\x41-Z]',
  ],
  ...['\\d\\D\\w\\W\\s\\S\\b\\B', '\\Aa\\z', '\\Qa.b(\\Ec', '\\pL\\p{Greek}\\P{Lu}\\p{^Han}', '\\p{Any}'],
  ...['\\.\\-\\/\\_\\"', '\\n\\t\\a\\f\\r\\v', '\\x41\\x{1F600}\\012\\0', 'é😀', '^a$', '$', '((a{10}){10}){10}'],
];

/** Expressions that nobody reads, among them what JavaScript knows. */
const WRONG_EXPRESSIONS: readonly string[] = [
  ...['(', 'a)', '(a', '[', '[a', '[]', '[z-a]', '[[:foo:]]', '*', '+a', '?', '(*)', '(|*)', 'a**', 'a+*', 'a{2}{3}'],
  ...[
    'a{1001}',
    'a{3,2}',
    '((a{10}){10}){11}',
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)',
    '(?>a)',
    '(?#a)',
    '(?P=n)',
    '(?x)a',
  ],
  ...['(a)\\1', '\\8', '\\k<n>', '\\Z', '\\G', '\\h', '\\R', '\\C', '\\e', '\\cA', '\\u0041', '\\xg', '\\x{110000}'],
  ...['\\p{Foo}', '\\p', '\\p{Letter_Number_X}', '(?P<a b>x)', '(?P<n', '\\', 'a\\', '\\Qa', '(?i', '(?-)'],
];

const relabelingWith = (regex: string): RelabelConfig[] => [
  { sourceLabels: ['a'], targetLabel: 'b', regex, replacement: 'c' },
];

const fileWithRelabeling = (configs: readonly RelabelConfig[][]) =>
  Yaml.stringify({
    scrape_configs: configs.map((config, index) => ({
      job_name: `job-${index}`,
      static_configs: [{ targets: ['a:1'] }],
      relabel_configs: renderRelabelConfigs(config),
    })),
  });

it('takes the expressions for what they are', () => {
  expect(EXPRESSIONS.filter((regex) => regexProblem(regex) !== undefined)).toEqual([]);
  expect(WRONG_EXPRESSIONS.filter((regex) => regexProblem(regex) === undefined)).toEqual([]);
});

it('finds nothing wrong with the jobs', () => {
  expect(problemsOf([...PORTABLE, ...ONLY_VMAGENT], 'vmagent')).toEqual([]);
  expect(problemsOf(PORTABLE, 'prometheus')).toEqual([]);
});

describeWith(['vmagent'], 'vmagent', () => {
  it.each(vmagents())('%s reads every job', async (binary) => {
    expect(await vmagentReads(binary, fileOf([...PORTABLE, ...ONLY_VMAGENT], GLOBAL))).toMatchObject({
      accepted: true,
    });
  });

  it.each(vmagents())('%s reads the files of every environment as they are committed', async (binary) => {
    for (const name of Object.keys(ENVIRONMENTS)) {
      const files = readManifests(join(__dirname, '../../dist', name)).flatMap((object) => {
        const { kind, data = {} } = object as {
          readonly kind: string;
          readonly data?: Readonly<Record<string, string>>;
        };
        return kind === 'ConfigMap' ? (data['scrape.yaml'] ?? []) : [];
      });
      expect([name, files.length]).toEqual([name, 1]);
      const read = await vmagentReads(binary, atAccount(files[0]!));
      expect({ name, ...read }).toMatchObject({ name, accepted: true });
    }
  });

  it.each(vmagents())('%s reads every expression that is taken for one', async (binary) => {
    const read = await vmagentReads(binary, fileWithRelabeling(EXPRESSIONS.map(relabelingWith)));
    expect(read).toMatchObject({ accepted: true });
  });

  it.each(vmagents())(
    '%s reads none of those that are refused',
    async (binary) => {
      const read = await inTurn(WRONG_EXPRESSIONS, (regex) =>
        vmagentReads(binary, fileWithRelabeling([relabelingWith(regex)])),
      );
      expect(read).toEqual([]);
    },
    120_000,
  );

  it.each(vmagents())(
    '%s reads no relabeling that is refused',
    async (binary) => {
      const read = await inTurn(WRONG_RELABELING, (config) => vmagentReads(binary, fileWithRelabeling([[config]])));
      expect(read).toEqual([]);
    },
    60_000,
  );
});

describeWith(['promtool'], 'Prometheus', () => {
  it('reads every job that vmagent is not needed for', async () => {
    expect(await promtoolReads(fileOf(PORTABLE, GLOBAL))).toMatchObject({ accepted: true });
  });

  it('does not read the others, as it is told', async () => {
    for (const job of ONLY_VMAGENT) {
      expect(problemsOf([job], 'prometheus')).not.toEqual([]);
      expect(await promtoolReads(fileOf([job], GLOBAL))).toMatchObject({ accepted: false });
    }
  });

  it('reads every expression that is taken for one', async () => {
    expect(await promtoolReads(fileWithRelabeling(EXPRESSIONS.map(relabelingWith)))).toMatchObject({ accepted: true });
  });

  it('reads none of those that are refused', async () => {
    const read = await inTurn(WRONG_EXPRESSIONS, (regex) => promtoolReads(fileWithRelabeling([relabelingWith(regex)])));
    expect(read).toEqual([]);
  }, 120_000);
});

/** Rules that vmagent would not run the job with. */
const WRONG_RELABELING: readonly RelabelConfig[] = [
  { sourceLabels: ['a'] },
  { action: 'keep', regex: 'a' },
  { action: 'drop', regex: 'a' },
  { action: 'hashmod', sourceLabels: ['a'], targetLabel: 'b' },
  { action: 'replace_all', targetLabel: 'b' },
  { action: 'uppercase', targetLabel: 'b' },
  { action: 'keep_if_equal', sourceLabels: ['a'] },
  { action: 'drop_if_equal', sourceLabels: ['a', 'b'], targetLabel: 'c' },
  { action: 'keep_if_contains', sourceLabels: ['a'] },
  { action: 'keep_metrics' },
  { action: 'drop_metrics', sourceLabels: ['a'], regex: 'b' },
  { action: 'graphite', match: 'a.*' },
  { action: 'graphite', match: 'a.*', labels: { a: '$1' }, regex: 'x' },
  { action: 'keepequal', sourceLabels: ['a'], targetLabel: 'b', regex: 'x' },
  { action: 'replace', targetLabel: 'a', replacement: 'b', match: 'x' },
  { action: 'drop', if: '{job}' },
  { action: 'drop', if: 'up[5m]' },
  { action: 'drop', if: '{job=~"a("}' },
  { action: 'drop', if: 'up > 1' },
  { action: 'drop', if: 'inf' },
  { action: 'drop', if: '{a=~"5\\d"}' },
  { action: 'drop', if: `{a='\\"'}` },
  { action: 'drop', if: '{a="\\400"}' },
  { action: 'drop', if: '{a="x\ny"}' },
];

it('refuses what vmagent would not run', () => {
  for (const config of WRONG_RELABELING) {
    const problems = new Problems();
    relabelConfigsCheck([config], 'relabelConfigs', problems);
    expect(problems.messages()).not.toEqual([]);
  }
});

/** Those of the items that a program reads, asked for a few at a time. */
async function inTurn<T>(items: readonly T[], read: (item: T) => Promise<Outcome>): Promise<T[]> {
  const outcomes: [T, Outcome][] = [];
  for (let start = 0; start < items.length; start += 4) {
    const some = items.slice(start, start + 4);
    outcomes.push(...(await Promise.all(some.map(async (item) => [item, await read(item)] as [T, Outcome]))));
  }
  return outcomes.filter(([, { accepted }]) => accepted).map(([item]) => item);
}
