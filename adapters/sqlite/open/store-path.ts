import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StorageError } from "../../../protocols/index.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { describeValue } from "../../../src/validate/json-text.js";

/** The path of a store in memory, which lives as long as its factory. */
export const IN_MEMORY = ":memory:";

/**
 * The absolute path of a database, or {@link IN_MEMORY}.
 *
 * @throws InvalidArgumentError when it is no path of a file
 * @throws StorageError when it is relative to a folder that was removed
 */
export function parseStorePath(path: unknown): string {
  const text = path instanceof URL ? pathOfURL(path) : path;
  if (typeof text !== "string" || text === "" || text.includes("\0")) {
    throw invalidArgument("path", `expected the path or the URL of a file, or ":memory:", got ${describeValue(path)}`);
  }
  // Node and the drivers write it in different bytes: the checks before opening would look at another file.
  if (!text.isWellFormed()) throw invalidArgument("path", "it has a lone surrogate, which no file system keeps");
  assertNoScheme(text, path);
  // An absolute path is never read as a URI, whatever characters are in it.
  return text === IN_MEMORY ? text : absolutePath(text);
}

function absolutePath(path: string): string {
  try {
    return resolve(path);
  } catch (cause) {
    const reason =
      "the working directory, to which the path is relative, does not exist any more; give an absolute path";
    throw new StorageError("STORAGE_FOLDER_MISSING", `Cannot find ${path}: ${reason}.`, { cause });
  }
}

/** Such a string would be the name of a file, which is not what somebody who writes it means. */
function assertNoScheme(text: string, path: unknown): void {
  if (path instanceof URL) return;
  const [, scheme] = /^(file|memory):/i.exec(text) ?? [];
  if (scheme === undefined) return;
  const meant =
    scheme.toLowerCase() === "file"
      ? "pass a URL as an object, new URL(...), or the path without the scheme"
      : 'write ":memory:", or use memoryStreamFactory of "async-streams/memory"';
  throw invalidArgument("path", `${describeValue(text)} is not a path; ${meant}. A file of that name is "./${text}"`);
}

function pathOfURL(url: URL): string {
  if (url.search !== "" || url.hash !== "") {
    throw invalidArgument(
      "path",
      `the URL of a file has no "?" and no "#", got ${url.href}; write them as %3F and %23`,
    );
  }
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalidArgument("path", `expected a URL of a file on this machine ("file:"), got ${url.href}`, cause);
  }
}
