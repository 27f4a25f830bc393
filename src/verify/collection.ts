import { checkDelivery, sumsBy } from './delivery';
import { hintsOf } from './hints';
import type { Pod } from './kubernetes';
import { Failure, Skip } from './report';
import type { Session } from './session';
import { checkReaders, tenantsOf, type Stack } from './stack';

interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUrl: string;
  readonly health: string;
  readonly lastError: string;
}

interface TargetsAnswer {
  readonly data: { readonly activeTargets: readonly Target[] };
}

/** What a failure names; the rest is counted. */
const NAMED = 10;

/** Every target of each vmagent is up, and the storage gets its samples. */
export async function verifyCollection(session: Session, stack: Stack, tenants: readonly string[]): Promise<void> {
  for (const pod of await stack.find(session, 'collection', 'vmagent')) {
    const whole = await session.step('collection', `targets of ${pod.name} are up`, () => checkUp(session, stack, pod));
    await session.step('collection', `samples of the targets of ${pod.name} arrive`, async () => {
      if (whole === 'skipped') throw new Skip('its targets are not known');
      return checkArrival(session, stack, pod, tenants);
    });
    await session.step('collection', `what ${pod.name} sends is taken`, () => {
      return checkDelivery(session, pod, session.patience.scraped, async () => {
        const page = await stack.metrics(pod);
        const lost = sumsBy(page, 'vmagent_remotewrite_packets_dropped_total', 'url');
        return [...sumsBy(page, 'vmagent_remotewrite_blocks_sent_total', 'url')].map(([to, taken]) => {
          return { to, taken, lost: lost.get(to) ?? 0, due: true };
        });
      });
    });
  }
}

async function checkUp(session: Session, stack: Stack, pod: Pod): Promise<string> {
  let count = 0;
  const wrong = await session.until(session.patience.scraped, async () => {
    const targets = await targetsOf(stack, pod);
    count = targets.length;
    if (count === 0) return 'it has no target';
    const down = targets.filter(({ health }) => health !== 'up');
    const texts = down.map(({ labels, scrapeUrl, health, lastError }) => {
      return `${labels.job} ${scrapeUrl} is ${health}: ${lastError === '' ? 'not scraped yet' : lastError}`;
    });
    return texts.length === 0 ? undefined : list(texts);
  });
  if (wrong !== undefined) throw new Failure(wrong, await hintsOf(session.kubernetes, pod));
  return `${count}`;
}

async function checkArrival(session: Session, stack: Stack, pod: Pod, tenants: readonly string[]): Promise<string> {
  const storages = await stack.storages();
  if (storages.length === 0) throw new Skip('no storage is in this namespace');
  storages.forEach(checkReaders);
  const readers = storages.flatMap((storage) =>
    tenantsOf(storage, tenants).map((tenant) => ({ reader: storage.readers[0]!, tenant })),
  );
  const ask = async (
    query: string,
  ): Promise<readonly { labels: Readonly<Record<string, string>>; value: number }[]> => {
    const answers = await Promise.all(
      readers.map(({ reader, tenant }) =>
        stack.ask(reader, tenant, (client) => client.query(query, { nocache: true, latencyOffset: 1 })),
      ),
    );
    return answers.flatMap((answer) => (answer.resultType === 'vector' ? answer.result : []));
  };
  // By the clock of the server, which may differ from ours.
  const [now] = await ask('time()');
  let count = 0;
  const wrong = await session.until(session.patience.scraped, async () => {
    const expected = (await targetsOf(stack, pod))
      .filter(({ health }) => health === 'up')
      .map(({ labels }) => keyOf(labels));
    count = expected.length;
    if (count === 0) return 'no target is up';
    const fresh = await ask('max(tlast_over_time(up[10m])) by (job, instance)');
    const arrived = new Set(fresh.filter(({ value }) => value >= now!.value).map(({ labels }) => keyOf(labels)));
    const missing = expected.filter((key) => !arrived.has(key));
    return missing.length === 0 ? undefined : `no new sample of \`up\` of ${list(missing)}`;
  });
  if (wrong !== undefined) throw new Failure(wrong, await hintsOf(session.kubernetes, pod));
  return `${count}`;
}

async function targetsOf(stack: Stack, pod: Pod): Promise<readonly Target[]> {
  return ((await stack.json(pod, '/api/v1/targets?state=active')) as TargetsAnswer).data.activeTargets;
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return `${labels.job} ${labels.instance}`;
}

function list(texts: readonly string[]): string {
  const more = texts.length - NAMED;
  return [...texts.slice(0, NAMED), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}
