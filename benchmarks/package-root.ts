import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json, wherever this file was compiled to. */
export const PACKAGE_ROOT = dirname(fileURLToPath(import.meta.resolve("async-streams/package.json")));
