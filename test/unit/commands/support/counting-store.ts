import { MemoryNotifier, MemoryStorageHandle } from "../../../../adapters/memory/index.js";
import type { ReadQuery } from "../../../../protocols/index.js";
import { createStreamFactory } from "../../../../src/stream/create-stream-factory.js";
import { overriding } from "../../../support/overriding.js";
import { plainStorage } from "../../../support/plain-storage.js";

/** A store that counts what it is asked for. */
export function countingStore({ isPlain = false } = {}) {
  const memory = new MemoryStorageHandle();
  const counts = { getVersion: 0, readPage: 0, events: 0, loadSnapshot: 0, append: 0 };
  const queries: ReadQuery[] = [];
  let beforeRead: (query: ReadQuery) => Promise<void> = async () => undefined;
  let beforeAppend: () => Promise<void> = async () => undefined;
  const storage = overriding(memory, {
    getVersion: (streamId) => {
      counts.getVersion += 1;
      return memory.getVersion(streamId);
    },
    readPage: async (query) => {
      counts.readPage += 1;
      queries.push(query);
      await beforeRead(query);
      const page = await memory.readPage(query);
      counts.events += page.events.length;
      return page;
    },
    loadSnapshot: (query) => {
      counts.loadSnapshot += 1;
      return memory.loadSnapshot(query);
    },
    append: async (request) => {
      counts.append += 1;
      await beforeAppend();
      return memory.append(request);
    },
  });
  const streams = createStreamFactory({
    storage: isPlain ? plainStorage(storage) : storage,
    notifier: new MemoryNotifier(memory),
  });
  const counted = async (work: () => Promise<unknown>) => {
    Object.assign(counts, { getVersion: 0, readPage: 0, events: 0, loadSnapshot: 0, append: 0 });
    queries.length = 0;
    await work();
    return { ...counts };
  };
  return {
    streams,
    counted,
    queries,
    setBeforeRead: (hook: typeof beforeRead) => {
      beforeRead = hook;
    },
    setBeforeAppend: (hook: typeof beforeAppend) => {
      beforeAppend = hook;
    },
  };
}
