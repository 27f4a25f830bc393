import * as zlib from 'node:zlib';
import { InvalidArgumentError } from '../errors';
import { SnappyCompressor } from './snappy';

/** How the body of a request is compressed, as `Content-Encoding` names it. */
export type Encoding = 'snappy' | 'zstd';

/** Zstandard from elsewhere, such as a WebAssembly package. Called for one request after another, and waited for. */
export interface ZstdCodec {
  /** Level 1 is right for remote write: higher ones cost much and save little. */
  compress(bytes: Uint8Array): Uint8Array;
  /** For requests that are compressed already when a server turns out to want snappy. */
  decompress(bytes: Uint8Array): Uint8Array;
}

/** What Node.js has from 22.15 and 23.8 on, and the types of older releases do not know. */
interface ZlibWithZstd {
  readonly zstdCompressSync?: (bytes: Uint8Array, options: { readonly params: Record<number, number> }) => Uint8Array;
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

/** @returns the zstd of Node.js, or undefined where it has none */
export function builtInZstd(library: ZlibWithZstd = zlib as unknown as ZlibWithZstd): ZstdCodec | undefined {
  const { zstdCompressSync, zstdDecompressSync, constants } = library;
  const level = constants.ZSTD_c_compressionLevel;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined || level === undefined) return undefined;
  return {
    compress: (bytes) => zstdCompressSync(bytes, { params: { [level]: 1 } }),
    decompress: (bytes) => zstdDecompressSync(bytes),
  };
}

/** A request body that is ready to be sent. */
export interface CompressedBody {
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
}

/** Compresses request bodies, each into bytes of its own. */
export class BodyCompressor {
  readonly #snappy = new SnappyCompressor();
  readonly #zstd: ZstdCodec | undefined;

  /** @throws InvalidArgumentError when the zstd does not give back what it was given */
  constructor(zstd: ZstdCodec | undefined) {
    this.#zstd = zstd;
    if (zstd !== undefined) checkRoundTrip(zstd);
  }

  get hasZstd(): boolean {
    return this.#zstd !== undefined;
  }

  compress(message: Uint8Array, encoding: Encoding): CompressedBody {
    if (encoding === 'zstd' && this.#zstd !== undefined) {
      try {
        return { encoding, bytes: this.#zstd.compress(message) };
      } catch {
        // Out of memory, maybe: what is not zstd is still a request.
      }
    }
    return { encoding: 'snappy', bytes: Buffer.from(this.#snappy.compress(message)) };
  }

  /** The same message as snappy, where it was zstd and can still be read. */
  zstdToSnappy({ encoding, bytes }: CompressedBody): CompressedBody | undefined {
    if (encoding !== 'zstd' || this.#zstd === undefined) return undefined;
    try {
      return this.compress(this.#zstd.decompress(bytes), 'snappy');
    } catch {
      return undefined;
    }
  }
}

function checkRoundTrip(zstd: ZstdCodec): void {
  const probe = Buffer.from('zstd zstd zstd zstd zstd zstd zstd zstd');
  let problem = 'decompress(compress(bytes)) gives other bytes';
  try {
    if (probe.equals(zstd.decompress(zstd.compress(probe)))) return;
  } catch (error) {
    problem = `it fails with ${error instanceof Error ? error.message : String(error)}`;
  }
  throw new InvalidArgumentError(`zstd: ${problem}; initialize the library first, and give both directions`);
}
