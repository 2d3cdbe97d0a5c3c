/** Every name of the library in a database begins so, in upper or lower case. */
export const LIBRARY_PREFIX = "es_";

/** Whether a table, index, trigger or view has a name of the library's. */
export function isLibraryName(name: string): boolean {
  return name.slice(0, LIBRARY_PREFIX.length).toLowerCase() === LIBRARY_PREFIX;
}

/**
 * The name of the library's that a statement would create, change or drop, or whose table it would give an index, a trigger,
 * a rule or a policy. Statements that change rows are none of these (see `writtenTable`), nor are those that only read.
 *
 * @param tokens - of one statement in SQLite or PostgreSQL, without comments
 */
export function changedLibraryName(tokens: readonly string[]): string | undefined {
  switch (tokens[0]?.toUpperCase()) {
    case "CREATE":
    case "ALTER":
      return namesChangedBy(tokens).find(isLibraryName);
    // It has nothing but names in it, in PostgreSQL a list of them.
    case "DROP":
      return tokens.map(unquoted).find(isLibraryName);
    default:
      return undefined;
  }
}

/** What may stand before the name of an object. */
const BEFORE_NAME: ReadonlySet<string> = new Set(
  (
    "CREATE ALTER OR REPLACE TEMP TEMPORARY GLOBAL LOCAL UNLOGGED UNIQUE VIRTUAL MATERIALIZED RECURSIVE FOREIGN CONSTRAINT " +
    "TABLE INDEX VIEW TRIGGER SEQUENCE FUNCTION PROCEDURE ROUTINE AGGREGATE TYPE DOMAIN SCHEMA RULE POLICY STATISTICS " +
    "CONCURRENTLY IF NOT EXISTS ONLY"
  ).split(" "),
);

/** The word before the table of what belongs to one. */
const BEFORE_TABLE: ReadonlyMap<string, string> = new Map([
  ["INDEX", "ON"],
  ["TRIGGER", "ON"],
  ["POLICY", "ON"],
  ["RULE", "TO"],
]);

function namesChangedBy(tokens: readonly string[]): string[] {
  const words = tokens.map((token) => token.toUpperCase());
  // A word before a dot is the name of a schema, TEMP too.
  const start = words.findIndex((word, index) => !BEFORE_NAME.has(word) || words[index + 1] === ".");
  if (start < 0) return [];
  const head = words.slice(0, start);
  const renamed = words.flatMap((word, index) => (word === "RENAME" && words[index + 1] === "TO" ? [index + 2] : []));
  const names = [start, ...placesOfTable(words, head), ...renamed].map((place) => lastNameAt(tokens, place));
  // A virtual table keeps its content in tables whose names begin with its own and an underscore.
  return head.includes("VIRTUAL") ? [...names, `${lastNameAt(tokens, start)}_`] : names;
}

/** Where the table is named that an index, a trigger, a rule or a policy belongs to. */
function placesOfTable(words: readonly string[], head: readonly string[]): readonly number[] {
  const kind = head.find((word) => BEFORE_TABLE.has(word));
  const before = kind === undefined ? -1 : words.indexOf(BEFORE_TABLE.get(kind) as string);
  if (before < 0) return [];
  return [words[before + 1] === "ONLY" ? before + 2 : before + 1];
}

/** The name without those of a database and a schema before it. */
function lastNameAt(tokens: readonly string[], place: number): string {
  let last = place;
  while (tokens[last + 1] === ".") last += 2;
  return unquoted(tokens[last] ?? "");
}

/** Before the name of a table whose rows a statement changes. */
const WRITING = /(?:^| )(?:INTO|UPDATE|UPDATE OR \w+|DELETE FROM)(?: ONLY)?$/i;
const MAX_WRITING_WORDS = 4;

/**
 * The name of the first table whose rows a statement would change, or one within a trigger's, and which it must leave alone.
 *
 * @param tokens - of one statement in SQLite or PostgreSQL, without comments
 * @param isKept - asked for each name in the statement, with that of its schema where it has one before it
 */
export function writtenTable(
  tokens: readonly string[],
  isKept: (name: string, schema: string | undefined) => boolean,
): string | undefined {
  const isTruncating = tokens[0]?.toUpperCase() === "TRUNCATE";
  const place = tokens.findIndex((token, index) => {
    const isQualified = tokens[index - 1] === ".";
    if (!isKept(unquoted(token), isQualified ? tokens[index - 2] : undefined)) return false;
    const end = isQualified ? index - 2 : index;
    const before = tokens.slice(Math.max(0, end - MAX_WRITING_WORDS), end).join(" ");
    return isTruncating || WRITING.test(before);
  });
  return place < 0 ? undefined : unquoted(tokens[place] as string);
}

/** A name as it is, but for quotes within. */
function unquoted(token: string): string {
  return token.replace(/^["'`[]|["'`\]]$/g, "");
}
