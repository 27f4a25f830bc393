import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Size } from 'cdk8s';
import { writeEnvironments } from '../../charts/app';
import { ENVIRONMENTS } from '../../charts/environments';

const DIST = join(__dirname, '../../dist');
let outdir: string;

beforeEach(() => {
  outdir = mkdtempSync(join(tmpdir(), 'synth-'));
});

afterEach(() => {
  rmSync(outdir, { recursive: true });
});

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length), readFileSync(path, 'utf8')]));
}

test('dist is what the app writes now: if not, run `npm run synth` and commit', () => {
  writeEnvironments(outdir);
  expect(contents(DIST)).toEqual(contents(outdir));
});

test('a second synth writes the same bytes and leaves nothing of an earlier one', () => {
  writeEnvironments(outdir);
  const first = contents(outdir);
  writeFileSync(join(outdir, 'kind', 'renamed-since.k8s.yaml'), '');
  const written = writeEnvironments(outdir);
  expect(contents(outdir)).toEqual(first);
  expect(written.map(({ name }) => name)).toEqual(['kind', 'production', 'single-node']);
});

test('what is not an environment is left alone', () => {
  mkdirSync(join(outdir, 'mine'));
  writeFileSync(join(outdir, 'mine', 'notes.txt'), 'keep');
  writeEnvironments(outdir);
  expect(contents(outdir)).toHaveProperty(['/mine/notes.txt'], 'keep');
});

test('a mistake in one environment leaves all of them as they are, and every mistake is told', () => {
  writeEnvironments(outdir);
  const before = contents(outdir);
  const vmstorage = { volume: { size: Size.gibibytes(10) } };
  const wrong = (replicationFactor: number) => ({
    namespace: 'monitoring',
    agent: {},
    storage: { cluster: { replicationFactor, vmstorage: { ...vmstorage, replicas: 1 } } },
  });
  expect(() => writeEnvironments(outdir, { ...ENVIRONMENTS, kind: wrong(2), 'single-node': wrong(3) })).toThrow(
    /^kind: Validation failed .*\n.*replicationFactor = 2: .*\nsingle-node: Validation failed .*\n.*replicationFactor = 3: /,
  );
  expect(contents(outdir)).toEqual(before);
});
