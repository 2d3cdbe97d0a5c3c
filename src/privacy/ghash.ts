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
 * GHASH, which authenticates in AES-GCM (NIST SP 800-38D, 6.4), of whole blocks.
 *
 * @param table - {@link hashTable}, with anything behind it
 * @param from - where the first of the blocks begins
 * @param hash - the four words of what comes before these blocks, zeros at first; gets those with them
 */
export function ghash(table: Int32Array, blocks: Uint8Array, from: number, length: number, hash: Int32Array): void {
  for (let at = from; at < from + length; at += BLOCK_BYTES) {
    hash[0] = (hash[0] as number) ^ wordAt(blocks, at);
    hash[1] = (hash[1] as number) ^ wordAt(blocks, at + 4);
    hash[2] = (hash[2] as number) ^ wordAt(blocks, at + 8);
    hash[3] = (hash[3] as number) ^ wordAt(blocks, at + 12);
    multiplyHash(table, hash);
  }
}

/**
 * Multiplies a hash by the hash key. It takes the bytes that are at the same place of each word, the last ones first, so that the
 * product is shifted only between these, and reduced only once.
 */
export function multiplyHash(table: Int32Array, hash: Int32Array): void {
  let w = hash[0] as number;
  let x = hash[1] as number;
  let y = hash[2] as number;
  let z = hash[3] as number;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  let g = 0;
  let h = 0;
  for (let byte = 0; byte < 4; byte += 1) {
    h = (h >>> 8) | (g << 24);
    g = (g >>> 8) | (f << 24);
    f = (f >>> 8) | (e << 24);
    e = (e >>> 8) | (d << 24);
    d = (d >>> 8) | (c << 24);
    c = (c >>> 8) | (b << 24);
    b = (b >>> 8) | (a << 24);
    a >>>= 8;
    let low = (w & 15) << 2;
    let high = HIGH_HALF + ((w >>> 2) & 60);
    a ^= (table[low] as number) ^ (table[high] as number);
    b ^= (table[low + 1] as number) ^ (table[high + 1] as number);
    c ^= (table[low + 2] as number) ^ (table[high + 2] as number);
    d ^= (table[low + 3] as number) ^ (table[high + 3] as number);
    low = (x & 15) << 2;
    high = HIGH_HALF + ((x >>> 2) & 60);
    b ^= (table[low] as number) ^ (table[high] as number);
    c ^= (table[low + 1] as number) ^ (table[high + 1] as number);
    d ^= (table[low + 2] as number) ^ (table[high + 2] as number);
    e ^= (table[low + 3] as number) ^ (table[high + 3] as number);
    low = (y & 15) << 2;
    high = HIGH_HALF + ((y >>> 2) & 60);
    c ^= (table[low] as number) ^ (table[high] as number);
    d ^= (table[low + 1] as number) ^ (table[high + 1] as number);
    e ^= (table[low + 2] as number) ^ (table[high + 2] as number);
    f ^= (table[low + 3] as number) ^ (table[high + 3] as number);
    low = (z & 15) << 2;
    high = HIGH_HALF + ((z >>> 2) & 60);
    d ^= (table[low] as number) ^ (table[high] as number);
    e ^= (table[low + 1] as number) ^ (table[high + 1] as number);
    f ^= (table[low + 2] as number) ^ (table[high + 2] as number);
    g ^= (table[low + 3] as number) ^ (table[high + 3] as number);
    w >>>= 8;
    x >>>= 8;
    y >>>= 8;
    z >>>= 8;
  }
  // What a word behind the fourth stands for is 1, x, x^2 and x^7 times as much, 128 bits before it.
  d ^= h ^ (h >>> 1) ^ (h >>> 2) ^ (h >>> 7);
  e ^= (h << 31) ^ (h << 30) ^ (h << 25);
  hash[0] = a ^ e ^ (e >>> 1) ^ (e >>> 2) ^ (e >>> 7);
  hash[1] = b ^ (e << 31) ^ (e << 30) ^ (e << 25) ^ f ^ (f >>> 1) ^ (f >>> 2) ^ (f >>> 7);
  hash[2] = c ^ (f << 31) ^ (f << 30) ^ (f << 25) ^ g ^ (g >>> 1) ^ (g >>> 2) ^ (g >>> 7);
  hash[3] = d ^ (g << 31) ^ (g << 30) ^ (g << 25);
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
