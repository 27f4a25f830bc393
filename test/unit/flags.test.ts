import { Duration, Size } from 'cdk8s';
import { FlagSet, vminsertFlags, vmselectFlags, vmstorageFlags, type VmselectFlags } from '../../src/flags';
import { vmagentFlags, type VmagentFlags } from '../../src/flags/catalogue/vmagent';
import { namesSecret, Problems } from '../../src/validation';
import { Retention, SecretRef } from '../../src/values';

const path = (ref: SecretRef) => `/secrets/${ref.secretName}/${ref.key}`;

function renderExtra(extra: Partial<VmselectFlags>): string[] {
  const problems = new Problems();
  const args = new FlagSet(vmselectFlags, problems).addExtra(extra).render(path);
  expect(problems.messages()).toEqual([]);
  return args;
}

test('args are sorted by name, whatever the order of setting', () => {
  expect(renderExtra({ 'search.maxSeries': 5, loggerLevel: 'WARN', 'search.disableCache': true })).toEqual([
    '-loggerLevel=WARN',
    '-search.disableCache=true',
    '-search.maxSeries=5',
  ]);
});

test('false and 0 are values, undefined is none', () => {
  expect(renderExtra({ enableMetadata: false, 'search.maxSeries': 0, loggerLevel: undefined })).toEqual([
    '-enableMetadata=false',
    '-search.maxSeries=0',
  ]);
});

test('an array flag is repeated in the order given, and quoted where VictoriaMetrics would split it', () => {
  expect(renderExtra({ 'pushmetrics.extraLabel': ['zone="a"', 'plain', 'a,b'] })).toEqual([
    '-pushmetrics.extraLabel="zone=\\"a\\""',
    '-pushmetrics.extraLabel=plain',
    '-pushmetrics.extraLabel="a,b"',
  ]);
});

test('typed units are written as the binary reads them', () => {
  expect(
    renderExtra({
      'search.maxQueryDuration': Duration.minutes(2),
      'search.maxMemoryPerQuery': Size.gibibytes(2),
      'memory.allowedBytes': 1024,
    }),
  ).toEqual(['-memory.allowedBytes=1024', '-search.maxMemoryPerQuery=2GiB', '-search.maxQueryDuration=2m']);
  const storage = new FlagSet(vmstorageFlags, new Problems()).addExtra({ snapshotsMaxAge: Retention.days(3) });
  expect(storage.render(path)).toEqual(['-snapshotsMaxAge=3d']);
  const large = new FlagSet(vmstorageFlags, new Problems()).addExtra({ 'memory.allowedBytes': Size.pebibyte(1) });
  expect(large.render(path)).toEqual([`-memory.allowedBytes=${1024 ** 5}`]);
  const fraction = new FlagSet(vmstorageFlags, new Problems()).addExtra({ 'memory.allowedBytes': Size.mebibytes(0.3) });
  expect(fraction.render(path)).toEqual(['-memory.allowedBytes=314573']);
});

test('a secret is a file, named to whoever mounts it', () => {
  const flags = new FlagSet(vmselectFlags, new Problems()).addExtra({ deleteAuthKey: SecretRef.of('keys', 'delete') });
  expect(flags.render(path)).toEqual(['-deleteAuthKey=file:///secrets/keys/delete']);
  expect(flags.secrets().map(String)).toEqual(['keys/delete']);
});

/** What Kubernetes makes of an arg: $$ is a $, $(NAME) a variable. */
function expanded(arg: string): string {
  return arg.replace(/\$\$|\$\((\w+)\)/g, (found, name?: string) =>
    name === undefined ? found.slice(1) : `<${name}>`,
  );
}

test.each(['$(HOME)', '$HOME', '$$', '$$$', '$$(HOME)', 'a$$b', '$', 'cost: 5$ $(X) $$(Y)'])(
  'Kubernetes gives %s to the process as it is',
  (text) => {
    expect(renderExtra({ loggerJSONFields: text }).map(expanded)).toEqual([`-loggerJSONFields=${text}`]);
  },
);

test('a secret that is no SecretRef never becomes text', () => {
  const problems = new Problems();
  const flags = new FlagSet(vmselectFlags, problems);
  flags.addExtra({ deleteAuthKey: { secretName: 'keys' } } as unknown as Partial<VmselectFlags>);
  expect(flags.render(path)).toEqual([]);
  expect(problems.messages()).toEqual([
    'extraFlags[\'deleteAuthKey\'] = {"secretName":"keys"}: -deleteAuthKey takes a SecretRef, never the secret itself: ' +
      "the manifest would hold it in the clear. To fix: write SecretRef.of('name-of-the-secret', 'key').",
  ]);
  // As another copy of the package, or JSON, brings it.
  const plain = { secretName: 'keys', key: 'delete' } as SecretRef;
  expect(new FlagSet(vmselectFlags, problems).set('deleteAuthKey', plain, 'prop').render(path)).toEqual([
    '-deleteAuthKey=file:///secrets/keys/delete',
  ]);
  expect(() => new FlagSet(vmselectFlags, problems).set('deleteAuthKey', {} as SecretRef, 'prop').render(path)).toThrow(
    'a flag cannot have the value {}',
  );
});

test('a flag that belongs to a prop is refused even where the prop leaves it out', () => {
  const problems = new Problems();
  const flags = new FlagSet(vmselectFlags, problems).set('replicationFactor', undefined, 'replicationFactor');
  flags.addExtra({ replicationFactor: 5 });
  expect(flags.render(path)).toEqual([]);
  expect(problems.messages()).toEqual([
    "extraFlags['replicationFactor'] = 5: -replicationFactor belongs to replicationFactor. " +
      'To fix: remove it here and use replicationFactor.',
  ]);
});

test('a misspelt flag is suggested even without its prefix', () => {
  const problems = new Problems();
  new FlagSet(vmselectFlags, problems).addExtra({ maxQueryDuration: '30s' } as Partial<VmselectFlags>);
  expect(problems.messages()).toEqual([
    'extraFlags[\'maxQueryDuration\'] = "30s": vmselect v1.150.0 has no flag -maxQueryDuration. ' +
      'To fix: did you mean `search.maxQueryDuration`?',
  ]);
});

test('a secret that the binary reads from its args only is refused, as a reference too', () => {
  const problems = new Problems();
  const extra = { 'remoteWrite.bearerToken': SecretRef.of('remote', 'token') } as unknown as Partial<VmagentFlags>;
  expect(new FlagSet(vmagentFlags, problems).addExtra(extra).render(path)).toEqual([]);
  expect(problems.messages()).toEqual([
    "extraFlags['remoteWrite.bearerToken'] = remote/token: -remoteWrite.bearerToken takes a secret from its args only, where " +
      'everybody can read it. To fix: use the flag of the same name that ends in File.',
  ]);
});

test('names of Object.prototype are no flags', () => {
  const problems = new Problems();
  new FlagSet(vmselectFlags, problems).addExtra({
    constructor: 'x',
    toString: 'y',
  } as unknown as Partial<VmselectFlags>);
  expect(problems.messages().map((line) => line.split(' = ')[0])).toEqual([
    "extraFlags['constructor']",
    "extraFlags['toString']",
  ]);
});

test('the catalogues are those of the version', () => {
  expect([vmstorageFlags, vminsertFlags, vmselectFlags].map(({ binary, version }) => `${binary} ${version}`)).toEqual([
    'vmstorage v1.150.0',
    'vminsert v1.150.0',
    'vmselect v1.150.0',
  ]);
  expect(vmselectFlags.types['search.maxQueryDuration']).toBe('duration');
  expect(vmstorageFlags.deprecated).toContain('finalMergeDelay');
});

describe('what a name says of its value', () => {
  test.each(['DB_PASS', 'SECRET_KEY', 'license-key', 'signing_key', 'apiKey', 'pass', 'X-Auth-Token', 'dbPassword'])(
    '%s is secret',
    (name) => expect(namesSecret(name)).toBe(true),
  );
  test.each(['BYPASS', 'compass', 'KEY', 'tokens', 'primary_key', 'TOKEN_FILE'])('%s is not', (name) =>
    expect(namesSecret(name)).toBe(false),
  );
});
