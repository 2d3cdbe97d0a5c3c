import { writeRefused } from "../../../src/adapter-kit/check-statements.js";
import { isLibraryName, writtenTable } from "../../../src/adapter-kit/library-objects.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import type { StoreNames } from "../open/schema.js";
import { quoteName } from "../sql-text.js";
import { tokensOf } from "./sql-tokens.js";

/**
 * Checks that no statement drops or changes the schema of the store, and with it everything of the library's, and that none
 * changes rows of its tables. They are not on the search path, so a statement that means them names the schema. The other
 * names in it are checked where texts are read once for all stores.
 *
 * @throws InvalidArgumentError
 */
export function checkSchema(argument: string, text: string, { prefix }: StoreNames): void {
  // Nearly every text has none of these words. Behind a dot there may be a comment, and behind U& a name with escapes.
  if (!/schema|owned|u&"|(?:\.|\*\/|[\n\r])\s*"?es_/i.test(text)) return;
  const isOfStore = (schema: string) => `${quotedName(schema)}.` === prefix;
  let tokens: string[] = [];
  for (const token of tokensOf(`${text}\n;`)) {
    if (token !== ";") {
      tokens.push(token);
      continue;
    }
    const beginning = tokens.slice(0, 2).join(" ").toUpperCase();
    if (beginning === "DROP OWNED") throw refused(argument, "DROP OWNED", "it drops the library's tables too");
    const schema = schemasChangedBy(beginning, tokens).find(isOfStore);
    if (schema !== undefined) throw refused(argument, `${beginning} ${schema}`, "it is the library's");
    const isKept = (name: string, of: string | undefined) => isLibraryName(name) && of !== undefined && isOfStore(of);
    const written = writtenTable(tokens, isKept);
    if (written !== undefined) throw writeRefused(argument, written);
    tokens = [];
  }
}

function schemasChangedBy(beginning: string, tokens: readonly string[]): readonly string[] {
  if (beginning === "DROP SCHEMA") return tokens.slice(2);
  // Behind the name is another one, or a role that owns the schema from then on, which may be called like the library's.
  return beginning === "ALTER SCHEMA" ? tokens.slice(2, 3) : [];
}

/** The server takes a name without quotes in lower case. */
function quotedName(token: string): string {
  return token.startsWith('"') ? token : quoteName(token.toLowerCase());
}

function refused(argument: string, what: string, why: string): Error {
  return invalidArgument(argument, `${what} is refused: ${why}`);
}
