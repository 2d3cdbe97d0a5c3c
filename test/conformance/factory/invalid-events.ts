import type { CandidateEvent, Stream, StreamFactory } from "../../../protocols/index.js";
import { MAX_EVENT_BYTES, MAX_JSON_DEPTH, MAX_KEY_LENGTH, MAX_TYPE_LENGTH } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { eachCase } from "../support/each-case.js";
import { failureOf } from "../support/failure-of.js";
import { CYCLE, nested, REFUSED_VALUES } from "../support/refused-values.js";
import { counted } from "../support/sample-events.js";

const REFUSED_EVENTS: readonly (readonly [string, unknown, string])[] = [
  ["no type", { data: 1 }, "type"],
  ["an empty type", { type: "", data: 1 }, "type"],
  ["a type that is no string", { type: 1, data: 1 }, "type"],
  ["a type that is too long", { type: "x".repeat(MAX_TYPE_LENGTH + 1), data: 1 }, "type"],
  ["a lone surrogate in its type", { type: "a\udc00", data: 1 }, "type"],
  ["a type that begins with @", { type: "@deleted", data: 1 }, "type"],
  ["an empty key", { type: "T", data: 1, idempotencyKey: "" }, "idempotencyKey"],
  ["null for a key", { type: "T", data: 1, idempotencyKey: null }, "idempotencyKey"],
  ["a key that is no string", { type: "T", data: 1, idempotencyKey: 1 }, "idempotencyKey"],
  ["a key that is too long", { type: "T", data: 1, idempotencyKey: "x".repeat(MAX_KEY_LENGTH + 1) }, "idempotencyKey"],
  ["a lone surrogate in its key", { type: "T", data: 1, idempotencyKey: "\ud800" }, "idempotencyKey"],
  ["a misspelt key", { type: "T", data: 1, idempotencykey: "1" }, "idempotencykey"],
  ["a field that no event has", { type: "T", data: 1, payload: { a: 1 } }, "payload"],
  ["a misspelt type", { typ: "T", data: 1 }, "typ"],
  ["a field that the store sets", { type: "T", data: 1, id: "1" }, "id"],
  ["no data", { type: "T" }, "data"],
  ["metadata that is an array", { type: "T", data: 1, metadata: [1] }, "metadata"],
  ["metadata that is a string", { type: "T", data: 1, metadata: "m" }, "metadata"],
  ["metadata that is a Date", { type: "T", data: 1, metadata: new Date(0) }, "metadata"],
  ["metadata that is bytes", { type: "T", data: 1, metadata: new Uint8Array(1) }, "metadata"],
  ["undefined in its metadata", { type: "T", data: 1, metadata: { user: { id: undefined } } }, "metadata.user.id"],
  ["bytes within its data", { type: "T", data: { bytes: new Uint8Array(1) } }, "data.bytes"],
  [
    "a bad value deep in its data",
    { type: "T", data: { items: [0, 1, 2, { price: Number.NaN }] } },
    "data.items[3].price",
  ],
  ["a bad value in data that is an array", { type: "T", data: [1, [2, undefined]] }, "data[1][1]"],
  ["more bytes than the limit", { type: "T", data: new Uint8Array(MAX_EVENT_BYTES + 1) }, "data"],
  ["more text than the limit", { type: "T", data: "x".repeat(MAX_EVENT_BYTES) }, "data"],
];

export function describeInvalidEvents({ describe, test, expect }: Suite<StreamFactory>): void {
  async function expectRefused(
    stream: Stream,
    bad: unknown,
  ): Promise<{ readonly path: string; readonly message: string }> {
    const before = await stream.metrics();
    const error = await failureOf(stream.write([counted(1), bad as CandidateEvent, counted(3)]));

    expect(error).toMatchObject({ name: "InvalidEventError", code: "INVALID_EVENT", eventIndex: 1 });
    expect(await failureOf(stream.write(bad as CandidateEvent))).toMatchObject({
      code: "INVALID_EVENT",
      eventIndex: 0,
    });
    expect(await stream.metrics()).toEqual(before);
    return error as { readonly path: string; readonly message: string };
  }

  describe("an event is refused, and with it the write,", () => {
    test("when its data is or contains what JSON cannot carry", async (streams) => {
      const stream = await streams.openStream("a");
      await eachCase(REFUSED_VALUES, async ([, value]) => {
        const { path } = await expectRefused(stream, { type: "T", data: value });
        const { path: deepPath } = await expectRefused(stream, { type: "T", data: { list: ["x", { value }] } });

        // The path of an array with a hole may lead to the hole.
        expect(path.startsWith("data")).toBe(true);
        expect(deepPath.startsWith("data.list[1].value")).toBe(true);
      });
    });

    test("when a field is missing, wrong, too long or unknown", async (streams) => {
      const stream = await streams.openStream("a");
      await eachCase(REFUSED_EVENTS, async ([, event, path]) => {
        expect((await expectRefused(stream, event)).path).toBe(path);
      });
    });

    test("when it was stored, and the message says how to write it again", async (streams) => {
      const [stream, copy] = [await streams.openStream("a"), await streams.openStream("copy")];
      await stream.write({ ...counted(1), metadata: { by: "ada" }, idempotencyKey: "first" });
      for await (const event of stream.read()) {
        const error = await failureOf(copy.write(event as unknown as CandidateEvent));
        expect(error).toMatchObject({ code: "INVALID_EVENT", eventIndex: 0 });
        expect((error as Error).message.includes("{ type, data, metadata, idempotencyKey: id }")).toBe(true);

        const { type, data, metadata, id } = event;
        await copy.write({ type, data, metadata, idempotencyKey: id });
        expect((await eventsOf(copy))[0]).toMatchObject({ type, data, metadata, id });
      }
    });

    test("for a misspelt field, and the message names the field that was meant", async (streams) => {
      const stream = await streams.openStream("a");
      const error = await failureOf(stream.write({ type: "T", data: 1, idempotencykey: "1" } as CandidateEvent));

      expect((error as Error).message.includes('did you mean "idempotencyKey"?')).toBe(true);
    });

    const ADVICE = [
      ["no data", undefined, "data of event 0: it is missing; write null"],
      ["undefined in its data", { a: undefined }, "data.a of event 0: undefined has no form in JSON; write null"],
      ["a Date in its data", { at: new Date(0) }, "write its toISOString()"],
      ["a BigInt for data", 1n, "write String(value)"],
      ["NaN for data", Number.NaN, "write null or a string"],
      ["a Map for data", new Map(), "write Object.fromEntries(map), or [...map]"],
      ["a Set in its data", [new Set()], "write [...set]"],
      ["an instance of a class for data", new URLSearchParams(), "write a plain object of what to keep"],
      ["bytes in its data", { bytes: new Uint8Array(1) }, "bytes can only be all of it, as a Uint8Array"],
      ["a function in its data", { call: () => 1 }, "leave it out"],
    ] as const;
    test("with a message that says what to write instead", async (streams) => {
      const stream = await streams.openStream("a");
      await eachCase(ADVICE, async ([, data, advice]) => {
        const { message } = (await failureOf(stream.write({ type: "T", data }))) as Error;
        expect(message.includes(advice) ? advice : message).toBe(advice);
      });
    });

    test("not when what it has besides is undefined, inherited or not enumerable", async (streams) => {
      const stream = await streams.openStream("a");
      const event = Object.create({ inherited: 1 }, { hidden: { value: 1, enumerable: false } });
      await stream.write(Object.assign(event, counted(1), { payload: undefined }));

      expect((await stream.metrics()).eventCount).toBe(1);
    });

    test("when it contains itself, or is nested too deep", async (streams) => {
      const stream = await streams.openStream("a");
      await expectRefused(stream, { type: "T", data: CYCLE });
      await expectRefused(stream, { type: "T", data: nested(MAX_JSON_DEPTH + 1) });
      await expectRefused(stream, { type: "T", data: nested(20_000) });
    });

    test("with the whole path, of which the message has the two ends where it is long", async (streams) => {
      const stream = await streams.openStream("a");
      let data: unknown;
      for (let level = 0; level < 200; level += 1) data = { property: level === 0 ? { last: data } : data };
      const { path, message } = await expectRefused(stream, { type: "T", data });

      expect(path).toBe(`data${".property".repeat(200)}.last`);
      expect(/data\.property\.prop.*\.\.\..*\.property\.last of event 1/.test(message)).toBe(true);
      expect(message.length < 500).toBe(true);
    });

    test("when it is no object, or a list in a list", async (streams) => {
      const stream = await streams.openStream("a");
      const candidates = [undefined, null, "event", 1, [], true];
      const named = candidates.map((candidate) => [JSON.stringify(candidate) ?? "undefined", candidate] as const);
      await eachCase(named, async ([, candidate]) => {
        const error = await failureOf(stream.write([counted(1), candidate as unknown as CandidateEvent]));

        expect(error).toMatchObject({ code: "INVALID_EVENT", eventIndex: 1 });
        expect((await stream.metrics()).eventCount).toBe(0);
      });
    });

    test("and writes around it are not", async (streams) => {
      const stream = await streams.openStream("a");
      const [before, bad, after] = [
        stream.write(counted(1)),
        stream.write({ type: "T", data: 1n }),
        stream.write(counted(2)),
      ];

      expect(await failureOf(bad)).toMatchObject({ code: "INVALID_EVENT" });
      expect(await before).toMatchObject({ version: 1 });
      expect(await after).toMatchObject({ version: 2 });
    });
  });
}
