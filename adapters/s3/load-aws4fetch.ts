import type { AwsV4Signer } from "aws4fetch";
import { StorageError } from "../../protocols/index.js";

let loaded: typeof AwsV4Signer | undefined;

/**
 * Loads the package `aws4fetch` at the first request, so that importing the store needs no optional package.
 *
 * @throws StorageError `STORAGE_DRIVER_UNSUPPORTED`
 */
export async function loadSigner(): Promise<typeof AwsV4Signer> {
  if (loaded !== undefined) return loaded;
  try {
    loaded = (await import("aws4fetch")).AwsV4Signer;
    return loaded;
  } catch (cause) {
    const [reason = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    const message = `Cannot load the package "aws4fetch": ${reason.replace(/\.$/, "")}. Install it: npm install aws4fetch.`;
    throw new StorageError("STORAGE_DRIVER_UNSUPPORTED", message, { cause });
  }
}
