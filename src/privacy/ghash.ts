/** Bytes of a block, of AES and of GHASH. */
export const BLOCK_BYTES = 16;

/** A number of GHASH, of 128 bits, has four words. */
const WORDS = 4;

/** The polynomial by which products are reduced, as their first word. */
const POLYNOMIAL = 0xe1000000 | 0;

/** Multiplies a number by x, which shifts it to the right. */
function double(number: Int32Array): void {
  const [a = 0, b = 0, c = 0, d = 0] = number;
  number[0] = (a >>> 1) ^ (d & 1 ? POLYNOMIAL : 0);
  number[1] = (b >>> 1) | (a << 31);
  number[2] = (c >>> 1) | (b << 31);
  number[3] = (d >>> 1) | (c << 31);
}

/** What the bits that a shift by a byte moves out add to the first word. */
const REDUCED = Int32Array.from({ length: 256 }, (_, bits) => {
  const number = new Int32Array([0, 0, 0, bits]);
  shift(number, 8);
  return number[0] as number;
});

function shift(number: Int32Array, bits: number): void {
  for (let bit = 0; bit < bits; bit += 1) double(number);
}

/** Where the products with the higher half of a byte begin. */
const HIGH_HALF = 16 * WORDS;

export const HASH_TABLE_WORDS = 2 * HIGH_HALF;

/**
 * The products of a hash key with each half of a byte, the lower ones first: 512 bytes, of which many keys fit into the caches
 * of a processor.
 */
export function hashTable(hashKey: Buffer): Int32Array {
  const number = Int32Array.from({ length: WORDS }, (_, word) => hashKey.readInt32BE(word * 4));
  const high = productsWith(number);
  // The lower half of a byte comes first, and is shifted by the higher one.
  shift(number, 4);
  const table = new Int32Array(HASH_TABLE_WORDS);
  table.set(productsWith(number));
  table.set(high, HIGH_HALF);
  return table;
}

/** The products of a number with four bits, of which the highest stands for 1. */
function productsWith(factor: Int32Array): Int32Array {
  const products = new Int32Array(HIGH_HALF);
  const number = factor.slice();
  for (let bits = 8; bits > 0; bits >>= 1) {
    products.set(number, bits * WORDS);
    double(number);
  }
  for (let bit = 2; bit < 16; bit <<= 1) {
    for (let index = WORDS; index < bit * WORDS; index += 1) {
      products[bit * WORDS + index] = (products[bit * WORDS + (index % WORDS)] as number) ^ (products[index] as number);
    }
  }
  return products;
}

/**
 * GHASH, which authenticates in AES-GCM (NIST SP 800-38D, 6.4), of whole blocks. It multiplies a byte at a time, the last ones
 * first.
 *
 * @param table - {@link hashTable}, with anything behind it
 * @param hash - the four words of what comes before these blocks, zeros at first; gets those with them
 */
export function ghash(table: Int32Array, blocks: Uint8Array, length: number, hash: Int32Array): void {
  let a = hash[0] as number;
  let b = hash[1] as number;
  let c = hash[2] as number;
  let d = hash[3] as number;
  for (let at = 0; at < length; at += BLOCK_BYTES) {
    const w = a ^ wordAt(blocks, at);
    const x = b ^ wordAt(blocks, at + 4);
    const y = c ^ wordAt(blocks, at + 8);
    const z = d ^ wordAt(blocks, at + 12);
    a = b = c = d = 0;
    for (let wordIndex = 3; wordIndex >= 0; wordIndex -= 1) {
      let word = wordIndex === 3 ? z : wordIndex === 2 ? y : wordIndex === 1 ? x : w;
      for (let byte = 0; byte < 4; byte += 1) {
        const low = (word & 15) << 2;
        const high = HIGH_HALF + ((word >>> 2) & 60);
        const reduced = REDUCED[d & 255] as number;
        word >>>= 8;
        d = ((d >>> 8) | (c << 24)) ^ (table[low + 3] as number) ^ (table[high + 3] as number);
        c = ((c >>> 8) | (b << 24)) ^ (table[low + 2] as number) ^ (table[high + 2] as number);
        b = ((b >>> 8) | (a << 24)) ^ (table[low + 1] as number) ^ (table[high + 1] as number);
        a = (a >>> 8) ^ reduced ^ (table[low] as number) ^ (table[high] as number);
      }
    }
  }
  hash[0] = a;
  hash[1] = b;
  hash[2] = c;
  hash[3] = d;
}

/** Four bytes as a number, the first of them the highest. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
