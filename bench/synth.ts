/**
 * npm run bench:synth
 *
 * Wall time and peak memory of synthesizing each environment, and 1, 10 and 100 replicated clusters in one app.
 * Every measurement is a process of its own; the cases take turns, so that a noisy machine is noisy for all of them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiObject, App, Chart, Size } from 'cdk8s';
import { environmentApps } from '../charts/app';
import { ENVIRONMENTS } from '../charts/environments';
import { VmCluster } from '../src';

const ROUNDS = 5;
const CLUSTERS = [1, 10, 100];

interface Measurement {
  readonly objects: number;
  /** From nothing to files on disk, without starting Node and loading modules. */
  readonly synthMs: number;
  readonly peakMiB: number;
}

function clusters(count: number, outdir: string): App {
  const app = new App({ outdir });
  const chart = new Chart(app, 'metrics', { namespace: 'monitoring' });
  for (let i = 0; i < count; i++) {
    new VmCluster(chart, `cluster-${i}`, {
      replicationFactor: 2,
      vmstorage: { replicas: 3, volume: { size: Size.gibibytes(10) } },
    });
  }
  return app;
}

function appOf(name: string, outdir: string): App {
  const environment = ENVIRONMENTS[name];
  return environment
    ? environmentApps(outdir, { [name]: environment }).get(name)!
    : clusters(Number.parseInt(name, 10), outdir);
}

function measure(name: string): Measurement {
  const outdir = mkdtempSync(join(tmpdir(), 'bench-synth-'));
  const start = process.hrtime.bigint();
  const app = appOf(name, outdir);
  app.synth();
  const synthMs = Number(process.hrtime.bigint() - start) / 1e6;
  const objects = app.node.findAll().filter((construct) => ApiObject.isApiObject(construct)).length;
  rmSync(outdir, { recursive: true });
  return { objects, synthMs, peakMiB: process.resourceUsage().maxRSS / 1024 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function main(): void {
  const names = [...Object.keys(ENVIRONMENTS), ...CLUSTERS.map((count) => `${count} cluster${count > 1 ? 's' : ''}`)];
  const runs = new Map<string, { wallMs: number; run: Measurement }[]>(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const start = process.hrtime.bigint();
      const output = execFileSync(process.execPath, [...process.execArgv, __filename, name], { encoding: 'utf8' });
      const wallMs = Number(process.hrtime.bigint() - start) / 1e6;
      runs.get(name)!.push({ wallMs, run: JSON.parse(output) as Measurement });
    }
  }
  console.log(`Node ${process.version}, median of ${ROUNDS} processes each\n`);
  console.log('case          objects  whole process ms  synth ms  synth ms/object  peak MiB');
  const perObject = new Map<string, number>();
  for (const [name, measured] of runs) {
    const { objects } = measured[0]!.run;
    const synthMs = median(measured.map(({ run }) => run.synthMs));
    perObject.set(name, synthMs / objects);
    console.log(
      [
        name.padEnd(12),
        String(objects).padStart(8),
        median(measured.map(({ wallMs }) => wallMs))
          .toFixed(0)
          .padStart(17),
        synthMs.toFixed(0).padStart(9),
        (synthMs / objects).toFixed(2).padStart(16),
        median(measured.map(({ run }) => run.peakMiB))
          .toFixed(0)
          .padStart(9),
      ].join(' '),
    );
  }
  const growth = perObject.get('100 clusters')! / perObject.get('10 clusters')!;
  console.log(`\nms per object at 100 clusters / at 10 clusters: ${growth.toFixed(2)} (linear growth is at most 1)`);
}

const [name] = process.argv.slice(2);
if (name === undefined) main();
else console.log(JSON.stringify(measure(name)));
