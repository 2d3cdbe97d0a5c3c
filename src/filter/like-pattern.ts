/** A part of a `like` pattern: text to find as it stands, or a wildcard. */
export type LikePart = { readonly literal: string } | { readonly wildcard: "any-run" | "any-one" };

/** Splits a `like` pattern into its parts. A `\` makes the character behind it literal; at the end it is itself. */
export function parseLikePattern(pattern: string): readonly LikePart[] {
  const parts: LikePart[] = [];
  let literal = "";
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] as string;
    if (character === "%" || character === "_") {
      if (literal !== "") parts.push({ literal });
      literal = "";
      parts.push({ wildcard: character === "%" ? "any-run" : "any-one" });
    } else if (character === "\\" && index + 1 < characters.length) {
      index += 1;
      literal += characters[index];
    } else {
      literal += character;
    }
  }
  if (literal !== "") parts.push({ literal });
  return parts;
}

/**
 * Whether a text matches a `like` pattern, by going back to the latest `%` where the text and the pattern part.
 *
 * That takes at most length-of-text times length-of-pattern steps; a regular expression of the same pattern may take
 * exponentially many.
 */
export function matchesLike(text: string, parts: readonly LikePart[]): boolean {
  const steps = parts.flatMap(stepsOf);
  const characters = [...text];
  let at = 0;
  let step = 0;
  let retryStep = -1;
  let retryAt = 0;
  while (at < characters.length) {
    const current = steps[step];
    if (current === ANY_RUN) {
      step += 1;
      retryStep = step;
      retryAt = at;
    } else if (current === ANY_ONE || (current !== undefined && current === characters[at])) {
      step += 1;
      at += 1;
    } else if (retryStep >= 0) {
      retryAt += 1;
      step = retryStep;
      at = retryAt;
    } else {
      return false;
    }
  }
  return steps.slice(step).every((rest) => rest === ANY_RUN);
}

const ANY_RUN = Symbol("%");
const ANY_ONE = Symbol("_");

function stepsOf(part: LikePart): readonly (string | symbol)[] {
  if ("literal" in part) return [...part.literal];
  return part.wildcard === "any-run" ? [ANY_RUN] : [ANY_ONE];
}
