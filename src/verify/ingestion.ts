import type { MatrixSeries } from '../client';
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
        places: [{ storage, tenant }],
      }));
    });
    for (const { name, writing, places } of sent) {
      await session.step('ingestion', name, async () => {
        checkThere(storage.writers, program);
        return look(session, stack, await writing, places);
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
    const places = storages.flatMap((storage) => tenantsOf(storage, tenants).map((tenant) => ({ storage, tenant })));
    return look(session, stack, await write(session, stack, REMOTE_WRITE, gateways, '0'), places);
  });
}

/** Has the series of this run deleted at the end. */
export function forgetLater(session: Session, stack: Stack, storage: Storage, tenant: string): void {
  const series = `{verify_run="${session.run}"}`;
  session.undoLater(`series ${series} of tenant ${tenant} in ${storage.instance}`, async (signal) => {
    const [pod] = (await stack.storages()).find(({ instance }) => instance === storage.instance)?.readers ?? [];
    if (!pod) throw new Error('nobody answers');
    // A deletion does not see what was written just now.
    await session.settled();
    await stack.ask(pod, tenant, (client) => client.deleteSeries(series, { signal }));
  });
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

/** Looks by each reader until all is there. @throws Failure with what is not as written */
async function look(
  session: Session,
  stack: Stack,
  { name, timestamp, taken, refused, skip }: Written,
  places: readonly Place[],
): Promise<string> {
  if (skip) throw skip;
  for (const { storage } of places) checkReaders(storage);
  let missing: readonly Pod[] = [];
  let attempt = 0;
  const left = timestamp + session.patience.visible - Date.now();
  // Of several places one is where a gateway sends data; of one place every reader has to know all.
  const wrong = await session.until(taken.length === 0 ? 0 : left, async () => {
    attempt++;
    const found = await Promise.all(
      places.map(async ({ storage, tenant }) => {
        const differences = storage.readers.map(async (reader) => {
          const series = await read(stack, reader, tenant, { name, run: session.run, timestamp, attempt });
          return taken.flatMap((pod) => difference(reader, pod, series, timestamp));
        });
        return (await Promise.all(differences)).flat();
      }),
    );
    const absent = (all: readonly Difference[]): number => all.filter((each) => each.absent).length;
    const best = found.sort((a, b) => a.length - b.length || absent(a) - absent(b))[0]!;
    missing = best.map(({ pod }) => pod);
    return best.length === 0 ? undefined : best.map(({ text }) => text).join('\n');
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
async function read(
  stack: Stack,
  reader: Pod,
  tenant: string,
  { name, run, timestamp, attempt }: Question,
): Promise<readonly MatrixSeries[]> {
  // For some seconds VictoriaMetrics remembers that a filter matched nothing, so that each attempt has one of its own.
  const filter = `${name}{verify_run="${run}",verify_attempt!="${attempt}"}[2m]`;
  const options = { time: timestamp + 60_000, nocache: true, latencyOffset: 1 };
  const answer = await stack.ask(reader, tenant, (client) => client.query(filter, options));
  if (answer.resultType !== 'matrix') throw new Failure(`the answer to ${filter} is a ${answer.resultType}`);
  return answer.result;
}

/** What is wrong with the sample that went through a pod. */
interface Difference {
  readonly pod: Pod;
  readonly absent: boolean;
  readonly text: string;
}

function difference(reader: Pod, writer: Pod, all: readonly MatrixSeries[], timestamp: number): Difference[] {
  const series = all.filter(({ labels }) => labels.verify_by === writer.name);
  const samples = series.flatMap((each) => each.samples);
  const tell = (text: string): Difference[] => [{ pod: writer, absent: samples.length === 0, text }];
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
