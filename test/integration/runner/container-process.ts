import { spawn, type ChildProcess } from 'node:child_process';
import type { Watchdog } from './watchdog';

/** How a process ended: by itself with a code, or by a signal. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessSpec {
  /** How messages name it, e.g. `metrics-vmstorage-0`. */
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Enough for a whole test; what is older is forgotten. */
const MAX_LOG_LINES = 10_000;

/** What an error shows of the log. */
const ERROR_LOG_LINES = 25;

/** A container as a process that leads a group of its own. */
export class ContainerProcess {
  /** Resolves at the end of the process, when all of its log was read. */
  public readonly exited: Promise<ExitStatus>;
  public readonly name: string;

  private readonly child: ChildProcess;
  private readonly lines: string[] = [''];
  private status: ExitStatus | undefined;

  public constructor(spec: ProcessSpec, watchdog: Watchdog) {
    this.name = spec.name;
    this.child = spawn(spec.binary, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { pid } = this.child;
    if (pid !== undefined) watchdog.add(pid);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.log(text));
    }
    this.exited = new Promise((resolve) => {
      // Without a process there is no other event.
      this.child.once('error', (error) => {
        this.log(`${spec.binary}: ${error.message}\n`);
        if (pid === undefined) resolve((this.status = { code: null, signal: null }));
      });
      this.child.once('close', (code, signal) => {
        if (pid !== undefined) watchdog.remove(pid);
        resolve((this.status = { code, signal }));
      });
    });
  }

  /** Nothing while the process runs. */
  public get exitStatus(): ExitStatus | undefined {
    return this.status;
  }

  public get logs(): string {
    return this.lines.join('\n');
  }

  /** The process and its last words, for messages. */
  public describe(): string {
    const { status } = this;
    const state =
      status === undefined ? 'is running' : `ended with ${status.signal ?? `exit code ${status.code ?? '(none)'}`}`;
    const tail = this.lines.filter((line) => line !== '').slice(-ERROR_LOG_LINES);
    return `${this.name} ${state}; its last log lines:\n${tail.map((line) => `    ${line}`).join('\n')}`;
  }

  /** Sends a signal to the process and its children; does nothing after their end. */
  public signal(signal: NodeJS.Signals): void {
    if (this.status !== undefined || this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch (error) {
      // It ended just now, and the event is on its way.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  private log(text: string): void {
    const [rest = '', ...lines] = text.split('\n');
    this.lines[this.lines.length - 1] = (this.lines.at(-1) ?? '') + rest;
    this.lines.push(...lines);
    if (this.lines.length > MAX_LOG_LINES) this.lines.splice(0, this.lines.length - MAX_LOG_LINES);
  }
}
