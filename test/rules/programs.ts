import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinary } from '../integration/runner';

/**
 * Runs a program that keeps what it stores below TMPDIR, in a folder of its own.
 *
 * @returns what it says
 */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'));
  const options = { env: { ...process.env, TMPDIR: folder }, maxBuffer: 64 * 1024 * 1024 };
  try {
    return await new Promise((resolve, reject) => {
      execFile(findBinary(program)!, args, options, (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stdout}`));
        else resolve(`${stdout}${stderr}`);
      });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
