import type { MatrixSeries, QueryOptions } from '../client';
import { sumsBy } from './delivery';
import { hintsOf } from './hints';
import type { Pod } from './kubernetes';
import { otlpGauge } from './otlp';
import { Failure, Skip } from './report';
import { reasonOf, type Session } from './session';
import { brief, checkReaders, checkThere, programOf, tenantsOf, type Stack, type Storage } from './stack';

/** What is written: a value that has a sign and a fraction, and text that every format has to escape. */
const VALUE = -12345.678;
const TEXT = 'a "quoted" \\ täxt';

const NOWHERE = 'is in no tenant of the storages of this namespace';

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamp: number;
}

interface Format {
  readonly title: string;
  readonly name: string;
  readonly write: (stack: Stack, pod: Pod, tenant: string, sample: Sample) => Promise<void>;
}

const REMOTE_WRITE: Format = {
  title: 'remote write',
  name: 'verify_remote_write',
  write: async (stack, pod, tenant, { name, labels, timestamp }) => {
    const series = [{ labels: { __name__: name, ...labels }, samples: [{ timestamp, value: VALUE }] }];
    await stack.ask(pod, tenant, (client) => client.remoteWrite(series));
  },
};

const FORMATS: readonly Format[] = [
  REMOTE_WRITE,
  {
    title: 'text import',
    name: 'verify_text_import',
    write: async (stack, pod, tenant, { name, labels, timestamp }) => {
      const text = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
      const line = `${name}{${text.join(',')}} ${VALUE} ${timestamp}\n`;
      await stack.ask(pod, tenant, (client) => client.importText(line));
    },
  },
  {
    title: 'OTLP',
    name: 'verify_otlp',
    write: async (stack, pod, tenant, { name, labels, timestamp }) => {
      const root = programOf(pod) === 'vminsert' ? `/insert/${tenant}/opentelemetry` : '/opentelemetry';
      const { status, text } = await stack.request(pod, `${root}/v1/metrics`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(otlpGauge(name, labels, { timestamp, value: VALUE })),
      });
      if (status >= 300) throw new Failure(`${pod.name} answered ${status}: ${brief(text)}`);
    },
  },
];

/** What is written by each way in comes out as it was. */
export async function verifyIngestion(session: Session, stack: Stack, tenants: readonly string[]): Promise<void> {
  let storages: readonly Storage[] = [];
  await session.step('ingestion', 'storage is there', async () => {
    storages = await stack.storages();
    if (storages.length === 0) throw new Skip('no vmstorage and no single node is in this namespace');
    return storages.map(({ instance, kind }) => `${instance} (${kind})`).join(', ');
  });
  if (storages.length === 0) return;
  for (const storage of storages) {
    const program = storage.kind === 'cluster' ? 'vminsert' : 'vmsingle';
    // All is written before anything is looked for, since it takes some seconds until it can be seen. In turn: of the
    // first requests at once VictoriaMetrics refuses all but one, which has it read the file of its password.
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const next = last.then(work);
      last = next;
      return next;
    };
    const sent = tenantsOf(storage, tenants).flatMap((tenant) => {
      forgetLater(session, stack, storage, tenant);
      return FORMATS.map((format) => ({
        name: `${format.title} by ${program} of ${storage.instance}, tenant ${tenant}`,
        writing: inTurn(() => write(session, stack, format, storage.writers, tenant)),
        place: { storage, tenant },
      }));
    });
    for (const { name, writing, place } of sent) {
      await session.step('ingestion', name, async () => {
        checkThere(storage.writers, program);
        checkReaders(storage);
        const written = await writing;
        const places = new Map(written.taken.map((pod) => [pod.name, place]));
        return look(session, stack, written, () => Promise.resolve(places));
      });
    }
    // After the writing, by which a vminsert learns that a connection is lost.
    if (storage.kind === 'cluster') {
      await session.step('ingestion', `vminsert of ${storage.instance} reaches every vmstorage`, () => {
        return checkReachable(session, stack, storage);
      });
    }
  }
  const gateways = await stack.find(session, 'ingestion', 'vmauth');
  if (gateways.length === 0) return;
  await session.step('ingestion', 'remote write by vmauth', async () => {
    const writing = write(session, stack, REMOTE_WRITE, gateways, '0');
    findAndForgetLater(session, stack, writing);
    storages.forEach(checkReaders);
    const written = await writing;
    return look(session, stack, written, (attempt) => findPlaces(session, stack, storages, written, attempt));
  });
}

/** Has the series of this run deleted at the end. */
export function forgetLater(session: Session, stack: Stack, storage: Storage, tenant: string): void {
  session.undoLater(`series ${seriesOf(session)} of tenant ${tenant} in ${storage.instance}`, async (signal) => {
    const [reader] = (await stack.storages()).find(({ instance }) => instance === storage.instance)?.readers ?? [];
    if (!reader) throw new Error('nobody answers');
    // A deletion does not see what was written just now.
    await session.settled();
    await stack.ask(reader, tenant, (client) => client.deleteSeries(seriesOf(session), { signal }));
  });
}

/** Has what went by gateways deleted at the end, wherever it is found. */
function findAndForgetLater(session: Session, stack: Stack, writing: Promise<Written>): void {
  session.undoLater(`series ${seriesOf(session)} by vmauth`, async (signal) => {
    const written = await writing;
    if (written.taken.length === 0) return;
    const storages = await stack.storages();
    storages.forEach(checkReaders);
    await session.settled();
    const places = await findPlaces(session, stack, storages, written, 0);
    for (const { storage, tenant } of places.values()) {
      await stack.ask(storage.readers[0]!, tenant, (client) => client.deleteSeries(seriesOf(session), { signal }));
    }
    const lost = written.taken.map((pod) => pod.name).filter((name) => !places.has(name));
    if (lost.length > 0) throw new Error(`what ${lost.join(', ')} took ${NOWHERE}`);
  });
}

function seriesOf({ run }: Session): string {
  return `{verify_run="${run}"}`;
}

/** Where the samples of pods are, by the pod: what a gateway does with them is known by its configuration only. */
async function findPlaces(
  session: Session,
  stack: Stack,
  storages: readonly Storage[],
  { name, timestamp }: Written,
  attempt: number,
): Promise<ReadonlyMap<string, Place>> {
  const filter = filterOf({ name, run: session.run, timestamp, attempt });
  const places = storages.map(async (storage) => {
    const isCluster = storage.kind === 'cluster';
    // Of a selector alone vmselect would leave out tenants that it has heard nothing of for some minutes.
    const query = `count(last_over_time(${filter})) by (verify_by, vm_account_id, vm_project_id)`;
    const answer = await stack.ask(storage.readers[0]!, isCluster ? 'multitenant' : '0', (client) =>
      client.query(query, optionsOf(timestamp)),
    );
    if (answer.resultType !== 'vector') throw new Failure(`the answer to ${query} is a ${answer.resultType}`);
    return answer.result.map(({ labels: { verify_by: pod = '', vm_account_id: account, vm_project_id: project } }) => {
      return [pod, { storage, tenant: isCluster ? `${account}:${project}` : '0' }] as const;
    });
  });
  return new Map((await Promise.all(places)).flat());
}

/** Each vminsert has a connection to each vmstorage. */
export async function checkReachable(session: Session, stack: Stack, storage: Storage): Promise<undefined> {
  checkThere(storage.writers, 'vminsert');
  let blamed: Pod | undefined;
  const wrong = await session.until(session.patience.visible, async () => {
    for (const pod of storage.writers) {
      const reachable = sumsBy(await stack.metrics(pod), 'vm_rpc_vmstorage_is_reachable', 'addr');
      const lost = [...reachable].filter(([, value]) => value === 0).map(([addr]) => addr);
      blamed = pod;
      if (reachable.size === 0) return `${pod.name} knows of no vmstorage`;
      if (lost.length > 0) return `${pod.name} has no connection to ${lost.join(', ')}`;
    }
    return undefined;
  });
  if (wrong !== undefined) throw new Failure(wrong, blamed ? await hintsOf(session.kubernetes, blamed) : []);
  return undefined;
}

interface Place {
  readonly storage: Storage;
  readonly tenant: string;
}

/** What was taken of one format. */
interface Written {
  readonly name: string;
  /** Of the samples, in milliseconds. */
  readonly timestamp: number;
  readonly taken: readonly Pod[];
  readonly refused: readonly { readonly pod: Pod; readonly reason: string }[];
  /** Why there is nothing to look for. */
  readonly skip?: Skip;
}

/** Writes by each pod; never throws, so that it can be under way while nobody waits. */
async function write(
  session: Session,
  stack: Stack,
  { name, write: send }: Format,
  writers: readonly Pod[],
  tenant: string,
): Promise<Written> {
  const timestamp = Date.now();
  const taken: Pod[] = [];
  const refused: { readonly pod: Pod; readonly reason: string }[] = [];
  for (const pod of writers) {
    if (session.signal.aborted) break;
    const labels = { verify_run: session.run, verify_by: pod.name, verify_text: TEXT };
    try {
      await session.writing(send(stack, pod, tenant, { name, labels, timestamp }));
      taken.push(pod);
    } catch (error) {
      if (error instanceof Skip) return { name, timestamp, taken: [], refused: [], skip: error };
      refused.push({ pod, reason: `${pod.name} takes nothing: ${reasonOf(error)}` });
    }
  }
  return { name, timestamp, taken, refused };
}

/**
 * Looks by each reader until all is there.
 *
 * @param find where the sample of each pod must be, by the name of the pod
 * @throws Failure with what is not as written
 */
async function look(
  session: Session,
  stack: Stack,
  { name, timestamp, taken, refused, skip }: Written,
  find: (attempt: number) => Promise<ReadonlyMap<string, Place>>,
): Promise<string> {
  if (skip) throw skip;
  let missing: readonly Pod[] = [];
  let attempt = 0;
  const left = timestamp + session.patience.visible - Date.now();
  const wrong = await session.until(taken.length === 0 ? 0 : left, async () => {
    const question = { name, run: session.run, timestamp, attempt: ++attempt };
    const places = await find(attempt);
    const answers = new Map<string, Promise<readonly MatrixSeries[]>>();
    const ask = (reader: Pod, tenant: string): Promise<readonly MatrixSeries[]> => {
      const key = `${reader.uid} ${tenant}`;
      const answer = answers.get(key) ?? read(stack, reader, tenant, question);
      answers.set(key, answer);
      return answer;
    };
    const differences = taken.map(async (pod) => {
      const place = places.get(pod.name);
      if (!place) return [{ pod, text: `${pod.name} took a sample, but it ${NOWHERE}` }];
      const { storage, tenant } = place;
      const all = storage.readers.map(async (reader) => difference(reader, pod, await ask(reader, tenant), timestamp));
      return (await Promise.all(all)).flat();
    });
    const found = (await Promise.all(differences)).flat();
    missing = found.map(({ pod }) => pod);
    return found.length === 0 ? undefined : found.map(({ text }) => text).join('\n');
  });
  const reasons = [...refused.map(({ reason }) => reason), ...(wrong === undefined ? [] : [wrong])];
  if (reasons.length > 0) {
    const [suspect] = [...missing, ...refused.map(({ pod }) => pod)];
    throw new Failure(reasons.join('\n'), suspect ? await hintsOf(session.kubernetes, suspect) : []);
  }
  return `by ${taken.map((pod) => pod.name).join(', ')}`;
}

/** What is looked for. */
interface Question {
  readonly name: string;
  readonly run: string;
  /** In milliseconds. */
  readonly timestamp: number;
  readonly attempt: number;
}

/** The samples as they are stored. */
async function read(stack: Stack, reader: Pod, tenant: string, question: Question): Promise<readonly MatrixSeries[]> {
  const filter = filterOf(question);
  const answer = await stack.ask(reader, tenant, (client) => client.query(filter, optionsOf(question.timestamp)));
  if (answer.resultType !== 'matrix') throw new Failure(`the answer to ${filter} is a ${answer.resultType}`);
  return answer.result;
}

/** For some seconds VictoriaMetrics remembers that a filter matched nothing, so that each attempt has one of its own. */
function filterOf({ name, run, attempt }: Question): string {
  return `${name}{verify_run="${run}",verify_attempt!="${attempt}"}[2m]`;
}

function optionsOf(timestamp: number): QueryOptions {
  return { time: timestamp + 60_000, nocache: true, latencyOffset: 1 };
}

/** What is wrong with the sample that went through a pod. */
interface Difference {
  readonly pod: Pod;
  readonly text: string;
}

function difference(reader: Pod, writer: Pod, all: readonly MatrixSeries[], timestamp: number): Difference[] {
  const series = all.filter(({ labels }) => labels.verify_by === writer.name);
  const samples = series.flatMap((each) => each.samples);
  const tell = (text: string): Difference[] => [{ pod: writer, text }];
  if (samples.length === 0) return tell(`${writer.name} took a sample, but ${reader.name} does not have it`);
  if (series.length > 1 || samples.length > 1) {
    return tell(`${reader.name} has ${samples.length} samples in ${series.length} series of the one by ${writer.name}`);
  }
  const [sample] = samples;
  if (sample?.timestamp !== timestamp || sample.value !== VALUE || series[0]?.labels.verify_text !== TEXT) {
    return tell(
      `${reader.name} has ${JSON.stringify(series[0])} of what ${writer.name} took: ${VALUE} at ${timestamp}, text ${TEXT}`,
    );
  }
  return [];
}
