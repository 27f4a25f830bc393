import {
  durationMilliseconds,
  HttpError,
  PartialResponseError,
  type MatrixSeries,
  type VictoriaMetricsClient,
} from '../client';
import type { Pod } from './kubernetes';
import { Failure, Skip } from './report';
import { reasonOf, type Session } from './session';
import { flagOf, instanceOf, type Program, type Stack, type Storage } from './stack';

const METRIC = 'verify_chaos';

/** Between two samples, in milliseconds. */
const WRITE_INTERVAL = 250;
const READ_INTERVAL = 1000;

/** How long one request may take: a pod that was just deleted may never answer. */
const REQUEST_TIMEOUT = 5000;

/** How long a sample is tried before the writer goes on to the next. */
const WRITE_DEADLINE = 15_000;

/** Enough to reach all nodes of usual clusters. */
const MIN_SERIES = 16;

/** How old the list of pods may be, in milliseconds: a namespace can have thousands, which the API sends each time. */
const LIST_AGE = 1000;

/** Samples that a failure names; the rest is counted. */
const NAMED = 3;

/** Samples that are written and read all the time, by whichever pods are ready. */
export class Traffic {
  /** When it was acknowledged, by its timestamp; nothing while it is not. */
  private readonly sent = new Map<number, number | undefined>();
  private readonly beginning = Date.now();
  private readonly over = new AbortController();
  private loops: Promise<unknown> | undefined;
  /** What went wrong since it was last told, and how often. */
  private readonly problems = new Map<string, number>();
  private writes = 0;
  private reads = 0;
  private questions = 0;

  public constructor(
    private readonly session: Session,
    private readonly stack: Stack,
    private readonly cluster: Storage,
    private readonly tenant: string,
  ) {}

  public start(): void {
    // Of all samples of a series within the interval of deduplication one is kept: no series has more than one in it.
    const series = Math.max(MIN_SERIES, Math.ceil(dedupInterval(this.cluster.readers[0]) / WRITE_INTERVAL) + 1);
    this.loops ??= Promise.all([
      this.loop(WRITE_INTERVAL, () => this.write(series)),
      this.loop(READ_INTERVAL, () => this.read()),
    ]);
  }

  /** Resolves when nothing is under way any more. */
  public async stop(): Promise<void> {
    this.over.abort();
    await this.loops;
  }

  /**
   * What was done since it was last asked. Resolves when all that is acknowledged by now can be read.
   *
   * @throws Failure when something went wrong
   */
  public async account(): Promise<string> {
    const now = Date.now();
    const wrong = await this.session.until(this.problems.size > 0 ? 0 : this.session.patience.visible, async () => {
      const idle = this.writes === 0 || this.reads === 0;
      return idle && !this.over.signal.aborted ? 'nothing moves' : this.compare(now);
    });
    if (wrong !== undefined) this.tell(wrong);
    const problems = [...this.problems].map(([text, times]) => (times === 1 ? text : `${text} (${times} times)`));
    const done = `${this.writes} samples acknowledged, ${this.reads} times read`;
    this.problems.clear();
    this.writes = 0;
    this.reads = 0;
    if (problems.length > 0) throw new Failure(`${problems.join('\n')}\n${done}`);
    return `${done}; ${[...this.sent.values()].filter((at) => at !== undefined).length} since the start`;
  }

  /**
   * Reads all.
   *
   * @param due until when a sample must be acknowledged to be missed, in milliseconds since the Unix epoch
   * @returns what is not as it must be
   */
  private async compare(due: number): Promise<string | undefined> {
    const expected = [...this.sent].filter(([, at]) => at !== undefined && at <= due).map(([timestamp]) => timestamp);
    const end = Date.now() + 1000;
    // For some seconds VictoriaMetrics remembers what a filter matched, so that each question has one of its own.
    const query = `${METRIC}{verify_run="${this.session.run}",verify_question!="${++this.questions}"}[${end - this.beginning + 10_000}ms]`;
    const pods: Pod[] = [];
    const answer = await this.byAny('vmselect', async (client, pod) => {
      pods.push(pod);
      return client.query(query, { time: end, nocache: true, latencyOffset: 1, denyPartialResponse: true });
    });
    if (answer.resultType !== 'matrix') return `the answer is a ${answer.resultType}`;
    return problemOf(expected, this.sent, answer.result, pods.at(-1)!);
  }

  private async write(seriesCount: number): Promise<void> {
    const timestamp = Math.max(Date.now(), ([...this.sent.keys()].at(-1) ?? 0) + 1);
    const index = this.sent.size;
    this.sent.set(timestamp, undefined);
    const labels = { __name__: METRIC, verify_run: this.session.run, verify_series: String(index % seriesCount) };
    const series = [{ labels, samples: [{ timestamp, value: index }] }];
    try {
      await this.session.writing(this.byAny('vminsert', (client) => client.remoteWrite(series)));
      this.sent.set(timestamp, Date.now());
      this.writes++;
    } catch (error) {
      if (!this.over.signal.aborted) this.tell(`no vminsert takes a sample: ${reasonOf(error)}`);
    }
  }

  private async read(): Promise<void> {
    try {
      const wrong = await this.compare(Date.now() - this.session.patience.settled);
      if (wrong === undefined) this.reads++;
      else this.tell(wrong);
    } catch (error) {
      if (!this.over.signal.aborted) this.tell(`no vmselect answers: ${reasonOf(error)}`);
    }
  }

  /** Asks one ready pod after the other until one answers. @throws what the last one did, when the time is over */
  private async byAny<T>(program: Program, ask: (client: VictoriaMetricsClient, pod: Pod) => Promise<T>): Promise<T> {
    const end = performance.now() + WRITE_DEADLINE;
    let last: unknown = new Error('no pod is ready');
    for (let turn = 0; ; turn++) {
      const pods = (await this.stack.pods(program, LIST_AGE)).filter(
        (pod) => instanceOf(pod) === this.cluster.instance,
      );
      const pod = pods[turn % pods.length];
      if (pod) {
        try {
          return await this.stack.ask(pod, this.tenant, (client) => ask(client, pod), REQUEST_TIMEOUT);
        } catch (error) {
          // A retry would hide what must not happen: a part of an answer, or none although the pod is there for it.
          if ([PartialResponseError, Failure, Skip].some((type) => error instanceof type)) throw error;
          if (program === 'vmselect' && isAnswer(error) && (await this.isServing(pod))) throw error;
          last = error;
        }
      }
      if (this.session.signal.aborted || performance.now() >= end) throw last;
      if (turn >= pods.length) await this.session.pause(WRITE_INTERVAL);
    }
  }

  private async isServing({ uid }: Pod): Promise<boolean> {
    return (await this.stack.pods('vmselect')).some((pod) => pod.uid === uid);
  }

  private async loop(interval: number, work: () => Promise<void>): Promise<void> {
    while (!this.over.signal.aborted && !this.session.signal.aborted) {
      await work();
      await this.session.pause(interval).catch(() => undefined);
    }
  }

  private tell(problem: string): void {
    this.problems.set(problem, (this.problems.get(problem) ?? 0) + 1);
  }
}

/** @returns what is missing, there twice, or never written */
export function problemOf(
  expected: readonly number[],
  sent: ReadonlyMap<number, unknown>,
  found: readonly MatrixSeries[],
  pod: Pick<Pod, 'name'>,
): string | undefined {
  const counts = new Map<number, number>();
  for (const { timestamp } of found.flatMap(({ samples }) => samples)) {
    counts.set(timestamp, (counts.get(timestamp) ?? 0) + 1);
  }
  const problems = [
    ['missing', expected.filter((timestamp) => !counts.has(timestamp))],
    ['there more than once', [...counts].filter(([, count]) => count > 1).map(([timestamp]) => timestamp)],
    ['there and were never written', [...counts.keys()].filter((timestamp) => !sent.has(timestamp))],
  ] as const;
  const texts = problems
    .filter(([, timestamps]) => timestamps.length > 0)
    .map(([what, timestamps]) => {
      const named = timestamps.slice(0, NAMED).map((timestamp) => new Date(timestamp).toISOString());
      return `${timestamps.length} of ${expected.length} acknowledged samples are ${what}, e.g. of ${named.join(', ')}`;
    });
  return texts.length === 0 ? undefined : `by ${pod.name} ${texts.join('; ')}`;
}

/** Whether the pod itself answered, and not the way to it. */
function isAnswer(error: unknown): boolean {
  return error instanceof HttpError && error.status !== 502;
}

/** The time within which VictoriaMetrics keeps one sample of a series, in milliseconds. */
export function dedupInterval(pod: Pod | undefined): number {
  const flag = flagOf(pod, 'dedup.minScrapeInterval') ?? '0s';
  return /[1-9]/.test(flag) ? durationMilliseconds('dedup.minScrapeInterval', flag) : 0;
}
