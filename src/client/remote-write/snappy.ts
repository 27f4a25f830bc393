/**
 * Snappy, block format: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * Written in JavaScript because a call into a native addon allocates a fresh buffer each time, which costs more here
 * than it saves: a request is 50-500 KB and both the table and the output can be used again.
 */

/** Copies reach back at most 64 KiB, so each such piece of the input is compressed by itself. */
const FRAGMENT_SIZE = 0x10000;
const MIN_TABLE_BITS = 8;
const MAX_TABLE_BITS = 14;
/** Odd multiplier of the reference implementation's hash. */
const HASH_MULTIPLIER = 0x1e35a7bd;
/** The match search reads 4 bytes at a time; a shorter input cannot hold a worthwhile match. */
const MIN_INPUT = 16;
/** Up to here a plain loop is faster than a call into the runtime. */
const LOOP_COPY_LIMIT = 96;

const TAG_LITERAL = 0;
const TAG_COPY_1 = 1;
const TAG_COPY_2 = 2;

function maxCompressedLength(inputLength: number): number {
  // The bound given by the reference implementation.
  return 32 + inputLength + Math.ceil(inputLength / 6);
}

/** Compresses one block after another into the same output and with the same table. Not for concurrent use. */
export class SnappyCompressor {
  readonly #table = new Uint16Array(1 << MAX_TABLE_BITS);
  #output = Buffer.allocUnsafeSlow(maxCompressedLength(FRAGMENT_SIZE));

  /** @returns a view of the compressor's own buffer, valid until the next call */
  compress(input: Uint8Array): Buffer {
    const bound = maxCompressedLength(input.length);
    if (this.#output.length < bound) {
      this.#output = Buffer.allocUnsafeSlow(Math.max(bound, this.#output.length * 2));
    }
    const output = this.#output;
    const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
    let end = 0;
    let rest = input.length;
    while (rest >= 0x80) {
      output[end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    output[end++] = rest;
    for (let start = 0; start < input.length; start += FRAGMENT_SIZE) {
      const stop = Math.min(start + FRAGMENT_SIZE, input.length);
      end = compressFragment(input, view, start, stop, output, end, this.#table);
    }
    return output.subarray(0, end);
  }
}

function compressFragment(
  input: Uint8Array,
  view: DataView,
  start: number,
  stop: number,
  output: Uint8Array,
  end: number,
  table: Uint16Array,
): number {
  if (stop - start < MIN_INPUT) return writeLiteral(input, start, stop, output, end);

  // A small input gets a small table, because clearing the table would otherwise be most of the work.
  let bits = MIN_TABLE_BITS;
  while (bits < MAX_TABLE_BITS && 1 << bits < stop - start) bits++;
  const shift = 32 - bits;
  table.fill(0, 0, 1 << bits);

  const lastSearch = stop - 5;
  let literalStart = start;
  let position = start + 1;
  let misses = 32;
  while (position <= lastSearch) {
    const word = view.getInt32(position, true);
    const slot = Math.imul(word, HASH_MULTIPLIER) >>> shift;
    let candidate = start + table[slot]!;
    table[slot] = position - start;
    if (view.getInt32(candidate, true) !== word) {
      // Step further the longer nothing was found: data that does not compress is passed over quickly.
      position += misses++ >>> 5;
      continue;
    }
    misses = 32;
    end = writeLiteral(input, literalStart, position, output, end);
    for (;;) {
      const length = matchLength(input, view, candidate, position, stop);
      end = writeCopy(output, end, position - candidate, length);
      position += length;
      literalStart = position;
      if (position > lastSearch) break;
      // Index the last byte of the match as well, then try to go on with another match at once.
      table[Math.imul(view.getInt32(position - 1, true), HASH_MULTIPLIER) >>> shift] = position - 1 - start;
      const next = view.getInt32(position, true);
      const nextSlot = Math.imul(next, HASH_MULTIPLIER) >>> shift;
      candidate = start + table[nextSlot]!;
      table[nextSlot] = position - start;
      if (view.getInt32(candidate, true) !== next) {
        position++;
        break;
      }
    }
  }
  return literalStart < stop ? writeLiteral(input, literalStart, stop, output, end) : end;
}

/** Length of the match, whose first four bytes are known to be equal. */
function matchLength(input: Uint8Array, view: DataView, candidate: number, position: number, stop: number): number {
  let length = 4;
  const wordLimit = stop - position - 4;
  while (length <= wordLimit) {
    const difference = view.getInt32(candidate + length, true) ^ view.getInt32(position + length, true);
    if (difference !== 0) {
      // The lowest set bit lies in the first byte that differs, as the words were read little-endian.
      return length + ((31 - Math.clz32(difference & -difference)) >>> 3);
    }
    length += 4;
  }
  while (position + length < stop && input[candidate + length] === input[position + length]) length++;
  return length;
}

function writeLiteral(input: Uint8Array, from: number, to: number, output: Uint8Array, end: number): number {
  const length = to - from;
  const code = length - 1;
  if (code < 60) {
    output[end++] = (code << 2) | TAG_LITERAL;
  } else if (code < 0x100) {
    output[end++] = (60 << 2) | TAG_LITERAL;
    output[end++] = code;
  } else {
    // A fragment is at most 64 KiB, so two bytes always hold the length.
    output[end++] = (61 << 2) | TAG_LITERAL;
    output[end++] = code & 0xff;
    output[end++] = code >>> 8;
  }
  if (length <= LOOP_COPY_LIMIT) {
    for (let i = from; i < to; i++) output[end++] = input[i]!;
    return end;
  }
  output.set(input.subarray(from, to), end);
  return end + length;
}

function writeCopy(output: Uint8Array, end: number, offset: number, length: number): number {
  // A copy carries at most 64 bytes; never leave a rest below 4, which the short form cannot say.
  while (length >= 68) {
    end = writeCopy2(output, end, offset, 64);
    length -= 64;
  }
  if (length > 64) {
    end = writeCopy2(output, end, offset, 60);
    length -= 60;
  }
  if (length < 12 && offset < 0x800) {
    output[end++] = TAG_COPY_1 | ((length - 4) << 2) | ((offset >>> 8) << 5);
    output[end++] = offset & 0xff;
    return end;
  }
  return writeCopy2(output, end, offset, length);
}

function writeCopy2(output: Uint8Array, end: number, offset: number, length: number): number {
  output[end++] = TAG_COPY_2 | ((length - 1) << 2);
  output[end++] = offset & 0xff;
  output[end++] = offset >>> 8;
  return end;
}
