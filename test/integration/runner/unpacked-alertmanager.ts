import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian's package has the templates of Alertmanager; programs of others have them built in. */
const TEMPLATES = '/usr/share/prometheus/alertmanager';

/** The program itself; of a package that was only unpacked a copy that looks for its templates where they are. */
export function withItsTemplates(program: string): string {
  const unpacked = join(program, '../../share/prometheus/alertmanager');
  if (existsSync(TEMPLATES) || !existsSync(unpacked)) return program;
  const { ino, mtimeMs, uid } = statSync(program);
  const folder = join(tmpdir(), `am-${uid}-${ino}-${Math.floor(mtimeMs / 1000)}`);
  if (!existsSync(folder)) copy(program, unpacked, folder);
  return join(folder, 'alertmanager');
}

/** Complete or not there at all, since several test files may begin at once. */
function copy(program: string, unpacked: string, folder: string): void {
  const making = `${folder}.${process.pid}`;
  // A path of the same length takes its place.
  const templates = join(folder, '-'.repeat(TEMPLATES.length - folder.length - 1));
  mkdirSync(making);
  symlinkSync(unpacked, templates.replace(folder, making));
  const content = readFileSync(program, 'latin1').replaceAll(TEMPLATES, templates);
  writeFileSync(join(making, 'alertmanager'), content, { encoding: 'latin1', mode: 0o755 });
  try {
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}
