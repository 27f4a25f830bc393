import { Duration } from 'cdk8s';
import { Cpu, Image, IMAGES, InvalidValueError, Retention, SecretRef, Tenant } from '../../src';
import { goDuration, longDuration, parsePrometheusDuration, prometheusDuration } from '../../src/values';

const messageOf = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    if (error instanceof InvalidValueError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('Retention', () => {
  test.each([
    [Retention.hours(36), '36h'],
    [Retention.days(90), '90d'],
    [Retention.weeks(8), '8w'],
    [Retention.months(12), '12'],
    [Retention.years(2), '2y'],
    [Retention.parse('12'), '12'],
    [Retention.parse('1.5y'), '1.5y'],
    [Retention.parse('6M'), '6'],
  ])('%s', (retention, flag) => {
    expect(retention.toString()).toBe(flag);
  });

  test.each([0, -1, NaN, Infinity, 0.5])('%s days are refused', (days) => {
    expect(messageOf(() => Retention.days(days))).toBe(
      `retention = "${days}d": VictoriaMetrics keeps data for at least 1 day and at most 100 years. ` +
        'To fix: use something from Retention.days(1) to Retention.years(100).',
    );
  });

  test.each(['', '90 d', '90days', 'd', '-5d', '30m'])('%j is refused', (text) => {
    expect(messageOf(() => Retention.parse(text))).toMatch(
      /^retention = .*: must be a number with one of the suffixes/,
    );
  });
});

describe('Tenant', () => {
  test.each([
    [Tenant.of(0), '0'],
    [Tenant.of(42, 7), '42:7'],
    [Tenant.parse('4294967295:4294967295'), '4294967295:4294967295'],
    [Tenant.parse('007'), '7'],
    [Tenant.parse('multitenant'), 'multitenant'],
  ])('%s', (tenant, path) => {
    expect(tenant.toString()).toBe(path);
  });

  test.each(['', '-1', '4294967296', '1:4294967296', '1:2:3', 'a', '1.5', '1:', ' 1'])('%j is refused', (text) => {
    expect(messageOf(() => Tenant.parse(text))).toBe(
      `tenant = ${JSON.stringify(text)}: must be accountID or accountID:projectID, each from 0 to 4294967295. ` +
        "To fix: write for example Tenant.of(42), Tenant.of(42, 7) or Tenant.parse('42:7').",
    );
  });

  test('numbers that are no ids are refused', () => {
    expect(messageOf(() => Tenant.of(-1))).toContain('tenant = "-1"');
    expect(messageOf(() => Tenant.of(1.5))).toContain('tenant = "1.5"');
    expect(messageOf(() => Tenant.of(1e21))).toContain('tenant = "1e+21"');
  });
});

describe('Image', () => {
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

  test.each([
    ['victoriametrics/vmstorage:v1', undefined, 'victoriametrics/vmstorage', 'v1', undefined],
    ['docker.io/victoriametrics/vmstorage:v1', 'docker.io', 'victoriametrics/vmstorage', 'v1', undefined],
    ['localhost/vm:v1', 'localhost', 'vm', 'v1', undefined],
    ['registry:5000/a/b_c/d:v1', 'registry:5000', 'a/b_c/d', 'v1', undefined],
    [`registry.local/vm@${digest}`, 'registry.local', 'vm', undefined, digest],
    [`registry.local/vm:v1@${digest}`, 'registry.local', 'vm', 'v1', digest],
  ])('%s', (reference, registry, repository, tag, imageDigest) => {
    const image = Image.parse(reference);
    expect(image).toMatchObject({ registry, repository, tag, digest: imageDigest });
    expect(image.toString()).toBe(reference);
  });

  test('comes from a mirror with its tag and digest', () => {
    expect(Image.parse(`quay.io/a/b:v1@${digest}`).inRegistry('registry.local:5000/mirror').toString()).toBe(
      `registry.local:5000/mirror/a/b:v1@${digest}`,
    );
  });

  test('takes another tag, and loses the digest of the old one', () => {
    expect(Image.parse(`quay.io/a/b:v1@${digest}`).withTag('v2').toString()).toBe('quay.io/a/b:v2');
  });

  test.each([
    ['vm', 'a tag or a digest is missing'],
    ['vm:latest', 'the tag `latest` changes under a running stack'],
    ['Upper/vm:v1', '`Upper/vm` is not a valid repository name'],
    ['a//b:v1', '`a//b` is not a valid repository name'],
    [':v1', '`` is not a valid repository name'],
    ['vm:v 1', '`v 1` is not a valid tag'],
    ['vm@sha256:abc', 'the digest must be sha256: and 64 hexadecimal digits'],
    ['https://registry.local/vm:v1', '`https://registry.local/vm` is not a valid repository name'],
  ])('%s is refused', (reference, rule) => {
    expect(messageOf(() => Image.parse(reference))).toBe(
      `image = ${JSON.stringify(reference)}: ${rule}. To fix: write registry/repository:tag, for example ` +
        "Image.parse('docker.io/victoriametrics/vmstorage:v1.150.0-cluster').",
    );
  });

  test('the defaults name their registry and an exact version', () => {
    for (const image of Object.values(IMAGES)) {
      expect(`${image.registry}/`).toMatch(/^[a-z0-9.]+\.[a-z]+\/$/);
      expect(image.tag).toMatch(/^v?\d+\.\d+\.\d+(-cluster|-alpine\d+\.\d+)?$/);
    }
  });
});

describe('SecretRef', () => {
  test('refers by name, or by anything that has one', () => {
    expect(SecretRef.of('auth', 'password').toString()).toBe('auth/password');
    expect(SecretRef.of({ name: 'auth' }, 'password').toString()).toBe('auth/password');
  });

  test.each([
    ['Auth', 'password', 'secretName = "Auth": the name of a Secret consists of'],
    ['auth', 'pass word', 'key = "pass word": a key of a Secret consists of'],
    ['auth', '../../etc/passwd', 'key = "../../etc/passwd": a key of a Secret consists of'],
    ['', 'password', 'secretName = ""'],
  ])('%s %s is refused', (secret, key, message) => {
    expect(messageOf(() => SecretRef.of(secret, key))).toContain(message);
  });
});

describe('Cpu', () => {
  test('is written as Kubernetes wants it', () => {
    expect([Cpu.millis(250).amount, Cpu.units(2).amount, Cpu.units(0.5).amount]).toEqual(['250m', '2', '0.5']);
  });

  test.each([0, -1, 0.5, NaN])('%s thousandths are refused', (millis) => {
    expect(messageOf(() => Cpu.millis(millis))).toBe(
      `cpu = "${millis}m": Kubernetes counts CPU in whole thousandths of a core, above zero. ` +
        'To fix: write for example Cpu.millis(250) or Cpu.units(2).',
    );
  });
});

describe('durations', () => {
  test.each([
    [Duration.millis(1), '1ms', '1ms', '1ms'],
    [Duration.millis(1500), '1500ms', '1500ms', '1500ms'],
    [Duration.millis(1.5), '1500000ns', '2ms', '2ms'],
    [Duration.seconds(90), '90s', '90s', '90s'],
    [Duration.minutes(5), '5m', '300s', '5m'],
    [Duration.hours(36), '36h', '129600s', '36h'],
    [Duration.days(30), '720h', '2592000s', '30d'],
  ])('%# in the notations of Go, of Prometheus and of people', (duration, go, prometheus, long) => {
    expect([goDuration(duration), prometheusDuration(duration), longDuration(duration)]).toEqual([
      go,
      prometheus,
      long,
    ]);
  });

  test.each([
    ['1y1w1d1h1m1s1ms', 32_230_861_001],
    ['90m', 5_400_000],
    ['0s', 0],
    ['', undefined],
    ['1m1h', undefined],
    ['1.5h', undefined],
    ['30', undefined],
  ])('%s as Prometheus reads it', (text, milliseconds) => {
    expect(parsePrometheusDuration(text)).toBe(milliseconds);
  });
});
