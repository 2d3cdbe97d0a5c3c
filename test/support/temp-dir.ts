import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of one test's own, which is removed with all that is in it when it is disposed of. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** The path of a file in the folder. */
  file(name: string): string;
}

export async function createTempDir(): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), "async-streams-"));
  return {
    path,
    file: (name) => join(path, name),
    // A file that another process still holds can be removed a little later on Windows.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}
