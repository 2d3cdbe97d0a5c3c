import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError } from "../../../protocols/index.js";
import type { DriverName } from "../../support/sqlite-drivers.js";

/** A backup, and what ends it early. */
export interface BackupRequest {
  readonly path: string;
  readonly target: string;
  readonly driver?: DriverName | undefined;
  readonly endsBy?: "abort" | "dispose" | undefined;
  /** How many steps it takes before it is ended. */
  readonly afterSteps: number;
}

/**
 * Opens the store and makes a backup. Returns what came of it: `"ok"`, `"aborted"`, the code of the library's error, or
 * any other error.
 */
export async function makeBackup(
  { path, target, driver, endsBy, afterSteps }: BackupRequest,
  onStep: (steps: number) => void = () => undefined,
): Promise<string> {
  const controller = new AbortController();
  const reason = new Error("enough");
  await using streams = await sqliteStreamFactory(path, { driver });
  let steps = -1;
  const stepped = (): void => {
    steps += 1;
    onStep(steps);
    if (steps !== afterSteps) return;
    if (endsBy === "abort") controller.abort(reason);
    if (endsBy === "dispose") void streams[Symbol.asyncDispose]();
  };
  const running = streams.backup(target, { signal: controller.signal, onProgress: stepped });
  stepped();
  try {
    await running;
    return "ok";
  } catch (error) {
    return error === reason ? "aborted" : isStreamError(error) ? error.code : String(error);
  }
}
