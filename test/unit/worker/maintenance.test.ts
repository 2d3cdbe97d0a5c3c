import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { MaintainableStreamFactory } from "../../../index.js";
import { connectStreams, exposeStreams } from "../../../src/worker/index.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { throwawayStores } from "../../support/throwaway-stores.js";

// This driver checks a small store without a turn of the event loop: the answer is sent before anybody can object.
const STORES: [string, () => Promise<MaintainableStreamFactory>][] = [
  ["SQLite", () => sqliteStreamFactory(":memory:", { driver: "better-sqlite3" })],
];
if (NO_POSTGRES === null) STORES.push(["PostgreSQL", throwawayStores()]);

describe.each(STORES)("a worker that checks and copies a store in %s", (_, open) => {
  async function connect() {
    const store = await open();
    await (await store.openStream("a")).write({ type: "A", data: 1 });
    const { port1, port2 } = new MessageChannel();
    exposeStreams(store, port1);
    const streams = await connectStreams<MaintainableStreamFactory>(port2);
    return {
      streams,
      async [Symbol.asyncDispose]() {
        await streams[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  }

  test("gets the error of its listener, also that of the last progress", async () => {
    await using both = await connect();
    const onProgress = () => {
      throw new RangeError("not wanted any more");
    };
    await expect(both.streams.verify({ onProgress })).rejects.toThrow(new RangeError("not wanted any more"));
  });

  test.each([
    ["options", (streams: MaintainableStreamFactory) => streams.verify([] as never)],
    ["options", (streams: MaintainableStreamFactory) => streams.verify((() => undefined) as never)],
    ["tables", (streams: MaintainableStreamFactory) => streams.backup("copy.db", { tables: Symbol("none") as never })],
    ["path", (streams: MaintainableStreamFactory) => streams.backup((() => undefined) as never)],
    [
      "path",
      (streams: MaintainableStreamFactory) => streams.backup({ url: "file:///no/such/folder/copy.db" } as never),
    ],
    ["path", (streams: MaintainableStreamFactory) => streams.backup({} as never)],
    ["path", (streams: MaintainableStreamFactory) => streams.backup({ url: 5 } as never)],
    ["path", (streams: MaintainableStreamFactory) => streams.backup(new URL("https://example.org/copy.db"))],
  ])("is refused bad %s by name", async (argument, call) => {
    await using both = await connect();
    await expect(call(both.streams)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument });
  });

  test("goes on after many calls that no message can carry", async () => {
    await using both = await connect();
    const options = { wrong: () => undefined } as never;
    const calls = Array.from({ length: 40 }, () => both.streams.verify(options).catch((error) => error.argument));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["wrong"]));
    expect((await both.streams.openStream("a")).version).toBe(1);
  });
});
