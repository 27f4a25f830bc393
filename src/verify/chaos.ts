import { hintsOf } from './hints';
import { checkReachable, forgetLater } from './ingestion';
import type { Pod, Workload } from './kubernetes';
import { Failure } from './report';
import { podsOf, rolloutProblem } from './rollout';
import type { Session } from './session';
import { flagOf, instanceOf, isOurs, isPodOf, programOf, type Program, type Stack, type Storage } from './stack';
import { Traffic } from './traffic';

/**
 * Deletes one pod of each program of each cluster, then restarts everything, while samples are written and read all the
 * time.
 */
export async function verifyChaos(session: Session, stack: Stack, tenant: string): Promise<void> {
  const clusters = (await stack.storages()).filter(({ kind }) => kind === 'cluster');
  const able = clusters.filter((cluster) => copiesOf(cluster) >= 2);
  if (able.length === 0) {
    // It was asked for.
    await session.step('chaos', 'delete pods', () => Promise.reject(new Failure(reasonsOf(clusters))));
    return;
  }
  for (const cluster of clusters) {
    if (able.includes(cluster)) await verifyCluster(session, stack, cluster, tenant);
    else await session.skip('chaos', `delete pods of ${cluster.instance}`, reasonsOf([cluster]));
  }
}

function copiesOf({ writers }: Storage): number {
  return Number(flagOf(writers[0], 'replicationFactor') ?? 1);
}

/** Why nothing of them can go. */
function reasonsOf(clusters: readonly Storage[]): string {
  if (clusters.length === 0)
    return 'there is no cluster in this namespace, and a single node cannot do without its pod';
  const reasons = clusters.map((cluster) =>
    cluster.writers.length === 0
      ? `no vminsert of ${cluster.instance} is there`
      : `replicationFactor of ${cluster.instance} is ${copiesOf(cluster)}`,
  );
  return `${reasons.join(', ')}: without a vmstorage samples are missing, as they must be`;
}

async function verifyCluster(session: Session, stack: Stack, cluster: Storage, tenant: string): Promise<void> {
  const { kubernetes } = session;
  const { instance } = cluster;
  forgetLater(session, stack, cluster, tenant);
  const traffic = new Traffic(session, stack, cluster, tenant);
  const deletion = (program: Program): { readonly name: string; readonly run: () => Promise<string> } => ({
    name: `delete one ${program} of ${instance}`,
    run: async (): Promise<string> => {
      const pod = (await stack.pods(program)).find((each) => instanceOf(each) === instance);
      if (!pod) throw new Failure(`no pod of ${program} is ready`);
      const workload = (await kubernetes.workloads()).find((each) => isOurs(each) && isPodOf(each, pod));
      if (!workload) throw new Failure(`${pod.name} is of no workload that this library made: it is left alone`);
      session.signal.throwIfAborted();
      await kubernetes.deletePod(pod.name);
      await untilReturned(session, [workload], [pod]);
      return `${pod.name}; ${await traffic.account()}`;
    },
  });
  const steps = [
    {
      name: `write to and read from ${instance}`,
      run: async () => {
        await checkReachable(session, stack, cluster);
        traffic.start();
        // From now on a sample that is missing is missed.
        await session.pause(session.patience.settled);
        return traffic.account();
      },
    },
    ...(['vmstorage', 'vminsert', 'vmselect'] as const).map(deletion),
    {
      name: 'restart everything',
      run: async () => {
        for (const workloads of inTurn((await kubernetes.workloads()).filter(isOurs))) {
          const before = await podsOf(kubernetes, workloads);
          for (const workload of workloads) {
            session.signal.throwIfAborted();
            await kubernetes.restart(workload);
          }
          await untilReturned(session, workloads, before);
        }
        return traffic.account();
      },
    },
    {
      name: `all samples of ${instance} are there at the end`,
      run: async () => {
        await traffic.stop();
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
  const waiting = (await podsOf(kubernetes, workloads)).find(({ ready }) => !ready);
  throw new Failure(`not back in time: ${wrong}`, waiting ? await hintsOf(kubernetes, waiting) : []);
}
