import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Inside the project, so that what is compiled finds the packages. */
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url));

let folder: string | undefined;

/** Makes a folder for the programs that `compiled-program.ts` compiles. */
export function setup(): void {
  mkdirSync(CACHE, { recursive: true });
  folder = mkdtempSync(join(CACHE, "test-programs-"));
  process.env.TEST_PROGRAMS_FOLDER = folder;
}

export function teardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
