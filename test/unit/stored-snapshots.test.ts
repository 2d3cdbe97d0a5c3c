import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import type { EncodedState, Stream } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";

/** A stream whose storage has this state, whoever put it there. */
async function streamWithState(state: EncodedState): Promise<Stream> {
  const storage = new MemoryStorageHandle();
  const snapshot = { streamId: "a", projection: "default", version: 0, timestamp: new Date(), state };
  await storage.saveSnapshot(snapshot);
  return createStreamFactory({ storage, notifier: new MemoryNotifier(storage) }).openStream("a");
}

describe("a snapshot that is loaded from storage", () => {
  test.each(["cbor", "json+zstd", "json+", "bytes+brotli", ""])(
    "in the form %j, which this version does not know, asks for an update",
    async (codec) => {
      const stream = await streamWithState({ codec, bytes: Buffer.from("{}") });
      await expect(stream.loadSnapshot()).rejects.toMatchObject({
        code: "STORAGE_NEWER_SCHEMA",
        message: expect.stringContaining(`its codec "${codec}" is unknown`),
      });
    },
  );

  test.each([
    ["text that is no JSON", "json", '{"balance":'],
    ["compressed text that does not unfold", "json+deflate", "no deflate stream"],
    ["compressed bytes that do not unfold", "bytes+deflate", "no deflate stream"],
  ])("as %s asks for the state to be rebuilt", async (_, codec, text) => {
    const stream = await streamWithState({ codec, bytes: Buffer.from(text) });
    await expect(stream.loadSnapshot()).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/damaged. Rebuild the state from the stream's events/),
      cause: expect.any(Error),
    });
  });
});
