import { compileSearch, widthOf } from "./search-text.js";

/** Matches any one character. */
export const ANY_CHARACTER = Symbol("_");

/** The part between two `%` of a pattern: given characters and wildcards for one. */
export type LikeSegment = readonly (string | typeof ANY_CHARACTER)[];

/**
 * Splits a `like` pattern at its `%`. A `\` makes the character behind it literal; at the end it is itself. A pattern
 * without `%` has one segment.
 */
export function parseLikePattern(pattern: string): readonly LikeSegment[] {
  const segments: (string | typeof ANY_CHARACTER)[][] = [[]];
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] as string;
    if (character === "%") {
      segments.push([]);
    } else if (character === "_") {
      segments.at(-1)?.push(ANY_CHARACTER);
    } else if (character === "\\" && index + 1 < characters.length) {
      index += 1;
      segments.at(-1)?.push(characters[index] as string);
    } else {
      segments.at(-1)?.push(character);
    }
  }
  return segments;
}

/** The characters between the wildcards of a segment: the first run begins where the segment does. */
export function literalRuns(segment: LikeSegment): string[] {
  const runs = [""];
  for (const part of segment) {
    if (typeof part === "string") runs.push(`${runs.pop()}${part}`);
    else runs.push("");
  }
  return runs;
}

/**
 * Compiles a `like` pattern, once for all the texts that it is matched with.
 *
 * The first segment has to be at the start of the text and the last one at its end. Each of the others is taken where
 * it is found first: no later place leaves more room for what follows. So a text is gone through once, whatever the
 * pattern; a regular expression of the same pattern may take exponentially many steps.
 */
export function compileLike(pattern: string): (text: string) => boolean {
  const segments = parseLikePattern(pattern);
  const first = segments[0] as LikeSegment;
  if (segments.length === 1) return (text) => endOfMatch(first, text, 0) === text.length;
  const last = segments.at(-1) as LikeSegment;
  const searches = segments
    .slice(1, -1)
    .filter((segment) => segment.length > 0)
    .map(compileSearch);
  return (text) => {
    let at = endOfMatch(first, text, 0);
    for (const search of searches) {
      if (at < 0) return false;
      at = search(text, at);
    }
    if (at < 0) return false;
    const lastStart = startFromEnd(text, last.length);
    return lastStart >= at && endOfMatch(last, text, lastStart) === text.length;
  };
}

/** Where a segment ends that begins at a place in the text; -1 where it does not match there. */
function endOfMatch(segment: LikeSegment, text: string, start: number): number {
  let at = start;
  for (const wanted of segment) {
    const codePoint = text.codePointAt(at);
    if (codePoint === undefined) return -1;
    if (wanted !== ANY_CHARACTER && wanted.codePointAt(0) !== codePoint) return -1;
    at += widthOf(codePoint);
  }
  return at;
}

/** Where the last so many characters of a text begin; -1 where it has fewer. */
function startFromEnd(text: string, characters: number): number {
  let at = text.length;
  for (let count = 0; count < characters; count += 1) {
    if (at === 0) return -1;
    // Two units before the end are one character when they are a pair of surrogates.
    at -= at > 1 ? widthOf(text.codePointAt(at - 2) as number) : 1;
  }
  return at;
}
