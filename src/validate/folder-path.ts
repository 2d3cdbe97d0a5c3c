import { fileURLToPath } from "node:url";
import { invalidArgument } from "./check-arguments.js";
import { describeValue } from "./json-text.js";

/**
 * The path of a folder that is given as a path or as a URL.
 *
 * @throws InvalidArgumentError
 */
export function folderPath(folder: unknown): string {
  if (typeof folder === "string" && folder !== "" && !folder.includes("\0")) return folder;
  if (!(folder instanceof URL)) {
    throw invalidArgument("folder", `expected the path or the URL of a folder, got ${describeValue(folder)}`);
  }
  try {
    return fileURLToPath(folder);
  } catch (cause) {
    throw invalidArgument("folder", `expected a URL of a folder on this machine ("file:"), got ${folder.href}`, cause);
  }
}
