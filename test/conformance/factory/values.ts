import type { JsonObject, StreamFactory } from "../../../protocols/index.js";
import { MAX_JSON_DEPTH } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { expectEqualValue } from "../support/bytes.js";
import { eventsOf } from "../support/collect.js";
import { eachCase } from "../support/each-case.js";
import { nested } from "../support/refused-values.js";
import { ROUND_TRIP_VALUES } from "../support/round-trip-values.js";
import { counted } from "../support/sample-events.js";
import { spoil } from "../support/spoil.js";

export function describeValues({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("a value that is written", () => {
    for (const [kind, values] of ROUND_TRIP_VALUES) {
      test(`is read back equal: ${kind}`, async (streams) => {
        await eachCase(values, async ([, value], index) => {
          const stream = await streams.openStream(`case-${index}`);
          await stream.write({ type: "T", data: value });
          if (!(value instanceof Uint8Array))
            await stream.write({ type: "T", data: null, metadata: { value: value as null } });

          const [event, withMetadata] = await eventsOf(stream);
          expectEqualValue(expect, event?.data, value);
          expect(event?.metadata).toBe(null);
          if (withMetadata !== undefined) expect(withMetadata.metadata).toStrictEqual({ value });
        });
      });
    }

    test("keeps keys that mean something to JavaScript, and changes nothing else by them", async (streams) => {
      const stream = await streams.openStream("a");
      const metadata = JSON.parse('{"__proto__":{"polluted":true}}') as JsonObject;
      await stream.write({ type: "T", data: JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'), metadata });

      const [event] = await eventsOf(stream);
      expect(Object.keys(event?.data as object)).toEqual(["__proto__", "constructor"]);
      expect(Object.keys(event?.metadata as object)).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(event?.data)).toBe(Object.prototype);
      expect("polluted" in {}).toBe(false);
    });

    test("may share parts with itself, as long as it does not contain itself", async (streams) => {
      const stream = await streams.openStream("a");
      const shared = { list: [1, 2] };
      await stream.write({ type: "T", data: { one: shared, other: [shared, shared.list] } });

      expect((await eventsOf(stream))[0]?.data).toEqual({ one: { list: [1, 2] }, other: [{ list: [1, 2] }, [1, 2]] });
    });

    test("may be an object without a prototype", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write({ type: "T", data: Object.assign(Object.create(null), { n: 1 }) });

      expect((await eventsOf(stream))[0]?.data).toEqual({ n: 1 });
    });

    test("may be bytes that lie within other bytes, or in a subclass", async (streams) => {
      class MyBytes extends Uint8Array {}
      const stream = await streams.openStream("a");
      await stream.write([
        { type: "Part", data: new Uint8Array([9, 1, 2, 9]).subarray(1, 3) },
        { type: "Subclass", data: MyBytes.of(3, 4) },
      ]);

      const values = (await eventsOf(stream)).map((event) => event.data);
      expect(values).toStrictEqual([new Uint8Array([1, 2]), new Uint8Array([3, 4])]);
    });

    test("may be nested as deep as the limit says", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write({ type: "T", data: nested(MAX_JSON_DEPTH) });

      const [event] = await eventsOf(stream);
      expect(JSON.stringify(event?.data)).toBe(JSON.stringify(nested(MAX_JSON_DEPTH)));
    });

    test("may be null in metadata, which is the same as none", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write([{ ...counted(1), metadata: null }, counted(2), { ...counted(3), metadata: {} }]);

      expect((await eventsOf(stream)).map((event) => event.metadata)).toEqual([null, null, {}]);
    });

    test("may have any type, up to the limit", async (streams) => {
      const stream = await streams.openStream("a");
      const types = [
        "a",
        "A",
        " ",
        "Größe",
        "🚀",
        "'; DROP TABLE es_events; --",
        '"',
        "\n",
        "a\u0000b",
        "__proto__",
        "x".repeat(512),
      ];
      await stream.write(types.map((type) => ({ type, data: null })));

      expect((await eventsOf(stream)).map((event) => event.type)).toEqual(types);
    });

    test("is a copy of its own for everyone who reads it", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write({ type: "T", data: { list: [1] }, metadata: { by: "ann" } });
      await stream.write({ type: "T", data: new Uint8Array([1, 2]) });
      const before = JSON.stringify(await eventsOf(stream));
      for (const event of await eventsOf(stream)) spoil(event);

      expect(JSON.stringify(await eventsOf(stream))).toBe(before);
    });
  });
}
