import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { describeValue } from "../../../src/validate/json-text.js";

/** The path of a store in memory, which lives as long as its factory. */
export const IN_MEMORY = ":memory:";

/**
 * The absolute path of a database, or {@link IN_MEMORY}.
 *
 * @throws InvalidArgumentError when it is no path of a file
 */
export function parseStorePath(path: unknown): string {
  const text = path instanceof URL ? pathOfURL(path) : path;
  if (typeof text !== "string" || text === "" || text.includes("\0")) {
    throw invalidArgument("path", `expected the path or the URL of a file, or ":memory:", got ${describeValue(path)}`);
  }
  // An absolute path is never read as a URI, whatever characters are in it.
  return text === IN_MEMORY ? text : resolve(text);
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
