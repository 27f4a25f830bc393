import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import type { Container } from '../../../src';
import { withItsTemplates } from './unpacked-alertmanager';

/** Folders to look in before those of PATH, separated like these. */
export const BINARIES_VARIABLE = 'VM_BINARIES';

/** Programs that images, packages and releases name differently. */
const NAMES: readonly (readonly string[])[] = [
  ['node-exporter', 'node_exporter', 'prometheus-node-exporter'],
  ['pushgateway', 'prometheus-pushgateway'],
  ['alertmanager', 'prometheus-alertmanager'],
  ['opentelemetry-collector-contrib', 'otelcol-contrib', 'otelcol'],
];

/** A name of a program and, after it, its other names. */
function namesOf(name: string): readonly string[] {
  return [name, ...(NAMES.find((names) => names.includes(name)) ?? []).filter((other) => other !== name)];
}

/**
 * The path of an executable: one that is called so, else one that goes by another name of the program.
 *
 * @returns nothing when it is in no folder of VM_BINARIES or PATH
 */
export function findBinary(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = [env[BINARIES_VARIABLE], env.PATH]
    .flatMap((list) => list?.split(delimiter) ?? [])
    .filter((folder) => folder !== '');
  const found = namesOf(name)
    .flatMap((file) => folders.map((folder) => join(folder, file)))
    .find(isExecutable);
  return found !== undefined && namesOf(name).includes('alertmanager') ? withItsTemplates(found) : found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The title says what is missing, so that the report of jest does. */
export function titleWith(title: string, missing: readonly string[]): string {
  return missing.length === 0 ? title : `${title} (skipped: ${missing.join(', ')} not in PATH or ${BINARIES_VARIABLE})`;
}

/** Tests that need real binaries. Where one is missing they are reported as skipped, and the reason is printed. */
export function describeWith(binaries: readonly string[], title: string, tests: () => void): void {
  const missing = binaries.filter((name) => findBinary(name) === undefined);
  const told = titleWith(title, missing);
  // jest shows the titles of a file only where a test of it ran.
  if (missing.length > 0) process.stderr.write(`${told}\n`);
  (missing.length === 0 ? describe : describe.skip)(told, tests);
}

/** The name of the program that a container runs: its command, else the last part of its image. */
export function programOf({ command, image }: Container): string {
  return basename(command?.[0] ?? image.replace(/@.*$/, '').replace(/:[^/]*$/, ''));
}

/**
 * The executable for a container.
 *
 * @param binaries paths by the name of the program or of the container, before what is found on the machine
 * @throws Error when there is none
 */
export function binaryOf(container: Container, binaries: Readonly<Record<string, string>> = {}): string {
  const program = programOf(container);
  const given = [container.name, ...namesOf(program)].find((name) => binaries[name] !== undefined);
  const path = given === undefined ? findBinary(program) : binaries[given];
  if (path === undefined) {
    throw new Error(
      `container ${container.name}: no ${program} in PATH or ${BINARIES_VARIABLE}; install it or name its folder there`,
    );
  }
  return path;
}
