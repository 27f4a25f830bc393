/**
 * Protobuf varints: seven bits a byte, lowest first, the top bit set on all but the last.
 * https://protobuf.dev/programming-guides/encoding/#varints
 */

/** @returns the number of bytes of a value below 2^32 */
export function varint32Length(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Writes a value below 2^32 and returns where it ends. */
export function writeVarint32(output: Uint8Array, position: number, value: number): number {
  while (value >= 0x80) {
    output[position++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  output[position++] = value;
  return position;
}

/** Writes a safe integer as int64 and returns where it ends; a negative one takes ten bytes. */
export function writeInt64(output: Uint8Array, position: number, value: number): number {
  // Bitwise operators see 32 bits only. Split at bit 28, a multiple of 7: both halves then fit, and no byte straddles them.
  let high = Math.floor(value * 2 ** -28);
  let low = value - high * 2 ** 28;
  if (high === 0) return writeVarint32(output, position, low);
  output[position++] = (low & 0x7f) | 0x80;
  output[position++] = ((low >>>= 7) & 0x7f) | 0x80;
  output[position++] = ((low >>>= 7) & 0x7f) | 0x80;
  output[position++] = (low >>> 7) | 0x80;
  if (high > 0) return writeVarint32(output, position, high);
  // The sign fills the upper bits: five more bytes of seven bits, and bit 63 alone in the tenth.
  for (let i = 0; i < 5; i++) {
    output[position++] = (high & 0x7f) | 0x80;
    high >>= 7;
  }
  output[position++] = 1;
  return position;
}

/** Writes a field that has a length in front, and returns its bytes. For what is not written often. */
export function lengthDelimited(tag: number, content: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header[0] = tag;
  return Buffer.concat([header.subarray(0, writeVarint32(header, 1, content.length)), content]);
}
