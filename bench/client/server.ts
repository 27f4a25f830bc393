import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { VictoriaMetricsClient, type VectorSeries } from '../../src/client';
import { findBinary } from '../../test/integration/runner/binaries';

/** A VictoriaMetrics of our own. */
export class Server {
  static async start(): Promise<Server> {
    const binary = findBinary('victoria-metrics');
    if (binary === undefined) throw new Error('no victoria-metrics in PATH or VM_BINARIES: nothing to send to');
    const folder = mkdtempSync(join(tmpdir(), 'bench-client-'));
    const url = `http://127.0.0.1:${await freePort()}`;
    const child = spawn(
      binary,
      [
        `-httpListenAddr=${url.slice('http://'.length)}`,
        `-storageDataPath=${folder}`,
        '-retentionPeriod=1y',
        '-search.latencyOffset=0s',
        '-search.maxSamplesPerQuery=1000000000',
        '-loggerLevel=ERROR',
      ],
      { stdio: 'ignore' },
    );
    const server = new Server(url, folder, child);
    for (let attempt = 0; ; attempt++) {
      try {
        await server.#client.health();
        return server;
      } catch (error) {
        if (attempt > 100 || child.exitCode !== null) throw error;
        await delay(100);
      }
    }
  }

  readonly #client: VictoriaMetricsClient;

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    this.#client = VictoriaMetricsClient.single(url, { timeout: 60_000 });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Samples of a metric that are stored, by query. */
  async count(name: string): Promise<number> {
    await this.#get('/internal/force_flush');
    const { result } = await this.#client.query(`sum(count_over_time(${name}[300d]))`, {
      time: Date.now() + 86_400_000,
      nocache: true,
    });
    return (result as readonly VectorSeries[])[0]?.value ?? 0;
  }

  /** Samples that it dropped although it said that it took them. */
  async dropped(): Promise<number> {
    // The page is up to a second old.
    await delay(1100);
    const page = await this.#get('/metrics');
    const values = [...page.matchAll(/^vm_rows_(?:ignored|invalid)_total(?:\{.*\})? (\d+)$/gm)];
    if (values.length === 0) throw new Error('/metrics does not say what was dropped');
    return values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  async stop(): Promise<void> {
    this.#client.close();
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await exited;
    rmSync(this.folder, { recursive: true });
  }

  async #get(path: string): Promise<string> {
    const answer = await fetch(`${this.url}${path}`);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.text();
  }
}

/** CPU seconds of a process on Linux; 100 ticks a second are what all of them have. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
