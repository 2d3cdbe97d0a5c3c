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

/** What four bits that a shift moves out add to the first word. */
const REDUCED = Int32Array.from({ length: 16 }, (_, bits) => {
  const number = new Int32Array([0, 0, 0, bits]);
  for (let bit = 0; bit < 4; bit += 1) double(number);
  return number[0] as number;
});

/** The products of a hash key and each half of a byte: 256 bytes, of which many keys fit into the caches of a processor. */
export type HashTable = Int32Array;

export function hashTable(hashKey: Buffer): HashTable {
  const table = new Int32Array(16 * WORDS);
  const number = Int32Array.from({ length: WORDS }, (_, word) => hashKey.readInt32BE(word * 4));
  for (let bits = 8; bits > 0; bits >>= 1) {
    table.set(number, bits * WORDS);
    double(number);
  }
  for (let bit = 2; bit < 16; bit <<= 1) {
    for (let index = WORDS; index < bit * WORDS; index += 1) {
      table[bit * WORDS + index] = (table[bit * WORDS + (index % WORDS)] as number) ^ (table[index] as number);
    }
  }
  return table;
}

/**
 * GHASH, which authenticates in AES-GCM (NIST SP 800-38D, 6.4), of whole blocks. It multiplies four bits at a time, the last
 * ones first.
 *
 * @param hash - the four words of what comes before these blocks, zeros at first; gets those with them
 */
export function ghash(table: HashTable, blocks: Uint8Array, length: number, hash: Int32Array): void {
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
      for (let half = 0; half < 8; half += 1) {
        const product = (word & 15) << 2;
        word >>>= 4;
        const reduced = REDUCED[d & 15] as number;
        d = ((d >>> 4) | (c << 28)) ^ (table[product + 3] as number);
        c = ((c >>> 4) | (b << 28)) ^ (table[product + 2] as number);
        b = ((b >>> 4) | (a << 28)) ^ (table[product + 1] as number);
        a = (a >>> 4) ^ reduced ^ (table[product] as number);
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
