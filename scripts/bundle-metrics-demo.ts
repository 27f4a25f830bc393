/**
 * Makes the program of metrics-demo one file, which a ConfigMap can carry: the same for the same sources and dependencies.
 *
 * Usage: npm run bundle:metrics-demo [-- FOLDER]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = join(__dirname, '..');
const FOLDER = 'src/metrics-demo/bundle';

/** File name to content: the program, and the licences of what is in it. */
type Bundle = Readonly<Record<'program.js' | 'LICENSES.txt', string>>;

/** prom-client loads all that it has, a sixth of the bundle, of which the program uses counters, gauges and histograms. */
const WITHOUT_UNUSED: Plugin = {
  name: 'without-unused',
  setup({ onResolve, onLoad }) {
    const namespace = 'unused';
    onResolve({ filter: /^\.\/lib\/(?:cluster|defaultMetrics|pushgateway|summary)$/ }, ({ path, importer }) =>
      importer.endsWith('/prom-client/index.js') ? { path, namespace } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, () => ({ contents: 'module.exports = undefined;' }));
  },
};

async function bundle(): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/metrics-demo/program/main.ts'],
    outfile: `${FOLDER}/program.js`,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // ES modules, of which only what is used is taken: without this it is three times as large.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    banner: {
      js: '// metrics-demo of cdk8s-victoriametrics. Licences of what is in it: src/metrics-demo/bundle/LICENSES.txt.',
    },
    plugins: [WITHOUT_UNUSED],
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const packages = new Set(
    Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  return { 'program.js': outputFiles[0]!.text, 'LICENSES.txt': licenses([...packages].sort()) };
}

/** Many packages have the same text, which stands here once. */
function licenses(folders: readonly string[]): string {
  const titles = new Map<string, string[]>();
  for (const folder of folders) {
    const path = join(ROOT, folder);
    const file = readdirSync(path).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${folder}: has no licence to pass on`);
    const text = readFileSync(join(path, file), 'utf8').trim();
    titles.set(text, [...(titles.get(text) ?? []), titleOf(path)]);
  }
  return [...titles]
    .map(([text, packages]) => `${[...new Set(packages)].sort().join('\n')}\n\n${text}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function titleOf(path: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license: string;
  };
  return `${name} ${version} (${license})`;
}

async function main(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(await bundle())) {
    writeFileSync(join(folder, name), text);
    console.log(`${name}: ${Buffer.byteLength(text)} bytes`);
  }
}

void main(process.argv[2] ?? join(ROOT, FOLDER));
