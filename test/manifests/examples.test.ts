import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseManifests } from './environments';
import { workloads, type Manifest } from './manifest';
import { POLICIES } from './policies';

const EXAMPLES = join(__dirname, '../../examples');

/** Examples live in a namespace that exists already, and need not be ready for anything but their own subject. */
const OF_ENVIRONMENTS_ONLY = ['deniedByDefault', 'existingNamespaces', 'podSecurityRestricted', 'realPeers'];

/** Kinds of other APIs than that of Kubernetes itself. */
const CUSTOM_API = 'gateway.networking.k8s.io/';

function run(example: string): Manifest[] {
  const outdir = mkdtempSync(join(tmpdir(), 'example-'));
  try {
    execFileSync(process.execPath, ['--require', 'ts-node/register', join(EXAMPLES, example)], {
      env: { ...process.env, CDK8S_OUTDIR: outdir },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return readdirSync(outdir).flatMap((file) => parseManifests(readFileSync(join(outdir, file), 'utf8')));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

describe.each(readdirSync(EXAMPLES))('%s', (example) => {
  const objects = run(example);

  test('does not write among the environments', () => {
    expect(readFileSync(join(EXAMPLES, example), 'utf8')).toContain("process.env.CDK8S_OUTDIR ?? 'dist-examples'");
  });

  test('has pods', () => {
    expect(workloads(objects)).not.toHaveLength(0);
  });

  test.each(Object.entries(POLICIES).filter(([name]) => !OF_ENVIRONMENTS_ONLY.includes(name)))(
    '%s',
    (_policy, violations) => {
      const known = objects.filter(({ apiVersion }) => !apiVersion.startsWith(CUSTOM_API));
      expect(violations(known)).toEqual([]);
    },
  );
});
