/**
 * npm run bench:client
 *
 * Our client against others that write by remote write from Node.js, by CPU seconds: encoding, sending into a live
 * VictoriaMetrics (from PATH or VM_BINARIES), turns of the event loop, memory. Every measurement is a process of its own,
 * and they take turns, so that a noisy machine is noisy for all of them. After each that sends, the samples that are
 * stored are counted by query, and none may have been dropped.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CONTESTANTS, PEER } from './client/contestants';
import {
  measureEncoding,
  measureSending,
  measureTurns,
  type Destination,
  type Encoding,
  type Sent,
  type Turns,
} from './client/measure';
import { Server } from './client/server';

const ROUNDS = 3;
const PER_SERIES = [1, 10, 100];
const NAMES = Object.keys(CONTESTANTS);
const OURS = NAMES.filter((name) => name.startsWith('ours'));

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function medianOf<T>(runs: readonly T[], field: (run: T) => number): number {
  return median(runs.map(field));
}

async function child<T>(...args: readonly unknown[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    __filename,
    JSON.stringify(args),
  ]);
  return JSON.parse(stdout) as T;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  console.log([line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n') + '\n');
}

function times(value: number, base: number): string {
  const ratio = value / base;
  return value === base ? '' : ` (${ratio.toFixed(ratio < 1 ? 2 : 1)}x)`;
}

async function compareEncoding(): Promise<void> {
  const runs = new Map<string, Encoding[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const perSeries of PER_SERIES) {
      for (const name of NAMES) {
        const key = `${name} ${perSeries}`;
        runs.set(key, [...(runs.get(key) ?? []), await child<Encoding>('encoding', name, perSeries)]);
      }
    }
  }
  const speed = (name: string, n: number) =>
    medianOf(runs.get(`${name} ${n}`)!, (run) => run.samplesPerCpuSecond / 1e6);
  const bytes = (name: string, n: number) => medianOf(runs.get(`${name} ${n}`)!, (run) => run.bytesPerSample);
  table(
    [
      'encoding',
      ...PER_SERIES.map((n) => `M samples per CPU s, n = ${n}`),
      ...PER_SERIES.map((n) => `bytes per sample, n = ${n}`),
    ],
    NAMES.map((name) => [
      name,
      ...PER_SERIES.map((n) => speed(name, n).toFixed(2) + times(speed(name, n), speed(PEER, n))),
      ...PER_SERIES.map((n) => bytes(name, n).toFixed(1)),
    ]),
  );
}

/** Runs something that sends, and makes sure that all of it arrived. */
async function sent<T extends { readonly total: number }>(server: Server, ...args: readonly unknown[]): Promise<T> {
  const to: Destination = { url: server.url, serverPid: server.pid, metric: `bench_${sent.number++}_total` };
  const run = await child<T>(args[0], args[1], to, ...args.slice(2));
  const stored = await server.count(to.metric);
  if (stored !== run.total) throw new Error(`${String(args[1])}: ${run.total} samples sent, ${stored} stored`);
  if ((await server.dropped()) !== 0) throw new Error(`${String(args[1])}: the server dropped samples`);
  return run;
}
sent.number = 1;

async function compareSending(server: Server): Promise<void> {
  const runs = new Map<string, Sent[]>(NAMES.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of NAMES) {
      runs.get(name)!.push(await sent<Sent>(server, 'sending', name, 2e6));
    }
  }
  const speed = (name: string) => medianOf(runs.get(name)!, (run) => run.samplesPerSecond / 1e6);
  const client = (name: string) => medianOf(runs.get(name)!, (run) => run.clientCpu);
  const server_ = (name: string) => medianOf(runs.get(name)!, (run) => run.serverCpu);
  table(
    ['sending, n = 10, 2 in flight', 'M samples per s', 'client CPU s per M', 'server CPU s per M'],
    NAMES.map((name) => [
      name,
      speed(name).toFixed(2) + times(speed(name), speed(PEER)),
      client(name).toFixed(2) + times(client(name), client(PEER)),
      server_(name).toFixed(2),
    ]),
  );
}

async function compareTurns(server: Server): Promise<void> {
  const cases = [
    { name: PEER, perSeries: 10 },
    ...OURS.flatMap((name) => [1, 10].map((perSeries) => ({ name, perSeries }))),
  ];
  const runs: Turns[][] = cases.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, { name, perSeries }] of cases.entries()) {
      runs[i]!.push(await sent<Turns>(server, 'turns', name, 1e6, perSeries));
    }
  }
  table(
    ['longest turn of the event loop for each 10,000 samples', 'median CPU ms', '99 % CPU ms', 'longest CPU ms'],
    cases.map(({ name, perSeries }, i) => [
      `${name}, n = ${perSeries}`,
      medianOf(runs[i]!, (run) => run.median).toFixed(1),
      medianOf(runs[i]!, (run) => run.percentile99).toFixed(1),
      medianOf(runs[i]!, (run) => run.longest).toFixed(1),
    ]),
  );
}

async function soak(server: Server): Promise<void> {
  const rows: string[][] = [];
  for (const name of OURS) {
    const { memory } = await sent<Sent>(server, 'sending', name, 10e6);
    rows.push([name, ...memory.map((mib) => mib.toFixed(0))]);
  }
  table(['resident MiB after M samples', ...rows[0]!.slice(1).map((_, i) => String(i + 1))], rows);
}

async function main(): Promise<void> {
  console.log(`Node ${process.version}, 1000 series with 6 labels, median of ${ROUNDS} runs each\n`);
  const server = await Server.start();
  try {
    await compareEncoding();
    await compareSending(server);
    await compareTurns(server);
    await soak(server);
  } finally {
    await server.stop();
  }
}

const MEASUREMENTS = { encoding: measureEncoding, sending: measureSending, turns: measureTurns };

async function measure(name: keyof typeof MEASUREMENTS, ...args: readonly unknown[]): Promise<void> {
  const measurement = MEASUREMENTS[name] as (...given: readonly unknown[]) => Promise<unknown>;
  console.log(JSON.stringify(await measurement(...args)));
  // Clients keep connections open.
  process.exit(0);
}

const [args] = process.argv.slice(2);
if (args === undefined) void main();
else void measure(...(JSON.parse(args) as Parameters<typeof measure>));
