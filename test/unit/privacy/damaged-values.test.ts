import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { CandidateEvent } from "../../../index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { STORES, type Store } from "../consumers/support/stores.js";
import { customerTypes, dataOf, ordered, readAll, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

type Data = Record<string, unknown>;

/** A store in which customers are registered, and a way to store events by hand, as they are. */
async function setUp(open: () => Promise<Store> = async () => memoryStreamFactory()) {
  const base = await open();
  const keys = new MemoryKeys();
  const streams = protectPersonalData(base, customerTypes, keys, { keyTtlMs: 0 });
  await writeTo(streams, "a", registered("ada", "ada@example.org"), registered("ben", "ben@example.org"));
  await writeTo(streams, "orders", ordered("ada", "ben"));
  const [ada, ben] = dataOf(await readAll(base, "a")) as [Data, Data];
  const [order] = dataOf(await readAll(base, "orders")) as [Data];
  const store = (streamId: string, type: string, data: Data): Promise<void> =>
    writeTo(base, streamId, { type, data } as CandidateEvent);
  return { base, keys, streams, ada, ben, order, store };
}

type SetUp = Awaited<ReturnType<typeof setUp>>;

describe.each(STORES)("a sealed value, over %s", (_store, open) => {
  test.each<[string, (setUp: SetUp) => Promise<void>]>([
    ["another stream", ({ store, ada }) => store("b", "Registered", ada)],
    ["another field", ({ store, ada }) => store("b", "Registered", { ...ada, email: ada.address, address: null })],
    ["another type", ({ store, order, ada }) => store("b", "Ordered", { ...order, buyerName: ada.email })],
    ["another person's event", ({ store, ben, ada }) => store("b", "Registered", { ...ben, email: ada.email })],
    [
      "the same event, with another person's id",
      ({ store, ada }) => store("b", "Registered", { ...ada, customerId: "ben" }),
    ],
    ["the same event, with a changed bit", ({ store, ada }) => store("b", "Registered", changed(ada))],
  ])("that was moved to %s is damaged, and not erased", async (_, move) => {
    const context = await setUp(open);
    await using streams = context.streams;
    await move(context);
    await expect(readAll(streams, "b")).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      streamId: "b",
      version: 1,
      message: expect.stringContaining("It is not erased"),
    });
  });

  test.each([
    ["content", { c: null }],
    ["name of the person", { k: 5 }],
    ["form", { "@sealed": 2 }],
  ])("that has lost its %s is damaged, and not erased", async (_, change) => {
    const { streams: opened, store, ada } = await setUp(open);
    await using streams = opened;
    await store("a", "Registered", { ...ada, email: { ...(ada.email as Data), ...change } });
    await expect(readAll(streams, "a")).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      version: 3,
      message: expect.stringContaining("data.email of event 3"),
    });
  });

  test("that was moved to the event of somebody who is forgotten is damaged, and not erased", async () => {
    const { streams, store, ada, ben } = await setUp(open);
    await streams.forget("ben");
    await store("a", "Registered", { ...ben, email: ada.email });
    await using stream = await streams.openStream("a");
    const read: unknown[] = [];
    const reading = async () => {
      for await (const { data } of stream.read()) read.push(data);
    };
    await expect(reading()).rejects.toMatchObject({ code: "STORAGE_CORRUPT", version: 3 });
    expect(read).toMatchObject([{ email: "ada@example.org" }, { email: null }]);
    await streams[Symbol.asyncDispose]();
  });

  test("whose key is in another key store is neither erased nor open", async () => {
    const { base, streams } = await setUp(open);
    const other = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
    await expect(readAll(other, "a")).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringContaining("key store"),
    });
    await streams[Symbol.asyncDispose]();
  });

  test("at a place that the catalogue does not know as personal stays as it is", async () => {
    const { streams, store, ada } = await setUp(open);
    await store("b", "Registered", { ...ada, plan: ada.email });
    await store("b", "Unknown", ada);
    const unopened = dataOf(await readAll(streams, "b").catch(() => []));
    expect(unopened).toEqual([]);
    await store("c", "Unknown", ada);
    expect(dataOf(await readAll(streams, "c"))).toEqual([ada]);
    await streams[Symbol.asyncDispose]();
  });
});

function changed(ada: Data): Data {
  const { c, ...rest } = ada.email as { c: string };
  const bytes = Buffer.from(c, "base64");
  bytes[20] = (bytes[20] as number) ^ 1;
  return { ...ada, email: { ...rest, c: bytes.toString("base64") } };
}

describe("a personal field", () => {
  test.each<[string, unknown]>([
    ["null", null],
    ["stored before it was personal", "ada@example.org"],
  ])("that is %s reads as it is stored", async (_, email) => {
    const { streams, store } = await setUp();
    await store("b", "Registered", { customerId: "ada", email, plan: "free" });
    expect(dataOf(await readAll(streams, "b"))).toEqual([{ customerId: "ada", email, plan: "free" }]);
    await streams[Symbol.asyncDispose]();
  });

  test.each<[string, CandidateEvent["data"]]>([
    ["null", null],
    ["a list", ["ada@example.org"]],
    ["bytes", new Uint8Array([1, 2])],
    ["without personal fields", { customerId: "ada", plan: "free" }],
  ])("is not there in data that is %s", async (_, data) => {
    const { streams, keys } = await setUp();
    const asked = keys.asked.length;
    await writeTo(streams, "b", { type: "Registered", data });
    expect(dataOf(await readAll(streams, "b"))).toEqual([data]);
    expect(keys.asked.length).toBe(asked);
    await streams[Symbol.asyncDispose]();
  });

  test("may be an object that looks like a sealed one", async () => {
    const { streams } = await setUp();
    const address = { "@sealed": 1, k: "k", c: "c" };
    await writeTo(streams, "b", {
      type: "Registered",
      data: { customerId: "ada", email: null, address, plan: "free" },
    });
    expect(dataOf(await readAll(streams, "b"))).toMatchObject([{ address }]);
    await streams[Symbol.asyncDispose]();
  });

  test.each([2, 1.5, 0, -1, "2", "1", true, [1]])(
    "of version %j, which the catalogue does not have, is refused, and nothing is stored",
    async (schemaVersion) => {
      const { streams, base } = await setUp();
      const unknown = { ...registered("ada", "ada@example.org"), metadata: { schemaVersion } };
      await using stream = await streams.openStream("b");
      await expect(stream.write([registered("ada", "x"), unknown])).rejects.toMatchObject({
        code: "INVALID_EVENT",
        eventIndex: 1,
        path: "metadata.schemaVersion",
      });
      expect(await readAll(base, "b")).toEqual([]);
    },
  );

  test.each([1, null])("of version %j is sealed as one of version 1", async (schemaVersion) => {
    const { streams, base } = await setUp();
    await writeTo(streams, "b", { ...registered("ada", "ada@example.org"), metadata: { schemaVersion } });
    expect(JSON.stringify(await readAll(base, "b"))).not.toContain("ada@example.org");
    expect(dataOf(await readAll(streams, "b"))).toMatchObject([{ email: "ada@example.org" }]);
    await streams[Symbol.asyncDispose]();
  });

  test.each([2, "1"])(
    "that is stored already with version %j stays as it is, also once its person is forgotten",
    async (schemaVersion) => {
      const { streams, base, ada } = await setUp();
      const data = { ...ada, email: "ada@example.org" };
      await writeTo(base, "b", { type: "Registered", data: data as never, metadata: { schemaVersion } });
      expect(dataOf(await readAll(streams, "b"))).toEqual([data]);
      await streams.forget("ada");
      expect(dataOf(await readAll(streams, "b"))).toEqual([data]);
      await streams[Symbol.asyncDispose]();
    },
  );

  test.each([
    ["no id", { email: "ada@example.org" }],
    ["an id that is null", { customerId: null, email: "ada@example.org" }],
    ["an empty id", { customerId: "", email: "ada@example.org" }],
    ["an id that is reserved", { customerId: "@personal-data/names", email: "ada@example.org" }],
  ])("of a person with %s is refused, and nothing is stored", async (_, data) => {
    const { streams, base } = await setUp();
    await using stream = await streams.openStream("b");
    await expect(
      stream.write([registered("ada", "x"), { type: "Registered", data } as CandidateEvent]),
    ).rejects.toMatchObject({
      code: "INVALID_EVENT",
      eventIndex: 1,
      path: "data.customerId",
    });
    expect(await readAll(base, "b")).toEqual([]);
  });
});
