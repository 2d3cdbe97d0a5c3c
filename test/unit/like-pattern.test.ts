import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileLike } from "../../src/filter/like-pattern.js";
import { MAX_EVENT_BYTES, MAX_FILTER_PATTERN_LENGTH } from "../../src/limits.js";

/** What a pattern means, told by trying everything. */
function matchesByTrying(text: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === "%") {
    return matchesByTrying(text, rest) || (text.length > 0 && matchesByTrying(text.slice(1), pattern));
  }
  return text.length > 0 && (first === "_" || first === text[0]) && matchesByTrying(text.slice(1), rest);
}

describe("a like pattern", () => {
  const character = fc.constantFrom("a", "a", "b", "\u{1f600}", "\u{1f601}", "\0");
  // A text may have half a character in it; a pattern may not.
  const part = fc.oneof({ arbitrary: character, weight: 8 }, fc.constantFrom("\ud83d", "\ude00"));

  test("means what trying every way of matching finds", () => {
    const wildcards = fc.oneof(character, fc.constantFrom("%", "_"));
    const property = fc.property(
      fc.array(part, { maxLength: 9 }),
      fc.array(wildcards, { maxLength: 7 }),
      (parts, pattern) => {
        const text = [...parts.join("")];
        expect(compileLike(pattern.join(""))(text.join(""))).toBe(matchesByTrying(text, [...pattern.join("")]));
      },
    );
    fc.assert(property, { numRuns: 20_000 });
  });

  test("may be as long as it is allowed, and has each of its characters looked for", () => {
    const long = "ab".repeat(MAX_FILTER_PATTERN_LENGTH / 4);
    for (const middle of [long, long.replaceAll("ba", "b_").slice(0, -2)]) {
      const matches = compileLike(`%${middle}%`);
      expect(matches(`xx${long}xx`)).toBe(true);
      expect(matches(`${long.slice(0, 251)}c${long.slice(252)}`)).toBe(false);
    }
  });

  // Going back for each character would take minutes.
  const longText = "a".repeat(MAX_EVENT_BYTES);
  const half = MAX_FILTER_PATTERN_LENGTH / 2;
  test.each([
    ["ends otherwise", `%${"a".repeat(MAX_FILTER_PATTERN_LENGTH - 3)}b%`],
    ["begins otherwise", `%b${"a".repeat(MAX_FILTER_PATTERN_LENGTH - 3)}%`],
    ["has single wildcards", `%${"a_".repeat(half - 2)}b%`],
    ["has many runs", `%${"a%".repeat(half - 1)}b`],
  ])("is matched with the largest text in one pass: one that %s", (_, pattern) => {
    expect(pattern.length).toBeLessThanOrEqual(MAX_FILTER_PATTERN_LENGTH);
    expect(compileLike(pattern)(longText)).toBe(false);
  });
});
