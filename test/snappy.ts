import { uncompressSync } from 'snappy';

/** Decompresses a block, by code that shares nothing with what compressed it. */
export function snappyDecompress(block: Uint8Array): Buffer {
  return uncompressSync(block) as Buffer;
}
