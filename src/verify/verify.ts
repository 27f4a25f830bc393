import { randomBytes } from 'node:crypto';
import { verifyAlertmanager, verifyRules } from './alerting';
import { verifyChaos } from './chaos';
import { verifyCollection } from './collection';
import { verifyGrafana } from './grafana';
import { verifyIngestion } from './ingestion';
import type { Kubernetes } from './kubernetes';
import { verifyNetwork } from './network';
import type { Report, Topic } from './report';
import { countRestarts, verifyNoRestartSince, verifyRollout } from './rollout';
import { Session, type Patience, type Progress } from './session';
import { Stack, type Credentials } from './stack';

/** What is looked at, and how. */
export interface VerifyOptions {
  /** The way to the stack, as `connectToKubernetes` gives it. */
  readonly kubernetes: Kubernetes;
  /** Tenants of clusters that are written to, as `accountID` or `accountID:projectID`. @default ['0'] */
  readonly tenants?: readonly string[];
  /** What programs ask for, by program. Steps that need others are skipped. @default - none */
  readonly credentials?: Credentials;
  /** What is looked at; before chaos the rollout in any case. @default - everything */
  readonly only?: readonly Topic[];
  /** What must not be skipped: a step that cannot be done fails. @default - what cannot be done is skipped */
  readonly require?: readonly Topic[];
  /**
   * Delete pods and restart all that this library made in the namespace, in the context that is named. What watches the
   * nodes from a namespace of its own is not touched.
   *
   * @default - nothing is broken
   */
  readonly chaos?: { readonly confirmContext: string };
  /** The image of the pods that try the network; it needs `sh` and `nc`. @default - that of vmstorage */
  readonly networkImage?: string;
  /** How long things may take. @default - see there */
  readonly patience?: Patience;
  /** Ends the run early; what was made is removed. @default - it runs to its end */
  readonly signal?: AbortSignal;
  /** Called when a step begins and when it ends. @default - nobody watches */
  readonly onProgress?: (progress: Progress) => void;
  /** The value of the label `verify_run`. @default - a random one */
  readonly run?: string;
}

/**
 * Finds out whether a deployed stack works. What it writes, posts and makes is removed at the end. The rights that it
 * needs are those of `connectToKubernetes`.
 *
 * @throws Error when `chaos` names another context, or nothing looks at what is required; nothing was done then
 */
export async function verify(options: VerifyOptions): Promise<Report> {
  const { kubernetes, tenants = ['0'], credentials = {}, chaos, networkImage, patience = {} } = options;
  const { signal = new AbortController().signal, onProgress = () => undefined, only, require: required = [] } = options;
  if (chaos && chaos.confirmContext !== kubernetes.context) {
    throw new Error(
      `chaos is confirmed for the context '${chaos.confirmContext}', and this is '${kubernetes.context}': nothing was done`,
    );
  }
  const wanted = (topic: Topic): boolean => {
    return topic === 'chaos' ? chaos !== undefined : only === undefined || only.includes(topic);
  };
  // Nothing is broken unless all of it is there.
  const looksAtRollout = wanted('rollout') || chaos !== undefined;
  const unseen = required.filter((topic) => !(topic === 'rollout' ? looksAtRollout : wanted(topic)));
  if (unseen.length > 0) throw new Error(`${unseen.join(', ')}: required, but nothing would look at it`);
  const run = options.run ?? randomBytes(6).toString('hex');
  const session = new Session(kubernetes, run, patience, signal, required, onProgress);
  const stack = new Stack(kubernetes, credentials, signal);
  let report: Report;
  try {
    if (looksAtRollout) await verifyRollout(session);
    const restarts = wanted('rollout') ? await countRestarts(kubernetes).catch(() => undefined) : undefined;
    if (wanted('ingestion')) await verifyIngestion(session, stack, tenants);
    if (wanted('collection')) await verifyCollection(session, stack, tenants);
    if (wanted('alerting')) {
      await verifyRules(session, stack);
      await verifyAlertmanager(session, stack);
    }
    if (wanted('grafana')) await verifyGrafana(session, stack);
    if (wanted('network')) await verifyNetwork(session, stack, networkImage);
    if (wanted('rollout')) await verifyNoRestartSince(session, restarts);
    if (chaos && session.healthy) await verifyChaos(session, stack, tenants[0] ?? '0');
    else if (chaos) await session.skip('chaos', 'delete pods', 'the stack is not well as it is');
  } finally {
    report = await session.end();
    await stack.close();
  }
  return report;
}
