import type { BackupOptions, StoreMaintenance, VerifyOptions } from "../../protocols/index.js";
import type { ExposedCall, ExposedMethods } from "./exposed-calls.js";
import type { PathMessage } from "./messages.js";

/** Lets workers check and copy the store. Its own checks of the arguments are enough. */
export function maintenanceMethods(maintenance: StoreMaintenance): ExposedMethods {
  return {
    verify: (call, options: unknown, hasProgress: boolean) =>
      maintenance.verify(optionsOf<VerifyOptions>(call, options, hasProgress)),
    backup: (call, path: PathMessage, options: unknown, hasProgress: boolean) =>
      maintenance.backup(pathOf(path), optionsOf<BackupOptions>(call, options, hasProgress)),
  };
}

/** Undefined where there were none, so that the defaults hold. */
function optionsOf<Options>(call: ExposedCall, options: unknown, hasProgress: boolean): Options {
  if (options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))) {
    return options as Options;
  }
  const onProgress = (progress: unknown): void => call.progress(progress);
  return { ...options, signal: call.signal, ...(hasProgress && { onProgress }) } as Options;
}

/** Whatever is no path is left to the checks of the store. */
function pathOf(message: PathMessage): string | URL {
  return "url" in message ? new URL(message.url) : (message.path as string);
}
