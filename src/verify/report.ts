/** What steps are about, in their order. */
export const TOPICS = ['rollout', 'ingestion', 'collection', 'alerting', 'grafana', 'network', 'chaos'] as const;

/** What a step is about. */
export type Topic = (typeof TOPICS)[number];

/** How a step ended. */
export type Result = 'passed' | 'failed' | 'skipped';

/** One thing that was looked at. */
export interface Step {
  readonly topic: Topic;
  /** What was looked at, as in `vmalert is there`. */
  readonly name: string;
  readonly result: Result;
  /** In milliseconds. */
  readonly duration: number;
  /** Why it failed or was skipped, or what was seen. */
  readonly reason: string;
  /** What to look at: events, log lines. Empty unless the step failed. */
  readonly hints: readonly string[];
}

/** What `verify` found. */
export interface Report {
  readonly context: string;
  readonly namespace: string;
  /** The value of the label `verify_run` of the series that were written. */
  readonly run: string;
  /** `passed` when no step failed and some passed. */
  readonly result: 'passed' | 'failed';
  readonly steps: readonly Step[];
  /** What could not be removed again, and why. It says nothing of the stack, and does not change the result. */
  readonly leftBehind: readonly string[];
}

/** A step that failed: the message is the reason. */
export class Failure extends Error {
  public constructor(
    reason: string,
    public readonly hints: readonly string[] = [],
  ) {
    super(reason);
  }
}

/** A step that cannot be done here: the message says why. */
export class Skip extends Error {}

const MARKS: Readonly<Record<Result, string>> = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' };

/** A table for people, with the hints of what failed below it. */
export function formatReport(report: Report): string {
  const rows = report.steps.map((step) => [
    MARKS[step.result],
    step.topic,
    step.name,
    seconds(step.duration),
    step.reason.split('\n')[0]!,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 3 ? cell.padStart(widths[3]!) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const failed = report.steps.filter(({ result }) => result === 'failed');
  const count = (result: Result): number => report.steps.filter((step) => step.result === result).length;
  return [
    ...rows.map(line),
    '',
    ...failed.flatMap((step) => [
      `${step.topic}: ${step.name} failed:`,
      ...indent(step.reason.split('\n')),
      ...indent(step.hints),
      '',
    ]),
    ...report.leftBehind.map((what) => `left behind: ${what}`),
    `${report.namespace} in ${report.context}: ${report.result} ` +
      `(${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped)`,
  ].join('\n');
}

/** One line for one step, while the others are under way. */
export function formatStep({ result, topic, name, duration, reason }: Step): string {
  const why = reason === '' ? '' : `: ${reason.split('\n')[0]}`;
  return `${MARKS[result]} ${topic}: ${name} (${seconds(duration)})${why}`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}

function seconds(duration: number): string {
  return `${(duration / 1000).toFixed(1)} s`;
}
