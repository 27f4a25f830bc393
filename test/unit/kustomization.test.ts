import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { writeEnvironments } from '../../charts/app';
import { ENVIRONMENTS } from '../../charts/environments';
import { describeWith } from '../integration/runner';
import { parseManifests, synthesizedEnvironments } from '../manifests/environments';
import { titleOf, type Manifest } from '../manifests/manifest';
import { canonicalQuantity, storedAsApplied } from '../smoke/canonical';
import { readManifests } from '../smoke/smoke';

const NAMES = Object.keys(ENVIRONMENTS);
let outdir: string;

beforeAll(() => {
  outdir = mkdtempSync(join(tmpdir(), 'kustomization-'));
  writeEnvironments(outdir);
});

afterAll(() => {
  rmSync(outdir, { recursive: true });
});

describe.each(NAMES)('the kustomization of %s', (name) => {
  test('lists all manifests in the order in which they are applied', () => {
    const folder = join(outdir, name);
    const { apiVersion, kind, resources } = parse(readFileSync(join(folder, 'Kustomization'), 'utf8'));
    expect({ apiVersion, kind }).toEqual({ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' });
    expect(resources).toEqual(
      readdirSync(folder)
        .filter((file) => file.endsWith('.yaml'))
        .sort(),
    );
  });

  test('is not what `kubectl apply -f` of the folder would take for a manifest', () => {
    const others = readdirSync(join(outdir, name)).filter((file) => !file.endsWith('.k8s.yaml'));
    expect(others).toEqual(['Kustomization']);
  });
});

/** Where a kind stands when namespaces, config and storage come before the rest. */
function stage({ kind }: Manifest): number {
  if (kind === 'Namespace') return 0;
  if (['NetworkPolicy', 'ServiceAccount', 'ConfigMap', 'Service'].includes(kind) || kind.includes('Role')) return 1;
  return kind === 'StatefulSet' ? 2 : 3;
}

describeWith(['kubectl'], 'kustomize', () => {
  function build(name: string): Manifest[] {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(outdir, name)], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return parseManifests(stdout);
  }

  test.each(NAMES)('builds %s from the same objects as the files have', (name) => {
    const byTitle = (objects: readonly Manifest[]): Record<string, Manifest> =>
      Object.fromEntries(objects.map((object) => [titleOf(object), object]));
    const objects = readManifests(join(outdir, name));
    const built = build(name);
    expect(built).toHaveLength(objects.length);
    expect(byTitle(built)).toEqual(byTitle(objects));
  });

  test.each(NAMES)('orders %s: namespaces, config, storage, the rest', (name) => {
    const stages = build(name).map(stage);
    expect(stages).toEqual([...stages].sort());
    expect(new Set(stages)).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe('what is applied is what the API server stores', () => {
  test.each(synthesizedEnvironments())('%s', (_name, objects) => {
    expect(storedAsApplied(objects)).toEqual([]);
  });

  const deployment = (container: object): Manifest => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { template: { spec: { containers: [{ name: 'web', ...container }] } } },
  });
  const CONTAINER = 'Deployment shop/web: spec.template.spec.containers[0]';

  test.each<[what: string, object: Manifest, finding: string]>([
    ['null', deployment({ args: null }), `${CONTAINER}.args is null, which is not stored`],
    ['an empty list', deployment({ args: [] }), `${CONTAINER}.args is empty, which is not stored`],
    ['an empty map', deployment({ securityContext: {} }), `${CONTAINER}.securityContext is empty, which is not stored`],
    [
      'an amount in milli-units',
      deployment({ resources: { requests: { cpu: '1000m' } } }),
      `${CONTAINER}.resources.requests[cpu] is 1000m, which is stored as 1`,
    ],
    [
      'an amount that is a number',
      deployment({ resources: { limits: { cpu: 1 } } }),
      `${CONTAINER}.resources.limits[cpu] is not a text, which it is when it is stored`,
    ],
    [
      'a port without a protocol',
      deployment({ ports: [{ containerPort: 80 }] }),
      `${CONTAINER}.ports[0] has no protocol, which the API server fills in`,
    ],
    [
      'a variable that is given twice',
      deployment({
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      }),
      `${CONTAINER}.env has A twice, and one of them is stored`,
    ],
    ['an empty variable', deployment({ env: [{ name: 'A', value: '' }] }), `${CONTAINER}.env has an empty A`],
    [
      'a Service port without a protocol',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { ports: [{ port: 80 }] },
      },
      'Service shop/web: spec.ports[0] has no protocol, which the API server fills in',
    ],
    [
      'a policy port without a protocol',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] },
      },
      'NetworkPolicy shop/web: spec.ingress[0].ports[0] has no protocol, which the API server fills in',
    ],
    [
      'a claim template without a kind',
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'web', namespace: 'shop' },
        spec: { volumeClaimTemplates: [{ apiVersion: 'v1', spec: { volumeMode: 'Filesystem' } }] },
      },
      'StatefulSet shop/web: spec.volumeClaimTemplates[0].kind is missing, which the API server fills in',
    ],
  ])('%s is found', (_what, object, finding) => {
    expect(storedAsApplied([object])).toEqual([finding]);
  });

  test('selectors of everything, volumes without settings and empty files are meant', () => {
    const policy = { podSelector: {}, ingress: [{ from: [{ namespaceSelector: {} }] }] };
    expect(
      storedAsApplied([
        { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'all' }, spec: policy },
        { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { 'empty.yml': '' } },
      ]),
    ).toEqual([]);
  });

  test.each([
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['0.5', '500m'],
    ['0.1', '100m'],
    ['1', '1'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1000Mi', '1000Mi'],
    ['1048576Ki', '1Gi'],
    ['1000k', '1M'],
    ['0Gi', '0'],
  ])('%s is stored as %s', (written, stored) => {
    expect(canonicalQuantity(written)).toBe(stored);
  });
});
