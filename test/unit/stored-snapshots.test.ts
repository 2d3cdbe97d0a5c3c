import { deflateRawSync, gunzipSync } from "node:zlib";
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

test("a large state is stored as a gzip file", async () => {
  const storage = new MemoryStorageHandle();
  const stream = await createStreamFactory({ storage, notifier: new MemoryNotifier(storage) }).openStream("a");
  const state = { text: "a".repeat(10_000) };
  await stream.snapshot(state);
  const query = { streamId: "a", projection: "default", atOrBefore: 0 };
  const stored = await storage.loadSnapshot(query);
  expect(stored?.state.codec).toBe("json+gzip");
  expect(JSON.parse(gunzipSync(stored?.state.bytes ?? "").toString())).toEqual(state);
  expect((await stream.loadSnapshot())?.state).toEqual(state);
});

describe("a snapshot that is loaded from storage", () => {
  test("and that an earlier version compressed with deflate, is what was saved", async () => {
    const stream = await streamWithState({ codec: "json+deflate", bytes: deflateRawSync('{"balance":7}') });
    expect((await stream.loadSnapshot())?.state).toEqual({ balance: 7 });
  });

  test.each(["cbor", "json+zstd", "json+", "bytes+brotli", ""])(
    "in the form %j, which this version does not know, asks for an update",
    async (codec) => {
      const stream = await streamWithState({ codec, bytes: Buffer.from("{}") });
      await expect(stream.loadSnapshot()).rejects.toMatchObject({
        code: "STORAGE_NEWER_SCHEMA",
        message: expect.stringMatching(
          /^Cannot load the snapshot "default" of stream "a" at 0 in memory: its codec "[\w+]*" is unknown/,
        ),
      });
    },
  );

  test.each([
    ["text that is no JSON", "json", '{"balance":'],
    ["compressed text that does not unfold", "json+gzip", "no gzip file"],
    ["compressed bytes that do not unfold", "bytes+gzip", "no gzip file"],
    ["text that an earlier version compressed", "json+deflate", "no deflate stream"],
  ])("as %s asks for the state to be rebuilt", async (_, codec, text) => {
    const stream = await streamWithState({ codec, bytes: Buffer.from(text) });
    await expect(stream.loadSnapshot()).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(
        /^Cannot load the snapshot "default" of stream "a" at 0 in memory: .* damaged. Rebuild the state/,
      ),
      cause: expect.any(Error),
    });
  });
});
