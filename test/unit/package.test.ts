import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
/** Below the packages that the declarations name. */
const CACHE = join(ROOT, 'node_modules/.cache');

interface Package {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

test('the declarations of the package are whole', () => {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'declarations-'));
  try {
    const lib = join(folder, 'lib');
    const build = ['-p', join(ROOT, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', lib];
    execFileSync(process.execPath, [TSC, ...build]);
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Package;
    const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]));
    const config = {
      compilerOptions: {
        module: 'node20',
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
      },
      files: entries.map((types) => join(folder, types)),
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    let errors = '';
    try {
      execFileSync(process.execPath, [TSC, '-p', folder], { encoding: 'utf8' });
    } catch (error) {
      errors = (error as { readonly stdout: string }).stdout;
    }
    // Other packages answer for theirs.
    expect(errors.split('\n').filter((line) => line.includes('declarations-'))).toEqual([]);
    expect(entries.length).toBeGreaterThan(4);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
