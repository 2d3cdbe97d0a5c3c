import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import type { CandidateEvent, StorageLimits } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { failureOf } from "../conformance/support/failure-of.js";
import { overriding } from "../support/overriding.js";

const LIMITS: StorageLimits = { appendEvents: 3, appendBytes: 100, eventBytes: 50, snapshotBytes: 40 };

function openLimitedStore() {
  const storage = new MemoryStorageHandle();
  const limited: MemoryStorageHandle = overriding(storage, { limits: LIMITS } as Partial<MemoryStorageHandle>);
  return createStreamFactory({ storage: limited, notifier: new MemoryNotifier(storage) });
}

/** An event whose data has so many bytes as JSON text. */
const sized = (bytes: number): CandidateEvent => ({ type: "T", data: "x".repeat(bytes - 2) });

const REFUSED: readonly (readonly [string, readonly CandidateEvent[], number, string])[] = [
  ["too many events", [sized(3), sized(3), sized(3), sized(3)], 3, ""],
  ["data that is too large", [sized(3), sized(51)], 1, "data"],
  ["bytes that are too many", [{ type: "T", data: new Uint8Array(51) }], 0, "data"],
  ["text that has more bytes than characters", [{ type: "T", data: "ä".repeat(25) }], 0, "data"],
  ["metadata that is too large", [{ ...sized(3), metadata: { a: "x".repeat(50) } }], 0, "metadata"],
  ["more content together than an append may have", [sized(50), sized(50), sized(3)], 2, ""],
];

test.each(REFUSED)(
  "what the storage does not take is refused before it is asked: %s",
  async (_, events, eventIndex, path) => {
    await using streams = openLimitedStore();
    await using stream = await streams.openStream("a");
    const refused = { code: "INVALID_EVENT", eventIndex, path };

    expect(await failureOf(stream.write(events))).toMatchObject(refused);
    expect(await failureOf(streams.writeAll([{ streamId: "a", events }]))).toMatchObject(refused);
    // The id of a transaction is in the metadata of its events, so that it comes to the limits earlier.
    const inTransaction = streams.transaction((tx) => tx.write("a", events));
    expect(await failureOf(inTransaction)).toMatchObject({ code: refused.code });
    expect((await stream.metrics()).eventCount).toBe(0);
  },
);

test("what keeps to the limits exactly is stored", async () => {
  await using streams = openLimitedStore();
  await using stream = await streams.openStream("a");
  await stream.write([sized(50), sized(25), sized(25)]);
  await stream.snapshot("x".repeat(38));

  expect(await failureOf(stream.snapshot("x".repeat(39)))).toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "state",
  });
  expect((await stream.loadSnapshot())?.state).toBe("x".repeat(38));
});
