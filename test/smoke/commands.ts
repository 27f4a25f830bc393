import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** How a program ended. */
export interface Outcome {
  /** The exit code; 127 when there is no such program, as a shell has it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Beside the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets each line of the output as it comes. @default - nobody sees it before the end */
  readonly onLine?: (line: string) => void;
  /** Ends the program. */
  readonly signal?: AbortSignal;
}

/** A program that goes on until it is stopped. */
export interface Background {
  /** What the pattern matched in the output. */
  readonly match: RegExpExecArray;
  stop(): Promise<void>;
}

/** Everything that the smoke test asks of other programs. */
export interface Commands {
  /** Resolves however the program ends, and with code 127 when there is none. Rejects when the signal is aborted. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<Outcome>;
  /**
   * Resolves as soon as a line of the output matches.
   *
   * @throws Error when the program ends before
   */
  start(command: string, args: readonly string[], ready: RegExp, options?: RunOptions): Promise<Background>;
}

/** A program that failed, with what it said last. */
export class CommandFailure extends Error {
  public constructor(command: string, args: readonly string[], { code, stdout, stderr }: Outcome) {
    const said = (stderr.trim() || stdout.trim()).split('\n').slice(-20).join('\n');
    super(`${[command, ...args].join(' ')}\nended with ${code}${said === '' ? '' : `:\n${said}`}`);
    this.name = 'CommandFailure';
  }
}

/** Runs a program that has to succeed. */
export async function succeed(
  commands: Commands,
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const outcome = await commands.run(command, args, options);
  if (outcome.code !== 0) throw new CommandFailure(command, args, outcome);
  return outcome.stdout;
}

const NOT_FOUND = 127;

/** In a process group of its own: Ctrl-C reaches this process only, which then decides what ends. */
function launch(
  command: string,
  args: readonly string[],
  env: RunOptions['env'],
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

/** With all that it started. */
function terminate({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGTERM');
}

/** Programs of this machine. */
export const LOCAL_COMMANDS: Commands = {
  async run(command, args, { env, onLine, signal } = {}) {
    signal?.throwIfAborted();
    const child = launch(command, args, env);
    const stop = (): void => terminate(child);
    signal?.addEventListener('abort', stop, { once: true });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
      if (onLine) createInterface({ input: child[name] }).on('line', onLine);
    }
    try {
      const code = await new Promise<number>((resolve, reject) => {
        child.once('error', (error: NodeJS.ErrnoException) =>
          error.code === 'ENOENT' ? resolve(NOT_FOUND) : reject(error),
        );
        // A program that a signal ended has no code.
        child.once('close', (ended) => resolve(ended ?? 1));
      });
      signal?.throwIfAborted();
      return { code, ...output };
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  },

  async start(command, args, ready, { env, onLine, signal } = {}) {
    signal?.throwIfAborted();
    const child = launch(command, args, env);
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    const stop = async (): Promise<void> => {
      terminate(child);
      await ended;
    };
    const abort = (): void => void stop();
    signal?.addEventListener('abort', abort, { once: true });
    void ended.then(() => signal?.removeEventListener('abort', abort));
    const lines: string[] = [];
    const match = await new Promise<RegExpExecArray>((resolve, reject) => {
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', (line) => {
          lines.push(line);
          onLine?.(line);
          const found = ready.exec(line);
          if (found) resolve(found);
        });
      }
      child.once('error', reject);
      child.once('close', (code) =>
        reject(new CommandFailure(command, args, { code: code ?? 1, stdout: lines.join('\n'), stderr: '' })),
      );
    });
    return { match, stop };
  },
};
