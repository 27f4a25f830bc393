import type { Clock } from './clock';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

type Fields = Readonly<Record<string, unknown>>;

/** Writes a JSON object a line. */
export class Log {
  public constructor(
    private readonly clock: Clock,
    private readonly least: LogLevel,
    private readonly write: (line: string) => void = (line) => process.stdout.write(line),
  ) {}

  public debug(message: string, fields: Fields = {}): void {
    this.line('debug', message, fields);
  }

  public info(message: string, fields: Fields = {}): void {
    this.line('info', message, fields);
  }

  public warn(message: string, fields: Fields = {}): void {
    this.line('warn', message, fields);
  }

  public error(message: string, fields: Fields = {}): void {
    this.line('error', message, fields);
  }

  private line(level: LogLevel, message: string, fields: Fields): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.least)) return;
    this.write(`${JSON.stringify({ time: new Date(this.clock.now()).toISOString(), level, message, ...fields })}\n`);
  }
}
