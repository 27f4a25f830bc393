import { hintsOf } from './hints';
import type { Pod } from './kubernetes';
import { Failure, Skip } from './report';
import type { Session } from './session';

/** What a pod sends to one receiver, as it counts it itself. */
export interface Delivery {
  readonly to: string;
  /** How much was taken since the pod started. */
  readonly taken: number;
  /** How much was not. */
  readonly lost: number;
  /** Whether there is something to send all the time. */
  readonly due: boolean;
}

/**
 * Each receiver takes what a pod sends. That the data is there says less: another pod may have sent it.
 *
 * @param look what was delivered until now
 */
export async function checkDelivery(
  session: Session,
  pod: Pod,
  timeout: number,
  look: () => Promise<readonly Delivery[]>,
): Promise<string> {
  /** Since when all must be taken, and what was not before. */
  let since: ReadonlyMap<string, Delivery> | undefined;
  let loss: string | undefined;
  let receivers: readonly string[] = [];
  const wrong = await session.until(timeout, async () => {
    const now = await look();
    receivers = now.map(({ to }) => to);
    const last = (since ??= byReceiver(now));
    const losing = now.filter(({ to, lost }) => lost > (last.get(to)?.lost ?? 0));
    if (losing.length > 0) {
      since = byReceiver(now);
      return (loss = losing.map(({ to }) => `${to} does not take all that ${pod.name} sends`).join('\n'));
    }
    const silent = now.filter(({ to, taken, due }) => due && taken <= (last.get(to)?.taken ?? 0));
    if (silent.length === 0) return undefined;
    return loss ?? silent.map(({ to }) => `${to} takes nothing of ${pod.name}`).join('\n');
  });
  if (wrong !== undefined) throw new Failure(wrong, await hintsOf(session.kubernetes, pod));
  if (receivers.length === 0) throw new Skip('it sends nothing to anybody');
  return receivers.join(', ');
}

function byReceiver(all: readonly Delivery[]): ReadonlyMap<string, Delivery> {
  return new Map(all.map((each) => [each.to, each]));
}

/** The sums of a metric on a page, by the value of a label; under no text where the metric has no such label. */
export function sumsBy(page: string, metric: string, label: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [, labels = '', value] of page.matchAll(new RegExp(`^${metric}(?:\\{([^}]*)\\})? (\\S+)$`, 'gm'))) {
    const key = new RegExp(`(?:^|,\\s*)${label}="([^"]*)"`).exec(labels)?.[1] ?? '';
    sums.set(key, (sums.get(key) ?? 0) + Number(value));
  }
  return sums;
}
