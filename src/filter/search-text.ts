/** Finds a segment in a text from a place on: where its first match ends, or -1. */
export type SearchText = (text: string, from: number) => number;

/** Up to this length V8 finds a text in one pass, whatever the two look like; beyond, it may go back again and again. */
const MAX_INDEXED_LENGTH = 250;

/**
 * Compiles the search for a segment.
 *
 * @param segment - characters; a symbol matches any character.
 */
export function compileSearch(segment: readonly (string | symbol)[]): SearchText {
  const literal = segment.every((part) => typeof part === "string") ? segment.join("") : undefined;
  if (literal === undefined || literal.length > MAX_INDEXED_LENGTH) return shiftAnd(segment);
  return (text, from) => {
    const found = text.indexOf(literal, from);
    return found < 0 ? -1 : found + literal.length;
  };
}

const WORD_BITS = 32;

/**
 * The Shift-And algorithm: bit n of the state says that the first n + 1 characters of the segment match up to here. Each
 * character of the text takes a step for every 32 of the segment, and none is looked at twice.
 */
function shiftAnd(segment: readonly (string | symbol)[]): SearchText {
  const words = Math.ceil(segment.length / WORD_BITS);
  const { masks, other } = characterMasks(segment, words);
  const lastBit = 1 << ((segment.length - 1) % WORD_BITS);
  return (text, from) => {
    const state = new Int32Array(words);
    for (let at = from; at < text.length; ) {
      const codePoint = text.codePointAt(at) as number;
      at += widthOf(codePoint);
      const mask = masks.get(codePoint) ?? other;
      let carried = 1;
      for (let word = 0; word < words; word += 1) {
        const before = state[word] as number;
        state[word] = ((before << 1) | carried) & (mask[word] as number);
        carried = before >>> (WORD_BITS - 1);
      }
      if (((state[words - 1] as number) & lastBit) !== 0) return at;
    }
    return -1;
  };
}

interface CharacterMasks {
  /** At which places of the segment a code point may be, a bit each. */
  readonly masks: ReadonlyMap<number, Int32Array>;
  /** The places where any other may be. */
  readonly other: Int32Array;
}

function characterMasks(segment: readonly (string | symbol)[], words: number): CharacterMasks {
  const other = new Int32Array(words);
  for (const [index, part] of segment.entries()) if (typeof part === "symbol") setBit(other, index);
  const masks = new Map<number, Int32Array>();
  for (const [index, part] of segment.entries()) {
    if (typeof part === "symbol") continue;
    const codePoint = part.codePointAt(0) as number;
    const mask = masks.get(codePoint) ?? other.slice();
    setBit(mask, index);
    masks.set(codePoint, mask);
  }
  return { masks, other };
}

function setBit(words: Int32Array, index: number): void {
  const word = Math.floor(index / WORD_BITS);
  words[word] = (words[word] as number) | (1 << (index % WORD_BITS));
}

const LAST_OF_ONE_UNIT = 0xffff;

/** How many UTF-16 units a code point takes. */
export function widthOf(codePoint: number): 1 | 2 {
  return codePoint > LAST_OF_ONE_UNIT ? 2 : 1;
}
