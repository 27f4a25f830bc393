import {
  authorizationHeader,
  HttpError,
  VictoriaMetricsClient,
  type Auth,
  type Labels,
  type Milliseconds,
} from '../client';
import { hintsOf } from './hints';
import type { Forward, Kubernetes, Pod, Workload } from './kubernetes';
import { Failure, Skip, type Topic } from './report';
import type { Session } from './session';

const NAME = 'app.kubernetes.io/name';
const INSTANCE = 'app.kubernetes.io/instance';
const PART_OF = 'app.kubernetes.io/part-of';
const STACK = 'victoriametrics-stack';

/** The programs that are looked at, by their label `app.kubernetes.io/name`. */
export const PROGRAMS = [
  ...(['vmstorage', 'vminsert', 'vmselect', 'vmsingle', 'vmauth'] as const),
  ...(['vmagent', 'vmalert', 'alertmanager', 'grafana'] as const),
] as const;

/** A program that is looked at. */
export type Program = (typeof PROGRAMS)[number];

/** What programs ask for, by program. */
export type Credentials = Readonly<Partial<Record<Program, Auth>>>;

/** A storage: a cluster or a single node. */
export interface Storage {
  readonly instance: string;
  readonly kind: 'cluster' | 'single';
  /** Pods that take data. */
  readonly writers: readonly Pod[];
  /** Pods that answer queries. */
  readonly readers: readonly Pod[];
}

/** What a pod answered. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** @throws Failure when the text is no JSON */
  json(): unknown;
}

const REQUEST_TIMEOUT = 15_000;

export function programOf({ labels }: { readonly labels: Labels }): string {
  return labels[NAME] ?? '';
}

export function instanceOf({ labels }: { readonly labels: Labels }): string {
  return labels[INSTANCE] ?? '';
}

/** Whether something was made by this library, and may be broken when that is asked for. */
export function isOurs({ labels }: { readonly labels: Labels }): boolean {
  return labels[PART_OF] === STACK;
}

/** Whether something is of the stack, whoever made it. */
export function isOfStack(object: { readonly labels: Labels }): boolean {
  return isOurs(object) || PROGRAMS.some((program) => program === programOf(object));
}

/** Whether a pod is of a workload. */
export function isPodOf({ podLabels }: Pick<Workload, 'podLabels'>, { labels }: Pod): boolean {
  return selects(podLabels, labels);
}

/** Whether a pod runs or will: Kubernetes keeps those that are over, as after an eviction. */
export function isAlive({ phase }: Pod): boolean {
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** Whether labels are there that somebody asks for. */
export function selects(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** A single node has one tenant. */
export function tenantsOf({ kind }: Storage, tenants: readonly string[]): readonly string[] {
  return kind === 'cluster' ? tenants : ['0'];
}

/** @throws Failure when there is no pod */
export function checkThere(pods: readonly Pod[], program: Program): void {
  if (pods.length === 0) throw new Failure(`no pod of ${program} is ready`, ['see the steps of the rollout']);
}

/** @throws Failure when nobody answers queries */
export function checkReaders({ readers, kind }: Storage): void {
  checkThere(readers, kind === 'cluster' ? 'vmselect' : 'vmsingle');
}

/** The value of a flag in the args of a pod's first container. */
export function flagOf(pod: Pod | undefined, flag: string): string | undefined {
  const start = `-${flag}=`;
  return pod?.containers[0]?.args
    .map((arg) => arg.replace(/^--/, '-'))
    .find((arg) => arg.startsWith(start))
    ?.slice(start.length);
}

/** The pods of the stack that take requests, and the ways to them. */
export class Stack {
  private readonly forwards = new Map<string, Promise<Forward>>();
  private readonly clients = new Map<string, VictoriaMetricsClient>();
  private listed: { readonly at: number; readonly pods: Promise<readonly Pod[]> } | undefined;

  public constructor(
    private readonly kubernetes: Kubernetes,
    private readonly credentials: Credentials,
    private readonly signal: AbortSignal,
  ) {}

  /**
   * The pods of a program that take requests, by name.
   *
   * @param age how old what is known of them may be, in milliseconds
   */
  public async pods(program: Program, age: Milliseconds = 0): Promise<Pod[]> {
    const now = performance.now();
    if (!this.listed || now - this.listed.at >= age) this.listed = { at: now, pods: this.kubernetes.pods() };
    return usable(await this.listed.pods, program);
  }

  /** Since when all that answers queries, or keeps the data for that, is ready; 0 when nobody knows. */
  public async storageReadySince(): Promise<Milliseconds> {
    const programs: readonly Program[] = ['vmstorage', 'vmselect', 'vmsingle', 'vmauth'];
    const pods = (await Promise.all(programs.map((program) => this.pods(program)))).flat();
    return Math.max(0, ...pods.map(({ readySince }) => readySince?.getTime() ?? 0));
  }

  /** As `pods`; a step says which these are, that there are none, or that nobody knows. */
  public async find(session: Session, topic: Topic, program: Program): Promise<readonly Pod[]> {
    let ready: readonly Pod[] = [];
    await session.step(topic, `${program} is there`, async () => {
      const all = (await this.kubernetes.pods()).filter((pod) => isAlive(pod) && programOf(pod) === program);
      if (all.length === 0 && !(await this.isWanted(program))) throw new Skip(`no ${program} is in this namespace`);
      ready = usable(all, program);
      const others = all.filter((pod) => !ready.includes(pod));
      if (ready.length === 0) {
        throw new Failure(`no pod of ${program} is ready`, others[0] ? await hintsOf(this.kubernetes, others[0]) : []);
      }
      return [...ready.map(({ name }) => name), ...others.map(({ name }) => `not ready: ${name}`)].join(', ');
    });
    return ready;
  }

  /** All storages, also those of which no pod is ready. */
  public async storages(): Promise<Storage[]> {
    const pods = (await this.kubernetes.pods()).filter(isAlive);
    const of = (program: Program): Pod[] => pods.filter((pod) => programOf(pod) === program);
    const instances = (all: readonly Pod[]): string[] => [...new Set(all.map(instanceOf))].sort();
    const clusters = instances([...of('vmstorage'), ...of('vminsert'), ...of('vmselect')]).map((instance) => {
      const take = (program: Program): Pod[] => usable(pods, program).filter((pod) => instanceOf(pod) === instance);
      return { instance, kind: 'cluster', writers: take('vminsert'), readers: take('vmselect') } as const;
    });
    const singles = instances(of('vmsingle')).map((instance) => {
      const both = usable(pods, 'vmsingle').filter((pod) => instanceOf(pod) === instance);
      return { instance, kind: 'single', writers: both, readers: both } as const;
    });
    return [...clusters, ...singles];
  }

  /** The root URL of the HTTP port of a pod. */
  public async url(pod: Pod): Promise<string> {
    let forward = this.forwards.get(pod.name);
    if (!forward) {
      forward = this.kubernetes.forward(pod.name, httpPort(pod));
      this.forwards.set(pod.name, forward);
      forward.catch(() => this.forwards.delete(pod.name));
    }
    return (await forward).url;
  }

  /**
   * Asks a pod by a client.
   *
   * @throws Skip when it asks for credentials and none are known; Failure when it refuses those that are
   */
  public async ask<T>(
    pod: Pod,
    tenant: string,
    work: (client: VictoriaMetricsClient) => Promise<T>,
    timeout: Milliseconds = REQUEST_TIMEOUT,
  ): Promise<T> {
    const client = await this.client(pod, tenant, timeout);
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof HttpError) this.checkAccess(pod, error.status, error.body);
      throw error;
    }
  }

  /** What a pod says of itself. */
  public async metrics(pod: Pod): Promise<string> {
    return this.ask(pod, '0', (client) => client.metrics({ signal: this.signal }));
  }

  /**
   * Asks a pod what no client asks.
   *
   * @throws Skip when it asks for credentials and none are known; Failure when it refuses those that are
   */
  public async request(pod: Pod, path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(`${await this.url(pod)}${path}`, {
      ...init,
      headers: { ...(await this.authorization(pod)), ...(init.headers as Record<string, string> | undefined) },
      signal: AbortSignal.any([init.signal ?? this.signal, AbortSignal.timeout(REQUEST_TIMEOUT)]),
    });
    const text = await answer.text();
    this.checkAccess(pod, answer.status, text);
    const { status } = answer;
    return { status, text, json: () => parseJson(pod, path, text) };
  }

  /** @throws Failure unless the answer is 200 and JSON */
  public async json(pod: Pod, path: string): Promise<unknown> {
    const answer = await this.request(pod, path);
    if (answer.status !== 200)
      throw new Failure(`${pod.name} answered ${answer.status} at ${path}: ${brief(answer.text)}`);
    return answer.json();
  }

  /** Ends all connections. */
  public async close(): Promise<void> {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
    const forwards = [...this.forwards.values()];
    this.forwards.clear();
    await Promise.allSettled(forwards.map(async (forward) => (await forward).close()));
  }

  /** Whether there is a workload for the program. */
  private async isWanted(program: Program): Promise<boolean> {
    return (await this.kubernetes.workloads()).some((workload) => programOf(workload) === program);
  }

  private async client(pod: Pod, tenant: string, timeout: Milliseconds): Promise<VictoriaMetricsClient> {
    const url = await this.url(pod);
    const key = `${pod.uid} ${tenant} ${timeout}`;
    let client = this.clients.get(key);
    if (!client) {
      const options = { auth: this.auth(pod), timeout };
      const isCluster = ['vminsert', 'vmselect'].includes(programOf(pod));
      client = isCluster
        ? VictoriaMetricsClient.cluster({ insert: url, select: url, tenant, ...options })
        : VictoriaMetricsClient.single(url, options);
      this.clients.set(key, client);
    }
    return client;
  }

  /** @throws Skip or Failure when the status says that access was refused */
  private checkAccess(pod: Pod, status: number, text: string): void {
    if (status !== 401 && status !== 403) return;
    const program = programOf(pod);
    if (this.auth(pod) === undefined) {
      throw new Skip(
        `${pod.name} wants credentials: give them with --credentials ${program}=env:NAME or ${program}=file:PATH`,
      );
    }
    throw new Failure(`${pod.name} refuses the credentials of ${program} with ${status}: ${brief(text)}`);
  }

  private auth(pod: Pod): Auth | undefined {
    return this.credentials[programOf(pod) as Program];
  }

  private async authorization(pod: Pod): Promise<Record<string, string>> {
    const authorization = await authorizationHeader(this.auth(pod))();
    return authorization === undefined ? {} : { authorization };
  }
}

/** The start of a text, on one line. */
export function brief(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}

function usable(pods: readonly Pod[], program: Program): Pod[] {
  return pods
    .filter((pod) => programOf(pod) === program && pod.ready && !pod.terminating)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function httpPort(pod: Pod): number {
  const port = pod.containers.flatMap(({ ports }) => ports).find(({ name }) => name === 'http')?.port;
  if (port === undefined) throw new Failure(`${pod.name}: no container has a port named http`);
  return port;
}

function parseJson(pod: Pod, path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(`${pod.name} answered at ${path} what is no JSON: ${brief(text)}`);
  }
}
