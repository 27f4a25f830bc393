import { CONTESTANTS, type Sending } from './contestants';
import { Load, SERIES } from './load';
import { cpuSecondsOf } from './server';

export interface Encoding {
  readonly samplesPerCpuSecond: number;
  readonly bytesPerSample: number;
}

export interface Sent {
  /** All samples, those of the warm-up included. */
  readonly total: number;
  readonly samplesPerSecond: number;
  /** CPU seconds for a million samples. */
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** Resident memory in MiB after each tenth. */
  readonly memory: readonly number[];
}

/** CPU milliseconds of the longest turns of the event loop, one for each 10,000 samples; wall time would blame us for others. */
export interface Turns {
  readonly total: number;
  readonly median: number;
  readonly percentile99: number;
  readonly longest: number;
}

/** Where and as what samples are sent. */
export interface Destination {
  readonly url: string;
  readonly serverPid: number;
  readonly metric: string;
}

const WARM_UP_MS = 500;
const MEASURED_CPU_MS = 800;
const WARM_UP_SAMPLES = 300_000;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Encodes requests in turn that differ from each other. */
export async function measureEncoding(name: string, perSeries: number): Promise<Encoding> {
  const loads = Array.from({ length: 4 }, (_, i) => new Load('http_requests_total', 1.7e12 + i * 1e9, perSeries));
  const encoders = await Promise.all(loads.map(({ series }) => CONTESTANTS[name]!.encoder(series)));
  let requests = 0;
  let bytes = 0;
  const encodeFor = async (milliseconds: number, clock: () => number) => {
    const start = clock();
    requests = bytes = 0;
    while (clock() - start < milliseconds || requests < encoders.length) {
      bytes += (await encoders[requests++ % encoders.length]!()).length;
    }
    return clock() - start;
  };
  await encodeFor(WARM_UP_MS, () => performance.now());
  const spent = await encodeFor(MEASURED_CPU_MS, cpuMs);
  const samples = requests * SERIES * perSeries;
  return { samplesPerCpuSecond: (samples / spent) * 1000, bytesPerSample: bytes / samples };
}

/** Sends load for about so many samples after a warm-up. */
class Run {
  static async start(name: string, { url, metric }: Destination, samples: number, perSeries: number): Promise<Run> {
    const perRequest = SERIES * perSeries;
    const requests = Math.ceil(samples / perRequest);
    const warmUp = Math.ceil(WARM_UP_SAMPLES / perRequest);
    const steps = (requests + warmUp) * perSeries;
    const load = new Load(metric, Date.now() - (steps + 10) * 15_000, perSeries);
    const sending = await CONTESTANTS[name]!.sending(load, `${url}/api/v1/write`);
    const run = new Run(load, sending, requests, (requests + warmUp) * perRequest);
    for (let i = 0; i < warmUp; i++) await run.send();
    await sending.finish();
    return run;
  }

  private constructor(
    private readonly load: Load,
    private readonly sending: Sending,
    readonly requests: number,
    readonly total: number,
  ) {}

  async send(): Promise<void> {
    await this.sending.send();
    this.load.advance();
  }

  finish(): Promise<void> {
    return this.sending.finish();
  }
}

export async function measureSending(name: string, to: Destination, samples: number): Promise<Sent> {
  const run = await Run.start(name, to, samples, 10);
  const memory: number[] = [];
  const client = cpuMs();
  const server = cpuSecondsOf(to.serverPid);
  const start = performance.now();
  for (let i = 1; i <= run.requests; i++) {
    await run.send();
    if (i % Math.ceil(run.requests / 10) === 0) memory.push(process.memoryUsage.rss() / 2 ** 20);
  }
  await run.finish();
  const seconds = (performance.now() - start) / 1000;
  const millions = samples / 1e6;
  return {
    total: run.total,
    samplesPerSecond: samples / seconds,
    clientCpu: (cpuMs() - client) / 1000 / millions,
    serverCpu: (cpuSecondsOf(to.serverPid) - server) / millions,
    memory,
  };
}

/** @param perSeries 1 or 10 */
export async function measureTurns(name: string, to: Destination, samples: number, perSeries: number): Promise<Turns> {
  const run = await Run.start(name, to, samples, perSeries);
  const longest: number[] = [];
  let longestNow = 0;
  let last = cpuMs();
  let probing = true;
  const probe = () => {
    const now = cpuMs();
    longestNow = Math.max(longestNow, now - last);
    last = now;
    if (probing) setImmediate(probe);
  };
  setImmediate(probe);
  for (let i = 0; i < run.requests; i += 10 / perSeries) {
    for (let j = 0; j < 10 / perSeries; j++) await run.send();
    // The turn that this one is part of ends first.
    await new Promise((resolve) => setImmediate(resolve));
    longest.push(longestNow);
    longestNow = 0;
  }
  await run.finish();
  probing = false;
  longest.sort((a, b) => a - b);
  const at = (share: number) => longest[Math.floor(longest.length * share)]!;
  return { total: run.total, median: at(0.5), percentile99: at(0.99), longest: longest.at(-1)! };
}
