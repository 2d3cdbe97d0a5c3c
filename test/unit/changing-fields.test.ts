import { describe, expect, test } from "vitest";
import type { StreamWrite } from "../../index.js";
import { STORES } from "./consumers/support/stores.js";

/** An object whose field is something else from its second look on. */
function changing<T extends object>(fields: T, field: keyof T, later: unknown): T {
  let looks = 0;
  const get = () => {
    looks += 1;
    return looks === 1 ? fields[field] : later;
  };
  return Object.defineProperty({ ...fields }, field, { enumerable: true, get });
}

const EVENT = { type: "T", data: null };

describe.each(STORES)("over %s, a field that changes is stored as it was checked:", (_, open) => {
  test.each([
    ["the stream of a write to several", "streamId", "@all"],
    ["its events", "events", { type: "@deleted", data: null }],
    ["its expected version", "expectedVersion", 7],
  ] as const)("%s", async (__, field, later) => {
    await using streams = await open();
    const write: StreamWrite = { streamId: "a", events: EVENT, expectedVersion: 0 };
    await streams.writeAll([changing(write, field, later), { streamId: "b", events: EVENT }]);
    expect(await streams.describeStream("a")).toMatchObject({ version: 1, deleted: false });
    await (await streams.openStream("a")).write(EVENT, { expectedVersion: 1 });
  });

  test("the version of a snapshot", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write([EVENT, EVENT]);
    await stream.snapshot("state", changing({ version: 1 }, "version", 99));
    expect(await stream.loadSnapshot()).toMatchObject({ version: 1, state: "state" });
  });
});
