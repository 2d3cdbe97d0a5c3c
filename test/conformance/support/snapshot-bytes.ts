/** Bytes without a pattern that a compressor finds: those of a linear congruential generator. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 16;
  });
}

/** A thousand zeros as a zlib stream that stores them without compressing: valid, and it compresses well once more. */
function storedByZlib(): Uint8Array {
  const header = [0x78, 0x01, 0x01, 0xe8, 0x03, 0x17, 0xfc];
  const checksum = [0x03, 0xe8, 0x00, 0x01];
  return new Uint8Array([...header, ...new Array<number>(1_000).fill(0), ...checksum]);
}

const HELLO_DEFLATED = [0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

/** States that a store which guesses whether a state is compressed gives back changed, and others. */
export const SNAPSHOT_BYTES: readonly (readonly [string, Uint8Array])[] = [
  ["none", new Uint8Array(0)],
  ["of every value", Uint8Array.from({ length: 256 }, (_, index) => index)],
  ["that compress well", new Uint8Array(500_000)],
  ["that do not compress", noise(5_000)],
  ["that zlib makes", new Uint8Array([0x78, 0x9c, ...HELLO_DEFLATED, 0x06, 0x2c, 0x02, 0x15])],
  ["that zlib makes, and more of them", storedByZlib()],
  ["that deflate makes", new Uint8Array(HELLO_DEFLATED)],
  [
    "that gzip makes",
    new Uint8Array([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...HELLO_DEFLATED, 0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0]),
  ],
];
