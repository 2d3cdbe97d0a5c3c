// The layout of the log: https://www.sqlite.org/fileformat.html#the_write_ahead_log
export const HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 24;
export const FRAME_SALT_OFFSET = 8;

/** Where the header of the log has the size of a page, and then the salt, which is another each time that the log begins anew. */
export const PAGE_SIZE_OFFSET = 8;
export const SALT_OFFSET = 16;

/** Where a frame has its checksum: two numbers, which the checksum of the next frame begins with. */
export const FRAME_CHECKSUM_OFFSET = 16;

/** Where the header of the log has the checksum that the first frame's begins with. */
export const HEADER_CHECKSUM_OFFSET = 24;

/** How many bytes a checksum has. */
export const CHECKSUM_BYTES = 8;

/** What the header begins with where the words of checksums have their high byte first; otherwise it is one less. */
const BIG_ENDIAN_LOG = 0x377f0683;

/**
 * Whether a frame is as it was written: https://www.sqlite.org/fileformat.html#checksum_algorithm
 *
 * @param before - the checksum of the frame before, or of the header
 * @param logMark - what the header of the log begins with
 */
export function isWhole(frame: Buffer, before: Buffer, logMark: number): boolean {
  const words = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const isLittleEndian = logMark !== BIG_ENDIAN_LOG;
  let [first, second] = [before.readInt32BE(0), before.readInt32BE(4)];
  const add = (from: number, to: number): void => {
    for (let place = from; place < to; place += 8) {
      first = (first + words.getInt32(place, isLittleEndian) + second) | 0;
      second = (second + words.getInt32(place + 4, isLittleEndian) + first) | 0;
    }
  };
  add(0, FRAME_SALT_OFFSET);
  add(FRAME_HEADER_BYTES, frame.byteLength);
  const checksum = FRAME_CHECKSUM_OFFSET;
  return first === frame.readInt32BE(checksum) && second === frame.readInt32BE(checksum + 4);
}
