import type { Size } from 'cdk8s';
import { kibibytes, type Problems } from '../validation';
import { capacityOf, type VolumeProps } from '../workload';
import { isRemoteWrite, type ExporterProps } from './exporter';

/** What clients may send in one request, in bytes: the receiver takes so much over HTTP. A shorter queue could not hold it. */
const LONGEST_REQUEST = 20 * 1024 * 1024;

/** On disk, where its volume says no size, in bytes. */
const UNBOUNDED = 1024 ** 3;

/** Of a volume; the rest is for free pages, of which the files of the queues have some, and the file system. */
const OF_VOLUME = 0.75;

/**
 * Data takes six to seven times the room that it takes when it is sent, and from 55 % of the memory on `memory_limiter`
 * refuses more: with this share the queue is full before.
 */
const OF_MEMORY = 1 / 16;

/** How much may wait for each exporter, in bytes: what the user says, else an equal share of what there is. */
export function queueBytes(
  exporters: readonly ExporterProps[],
  volume: VolumeProps | undefined,
  memoryLimit: Size,
  problems: Problems,
): number[] {
  const queued = exporters.filter((exporter) => !isRemoteWrite(exporter));
  const said = exporters.map(({ queueSize }) => queueSize && bytes(queueSize));
  for (const [index, size] of said.entries()) {
    problems.when(size !== undefined && size < LONGEST_REQUEST, {
      prop: `exporters[${index}].queueSize`,
      value: exporters[index]?.queueSize,
      rule: 'a request of a client may have 20Mi, and would never fit',
      fix: 'set it to Size.mebibytes(20) or more',
    });
  }
  const capacity = volume && capacityOf(volume);
  if (volume && !capacity) return said.map((size) => size ?? UNBOUNDED);

  const room = Math.floor(capacity ? bytes(capacity) * OF_VOLUME : bytes(memoryLimit) * OF_MEMORY);
  const given = said.filter((size) => size !== undefined);
  const taken = given.reduce((sum, size) => sum + size, 0);
  const shares = queued.length - given.length;
  const share = shares > 0 ? Math.max(Math.floor((room - taken) / shares), LONGEST_REQUEST) : 0;
  const needed = taken + shares * LONGEST_REQUEST;
  if (capacity) {
    problems.when(needed > room, {
      prop: volume.ephemeral ? 'queue.sizeLimit' : 'queue.size',
      value: capacity,
      rule: `the queues may take ${mebibytes(needed)}Mi, and need a third more in free pages`,
      fix: `enlarge it to Size.mebibytes(${mebibytes(needed / OF_VOLUME)}) or more`,
    });
  } else {
    problems.when(given.length > 0 && needed > room, {
      prop: 'resources.memory.limit',
      value: memoryLimit,
      rule: `the queues may take ${mebibytes(needed)}Mi as they are sent, and six to seven times that in memory`,
      fix: `raise it to Size.mebibytes(${mebibytes(needed / OF_MEMORY)}) or more, lower \`queueSize\`, or set \`queue\``,
    });
  }
  return said.map((size) => size ?? share);
}

function bytes(size: Size): number {
  return kibibytes(size) * 1024;
}

function mebibytes(amount: number): number {
  return Math.ceil(amount / 1024 ** 2);
}
