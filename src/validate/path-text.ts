import { describeValue } from "./json-text.js";

/** A path for a message that says what was attempted: whole, however long it is. It is not checked yet. */
export function pathText(path: unknown): string {
  if (path instanceof URL) return path.href;
  return typeof path === "string" ? JSON.stringify(path) : describeValue(path);
}
