import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { ALL_STREAM, type MaintainableStreamFactory } from "../../../protocols/index.js";
import { type CopyProgress, copyStore } from "../../../src/copy/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { counted, countedUpTo } from "../../conformance/support/sample-events.js";
import { contentsOf, fillRichly } from "./support/rich-store.js";
import { STORES } from "./support/stores.js";

describe.each(STORES)("a copy from %s", (_, openSource) => {
  test.each(STORES)("to %s has everything, in its place", async (_, openTarget) => {
    await using from = await openSource();
    await using to = await openTarget();
    await fillRichly(from);

    const report = await copyStore(from, to);

    const [contents, copied] = [await contentsOf(from), await contentsOf(to)];
    expect(copied).toEqual(contents);
    const { events, snapshots, records } = contents as { [part: string]: unknown[] };
    expect(report).toEqual({
      position: await lastPosition(from),
      events: events?.length,
      copiedEvents: events?.length,
      snapshots: snapshots?.length,
      records: records?.length,
    });
    const { verify } = to as Partial<MaintainableStreamFactory>;
    if (verify !== undefined) expect(await verify()).toMatchObject({ problems: [] });
  });
});

async function lastPosition(streams: Parameters<typeof contentsOf>[0]): Promise<number> {
  return (await streams.openStream(ALL_STREAM)).version;
}

test("a copy behaves like its source: retries, removed events, deleted streams, and what is written next", async () => {
  await using from = memoryStreamFactory();
  await using to = await sqliteStreamFactory(":memory:");
  await fillRichly(from);
  await copyStore(from, to);

  await using pruned = await to.openStream("pruned");
  const retry = { ...counted(3), idempotencyKey: "k3" };
  expect(await pruned.write(retry)).toMatchObject({ written: 0, version: 3 });
  expect(await pruned.write({ ...counted(25), idempotencyKey: "k25" })).toMatchObject({ written: 0, version: 25 });
  await expect(eventsOf(pruned)).rejects.toMatchObject({ code: "EVENTS_REMOVED", firstVersion: 21 });
  await using deleted = await to.openStream("deleted");
  await expect(deleted.write(counted(1))).rejects.toMatchObject({ code: "STREAM_DELETED" });
  const position = await lastPosition(to);
  const written = await pruned.write(counted(31), { expectedVersion: 30 });
  expect(written).toMatchObject({ version: 31 });
  expect(written.position).toBeGreaterThan(position);
});

test("there and back gives the store that it was", async () => {
  await using from = await sqliteStreamFactory(":memory:");
  await using between = memoryStreamFactory();
  await using back = await sqliteStreamFactory(":memory:");
  await fillRichly(from);
  await copyStore(from, between);
  await copyStore(between, back);
  expect(await contentsOf(back)).toEqual(await contentsOf(from));
});

test("an empty store is copied", async () => {
  await using from = memoryStreamFactory();
  await using to = memoryStreamFactory();
  expect(await copyStore(from, to)).toEqual({ position: 0, events: 0, copiedEvents: 0, snapshots: 0, records: 0 });
  await using stream = await to.openStream("a");
  expect(await stream.write(counted(1))).toMatchObject({ version: 1, position: 1 });
});

test("progress is told after each batch, and again after the events were compared", async () => {
  await using from = memoryStreamFactory();
  await using to = memoryStreamFactory();
  await (await from.openStream("a")).write(countedUpTo(2_500));
  const told: CopyProgress[] = [];
  await copyStore(from, to, { onProgress: (progress) => told.push(progress) });

  expect(told.map(({ copiedEvents }) => copiedEvents)).toEqual([1_000, 2_000, 2_500, 2_500]);
  expect(told[0]).toEqual({ copiedEvents: 1_000, totalEvents: 2_500, position: 1_000, verifiedPosition: 0 });
  expect(told.at(-1)).toEqual({ copiedEvents: 2_500, totalEvents: 2_500, position: 2_500, verifiedPosition: 2_500 });
});

test("large events are copied in batches of a few at a time", async () => {
  await using from = await sqliteStreamFactory(":memory:");
  await using to = await sqliteStreamFactory(":memory:");
  await using stream = await from.openStream("a");
  for (let index = 0; index < 6; index += 1) await stream.write({ type: "Large", data: "x".repeat(3 * 1024 * 1024) });
  const told: number[] = [];
  await copyStore(from, to, { onProgress: ({ copiedEvents }) => told.push(copiedEvents) });
  expect(Math.max(...told.map((events, index) => events - (told[index - 1] ?? 0)))).toBeLessThanOrEqual(2);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

test("a copy can be copied, and opened again", async () => {
  await using from = memoryStreamFactory();
  await using between = memoryStreamFactory();
  await using to = memoryStreamFactory();
  await (await from.openStream("a")).write(countedUpTo(3));
  await copyStore(from, between);
  await copyStore(between, to);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

describe("what it is called with is checked", () => {
  test("both must be stores whose adapters can copy", async () => {
    await using streams = memoryStreamFactory();
    await expect(copyStore({} as never, streams)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(copyStore(streams, streams)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "to",
      message: expect.stringMatching(/^Cannot copy (\S+) to \1: /),
    });
  });

  test("options must be known and valid", async () => {
    await using from = memoryStreamFactory();
    await using to = memoryStreamFactory();
    for (const [options, argument] of [
      [{ table: "none" }, "table"],
      [{ tables: "all" }, "tables"],
      [{ onProgress: 1 }, "onProgress"],
      [{ signal: 1 }, "signal"],
    ] as const) {
      await expect(copyStore(from, to, options as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument });
    }
  });
});
