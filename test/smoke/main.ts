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
import { smoke } from './smoke';

const { values } = parseArgs({
  options: {
    context: { type: 'string' },
    keep: { type: 'boolean' },
    from: { type: 'string' },
    diagnostics: { type: 'string' },
  },
});

const interruption = new AbortController();
// The first signal ends the test, and what it made is removed. A second one must not end the removal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interruption.abort());

void smoke(values, {
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
