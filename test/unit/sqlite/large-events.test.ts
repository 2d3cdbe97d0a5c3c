import { describe, expect, test } from "vitest";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";

const MIB = 1024 * 1024;

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test("a page of large events is cut short behind 8 MiB, and a read goes on behind it", async () => {
    const { storage, notifier } = await openSQLiteBackend(":memory:", { driver });
    await using streams = createStreamFactory({ storage, notifier });
    const stream = await streams.openStream("a");
    for (const letter of ["a", "b", "c"]) await stream.write({ type: "Large", data: letter.repeat(6 * MIB) });

    const page = await storage.readPage({ streamId: "a", after: 0, limit: 100, direction: "forward" });
    expect(page.events.map(({ version }) => version)).toEqual([1, 2]);
    expect([page.next, page.head]).toEqual([2, 3]);
    const read: string[] = [];
    for await (const { data } of stream.read()) read.push(String(data));
    expect(read.map((text) => [text[0], text.length])).toEqual([
      ["a", 6 * MIB],
      ["b", 6 * MIB],
      ["c", 6 * MIB],
    ]);
  });
});
