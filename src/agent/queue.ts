import type { Size } from 'cdk8s';
import { kibibytes, type Problems } from '../validation';
import { capacityOf, isEphemeral, type VolumeProps } from '../workload';

/** VictoriaMetrics keeps the queue in files of up to so many MiB, and raises lower limits to that. */
const CHUNK = 513;

/** What a target may keep where its volume says no size, in MiB. */
const UNBOUNDED_LIMIT = 1024;

/** Of a volume so much is left for data by its file system. */
const USABLE = 0.95;

/** What decides how much of the volume a target gets. */
export interface QueuedTarget {
  /** The prop of the target, e.g. `remoteWrite[0]`. */
  readonly prop: string;
  readonly maxDiskUsage?: Size;
}

/**
 * How much of the volume the queue of each target may take, in MiB: what the user says, else an equal share of what is
 * left. Besides its limit a queue takes up to one file, which is removed only when all of it has been sent.
 */
export function diskLimits(volume: VolumeProps, targets: readonly QueuedTarget[], problems: Problems): number[] {
  const given = targets.map(({ prop, maxDiskUsage }) => {
    if (maxDiskUsage === undefined) return undefined;
    const limit = Math.floor(mebibytes(maxDiskUsage));
    problems.when(limit < CHUNK, {
      prop: `${prop}.maxDiskUsage`,
      value: maxDiskUsage,
      rule: `VictoriaMetrics keeps the queue in files of that size, and would raise the limit to ${CHUNK}Mi`,
      fix: `set it to Size.mebibytes(${CHUNK}) or more`,
    });
    return Math.max(limit, CHUNK);
  });
  const capacity = capacityOf(volume);
  if (capacity === undefined) return given.map((limit) => limit ?? UNBOUNDED_LIMIT);

  const said = given.filter((limit) => limit !== undefined);
  const shares = targets.length - said.length;
  const taken = said.reduce((sum, limit) => sum + limit + CHUNK, 0);
  const usable = Math.floor(mebibytes(capacity) * USABLE);
  const needed = taken + shares * 2 * CHUNK;
  if (needed > usable) {
    const enough = Math.ceil(needed / USABLE);
    problems.add({
      prop: isEphemeral(volume) ? 'queue.sizeLimit' : 'queue.size',
      value: capacity,
      rule:
        `the queues may take ${needed}Mi (${targets.map((target, index) => demand(target, given[index])).join(', ')}), ` +
        `and the file system leaves ${usable}Mi for them`,
      fix: `enlarge it to Size.mebibytes(${enough}) or more${said.length > 0 ? ', or lower `maxDiskUsage`' : ''}`,
    });
  }
  const share = shares > 0 ? Math.floor((usable - taken) / shares) - CHUNK : 0;
  return given.map((limit) => limit ?? Math.max(share, CHUNK));
}

function demand({ prop }: QueuedTarget, limit: number | undefined): string {
  return limit === undefined
    ? `${prop}: ${2 * CHUNK}Mi at the least`
    : `${prop}.maxDiskUsage: ${limit}Mi and a file of ${CHUNK}Mi`;
}

function mebibytes(size: Size): number {
  return kibibytes(size) / 1024;
}
