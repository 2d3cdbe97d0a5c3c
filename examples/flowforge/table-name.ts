import { FlowForgeError } from "./flowforge-error.js";

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const MAX_NAME_LENGTH = 64;

export function isName(value: unknown): value is string {
  // The drivers give rows as objects, which would not have a column of that name.
  if (value === "__proto__") return false;
  return typeof value === "string" && value.length <= MAX_NAME_LENGTH && NAME.test(value);
}

/** A name of a table or column as a part of a statement. @throws FlowForgeError when it is none */
export function quoted(name: string): string {
  if (isName(name)) return `"${name}"`;
  throw new FlowForgeError("TABLE_NOT_ALLOWED", `Invalid table name: ${JSON.stringify(name)}`);
}
