import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../../adapters/memory/index.js";
import { createStreamFactory, type StreamFactory } from "../../../index.js";
import { atomicStorage, plainStorage } from "../../support/plain-storage.js";

const CALLS = ["writeAll", "transaction", "query"] as const;

function callsOf(streams: StreamFactory): string[] {
  return CALLS.filter((call) => call in streams);
}

test("a factory has the calls that its storage can make, and no others", async () => {
  const storage = new MemoryStorageHandle();
  const notifier = new MemoryNotifier(storage);
  await using transactional = createStreamFactory({ storage, notifier });

  expect(callsOf(transactional)).toEqual(["writeAll", "transaction", "query"]);
  expect(callsOf(createStreamFactory({ storage: atomicStorage(storage), notifier }))).toEqual(["writeAll"]);
  expect(callsOf(createStreamFactory({ storage: plainStorage(storage), notifier }))).toEqual([]);
});

test("a storage with an append to several streams of its own is asked for it, and for no transaction", async () => {
  const storage = new MemoryStorageHandle();
  const units: unknown[] = [];
  const atomic = atomicStorage(storage);
  const recording = {
    ...atomic,
    appendAll: (unit: Parameters<typeof atomic.appendAll>[0]) => {
      units.push(unit);
      return atomic.appendAll(unit);
    },
  };
  await using streams = createStreamFactory({ storage: recording, notifier: new MemoryNotifier(storage) });
  const { position } = await (await streams.openStream("before")).write({ type: "A", data: null });
  const conditions = { failIfEventsMatch: [{ field: "type", op: "=", value: "B" }] } as const;
  const results = await streams.writeAll(
    [
      { streamId: "a", events: { type: "C", data: null } },
      { streamId: "b", expectedVersion: 0 },
    ],
    { conditions },
  );

  expect(results).toMatchObject([
    { version: 1, written: 1 },
    { version: 0, written: 0 },
  ]);
  // What was stored before has been looked at already.
  expect(units).toMatchObject([
    {
      requests: [{ streamId: "a" }, { streamId: "b", checkOnly: true, events: [] }],
      conditions: [{ after: position }],
    },
  ]);
});
