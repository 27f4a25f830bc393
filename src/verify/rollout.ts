import { hintsOf, warningsOf } from './hints';
import type { Claim, Kubernetes, Pod, Workload } from './kubernetes';
import { Failure, Skip } from './report';
import type { Session } from './session';
import { isAlive, isOfStack, isPodOf } from './stack';

/** A restart that is older is told, but is no failure: a pod may have waited for another one. */
const RECENT = 10 * 60_000;

/** Every workload is rolled out, every claim has a volume, and nothing restarts. */
export async function verifyRollout(session: Session): Promise<void> {
  const { kubernetes, patience } = session;
  let workloads: readonly Workload[] = [];
  await session.step('rollout', 'workloads are there', async () => {
    workloads = (await kubernetes.workloads()).filter(isOfStack);
    if (workloads.length === 0) {
      throw new Failure(`no workload of the stack is in namespace ${kubernetes.namespace}`, [
        'is it the right context and namespace? kubectl get all --namespace ...',
      ]);
    }
    return `${workloads.length}`;
  });
  const deadline = performance.now() + patience.rollout;
  for (const { kind, name } of workloads) {
    await session.step('rollout', `${kind} ${name}`, async () => {
      const left = Math.max(0, deadline - performance.now());
      const wrong = await session.until(left, async () => rolloutProblem(await kubernetes.workloads(), name, kind));
      if (wrong !== undefined) {
        const workload = workloads.find((each) => each.kind === kind && each.name === name)!;
        throw new Failure(wrong, await hintsOfWorkload(kubernetes, workload));
      }
      return undefined;
    });
  }
  if (workloads.length === 0) return;
  await session.step('rollout', 'claims are bound', async () => checkClaims(kubernetes, workloads));
  await session.step('rollout', 'nothing restarts', async () => {
    const restarts = (await podsOf(kubernetes, workloads)).flatMap((pod) => restartsOf(pod));
    const recent = restarts.filter(({ at }) => at !== undefined && Date.now() - at.getTime() < RECENT);
    if (recent.length > 0) {
      throw new Failure(
        recent.map(({ text }) => text).join('\n'),
        (await Promise.all(recent.map(({ pod }) => hintsOf(kubernetes, pod)))).flat(),
      );
    }
    return restarts.length === 0 ? undefined : `only long ago: ${restarts.map(({ text }) => text).join('; ')}`;
  });
}

/** How often containers were restarted, by pod and container: to be compared at the end. */
export async function countRestarts(kubernetes: Kubernetes): Promise<ReadonlyMap<string, number>> {
  const pods = (await kubernetes.pods()).filter(isOfStack);
  return new Map(
    pods.flatMap(({ uid, containers }) =>
      containers.map(({ name, restarts }) => [`${uid}/${name}`, restarts] as const),
    ),
  );
}

/** Nothing was restarted meanwhile. */
export async function verifyNoRestartSince(
  session: Session,
  before: ReadonlyMap<string, number> | undefined,
): Promise<void> {
  const { kubernetes } = session;
  await session.step('rollout', 'nothing restarted meanwhile', async () => {
    if (!before) throw new Skip('the pods could not be listed at the beginning');
    const pods = (await kubernetes.pods()).filter(isOfStack);
    const restarted = pods.filter(({ uid, containers }) =>
      containers.some(({ name, restarts }) => restarts > (before.get(`${uid}/${name}`) ?? 0)),
    );
    if (restarted.length === 0) return undefined;
    throw new Failure(
      `restarted since the beginning: ${restarted.map(({ name }) => name).join(', ')}`,
      (await Promise.all(restarted.map((pod) => hintsOf(kubernetes, pod)))).flat(),
    );
  });
}

/** @returns what a workload lacks, nothing when it is rolled out */
export function rolloutProblem(
  workloads: readonly Workload[],
  name: string,
  kind: Workload['kind'],
): string | undefined {
  const workload = workloads.find((each) => each.kind === kind && each.name === name);
  if (!workload) return `${kind} ${name} is gone`;
  const { observed, desired, total, updated, ready } = workload;
  if (desired === 0) return kind === 'DaemonSet' ? 'no node takes it' : 'it is scaled to 0';
  if (!observed) return 'its controller has not seen the last change yet';
  if (updated < desired) return `${updated} of ${desired} pods are of the newest version`;
  if (ready < desired) return `${ready} of ${desired} pods are ready`;
  if (total > desired) return `${total - desired} old pods are still there`;
  return undefined;
}

/** The pods of workloads but those that are over, whose place others have. */
export async function podsOf(kubernetes: Kubernetes, workloads: readonly Workload[]): Promise<Pod[]> {
  return (await kubernetes.pods()).filter(
    (pod) => isAlive(pod) && workloads.some((workload) => isPodOf(workload, pod)),
  );
}

async function hintsOfWorkload(kubernetes: Kubernetes, workload: Workload): Promise<string[]> {
  const pods = (await podsOf(kubernetes, [workload])).filter(({ ready }) => !ready);
  const states = pods.flatMap((pod) => stateOf(pod));
  const [first] = pods;
  return [
    ...states,
    ...(await warningsOf(kubernetes, workload.kind, workload.name)),
    ...(first ? await hintsOf(kubernetes, first) : []),
  ];
}

function stateOf({ name, phase, containers }: Pod): string[] {
  const waiting = containers.flatMap((container) =>
    container.waiting === undefined
      ? []
      : [`${name} is not ready: container ${container.name} waits: ${container.waiting}${endOf(container.lastEnd)}`],
  );
  return waiting.length > 0 ? waiting : [`${name} is not ready: ${phase}`];
}

function endOf(end: Pod['containers'][number]['lastEnd']): string {
  return end === undefined ? '' : ` (last ended with ${end.reason}, exit code ${end.exitCode})`;
}

async function checkClaims(kubernetes: Kubernetes, workloads: readonly Workload[]): Promise<string> {
  const claims = new Map((await kubernetes.claims()).map((claim) => [claim.name, claim]));
  const wanted = [...new Set((await podsOf(kubernetes, workloads)).flatMap((pod) => pod.claims))].sort();
  const wrong = wanted.filter((name) => claims.get(name)?.phase !== 'Bound');
  if (wrong.length > 0) {
    const phase = (claim: Claim | undefined): string => claim?.phase ?? 'missing';
    const hints = await Promise.all(wrong.map((name) => warningsOf(kubernetes, 'PersistentVolumeClaim', name)));
    throw new Failure(wrong.map((name) => `claim ${name} is ${phase(claims.get(name))}`).join('\n'), hints.flat());
  }
  return `${wanted.length}`;
}

interface Restart {
  readonly pod: Pod;
  readonly at: Date | undefined;
  readonly text: string;
}

function restartsOf(pod: Pod): Restart[] {
  return pod.containers
    .filter(({ restarts }) => restarts > 0)
    .map(({ name, restarts, lastEnd }) => ({
      pod,
      at: lastEnd?.at,
      text: `${pod.name}: container ${name} restarted ${restarts} times${endOf(lastEnd)}`,
    }));
}
