import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";

// Test runners and plug-in hosts run code in contexts that have classes of their own.
test("values that were made in another realm are stored as those of this one", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const { bytes, object } = runInNewContext(
    "({ bytes: new Uint8Array([1, 255]), object: { list: [1, { a: null }] } })",
  );
  await stream.write([
    { type: "Bytes", data: bytes },
    { type: "Json", data: object },
  ]);
  await stream.snapshot(bytes);
  const found: unknown[] = [];
  for await (const { data } of stream.read()) found.push(data);
  expect(found).toEqual([new Uint8Array([1, 255]), { list: [1, { a: null }] }]);
  expect(await stream.loadSnapshot()).toMatchObject({ state: new Uint8Array([1, 255]) });
});
