import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { CandidateEvent, InvalidEventError, StreamFactory } from "../../../index.js";
import { event, type StandardSchema, typed } from "../../../src/events/index.js";
import { listOf, STORES } from "../consumers/support/stores.js";

const positive = z.object({ items: z.array(z.object({ price: z.number().positive(), name: z.string() })) });
const ordered = (...items: { price: number; name?: string }[]) => ({ type: "Ordered", data: { items } });
const good = ordered({ price: 1, name: "pen" });

async function failureOf(call: Promise<unknown>): Promise<InvalidEventError> {
  return (await call.then(
    () => undefined,
    (error: unknown) => error,
  )) as InvalidEventError;
}

async function writeTo(streams: StreamFactory, ...events: readonly CandidateEvent[]) {
  await using stream = await streams.openStream("a");
  return stream.write(events);
}

async function contentsOf(streams: StreamFactory) {
  await using stream = await streams.openStream("a");
  return (await listOf(stream.read())).map(({ type: name, data, metadata }) => ({ type: name, data, metadata }));
}

describe.each(STORES)("a write through a catalogue, over %s", (_store, open) => {
  test("of which one event is refused stores none, and names the event, the path and all issues", async () => {
    await using streams = await open();
    const shop = typed(streams, { Ordered: event(positive) });
    const items = [...Array(3).fill({ price: 1, name: "pen" }), { price: -1 }];
    const bad = ordered(...items);
    for (const call of [
      () => writeTo(shop, good, bad),
      () =>
        shop.writeAll([
          { streamId: "b", events: good },
          { streamId: "a", events: [good, bad] },
        ]),
      () => shop.transaction((tx) => tx.write("a", [good, bad])),
    ]) {
      const error = await failureOf(call());
      expect(error).toMatchObject({ code: "INVALID_EVENT", eventIndex: 1, path: "data.items[3].price" });
      expect(error.cause).toMatchObject([{ path: ["items", 3, "price"] }, { path: ["items", 3, "name"] }]);
      expect(error.message).toContain("Nothing was written");
    }
    expect(await contentsOf(streams)).toEqual([]);
  });

  test("stores what the schema returns, and which version it is unless it is the first", async () => {
    await using streams = await open();
    const named = z.object({ name: z.string().trim(), size: z.number().default(1) });
    const types = {
      First: event(named),
      Third: event<{ name: string }>()
        .next((data) => data)
        .next(named, (data) => ({ ...data, size: 0 })),
    };
    const shop = typed(streams, types);
    await writeTo(
      shop,
      { type: "First", data: { name: " a " } },
      { type: "Third", data: { name: "b" }, metadata: { by: "ada" } },
      { type: "Third", data: { name: "c" } },
      { type: "First", data: { name: "d" }, metadata: { schemaVersion: 1, by: "ada" } },
    );
    expect(await contentsOf(streams)).toEqual([
      { type: "First", data: { name: "a", size: 1 }, metadata: null },
      { type: "Third", data: { name: "b", size: 1 }, metadata: { by: "ada", schemaVersion: 3 } },
      { type: "Third", data: { name: "c", size: 1 }, metadata: { schemaVersion: 3 } },
      { type: "First", data: { name: "d", size: 1 }, metadata: { by: "ada" } },
    ]);
  });

  test("that is sent again with another default is a conflict, and not a second event", async () => {
    await using streams = await open();
    const withDefault = (size: number) => typed(streams, { Made: event(z.object({ size: z.number().default(size) })) });
    const made = { type: "Made", data: {}, idempotencyKey: "1" };
    expect(await writeTo(withDefault(1), made)).toMatchObject({ written: 1 });
    expect(await writeTo(withDefault(1), made)).toMatchObject({ written: 0 });
    await expect(writeTo(withDefault(2), made)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
    expect(await contentsOf(streams)).toEqual([{ type: "Made", data: { size: 1 }, metadata: null }]);
  });

  test("with an asynchronous schema is refused before anything is stored, and later writes keep their order", async () => {
    await using streams = await open();
    const late = v.objectAsync({ name: v.string() });
    const shop = typed(streams, { Late: event(late as never), Noted: event<string>() });
    await using stream = await shop.openStream("a");
    const refused = stream.write([
      { type: "Noted", data: "0" },
      { type: "Late", data: "x" },
    ]);
    const written = ["1", "2", "3"].map((data) => stream.write({ type: "Noted", data }));
    await expect(refused).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "types",
      message: expect.stringMatching(/^Cannot write to stream "a".*"Late" is asynchronous/),
    });
    await Promise.all(written);
    expect((await contentsOf(streams)).map(({ data }) => data)).toEqual(["1", "2", "3"]);
  });
});

describe.each(STORES)("a schema that returns what JSON does not have, over %s", (_store, open) => {
  class Money {
    readonly cents = 1;
  }
  const returning = async (value: unknown) =>
    typed(await open(), { Made: event(z.any().transform(() => ({ list: [value] }))) });

  test.each([
    ["a Date", new Date(0)],
    ["an instance of a class", new Money()],
    ["a Map", new Map([[1, 2]])],
    ["undefined", undefined],
    ["a BigInt", 1n],
    ["NaN", Number.NaN],
    ["a number beyond all", Number.POSITIVE_INFINITY],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a Date further in", { at: new Date(0) }, ".at"],
    ["a property that is undefined", { at: undefined }, ".at"],
    ["a list with a hole", new Array(1)],
  ])("is refused with the path: %s", async (_what, value, path = "") => {
    await using streams = await returning(value);
    const error = await failureOf(writeTo(streams, { type: "Made", data: 1 }));
    expect(error).toMatchObject({ code: "INVALID_EVENT", path: `data.list[0]${path}` });
    expect(await contentsOf(streams)).toEqual([]);
  });

  test.each([
    ["-0", -0],
    ["the smallest number", Number.MIN_VALUE],
    ["a whole number beyond 2^53", 2 ** 53 + 2],
    ["a zero character and half a pair", "\0 \ud800"],
    ["a key that objects have of their own", JSON.parse('{"__proto__":{"a":1}}')],
  ])("is stored exactly where JSON has it after all: %s", async (_what, value) => {
    await using streams = await returning(value);
    await writeTo(streams, { type: "Made", data: 1 });
    expect(await contentsOf(streams)).toStrictEqual([{ type: "Made", data: { list: [value] }, metadata: null }]);
  });
});

test.each([
  ["zod", event(z.object({ amount: z.number() }))],
  ["valibot", event(v.object({ amount: v.number() }))],
  ["arktype", event(type({ amount: "number" }))],
] as const)(
  "a schema of %s takes what fits, and says of anything else the same as the others",
  async (_name, versions) => {
    await using streams = typed(memoryStreamFactory(), { Deposited: versions });
    await writeTo(streams, { type: "Deposited", data: { amount: 1 } });
    const error = await failureOf(writeTo(streams, { type: "Deposited", data: { amount: "1" } }));
    expect(error).toMatchObject({
      name: "InvalidEventError",
      code: "INVALID_EVENT",
      eventIndex: 0,
      path: "data.amount",
    });
    expect(error.cause).toEqual([{ path: ["amount"], message: expect.stringContaining("number") }]);
    expect(await contentsOf(streams)).toEqual([{ type: "Deposited", data: { amount: 1 }, metadata: null }]);
  },
);

describe("a schema that fails itself", () => {
  const cause = new Error("no such table");
  const schemaOf = (validate: () => never | Promise<never>): StandardSchema => ({
    "~standard": { version: 1, vendor: "test", validate },
  });
  const write = async (schema: StandardSchema) =>
    failureOf(writeTo(typed(memoryStreamFactory(), { Made: event(schema) }), { type: "Made", data: 1 }));

  test("refuses the event, with its error as the cause", async () => {
    const throwing = schemaOf(() => {
      throw cause;
    });
    expect(await write(throwing)).toMatchObject({ code: "INVALID_EVENT", path: "data", cause });
  });

  test.each([[undefined], [null], ["fine"]])(
    "refuses the event, with its result, which is none: %s",
    async (result) => {
      const error = await write(schemaOf(() => result as never));
      expect(error).toMatchObject({ code: "INVALID_EVENT", path: "data" });
      expect(error.message).toContain(`its schema returned ${JSON.stringify(result)}`);
    },
  );

  test("is refused for its promise, of whose failure nobody learns", async () => {
    expect(await write(schemaOf(() => Promise.reject(cause)))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("events that no catalogue could take", () => {
  test.each<[string, unknown, string, RegExp]>([
    ["a type that it does not have", { type: "Depositd", data: 1 }, "type", /did you mean "Deposited"/],
    [
      "data of another version",
      { type: "Deposited", data: 1, metadata: { schemaVersion: 2 } },
      "metadata.schemaVersion",
      /which is 1, got 2/,
    ],
    ["a type of the library", { type: "@deleted", data: 1 }, "type", /reserved/],
    ["no type", { data: 1 }, "type", /non-empty string/],
    ["an empty type", { type: "", data: 1 }, "type", /non-empty string/],
    ["no event", "Deposited", "", /expected an object/],
    ["metadata that are none", { type: "Deposited", data: 1, metadata: "x" }, "metadata", /plain object/],
    ["a misspelt field", { type: "Checked", data: "x", metdata: {} }, "metdata", /did you mean "metadata"/],
    ["no data", { type: "Deposited" }, "data", /missing/],
  ])("are refused as without one, or by name: %s", async (_what, candidate, path, message) => {
    await using streams = typed(memoryStreamFactory(), { Deposited: event<number>(), Checked: event(z.string()) });
    const error = await failureOf(writeTo(streams, candidate as CandidateEvent));
    expect(error).toMatchObject({ code: "INVALID_EVENT", eventIndex: 0, path });
    expect(error.message).toMatch(message);
  });

  test("pass where they are of the library", async () => {
    await using streams = typed(memoryStreamFactory(), {});
    await writeTo(streams, { type: "SubjectForgotten", data: { subject: "hash" } });
    expect(await contentsOf(streams)).toMatchObject([{ type: "SubjectForgotten" }]);
  });
});
