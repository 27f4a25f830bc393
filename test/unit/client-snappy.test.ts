import { SnappyCompressor } from '../../src/client/remote-write/snappy';
import { snappyDecompress } from '../snappy';

/** A linear congruential generator: the same bytes on each run. */
function randomBytes(length: number, seed: number, alphabet = 256): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = Math.floor((state / 2 ** 32) * alphabet);
  }
  return bytes;
}

describe('snappy block format', () => {
  const KIB = 1024;
  const inputs: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['1 byte', Buffer.from('a')],
    ['15 bytes, too short to search', Buffer.from('aaaaaaaaaaaaaaa')],
    ['16 bytes', Buffer.from('abcdabcdabcdabcd')],
    ['literal of 60 bytes', randomBytes(60, 1)],
    ['literal of 61 bytes', randomBytes(61, 2)],
    ['literal of 256 bytes', randomBytes(256, 3)],
    ['literal of 257 bytes', randomBytes(257, 4)],
    ['one byte repeated', Buffer.alloc(10 * KIB, 'x')],
    ['a pattern repeated', Buffer.from('http_requests_total{service="shop"} '.repeat(3000))],
    ['random, 64 KiB - 1', randomBytes(64 * KIB - 1, 5)],
    ['random, 64 KiB', randomBytes(64 * KIB, 6)],
    ['random, 64 KiB + 1', randomBytes(64 * KIB + 1, 7)],
    ['repeated, 64 KiB - 1', Buffer.alloc(64 * KIB - 1, 'abcdefg')],
    ['repeated, 64 KiB', Buffer.alloc(64 * KIB, 'abcdefg')],
    ['repeated, 64 KiB + 1', Buffer.alloc(64 * KIB + 1, 'abcdefg')],
    ['random, 300,000 bytes', randomBytes(300_000, 8)],
    ['few letters, 300,000 bytes', randomBytes(300_000, 9, 3)],
  ];

  it.each(inputs)('gives back what went in: %s', (_, input) => {
    expect(snappyDecompress(new SnappyCompressor().compress(input)).equals(input)).toBe(true);
  });

  it('gives back every length from 0 to 600 of compressible data, with one compressor', () => {
    const compressor = new SnappyCompressor();
    const data = randomBytes(600, 10, 4);
    for (let length = 0; length <= data.length; length++) {
      const input = data.subarray(0, length);
      expect(snappyDecompress(compressor.compress(input)).equals(input)).toBe(true);
    }
  });

  it('gives back copies of every length, from near and far', () => {
    const compressor = new SnappyCompressor();
    for (const offset of [64, 200, 2047, 2048, 2049, 4095, 60_000]) {
      const filling = randomBytes(offset, offset);
      for (let length = 1; length <= Math.min(200, offset); length++) {
        // The byte after the copy differs from the one after the original.
        const after = filling[length % offset]! ^ 0xff;
        const input = Buffer.concat([filling, filling.subarray(0, length), Buffer.of(after), randomBytes(20, length)]);
        expect(snappyDecompress(compressor.compress(input)).equals(input)).toBe(true);
      }
    }
  });

  it('does not depend on what was compressed before', () => {
    const input = randomBytes(5000, 11, 5);
    const fresh = Buffer.from(new SnappyCompressor().compress(input));
    const used = new SnappyCompressor();
    used.compress(randomBytes(200_000, 12, 4));
    expect(used.compress(input).equals(fresh)).toBe(true);
  });

  it('makes repeated data much smaller and random data hardly larger', () => {
    const compressor = new SnappyCompressor();
    // A copy of 64 bytes takes 3 bytes.
    expect(compressor.compress(Buffer.alloc(64 * KIB, 'ab')).length).toBeLessThan((64 * KIB * 3) / 64 + 32);
    expect(compressor.compress(randomBytes(64 * KIB, 13)).length).toBeLessThan(64 * KIB + 32);
  });

  it('compresses a view into a larger buffer', () => {
    const whole = Buffer.from('....service="shop" service="shop" service="shop"....');
    const view = whole.subarray(4, whole.length - 4);
    expect(snappyDecompress(new SnappyCompressor().compress(view)).toString()).toBe(view.toString());
  });

  it('writes the block that the format description asks for', () => {
    // 20 bytes: literal "ab", then 18 bytes copied from 2 back.
    const block = new SnappyCompressor().compress(Buffer.from('abababababababababab'));
    expect([...block]).toEqual([20, 1 << 2, 97, 98, (17 << 2) | 2, 2, 0]);
  });
});
