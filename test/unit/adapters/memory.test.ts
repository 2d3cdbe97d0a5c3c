import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { StreamBackend } from "../../../protocols/index.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../../conformance/index.js";

async function openBackend(): Promise<StreamBackend> {
  const storage = new MemoryStorageHandle();
  return { storage, notifier: new MemoryNotifier(storage) };
}

const runner = { name: "memory", describe, test, expect };
describeStorageHandle({ ...runner, open: async () => new MemoryStorageHandle() });
describeNotifier({ ...runner, open: openBackend });
describeStreamFactory({ ...runner, open: async () => memoryStreamFactory() });
