import { invalidArgument } from "../../../src/validate/check-arguments.js";
import type { StoreNames } from "../open/schema.js";
import { quoteName } from "../sql-text.js";
import { tokensOf } from "./sql-tokens.js";

/**
 * Checks that no statement drops or changes the schema of the store, and with it everything of the library's. The names in
 * it are checked where texts are read once for all stores.
 *
 * @throws InvalidArgumentError
 */
export function checkSchema(argument: string, text: string, { prefix }: StoreNames): void {
  // Nearly every text has none of these words.
  if (!/schema|owned/i.test(text)) return;
  let beginning: string[] = [];
  for (const token of tokensOf(text)) {
    if (token === ";") {
      beginning = [];
    } else if (beginning.length < 2) {
      beginning.push(token.toUpperCase());
      if (beginning.join(" ") === "DROP OWNED")
        throw refused(argument, "DROP OWNED", "it drops the library's tables too");
    } else if (CHANGING.test(beginning.join(" ")) && `${quotedName(token)}.` === prefix) {
      throw refused(argument, `${beginning[0]} of schema ${token}`, "it is the library's");
    }
  }
}

const CHANGING = /^(?:DROP|ALTER) SCHEMA$/;

/** The server takes a name without quotes in lower case. */
function quotedName(token: string): string {
  return token.startsWith('"') ? token : quoteName(token.toLowerCase());
}

function refused(argument: string, what: string, why: string): Error {
  return invalidArgument(argument, `${what} is refused: ${why}`);
}
