import { once } from "node:events";
import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";

test.each([
  ["an error", new Error("a broken listener"), "a broken listener"],
  ["anything else", "a text", "A listener threw a text."],
])("a listener that throws %s is reported as a warning, and the write succeeds", async (_, thrown, message) => {
  const storage = new MemoryStorageHandle();
  const notifier = new MemoryNotifier(storage);
  await using streams = createStreamFactory({ storage, notifier });
  notifier.subscribe("a", () => {
    throw thrown;
  });
  const warned = once(process, "warning");
  const stream = await streams.openStream("a");

  expect(await stream.write({ type: "A", data: 1 })).toMatchObject({ version: 1, written: 1 });
  expect(await warned).toEqual([expect.objectContaining({ message })]);
});
