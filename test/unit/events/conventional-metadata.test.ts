import { describe, expect, test } from "vitest";
import type { CandidateEvent } from "../../../index.js";
import { event, typed } from "../../../src/events/index.js";
import { listOf, STORES, type Store } from "../consumers/support/stores.js";

const UUID_V7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

const made = (data: number, metadata?: CandidateEvent["metadata"]): CandidateEvent => ({
  type: "Made",
  data,
  metadata,
});
const keyed = (data: number): CandidateEvent => ({ ...made(data), idempotencyKey: `key-${data}` });
const twoVersions = { Made: event<number>().next((data) => data) };

/** The metadata of all events, in the order of the store. */
async function allMetadata(streams: Store) {
  await using all = await streams.openStream("@all");
  return (await listOf(all.read())).map(({ metadata }) => metadata);
}

describe.each(STORES)("metadata that the library sets, over %s", (_, open) => {
  test("have one transactionId for the events of a unit: a UUIDv7, which a single stream does without", async () => {
    await using streams = await open();
    await streams.writeAll([
      { streamId: "a", events: [made(1), made(2, { by: "ada" })] },
      { streamId: "b", events: made(3, { transactionId: "mine" }) },
    ]);
    await streams.writeAll([{ streamId: "a", events: made(4) }]);
    await (await streams.openStream("a")).write(made(5));
    await streams.transaction((tx) => tx.write("a", made(6)));

    const [first, second, third, fourth, fifth, sixth] = await allMetadata(streams);
    expect(first).toEqual({ transactionId: expect.stringMatching(UUID_V7) });
    expect(second).toEqual({ ...first, by: "ada" });
    expect(third).toEqual({ transactionId: "mine" });
    expect([fourth, fifth]).toEqual([null, null]);
    expect(sixth).toEqual({ transactionId: expect.stringMatching(UUID_V7) });
    expect(sixth?.transactionId).not.toBe(first?.transactionId);
  });

  test("have a transactionId that no retry is compared by", async () => {
    await using streams = await open();
    const unit = [
      { streamId: "a", events: keyed(1) },
      { streamId: "b", events: keyed(2) },
    ];
    const inTransaction = () => streams.transaction((tx) => tx.write("c", keyed(3)));
    await streams.writeAll(unit);
    await inTransaction();

    expect((await streams.writeAll(unit)).map(({ written }) => written)).toEqual([0, 0]);
    expect(await inTransaction()).toMatchObject({ written: 0 });
    expect(await allMetadata(streams)).toHaveLength(3);
  });

  test("have the version of a type with several, whichever way the event is written", async () => {
    await using streams = await open();
    const view = typed(streams, twoVersions);
    await (await view.openStream("a")).write(made(1));
    await view.writeAll([{ streamId: "a", events: made(2) }]);
    await view.transaction((tx) => tx.write("a", made(3)));

    expect((await allMetadata(streams)).map((metadata) => metadata?.schemaVersion)).toEqual([2, 2, 2]);
  });
});
