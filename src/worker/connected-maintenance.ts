import type {
  BackupOptions,
  BackupReport,
  StoreMaintenance,
  VerifyOptions,
  VerifyReport,
} from "../../protocols/index.js";
import { checkFunction, checkSignal, invalidArgument } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import type { Connection } from "./connection.js";
import type { PathMessage } from "./messages.js";

/** What checks and copies a store in another thread. */
export function connectedMaintenance(connection: Connection, location: string | undefined): StoreMaintenance {
  const call = async <T>(method: string, attempt: string, path: readonly unknown[], options: unknown): Promise<T> => {
    const first = inAttempt(attempt, location, () => path.map(pathMessage));
    const { rest, onProgress, signal } = inAttempt(attempt, location, () => splitOptions(options));
    // An error of the listener ends the call, and is what it rejects with.
    const controller = new AbortController();
    const guarded = onProgress && ((progress: unknown) => orAbort(controller, () => onProgress(progress)));
    const signals = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
    const args = [...first, rest, guarded !== undefined];
    const report = await connection.call<T>({
      method,
      args,
      attempt,
      lane: "read",
      signal: signals,
      onProgress: guarded,
    });
    // The answer may have been under way when the listener failed. A backup has its name by then.
    if (method === "verify") controller.signal.throwIfAborted();
    return report;
  };
  return {
    verify: (options?: VerifyOptions) => call<VerifyReport>("verify", "verify the store", [], options),
    backup: (path: string | URL, options?: BackupOptions) =>
      call<BackupReport>("backup", "back the store up", [path], options),
  };
}

/** Takes out of the options what no message can carry. The others are checked where the store is. */
function splitOptions(options: unknown) {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    return { rest: sendable("options", options) };
  }
  const { onProgress, signal, ...rest } = options as VerifyOptions & BackupOptions;
  checkFunction("onProgress", onProgress);
  checkSignal(signal);
  for (const [name, value] of Object.entries(rest)) sendable(name, value);
  return { rest, onProgress: onProgress as ((progress: unknown) => void) | undefined, signal };
}

/** A URL is sent as its text. */
function pathMessage(path: unknown): PathMessage {
  return path instanceof URL ? { url: path.href } : { path: sendable("path", path) };
}

/** @throws InvalidArgumentError when no message can carry it: then it is no valid argument anyway */
function sendable(argument: string, value: unknown): unknown {
  try {
    structuredClone(value);
    return value;
  } catch (error) {
    throw invalidArgument(argument, `no message to the thread of the store can have ${describeValue(value)}`, error);
  }
}

function orAbort(controller: AbortController, run: () => void): void {
  try {
    run();
  } catch (error) {
    controller.abort(error);
  }
}
