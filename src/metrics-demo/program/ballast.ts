import { readFileSync } from 'node:fs';
import type { ProcessStatistics } from './process-metrics';

/** Above the 90 % at which an alert fires; the rest is for what the process does meanwhile. */
const SHARE_OF_LIMIT = 0.94;

/** From here on some is given back, before the kernel ends the process. */
const DANGEROUS_SHARE = 0.97;

const CHUNK_BYTES = 4 * 1024 * 1024;
const CHUNKS_AT_ONCE = 4;

/** Takes memory, really, until the process is near its limit. */
export class Ballast {
  private readonly chunks: Buffer[] = [];

  public constructor(
    private readonly statistics: Pick<ProcessStatistics, 'residentBytes'>,
    private readonly limitBytes: number,
  ) {}

  /** Takes some more, if there is room. */
  public grow(): void {
    for (let i = 0; i < CHUNKS_AT_ONCE; i++) {
      const used = this.usedBytes();
      if (used > this.limitBytes * DANGEROUS_SHARE) {
        this.giveBack(1);
        return;
      }
      const free = Math.ceil(this.limitBytes * SHARE_OF_LIMIT - used);
      if (free <= 0) return;
      // Filled: pages that nobody wrote to take no memory.
      this.chunks.push(Buffer.alloc(Math.min(free, CHUNK_BYTES), 1));
    }
  }

  /** Gives back all that was taken. */
  public release(): void {
    this.giveBack(this.chunks.length);
  }

  private giveBack(chunks: number): void {
    if (chunks === 0) return;
    this.chunks.splice(-chunks);
    (globalThis as { readonly gc?: () => void }).gc?.();
  }

  /** As the kubelet counts it, where the container has the limit; else the process alone. */
  private usedBytes(): number {
    try {
      if (Number(cgroup('memory.max')) !== this.limitBytes) return this.statistics.residentBytes();
      const inactive = /^inactive_file (\d+)$/m.exec(cgroup('memory.stat'))?.[1] ?? '0';
      return Number(cgroup('memory.current')) - Number(inactive);
    } catch {
      return this.statistics.residentBytes();
    }
  }
}

function cgroup(file: string): string {
  return readFileSync(`/sys/fs/cgroup/${file}`, 'utf8').trim();
}
