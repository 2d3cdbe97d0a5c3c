/** Longer names are not compared: nobody misspells a name of the library in so many letters. */
const MAX_COMPARED_LENGTH = 32;

/** How many letters may be wrong, missing or too many: so many, and no more than a third of the name. */
const MAX_TYPOS = 3;
const LETTERS_PER_TYPO = 3;

/** Of so many letters, a name may be the beginning of the one that was meant. */
const MIN_BEGINNING_LENGTH = 4;

/** Suggests the known name that a misspelt one was probably meant to be: ` (did you mean "after"?)`, or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (name.length > MAX_COMPARED_LENGTH) return "";
  const begun = name.length < MIN_BEGINNING_LENGTH ? [] : known.filter((candidate) => beginsWith(candidate, name));
  if (begun.length === 1) return ` (did you mean "${begun[0]}"?)`;
  let nearest: string | undefined;
  let fewest = Math.min(MAX_TYPOS, Math.ceil(name.length / LETTERS_PER_TYPO)) + 1;
  for (const candidate of known) {
    const typos = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (typos >= fewest) continue;
    fewest = typos;
    nearest = candidate;
  }
  return nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
}

function beginsWith(candidate: string, name: string): boolean {
  return candidate.toLowerCase().startsWith(name.toLowerCase());
}

/** Levenshtein's distance: how many letters to replace, add or remove. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
