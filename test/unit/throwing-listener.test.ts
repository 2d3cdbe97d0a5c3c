import { once } from "node:events";
import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";

function unlookable(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

test.each([
  ["an error", new Error("a broken listener"), "a broken listener"],
  ["anything else", "a text", "A listener threw: a text"],
  ["what has no text", Object.create(null), "A listener threw: A value was thrown that has no text."],
  ["what cannot be looked at", unlookable(), "A value was thrown that has no text."],
])("a listener that throws %s is reported as a warning, and affects nothing else", async (_, thrown, message) => {
  const storage = new MemoryStorageHandle();
  const notifier = new MemoryNotifier(storage);
  await using streams = createStreamFactory({ storage, notifier });
  notifier.subscribe("a", () => {
    throw thrown;
  });
  const batches: unknown[] = [];
  notifier.subscribe("a", (batch) => batches.push(batch));
  const warned = once(process, "warning");
  const stream = await streams.openStream("a");

  expect(await stream.write({ type: "A", data: 1 })).toMatchObject({ version: 1, written: 1 });
  expect(batches).toMatchObject([[{ version: 1 }]]);
  expect(await warned).toEqual([expect.objectContaining({ message })]);
});
