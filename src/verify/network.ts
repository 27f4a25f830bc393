import type { Labels } from '../client';
import type { Pod, PodManifest } from './kubernetes';
import { admits, describe, entries, isAbout, type Entry } from './policies';
import { Failure, Skip } from './report';
import type { Session } from './session';
import { instanceOf, type Stack } from './stack';

const CONNECTED = 0;
const REFUSED = 10;
/** Exit codes of the probe, of a shell, and of a container runtime that finds no shell. */
const NO_PROGRAM = [11, 126, 127, 128];

/** How long the pods may take to be scheduled, pulled and run. */
const TIMEOUT = 120_000;
const NOBODY = 65534;

/**
 * A pod that nothing is wired to cannot reach vmstorage, and one that looks like a vminsert can.
 *
 * @param given the image of the pods; it needs `sh` and `nc`
 */
export async function verifyNetwork(session: Session, stack: Stack, given: string | undefined): Promise<void> {
  const { kubernetes } = session;
  const [target] = await stack.find(session, 'network', 'vmstorage');
  if (!target) return;
  await session.step('network', 'a pod that is not wired cannot reach vmstorage', async () => {
    const wired = (await stack.pods('vminsert')).find((pod) => instanceOf(pod) === instanceOf(target));
    const port = target.containers.flatMap(({ ports }) => ports).find(({ name }) => name === 'vminsert')?.port;
    const image = given ?? target.containers[0]?.image;
    if (!wired || port === undefined || target.ip === undefined || image === undefined) {
      throw new Skip('no vminsert and vmstorage are ready to compare with');
    }
    const policies = (await kubernetes.networkPolicies()).filter((policy) => isAbout(policy, target));
    if (policies.length === 0) throw new Failure('no NetworkPolicy selects vmstorage: anybody reaches it');
    const strangerLabels = { 'app.kubernetes.io/name': 'verify', verify_run: session.run };
    const { namespace } = kubernetes;
    const allowed = entries(policies, target);
    const open = allowed.filter((each) => admits(each, { labels: strangerLabels, namespace, ip: undefined }) === true);
    if (open.length > 0) throw new Failure(`policies let a pod that is not wired reach vmstorage: ${list(open)}`);

    const probe = async (name: string, labels: Labels, wait: number): Promise<Pod> => {
      const manifest = probePod(`verify-${name}-${session.run}`, labels, {
        image,
        host: target.ip!,
        port,
        wait,
        imagePullSecrets: target.imagePullSecrets,
      });
      session.signal.throwIfAborted();
      const made = kubernetes.createPod(manifest);
      session.undoLater(`pod ${manifest.metadata.name}`, async () => {
        // What is under way when the run is interrupted may still make it.
        await made.catch(() => undefined);
        await kubernetes.deletePod(manifest.metadata.name);
      });
      await made;
      return ended(session, manifest.metadata.name);
    };
    const [control, stranger] = await Promise.all([
      probe('control', selectorLabels(wired), 0),
      probe('stranger', strangerLabels, 10),
    ]);
    const [controlCode, strangerCode] = [exitCode(control), exitCode(stranger)];
    if ([controlCode, strangerCode].some((code) => NO_PROGRAM.includes(code))) {
      throw new Skip(`the image ${image} has no sh and nc: name another one with --network-image`);
    }
    if (controlCode !== CONNECTED) {
      throw new Skip(
        `cannot tell: a pod with the labels of ${wired.name} does not reach ${target.name} either (exit code ${controlCode})`,
      );
    }
    const { ip } = stranger;
    const perhaps = allowed.filter((each) => admits(each, { labels: strangerLabels, namespace, ip }) !== false);
    if (strangerCode === REFUSED) {
      return `${target.name}, port ${port}${perhaps.length === 0 ? '' : `; policies also let in ${list(perhaps)}`}`;
    }
    if (strangerCode !== CONNECTED) throw new Skip(`cannot tell: the pod ended with exit code ${strangerCode}`);
    if (perhaps.length > 0) {
      throw new Failure(`a pod that is not wired reaches ${target.name}: policies let in ${list(perhaps)}`);
    }
    throw new Skip(
      `a pod that is not wired reaches ${target.name} although ${policies.map(({ name }) => name).join(', ')} forbids it: ` +
        'the network plugin of the cluster does not enforce NetworkPolicies',
    );
  });
}

function list(all: readonly Entry[]): string {
  return all.map(describe).join(', ');
}

/** What policies select the pod by; not the hash by which its ReplicaSet would take another pod for its own. */
function selectorLabels({ labels }: Pod): Labels {
  const names = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'];
  return Object.fromEntries(names.flatMap((name) => (labels[name] === undefined ? [] : [[name, labels[name]]])));
}

interface Probe {
  readonly image: string;
  readonly host: string;
  readonly port: number;
  /** In seconds: rules of the network may come a little later than the pod. */
  readonly wait: number;
  readonly imagePullSecrets: readonly string[];
}

/** A pod that exits by what it met. */
function probePod(name: string, labels: Labels, { image, host, port, wait, imagePullSecrets }: Probe): PodManifest {
  const script =
    `command -v nc >/dev/null || exit 11; sleep ${wait}; ` +
    `for i in 1 2 3 4 5; do nc -z -w 2 ${host} ${port} && exit ${CONNECTED}; sleep 1; done; exit ${REFUSED}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      restartPolicy: 'Never',
      activeDeadlineSeconds: TIMEOUT / 1000,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      imagePullSecrets: imagePullSecrets.map((secret) => ({ name: secret })),
      // Nobody ever sets it: the pod is not ready, and no Service sends it what is meant for vminsert.
      readinessGates: [{ conditionType: 'verify/never' }],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NOBODY,
        runAsGroup: NOBODY,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'probe',
          image,
          command: ['sh', '-c', script],
          resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '32Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}

async function ended(session: Session, name: string): Promise<Pod> {
  let found: Pod | undefined;
  const wrong = await session.until(TIMEOUT, async () => {
    const pod = (await session.kubernetes.pods()).find((each) => each.name === name);
    if (pod?.phase === 'Succeeded' || pod?.phase === 'Failed') {
      found = pod;
      return undefined;
    }
    const [container] = pod?.containers ?? [];
    return `${pod?.phase ?? 'it is gone'} ${container?.waiting ?? ''}`;
  });
  if (!found) throw new Skip(`cannot tell: the pod ${name} did not end: ${wrong}`);
  return found;
}

function exitCode({ containers }: Pod): number {
  return containers[0]?.exitCode ?? -1;
}
