import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import type { StorageHandle } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";

// A storage handle need not say where it is. Messages then speak of the store alone.
test("errors of a store without a location name the call and the stream, and no place", async () => {
  const memory = new MemoryStorageHandle();
  const storage: StorageHandle = {
    append: (request) => memory.append(request),
    readPage: (query) => memory.readPage(query),
    getVersion: (streamId) => memory.getVersion(streamId),
    getMetrics: (streamId) => memory.getMetrics(streamId),
    saveSnapshot: (snapshot) => memory.saveSnapshot(snapshot),
    loadSnapshot: (query) => memory.loadSnapshot(query),
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
  const streams = createStreamFactory({ storage, notifier: new MemoryNotifier(memory) });
  const stream = await streams.openStream("a");

  await expect(stream.write({ type: "", data: 1 })).rejects.toThrow(/^Cannot write to stream "a": type of event 0/);
  await expect(stream.snapshot(1n)).rejects.toThrow(/^Cannot save a snapshot of stream "a": invalid state/);
  await expect(streams.openStream("")).rejects.toThrow(/^Cannot open a stream: invalid streamId/);
  await streams[Symbol.asyncDispose]();
  await expect(streams.openStream("a")).rejects.toMatchObject({
    code: "STREAM_CLOSED",
    message: expect.stringMatching(/the store has been/i),
  });
});
