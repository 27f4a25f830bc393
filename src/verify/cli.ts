#!/usr/bin/env node
import { parseArguments, USAGE, type Arguments } from './arguments';
import { connectToKubernetes } from './client-node';
import type { Kubernetes } from './kubernetes';
import { formatReport, formatStep } from './report';
import { verify } from './verify';

/** What the command touches of its process. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The report. */
  out(text: string): void;
  /** Progress and what is wrong. */
  error(text: string): void;
  readonly signal: AbortSignal;
  connect(args: Arguments): Promise<Kubernetes>;
}

/** @returns the exit code */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const given = parseArguments(args, terminal.environment);
    if (given === undefined) {
      terminal.out(USAGE);
      return 0;
    }
    const { wait, json, tenants, credentials, only, networkImage, chaos } = given;
    const report = await verify({
      kubernetes: await terminal.connect(given),
      ...{ tenants, credentials, only, require: given.require, networkImage, chaos },
      patience: { rollout: wait },
      signal: terminal.signal,
      onProgress: (progress) => {
        const { kind } = progress;
        terminal.error(kind === 'end' ? formatStep(progress.step) : `... ${progress.topic}: ${progress.name}`);
      },
    });
    terminal.out(json ? JSON.stringify(report, undefined, 2) : formatReport(report));
    return report.result === 'passed' ? 0 : 1;
  } catch (error) {
    terminal.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

async function main(): Promise<void> {
  const interruption = new AbortController();
  const interrupt = (): void => {
    process.stderr.write('interrupted: removing what was made\n');
    interruption.abort(new Error('interrupted'));
  };
  // Once: a second signal ends the process at once.
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const code = await runCommand(process.argv.slice(2), {
    environment: process.env,
    out: (text) => void process.stdout.write(`${text}\n`),
    error: (text) => void process.stderr.write(`${text}\n`),
    signal: interruption.signal,
    connect: connectToKubernetes,
  });
  // A lost connection that nobody waits for any more would keep the process. What was printed is out by then.
  process.stdout.write('', () => process.exit(code));
}

if (require.main === module) void main();
