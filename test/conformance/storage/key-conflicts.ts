import type { CandidateEvent, StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import { counted, keyed, versionsOf } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

type Content = Omit<CandidateEvent, "idempotencyKey">;

const STORED: Content = {
  type: "Moved",
  data: { from: { x: 1, y: 2 }, tags: ["a", "b"] },
  metadata: { user: "ann", trace: { id: "t", span: 1 } },
};

const EQUAL: readonly (readonly [string, Content, Content])[] = [
  [
    "the keys of objects stand in another order",
    STORED,
    {
      metadata: { trace: { span: 1, id: "t" }, user: "ann" },
      data: { tags: ["a", "b"], from: { y: 2, x: 1 } },
      type: "Moved",
    },
  ],
  ["numbers are spelled in another way", { type: "T", data: 1e2 }, { type: "T", data: 100 }],
  ["metadata is null instead of left out", { type: "T", data: null }, { type: "T", data: null, metadata: null }],
  [
    "the bytes lie in another buffer",
    { type: "T", data: new Uint8Array([1, 2, 3]) },
    { type: "T", data: new Uint8Array([0, 1, 2, 3]).subarray(1) },
  ],
];

const DIFFERENT: readonly (readonly [string, Content, Content])[] = [
  ["the type differs", STORED, { ...STORED, type: "moved" }],
  ["a value in data differs", STORED, { ...STORED, data: { from: { x: 1, y: 3 }, tags: ["a", "b"] } }],
  ["the order of an array differs", STORED, { ...STORED, data: { from: { x: 1, y: 2 }, tags: ["b", "a"] } }],
  ["data has one more key", STORED, { ...STORED, data: { from: { x: 1, y: 2 }, tags: ["a", "b"], more: null } }],
  ["a number became a string", { type: "T", data: 1 }, { type: "T", data: "1" }],
  ["an empty object became an empty array", { type: "T", data: {} }, { type: "T", data: [] }],
  ["metadata differs", STORED, { ...STORED, metadata: { user: "bob", trace: { id: "t", span: 1 } } }],
  ["metadata is missing", STORED, { type: STORED.type, data: STORED.data }],
  ["metadata is empty instead of null", { type: "T", data: 1 }, { type: "T", data: 1, metadata: {} }],
  ["the bytes differ", { type: "T", data: new Uint8Array([1, 2]) }, { type: "T", data: new Uint8Array([1, 3]) }],
  ["there are fewer bytes", { type: "T", data: new Uint8Array([1, 2]) }, { type: "T", data: new Uint8Array([1]) }],
  ["bytes became a string", { type: "T", data: new Uint8Array([0x31]) }, { type: "T", data: "1" }],
  ["bytes became the JSON text that they spell", { type: "T", data: new Uint8Array([0x31]) }, { type: "T", data: 1 }],
];

export function describeKeyConflicts({ describe, test, expect }: Suite<StorageHandle>): void {
  const withKey = (content: Content): CandidateEvent => ({ ...content, idempotencyKey: "key" });

  describe("an idempotency key that is stored already", () => {
    for (const [difference, stored, retried] of EQUAL) {
      test(`names the same event when ${difference}`, async (storage) => {
        const first = await append(storage, "a", [withKey(stored)]);

        expect(await append(storage, "a", [withKey(retried)], { expectedVersion: 0 })).toEqual({
          ...first,
          written: 0,
        });
      });
    }

    for (const [difference, stored, other] of DIFFERENT) {
      test(`is a conflict when ${difference}, and nothing is stored`, async (storage) => {
        await append(storage, "a", [withKey(stored)]);

        const error = await failureOf(append(storage, "a", [counted(2), withKey(other)]));

        expect(error).toMatchObject({
          name: "IdempotencyConflictError",
          code: "IDEMPOTENCY_CONFLICT",
          streamId: "a",
          idempotencyKey: "key",
          eventIndex: 1,
        });
        expect(versionsOf(await readAll(storage, "a"))).toEqual([1]);
      });
    }

    test("is a conflict when it occurs twice in one append for two events", async (storage) => {
      const error = await failureOf(append(storage, "a", [counted(1), keyed("key", 1), keyed("key", 2)]));

      expect(error).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", idempotencyKey: "key", eventIndex: 2 });
      expect(await storage.getVersion("a")).toBe(0);
    });

    test("is a conflict before the expected version is one", async (storage) => {
      await append(storage, "a", [keyed("key", 1)]);

      const error = await failureOf(append(storage, "a", [keyed("key", 2)], { expectedVersion: 7 }));

      expect(error).toMatchObject({ code: "IDEMPOTENCY_CONFLICT", eventIndex: 0 });
    });
  });
}
