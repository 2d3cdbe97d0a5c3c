import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import type { ReadOptions } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { overriding } from "../support/overriding.js";

const EVENTS = 2_000;
const LIMIT = 1_000;

test.each<[string, Pick<ReadOptions, "filter">]>([
  ["no filter", {}],
  ["a filter without clauses", { filter: [] }],
  ["a filter that the store has applied", { filter: [{ field: "type", op: "=", value: "N" }] }],
])("a read with %s takes no more events from its store than its limit", async (_, options) => {
  const memory = new MemoryStorageHandle();
  let taken = 0;
  const storage = overriding(memory, {
    readPage: async (query) => {
      const page = await memory.readPage(query);
      taken += page.events.length;
      return page;
    },
  });
  await using streams = createStreamFactory({ storage, notifier: new MemoryNotifier(memory) });
  await using stream = await streams.openStream("a");
  await stream.write(Array.from({ length: EVENTS }, (_, data) => ({ type: "N", data })));

  const found: unknown[] = [];
  for await (const { data } of stream.read({ ...options, limit: LIMIT })) found.push(data);
  expect(found).toEqual(Array.from({ length: LIMIT }, (_, data) => data));
  expect(taken).toBe(LIMIT);
});
