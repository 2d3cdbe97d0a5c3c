import type { JsonObject } from "../../protocols/index.js";
import { toJsonText } from "../validate/json-text.js";

/** The text of a record's value. `JSON.stringify` would make 0 of -0, and change what it cannot write. */
export function recordText(value: JsonObject): string {
  return toJsonText(value, "value");
}
