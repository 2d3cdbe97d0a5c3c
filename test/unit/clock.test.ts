import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../protocols/index.js";
import { DRIVER_NAMES } from "../support/sqlite-drivers.js";

type Open = (now: () => number) => Promise<StreamFactory>;

const STORES: readonly (readonly [string, Open])[] = [
  ["memory", async (now) => memoryStreamFactory({ now })],
  ...DRIVER_NAMES.map(
    (driver) => [driver, (now) => sqliteStreamFactory(":memory:", { driver, now })] as [string, Open],
  ),
];

describe.each(STORES)("a clock that is given to %s", (_, open) => {
  test("tells the timestamps of events and snapshots, and nothing else", async () => {
    let nowMs = Date.UTC(2001, 1, 3);
    await using streams = await open(() => nowMs);
    await using stream = await streams.openStream("a");
    await stream.write({ type: "A", data: 1 });
    nowMs = Date.UTC(1999, 0, 1) + 0.9;
    await stream.write({ type: "B", data: 2 });
    await stream.snapshot("state");

    const found: unknown[] = [];
    for await (const { timestamp, id } of stream.read()) {
      found.push(timestamp.toISOString());
      const madeAtMs = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
      expect(Math.abs(madeAtMs - Date.now())).toBeLessThan(60_000);
    }
    expect(found).toEqual(["2001-02-03T00:00:00.000Z", "1999-01-01T00:00:00.000Z"]);
    expect((await stream.metrics()).lastTimestamp).toEqual(new Date(Date.UTC(1999, 0, 1)));
    expect((await stream.loadSnapshot())?.timestamp).toEqual(new Date(Date.UTC(1999, 0, 1)));
  });

  test("gives the events of one write one time", async () => {
    let nowMs = Date.UTC(2001, 1, 3);
    await using streams = await open(() => nowMs++);
    await using stream = await streams.openStream("a");
    await stream.write(["A", "B", "C"].map((type) => ({ type, data: 1 })));

    const times = new Set<number>();
    for await (const { timestamp } of stream.read()) times.add(timestamp.getTime());
    expect(times.size).toBe(1);
  });

  test("fails the call when it tells no time, and stores nothing", async () => {
    let time: unknown = Number.NaN;
    await using streams = await open(() => time as number);
    await using stream = await streams.openStream("a");
    for (time of [Number.NaN, Number.POSITIVE_INFINITY, new Date(0), "now", undefined]) {
      const refused = { code: "INVALID_ARGUMENT", argument: "now" };
      await expect(stream.write({ type: "A", data: 1 })).rejects.toMatchObject(refused);
      await expect(stream.snapshot("state")).rejects.toMatchObject(refused);
    }
    time = 0;
    expect(await stream.write({ type: "A", data: 1 })).toEqual({ version: 1, position: 1, written: 1 });
    expect(await stream.loadSnapshot()).toBe(null);
  });
});

test("an option of the memory store that there is not is refused by name", () => {
  expect(() => memoryStreamFactory({ clock: Date.now } as never)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "clock" }),
  );
  expect(() => memoryStreamFactory({ now: 5 } as never)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "now" }),
  );
  expect(() => memoryStreamFactory("memory" as never)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "options" }),
  );
});
