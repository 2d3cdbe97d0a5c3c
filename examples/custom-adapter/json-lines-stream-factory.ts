import type { StreamBackend, StreamFactory } from "async-streams";
import { createStreamFactory } from "async-streams/adapter";
import { JsonLinesNotifier } from "./json-lines-notifier.js";
import { JsonLinesStorageHandle } from "./json-lines-storage-handle.js";
import { JsonLinesStore } from "./json-lines-store.js";

/**
 * Opens a store in a file of JSON lines, and makes the file if it is not there.
 *
 * What it promises: an append is stored whole or not at all, and the disk has it when the promise resolves; a process
 * that dies in the middle leaves nothing half. What it does not: only one process may have the file open, and nothing
 * stops a second one; memory holds the place of every event, though not the events; each append waits for the disk by
 * itself; snapshots that were replaced keep their space.
 */
export async function jsonLinesStreamFactory(path: string): Promise<StreamFactory> {
  return createStreamFactory(await openJsonLinesBackend(path));
}

/** The two parts of the adapter, for the test suite. */
export async function openJsonLinesBackend(path: string): Promise<StreamBackend> {
  const store = await JsonLinesStore.open(path);
  const notifier = new JsonLinesNotifier();
  return { storage: new JsonLinesStorageHandle(store, notifier), notifier };
}
