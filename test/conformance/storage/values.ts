import { ALL_STREAM, type StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { expectEqualValue } from "../support/bytes.js";
import { eachCase } from "../support/each-case.js";
import { ROUND_TRIP_VALUES } from "../support/round-trip-values.js";
import { spoil } from "../support/spoil.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeValues({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("what was stored", () => {
    test("comes back with every field as it was given", async (storage) => {
      const beforeMs = Date.now();
      const { position } = await storage.append({
        streamId: "a",
        events: [
          {
            id: "0198c5f2-3f5e-7a60-8f4e-0f4b8d6a1c22",
            idempotencyKey: null,
            type: "Made",
            data: '{"n":1}',
            metadata: null,
          },
          { id: "key", idempotencyKey: "key", type: "Sent", data: new Uint8Array([1, 2]), metadata: '{"by":"ann"}' },
        ],
        expectedVersion: "any",
      });
      const afterMs = Date.now();

      const [first, second] = await readAll(storage, "a");
      expect(first).toStrictEqual({
        id: "0198c5f2-3f5e-7a60-8f4e-0f4b8d6a1c22",
        streamId: "a",
        version: 1,
        position: first?.position,
        timestamp: first?.timestamp,
        type: "Made",
        data: { n: 1 },
        metadata: null,
      });
      expect(second).toStrictEqual({
        id: "key",
        streamId: "a",
        version: 2,
        position,
        timestamp: second?.timestamp,
        type: "Sent",
        data: new Uint8Array([1, 2]),
        metadata: { by: "ann" },
      });
      for (const event of [first, second]) {
        expect(event?.timestamp instanceof Date).toBe(true);
        const timeMs = event?.timestamp.getTime() ?? 0;
        expect(timeMs >= beforeMs && timeMs <= afterMs).toBe(true);
      }
    });

    for (const [kind, values] of ROUND_TRIP_VALUES) {
      test(`comes back equal: ${kind}`, async (storage) => {
        await eachCase(values, async ([, value], index) => {
          const streamId = `case-${index}`;
          const metadata = { value: value instanceof Uint8Array ? null : (value as null) };
          await append(storage, streamId, [{ type: "T", data: value, metadata }]);

          const [event] = await readAll(storage, streamId);
          expectEqualValue(expect, event?.data, value);
          expect(event?.metadata).toStrictEqual(metadata);
        });
      });
    }

    test("has any text as its type", async (storage) => {
      const types = [
        "a",
        "A",
        " ",
        "Größe",
        "🚀",
        "'; DROP TABLE es_events; --",
        '"',
        "%",
        "_",
        "\n",
        "a\u0000b",
        "__proto__",
        "x".repeat(512),
      ];
      await append(
        storage,
        "a",
        types.map((type) => ({ type, data: null })),
      );

      expect((await readAll(storage, "a")).map((event) => event.type)).toEqual(types);
    });

    test("is a copy of its own for everyone who reads it", async (storage) => {
      await append(storage, "a", [
        { type: "T", data: { list: [1] }, metadata: { by: "ann" } },
        { type: "T", data: new Uint8Array([1, 2]) },
      ]);
      const before = JSON.stringify(await readAll(storage, "a"));
      for (const event of await readAll(storage, "a")) spoil(event);
      for (const event of await readAll(storage, ALL_STREAM)) spoil(event);

      expect(JSON.stringify(await readAll(storage, "a"))).toBe(before);
    });
  });
}
