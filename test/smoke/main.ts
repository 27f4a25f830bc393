/**
 * Deploys the environment `kind` to a cluster and proves that it works:
 *
 *   npm run smoke -- [--context CTX] [--keep] [--from DIR] [--diagnostics DIR]
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeEnvironments } from '../../charts/app';
import { kind } from '../../charts/environments/kind';
import { LOCAL_COMMANDS } from './commands';
import { smoke, type SmokeOptions } from './smoke';

const USAGE = `Usage: npm run smoke -- [options]

  --context CONTEXT  use a cluster that exists; one is made with kind when left out
  --keep             leave the cluster, or what was applied to it
  --from DIR         apply the manifests in this folder first, and upgrade them
  --diagnostics DIR  where events and logs go when something fails; a new temporary folder when left out
  --help             print this`;

function parseOptions(): SmokeOptions {
  try {
    const { help, ...values } = parseArgs({
      options: {
        context: { type: 'string' },
        keep: { type: 'boolean' },
        from: { type: 'string' },
        diagnostics: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
    if (!help) return values;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(1);
  }
}

const options = parseOptions();

const interruption = new AbortController();
// The first signal ends the test, and what it made is removed. A second one must not end the removal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());

void smoke(options, {
  commands: LOCAL_COMMANDS,
  time: {
    now: Date.now,
    pause: (milliseconds) => setTimeout(milliseconds, undefined, { signal: interruption.signal }),
  },
  run: randomUUID(),
  synthesize: (outdir) => {
    writeEnvironments(outdir, { kind });
    return { folder: join(outdir, 'kind'), namespace: kind.namespace };
  },
  print: (line) => console.log(line),
  signal: interruption.signal,
}).then((passed) => {
  process.exitCode = passed ? 0 : 1;
});
