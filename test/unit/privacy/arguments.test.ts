import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { consume } from "../../../src/consumers/index.js";
import { event, typed } from "../../../src/events/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { projectToMemory } from "../../../src/projections/index.js";
import { counted, customerTypes, dataOf, readAll, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

/** What programs in JavaScript have: the compiler takes any field. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
const untyped = () => event<any>();

const person = () => event<{ id: string; name: string | null }>();

describe("protectPersonalData is refused with", () => {
  test.each<[string, string, unknown, unknown, unknown]>([
    ["no catalogue", "types", null, new MemoryKeys(), {}],
    ["something else than event types", "types.A", { A: {} }, new MemoryKeys(), {}],
    ["no key store", "keys", customerTypes, undefined, {}],
    ["half a key store", "keys", customerTypes, { get: () => null }, {}],
    ["an unknown option", "keyTtl", customerTypes, new MemoryKeys(), { keyTtl: 1 }],
    ["no room for keys", "maxCachedKeys", customerTypes, new MemoryKeys(), { maxCachedKeys: 0 }],
    ["a negative time", "keyTtlMs", customerTypes, new MemoryKeys(), { keyTtlMs: -1 }],
    ["a time beyond timers", "keyTtlMs", customerTypes, new MemoryKeys(), { keyTtlMs: 2 ** 31 }],
    ["a reserved audit stream", "streamId", customerTypes, new MemoryKeys(), { auditStream: "@audit" }],
    ["an audit stream that is no stream", "auditStream", customerTypes, new MemoryKeys(), { auditStream: "@all" }],
    ["no function", "snapshotSubject", customerTypes, new MemoryKeys(), { snapshotSubject: "ada" }],
    ["an id that is nowhere", "types.A", { A: person().personal("type", ["name"]) }, new MemoryKeys(), {}],
    ["an id that has no path", "types.A", { A: person().personal("data", ["name"]) }, new MemoryKeys(), {}],
    ["a path as a field", "types.A", { A: untyped().personal("data.id", ["data.name"]) }, new MemoryKeys(), {}],
    ["a field of a field", "types.A", { A: untyped().personal("data.id", ["name.last"]) }, new MemoryKeys(), {}],
    [
      "a field of two persons",
      "types.A",
      { A: person().personal("data.id", ["name"]).personal("streamId", ["name"]) },
      new MemoryKeys(),
      {},
    ],
  ])("%s", async (_, argument, types, keys, options) => {
    await using streams = memoryStreamFactory();
    expect(() => protectPersonalData(streams, types as never, keys as never, options as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });

  test("something that is no store", () => {
    expect(() => protectPersonalData({} as never, customerTypes, new MemoryKeys())).toThrow(
      expect.objectContaining({ argument: "streams" }),
    );
  });

  test("a store that is protected already", async () => {
    await using base = memoryStreamFactory();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys());
    for (const each of [streams, typed(streams, customerTypes)]) {
      expect(() => protectPersonalData(each, customerTypes, new MemoryKeys())).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "streams" }),
      );
    }
  });

  test("a store that has a catalogue already: its upcasts would get what is sealed", async () => {
    await using base = memoryStreamFactory();
    expect(() => protectPersonalData(typed(base, customerTypes), customerTypes, new MemoryKeys())).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        argument: "streams",
        message: expect.stringContaining("pass the store to protectPersonalData, and what that returns to typed"),
      }),
    );
  });

  test.each(["", 7, "@personal-data/names"])("the person %s, who cannot be forgotten", async (subject) => {
    await using base = memoryStreamFactory();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys());
    await expect(streams.forget(subject as never)).rejects.toMatchObject({
      argument: "subject",
      message: expect.stringContaining("Cannot forget a person"),
    });
    await expect(streams.forgetReport(subject as never)).rejects.toMatchObject({
      argument: "subject",
      message: expect.stringContaining("Cannot report on a person"),
    });
  });
});

test.each<[string, unknown]>([
  ["too short", new Uint8Array(16)],
  ["text", "key"],
  ["missing where one was to be made", null],
])("a key store whose keys are %s has failed, and has not destroyed them", async (_, key) => {
  await using base = memoryStreamFactory();
  const keys = Object.assign(new MemoryKeys(), { get: async () => key as never });
  const streams = protectPersonalData(base, customerTypes, keys, { keyTtlMs: 0 });
  for (const call of [
    streams.forget("ada"),
    streams.forgetReport("ada"),
    writeTo(streams, "a", registered("ada", "e")),
  ]) {
    const message = expect.stringContaining("no key of 32 bytes");
    await expect(call).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", message });
  }
  expect(keys.keys.size).toBe(0);
});

test("a report does not take something else than a key for a key that opens nothing", async () => {
  await using base = memoryStreamFactory();
  const keys = new MemoryKeys();
  const streams = protectPersonalData(base, customerTypes, keys, { keyTtlMs: 0 });
  await writeTo(streams, "a", registered("ada", "ada@example.org"));
  keys.keys.set("ada", new Uint8Array(16));
  await expect(streams.forgetReport("ada")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
});

test.each([
  ["is reserved", "@personal-data/names"],
  ["is too long", "a".repeat(1_025)],
  ["no storage keeps", "\ud800"],
])("nothing is sealed for a person whose id %s, since nobody could forget them", async (_, subject) => {
  await using base = memoryStreamFactory();
  const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
  await expect(streams.forget(subject)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const write = writeTo(streams, "a", registered(subject, "ada@example.org"));
  await expect(write).rejects.toMatchObject({ code: "INVALID_EVENT", path: "data.customerId" });
  expect(await readAll(base, "a")).toEqual([]);
});

test.each<[string, string, Record<string, unknown>, string, object | undefined]>([
  ["the id of the stream", "streamId", { name: "Ada" }, "ada", undefined],
  ["metadata", "metadata.user.id", { name: "Ada" }, "17", { user: { id: 17 } }],
  ["data", "data.person.id", { person: { id: "ada" }, name: "Ada" }, "ada", undefined],
])("a person's id may be in %s", async (_, path, data, subject, metadata) => {
  await using base = memoryStreamFactory();
  const types = { Named: event<{ name: string | null }>().personal(path, ["name"]) };
  const streams = protectPersonalData(base, types, new MemoryKeys(), { keyTtlMs: 0 });
  await writeTo(streams, "ada", { type: "Named", data, metadata } as never);
  expect(dataOf(await readAll(streams, "ada"))).toEqual([data]);
  await streams.forget(subject);
  expect(dataOf(await readAll(streams, "ada"))).toEqual([{ ...data, name: null }]);
});

describe("a filter", () => {
  const types = { ...customerTypes, Logged: event<{ email: string; plan: string }>() };
  const email = { field: "data.email", op: "=", value: "ada@example.org" } as const;

  test.each([
    ["a sealed field", [email]],
    ["a part of it", [{ field: "data.address.street", op: "=", value: "x" }]],
    ["a sealed field of a type", [{ field: "type", op: "=", value: "Registered" }, email]],
    ["a sealed field of one of several types", [email, { field: "type", op: "in", value: ["Logged", "Registered"] }]],
  ])("on %s is refused wherever it is given", async (_, filter) => {
    await using base = memoryStreamFactory();
    const streams = protectPersonalData(base, types, new MemoryKeys());
    await using stream = await streams.openStream("a");
    const clauses = filter as never;
    const refusal = { code: "INVALID_FILTER", message: expect.stringContaining("sealed") };
    await expect(stream.read({ filter: clauses })[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
    await expect(stream.watch({ filter: clauses })[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
    const conditions = { failIfEventsMatch: clauses };
    const write = { streamId: "a", events: counted(1) };
    await expect(streams.writeAll([write], { conditions })).rejects.toMatchObject(refusal);
    await expect(streams.transaction((tx) => tx.require(conditions))).rejects.toMatchObject(refusal);
    const consumer = { name: "c", startFrom: "beginning", filter: clauses, handle: async () => undefined } as const;
    await expect(consume(streams, consumer)).rejects.toMatchObject(refusal);
    const inMemory = { name: "m", filter: clauses, initial: () => 0, evolve: (count: number) => count + 1 };
    await expect(projectToMemory(streams, inMemory)).rejects.toMatchObject(refusal);
    expect(await readAll(base, "a")).toEqual([]);
  });

  test.each([
    ["the person's id", [{ field: "data.customerId", op: "=", value: "ada" }]],
    ["a field that is not personal", [{ field: "data.plan", op: "=", value: "free" }]],
    ["such a field of another type", [{ field: "type", op: "=", value: "Logged" }, email]],
    ["metadata of the same name", [{ ...email, field: "metadata.email" }]],
  ])("on %s is not", async (_, filter) => {
    await using base = memoryStreamFactory();
    const streams = protectPersonalData(base, types, new MemoryKeys());
    await using stream = await streams.openStream("a");
    expect(
      await stream
        .read({ filter: filter as never })
        [Symbol.asyncIterator]()
        .next(),
    ).toMatchObject({ done: true });
  });
});
