import type { Milliseconds } from '../client';
import { checkDelivery, sumsBy, type Delivery } from './delivery';
import { hintsOf } from './hints';
import type { Pod } from './kubernetes';
import { Failure } from './report';
import { reasonOf, type Session } from './session';
import { brief, flagOf, instanceOf, isPodOf, type Stack } from './stack';

interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly name: string;
      /** In seconds. */
      readonly interval: number;
      readonly rules: readonly {
        readonly name: string;
        readonly state: string;
        readonly lastError: string;
        readonly lastEvaluation: string;
        /** How many samples its last evaluation gave. */
        readonly lastSamples: number;
      }[];
    }[];
  };
}

/** Go's zero time. */
const NEVER = '0001-01-01';

/** How long a DNS server may go on to answer that nobody has the name of a pod that is ready: CoreDNS' own default. */
const SETTLING = 30_000;

/** vmalert evaluates its rules without an error. */
export async function verifyRules(session: Session, stack: Stack): Promise<void> {
  for (const pod of await stack.find(session, 'alerting', 'vmalert')) {
    await session.step('alerting', `rules of ${pod.name} are evaluated`, async () => {
      let count = 0;
      let again = 0;
      const settled = (await stack.storageReadySince()) + SETTLING;
      const wrong = await session.until(session.patience.evaluated, async () => {
        const rules = await rulesOf(stack, pod);
        count = rules.length;
        if (count === 0) return 'no rule is loaded';
        const failed = rules.filter(({ lastError }) => lastError !== '');
        const early = failed.filter((rule) => rule.at < settled && !isDue(rule, session.patience.evaluated));
        again = early.length;
        const failing = failed
          .filter((rule) => !early.includes(rule))
          .map(({ group, name, lastError }) => `${group.name} / ${name}: ${brief(lastError)}`);
        const waiting = rules
          .filter((rule) => rule.lastEvaluation.startsWith(NEVER) && isDue(rule, session.patience.evaluated))
          .map(({ group, name }) => `${group.name} / ${name}: not evaluated yet`);
        const stale = /^vmalert_config_last_reload_successful(?:\{[^}]*\})? 0$/m.test(await stack.metrics(pod))
          ? ['its files changed and could not be read again: it runs with the rules of before']
          : [];
        const all = [...stale, ...failing, ...waiting];
        return all.length === 0 ? undefined : all.join('\n');
      });
      if (wrong !== undefined) throw new Failure(wrong, await hintsOf(session.kubernetes, pod));
      return again === 0 ? `${count}` : `${count}; ${again} failed before the storage was ready, and are not due yet`;
    });
    await session.step('alerting', `what ${pod.name} sends is taken`, () => {
      return checkDelivery(session, pod, session.patience.evaluated, () => deliveriesOf(session, stack, pod));
    });
  }
}

type Group = RulesAnswer['data']['groups'][number];
type Rule = Group['rules'][number] & {
  readonly group: Group;
  /** When it was evaluated. */
  readonly at: Milliseconds;
};

/** Whether a rule is evaluated within a time, in milliseconds. */
function isDue({ group }: Rule, time: number): boolean {
  return group.interval * 1000 < time;
}

async function rulesOf(stack: Stack, pod: Pod): Promise<readonly Rule[]> {
  const { groups } = ((await stack.json(pod, '/api/v1/rules')) as RulesAnswer).data;
  return groups.flatMap((group) =>
    group.rules.map((rule) => ({ ...rule, group, at: Date.parse(rule.lastEvaluation) })),
  );
}

/** Alerts to each Alertmanager, and what the rules give to the storage. */
async function deliveriesOf({ patience }: Session, stack: Stack, pod: Pod): Promise<readonly Delivery[]> {
  const rules = (await rulesOf(stack, pod)).filter((rule) => isDue(rule, patience.evaluated));
  const page = await stack.metrics(pod);
  // An alert that fires is sent again at each evaluation.
  const firing = rules.some(({ state }) => state === 'firing');
  const failed = sumsBy(page, 'vmalert_alerts_send_errors_total', 'addr');
  const alerts = [...sumsBy(page, 'vmalert_alerts_sent_total', 'addr')].map(([to, sent]) => {
    const lost = failed.get(to) ?? 0;
    return { to, taken: sent - lost, lost, due: firing };
  });
  if (firing && alerts.length === 0) throw new Failure('an alert fires, and it knows nobody to tell of it');
  const storage = flagOf(pod, 'remoteWrite.url');
  if (storage === undefined) return alerts;
  const total = (metric: string): number => sumsBy(page, `vmalert_remotewrite_${metric}_total`, '').get('') ?? 0;
  const due = rules.some(({ lastSamples }) => lastSamples > 0);
  return [...alerts, { to: storage, taken: total('sent_rows'), lost: total('dropped_rows'), due }];
}

interface Status {
  readonly cluster: { readonly status: string; readonly peers?: readonly unknown[] };
}

interface Alert {
  readonly status: { readonly state: string };
}

/** In seconds. The silence is the first to begin and the last to end. */
const ALERT = 10 * 60;
const SILENCE = 15 * 60;
const END = `which end by themselves within ${SILENCE / 60} minutes`;

const JSON_BODY = { 'content-type': 'application/json' };

/** Replicas of Alertmanager know each other, and take alerts. */
export async function verifyAlertmanager(session: Session, stack: Stack): Promise<void> {
  const { kubernetes } = session;
  const pods = await stack.find(session, 'alerting', 'alertmanager');
  for (const instance of new Set(pods.map(instanceOf))) {
    const group = pods.filter((pod) => instanceOf(pod) === instance);
    await session.step('alerting', `replicas of Alertmanager ${instance} know each other`, async () => {
      const workloads = (await kubernetes.workloads()).filter((workload) => isPodOf(workload, group[0]!));
      const replicas = workloads.reduce((sum, { desired }) => sum + desired, 0);
      const wrong = await session.until(session.patience.visible, async () => {
        for (const pod of group) {
          const { status, peers = [] } = ((await stack.json(pod, '/api/v2/status')) as Status).cluster;
          if (replicas === 1 && status === 'disabled') continue;
          if (peers.length !== replicas) {
            return `${pod.name} knows ${peers.length} of ${replicas} replicas, itself included (${status})`;
          }
        }
        return undefined;
      });
      if (wrong !== undefined) throw new Failure(wrong, await hintsOf(kubernetes, group[0]!));
      return `${replicas}`;
    });
    await session.step('alerting', `Alertmanager ${instance} takes an alert`, () => postAlert(session, stack, group));
  }
}

/** The alert is silenced before it is posted, so that nobody is told of it. */
async function postAlert(session: Session, stack: Stack, pods: readonly Pod[]): Promise<string> {
  const labels = { alertname: 'Verify', verify_run: session.run, severity: 'info' };
  const [first] = pods;
  const seconds = (offset: number): string => new Date(Date.now() + offset * 1000).toISOString();
  const send = async (pod: Pod, path: string, body: unknown, signal?: AbortSignal): Promise<string> => {
    const init = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body), ...(signal ? { signal } : {}) };
    const { status, text } = await stack.request(pod, path, init);
    if (status !== 200) throw new Failure(`${pod.name} answered ${status} at ${path}: ${brief(text)}`);
    return text;
  };
  const resolve = async (signal?: AbortSignal): Promise<void> => {
    // Both times in the past: Alertmanager keeps the alert as one that is over.
    const over = [{ labels, startsAt: seconds(-60), endsAt: seconds(-1) }];
    // Each is told, whatever the others answer.
    const outcomes = await Promise.allSettled(pods.map((pod) => send(pod, '/api/v2/alerts', over, signal)));
    const reasons = outcomes.flatMap((each) => (each.status === 'rejected' ? [reasonOf(each.reason)] : []));
    if (reasons.length > 0) throw new Failure(reasons.join('\n'));
  };
  const states = async (): Promise<readonly (string | undefined)[]> => {
    const filter = encodeURIComponent(`verify_run="${session.run}"`);
    const answers = await Promise.all(pods.map((pod) => stack.json(pod, `/api/v2/alerts?filter=${filter}`)));
    return answers.map((answer) => (answer as readonly Alert[])[0]?.status.state);
  };
  const waitFor = async (what: string, state: string | undefined): Promise<void> => {
    const wrong = await session.until(session.patience.visible, async () => {
      const index = (await states()).findIndex((each) => each !== state);
      return index < 0 ? undefined : `${pods[index]!.name}: ${what}`;
    });
    if (wrong !== undefined) throw new Failure(wrong, await hintsOf(session.kubernetes, first!));
  };

  const silence = JSON.parse(
    await send(first!, '/api/v2/silences', {
      matchers: [{ name: 'verify_run', value: session.run, isRegex: false, isEqual: true }],
      startsAt: seconds(0),
      endsAt: seconds(SILENCE),
      createdBy: 'verify',
      comment: 'The alert by which verify looks whether alerts are taken.',
    }),
  ) as { readonly silenceID: string };
  let posted = false;
  session.undoLater(`alert with verify_run="${session.run}" and its silence, ${END}`, async (signal) => {
    // Without its silence an alert that is not over would be told to people.
    if (posted) await resolve(signal);
    const path = `/api/v2/silence/${silence.silenceID}`;
    const { status, text } = await stack.request(first!, path, { method: 'DELETE', signal });
    if (status !== 200 && status !== 404) {
      throw new Failure(`${first!.name} answered ${status} at ${path}: ${brief(text)}`);
    }
  });
  // Replicas tell each other of silences, and not of alerts.
  const gossip = await session.until(session.patience.visible, async () => {
    for (const pod of pods) {
      const { status } = await stack.request(pod, `/api/v2/silence/${silence.silenceID}`);
      if (status !== 200) return `${pod.name} does not know of a silence that ${first!.name} took`;
    }
    return undefined;
  });
  if (gossip !== undefined) throw new Failure(gossip, await hintsOf(session.kubernetes, first!));
  posted = true;
  for (const pod of pods) await send(pod, '/api/v2/alerts', [{ labels, startsAt: seconds(0), endsAt: seconds(ALERT) }]);
  await waitFor('does not show the alert that it took as a silenced one', 'suppressed');
  await resolve();
  await waitFor('shows the alert after it was resolved', undefined);
  return `by ${pods.map(({ name }) => name).join(', ')}; seen silenced, then resolved`;
}
