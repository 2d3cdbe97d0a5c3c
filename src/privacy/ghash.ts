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

/** What a byte that a shift moves out adds to the first word. */
const REDUCED = Int32Array.from({ length: 256 }, (_, byte) => {
  const number = new Int32Array([0, 0, 0, byte]);
  for (let bit = 0; bit < 8; bit += 1) double(number);
  return number[0] as number;
});

/** The products of a hash key and each byte. */
export type HashTable = Int32Array;

export function hashTable(hashKey: Buffer): HashTable {
  const table = new Int32Array(256 * WORDS);
  const number = Int32Array.from({ length: WORDS }, (_, word) => hashKey.readInt32BE(word * 4));
  for (let byte = 128; byte > 0; byte >>= 1) {
    table.set(number, byte * WORDS);
    double(number);
  }
  for (let bit = 2; bit < 256; bit <<= 1) {
    for (let index = WORDS; index < bit * WORDS; index += 1) {
      table[bit * WORDS + index] = (table[bit * WORDS + (index % WORDS)] as number) ^ (table[index] as number);
    }
  }
  return table;
}

/**
 * GHASH, which authenticates in AES-GCM (NIST SP 800-38D, 6.4), of whole blocks. It multiplies byte by byte, the last one first.
 *
 * @param hash - gets the four words
 */
export function ghash(table: HashTable, blocks: Uint8Array, length: number, hash: Int32Array): void {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let at = 0; at < length; at += BLOCK_BYTES) {
    const w = a ^ wordAt(blocks, at);
    const x = b ^ wordAt(blocks, at + 4);
    const y = c ^ wordAt(blocks, at + 8);
    const z = d ^ wordAt(blocks, at + 12);
    a = b = c = d = 0;
    for (let index = BLOCK_BYTES - 1; index >= 0; index -= 1) {
      const word = index < 8 ? (index < 4 ? w : x) : index < 12 ? y : z;
      const product = ((word >>> (24 - ((index & 3) << 3))) & 255) << 2;
      const reduced = REDUCED[d & 255] as number;
      d = ((d >>> 8) | (c << 24)) ^ (table[product + 3] as number);
      c = ((c >>> 8) | (b << 24)) ^ (table[product + 2] as number);
      b = ((b >>> 8) | (a << 24)) ^ (table[product + 1] as number);
      a = (a >>> 8) ^ reduced ^ (table[product] as number);
    }
  }
  hash[0] = a;
  hash[1] = b;
  hash[2] = c;
  hash[3] = d;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
