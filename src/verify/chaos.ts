import { HttpError, PartialResponseError, type MatrixSeries, type VictoriaMetricsClient } from '../client';
import { hintsOf } from './hints';
import type { Pod, Workload } from './kubernetes';
import { Failure } from './report';
import { rolloutProblem } from './rollout';
import { reasonOf, type Session } from './session';
import { flagOf, instanceOf, isOfStack, isPodOf, programOf, type Program, type Stack, type Storage } from './stack';

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

/** Samples that a failure names; the rest is counted. */
const NAMED = 3;

/**
 * Deletes one pod of each program of each cluster, then restarts everything, while samples are written and read all the
 * time.
 */
export async function verifyChaos(session: Session, stack: Stack, tenant: string): Promise<void> {
  const clusters = (await stack.storages()).filter(({ kind }) => kind === 'cluster');
  if (clusters.length === 0) {
    await session.skip(
      'chaos',
      'delete pods',
      'there is no cluster in this namespace, and a single node cannot do without its pod',
    );
  }
  for (const cluster of clusters) await verifyCluster(session, stack, cluster, tenant);
}

async function verifyCluster(session: Session, stack: Stack, cluster: Storage, tenant: string): Promise<void> {
  const { kubernetes } = session;
  const { instance } = cluster;
  const copies = Number(flagOf(cluster.writers[0], 'replicationFactor') ?? 1);
  if (copies < 2) {
    await session.skip(
      'chaos',
      `delete pods of ${instance}`,
      `replicationFactor is ${copies}: without a vmstorage its samples are missing, as they must be`,
    );
    return;
  }
  const traffic = new Traffic(session, stack, cluster, tenant);
  const { settled, visible } = session.patience;
  const deletion = (program: Program): { readonly name: string; readonly run: () => Promise<string> } => ({
    name: `delete one ${program} of ${instance}`,
    run: async (): Promise<string> => {
      const pod = (await stack.pods(program)).find((each) => instanceOf(each) === instance);
      if (!pod) throw new Failure(`no pod of ${program} is ready`);
      const workload = (await kubernetes.workloads()).find((each) => isPodOf(each, pod));
      if (!workload) throw new Failure(`no workload has the pod ${pod.name}`);
      await kubernetes.deletePod(pod.name);
      await untilReturned(session, [workload], [pod]);
      await session.pause(settled);
      return `${pod.name}; ${traffic.account()}`;
    },
  });
  const steps = [
    {
      name: `write to and read from ${instance}`,
      run: async () => {
        traffic.start();
        await session.pause(2 * settled);
        return traffic.account();
      },
    },
    ...(['vmstorage', 'vminsert', 'vmselect'] as const).map(deletion),
    {
      name: 'restart everything',
      run: async () => {
        for (const workloads of inTurn((await kubernetes.workloads()).filter(isOfStack))) {
          const before = (await kubernetes.pods()).filter((pod) => workloads.some((each) => isPodOf(each, pod)));
          for (const workload of workloads) await kubernetes.restart(workload);
          await untilReturned(session, workloads, before);
        }
        await session.pause(settled);
        return traffic.account();
      },
    },
    {
      name: `all samples of ${instance} are there at the end`,
      run: async () => {
        await traffic.stop();
        const wrong = await session.until(visible, async () => traffic.compare(0));
        if (wrong !== undefined) throw new Failure(wrong);
        return traffic.account();
      },
    },
  ];
  try {
    for (const { name, run } of steps) {
      // What lost something is not broken further.
      if ((await session.step('chaos', name, run)) !== 'passed') break;
    }
  } finally {
    await traffic.stop();
  }
}

/** The storage first, program by program; the rest at once. */
function inTurn(workloads: readonly Workload[]): Workload[][] {
  const order: readonly string[] = ['vmstorage', 'vminsert', 'vmselect'] satisfies Program[];
  const programs = workloads.map((workload) => order.indexOf(programOf(workload)));
  return [0, 1, 2, -1]
    .map((program) => workloads.filter((_, index) => programs[index] === program))
    .filter((group) => group.length > 0);
}

/** @throws Failure when the old pods are not replaced in time */
async function untilReturned(session: Session, workloads: readonly Workload[], old: readonly Pod[]): Promise<void> {
  const { kubernetes, patience } = session;
  const wrong = await session.until(patience.returned, async () => {
    const there = new Set((await kubernetes.pods()).map(({ uid }) => uid));
    const left = old.find(({ uid }) => there.has(uid));
    if (left) return `${left.name} is not gone`;
    const now = await kubernetes.workloads();
    const problems = workloads.flatMap(({ name, kind }) => {
      const problem = rolloutProblem(now, name, kind);
      return problem === undefined ? [] : [`${name}: ${problem}`];
    });
    return problems[0];
  });
  if (wrong === undefined) return;
  const pods = (await kubernetes.pods()).filter((pod) => !pod.ready && workloads.some((each) => isPodOf(each, pod)));
  throw new Failure(`not back in time: ${wrong}`, pods[0] ? await hintsOf(kubernetes, pods[0]) : []);
}

/** Samples that are written and read all the time, by whichever pods are ready. */
class Traffic {
  /** When it was acknowledged, by its timestamp; nothing while it is not. */
  private readonly sent = new Map<number, number | undefined>();
  private readonly beginning = Date.now();
  private readonly series: number;
  private readonly clients = new Map<string, Promise<VictoriaMetricsClient>>();
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
  ) {
    // Of all samples of a series within the interval of deduplication one is kept: no series has more than one in it.
    const interval = milliseconds(flagOf(cluster.readers[0], 'dedup.minScrapeInterval') ?? '0s');
    this.series = Math.max(MIN_SERIES, Math.ceil(interval / WRITE_INTERVAL) + 1);
  }

  public start(): void {
    this.loops ??= Promise.all([
      this.loop(WRITE_INTERVAL, () => this.write()),
      this.loop(READ_INTERVAL, () => this.read()),
    ]);
  }

  /** Resolves when nothing is under way any more. */
  public async stop(): Promise<void> {
    this.over.abort();
    await this.loops;
  }

  /** What was done since it was last asked. @throws Failure when something went wrong */
  public account(): string {
    const problems = [...this.problems].map(([text, times]) => (times === 1 ? text : `${text} (${times} times)`));
    const done = `${this.writes} samples acknowledged, ${this.reads} times read`;
    const idle = this.writes === 0 || (this.reads === 0 && !this.over.signal.aborted);
    this.problems.clear();
    this.writes = 0;
    this.reads = 0;
    if (problems.length > 0) throw new Failure(`${problems.join('\n')}\n${done}`);
    if (idle && !this.over.signal.aborted) throw new Failure(`nothing moved: ${done}`);
    return `${done}; ${[...this.sent.values()].filter((at) => at !== undefined).length} since the start`;
  }

  /**
   * Reads all.
   *
   * @param settled how old an acknowledgement must be for its sample to be missed, in milliseconds
   * @returns what is not as it must be
   */
  public async compare(settled: number): Promise<string | undefined> {
    const due = Date.now() - settled;
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

  private async write(): Promise<void> {
    const timestamp = Math.max(Date.now(), ([...this.sent.keys()].at(-1) ?? 0) + 1);
    const index = this.sent.size;
    this.sent.set(timestamp, undefined);
    const labels = { __name__: METRIC, verify_run: this.session.run, verify_series: String(index % this.series) };
    const series = [{ labels, samples: [{ timestamp, value: index }] }];
    try {
      await this.byAny('vminsert', (client) => client.remoteWrite(series));
      this.sent.set(timestamp, Date.now());
      this.writes++;
    } catch (error) {
      if (!this.over.signal.aborted) this.tell(`no vminsert takes a sample: ${reasonOf(error)}`);
    }
  }

  private async read(): Promise<void> {
    try {
      const wrong = await this.compare(this.session.patience.settled);
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
      const pods = (await this.stack.pods(program)).filter((pod) => instanceOf(pod) === this.cluster.instance);
      const pod = pods[turn % pods.length];
      if (pod) {
        try {
          return await ask(await this.client(pod), pod);
        } catch (error) {
          // A retry would hide what must not happen: a part of an answer, or none although the pod is there for it.
          if (error instanceof PartialResponseError) throw error;
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

  private client(pod: Pod): Promise<VictoriaMetricsClient> {
    let client = this.clients.get(pod.uid);
    if (!client) {
      client = this.stack.client(pod, this.tenant, { timeout: REQUEST_TIMEOUT });
      this.clients.set(pod.uid, client);
      client.catch(() => this.clients.delete(pod.uid));
    }
    return client;
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

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration as flags take it, e.g. `1m30s`. */
export function milliseconds(duration: string): number {
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * UNITS[unit!]!, 0);
}
