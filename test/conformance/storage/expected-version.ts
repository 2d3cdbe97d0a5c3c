import type { ExpectedVersion, StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { counted, countedUpTo, numbersOf, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeExpectedVersion({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("the expected version", () => {
    test("0 is met by a stream without events", async (storage) => {
      await append(storage, "other", countedUpTo(3));

      expect(await append(storage, "a", [counted(1)], { expectedVersion: 0 })).toMatchObject({
        version: 1,
        written: 1,
      });
    });

    test("is met by a stream at that version", async (storage) => {
      await append(storage, "a", countedUpTo(2));
      await append(storage, "other", countedUpTo(3));

      expect(await append(storage, "a", [counted(3)], { expectedVersion: 2 })).toMatchObject({
        version: 3,
        written: 1,
      });
    });

    const conflicts: readonly { readonly stored: number; readonly expectedVersion: ExpectedVersion }[] = [
      { stored: 2, expectedVersion: 0 },
      { stored: 2, expectedVersion: 1 },
      { stored: 2, expectedVersion: 3 },
      { stored: 0, expectedVersion: 1 },
      { stored: 0, expectedVersion: "exists" },
    ];
    for (const { stored, expectedVersion } of conflicts) {
      test(`${expectedVersion} is a conflict at version ${stored}, and nothing is stored`, async (storage) => {
        if (stored > 0) await append(storage, "a", countedUpTo(stored));
        await append(storage, "other", countedUpTo(3));

        const error = await failureOf(append(storage, "a", countedUpTo(7, 6), { expectedVersion }));

        expect(error).toMatchObject({
          name: "ConcurrencyError",
          code: "CONCURRENCY_CONFLICT",
          streamId: "a",
          expectedVersion,
          actualVersion: stored,
        });
        expect(numbersOf(await readAll(storage, "a"))).toEqual(wholeNumbers(1, stored));
      });
    }

    test('"any" is met by every stream', async (storage) => {
      expect(await append(storage, "a", [counted(1)], { expectedVersion: "any" })).toMatchObject({ version: 1 });
      expect(await append(storage, "a", [counted(2)], { expectedVersion: "any" })).toMatchObject({ version: 2 });
    });

    test('"exists" is met by a stream with an event', async (storage) => {
      await append(storage, "a", [counted(1)]);

      expect(await append(storage, "a", [counted(2)], { expectedVersion: "exists" })).toMatchObject({ version: 2 });
    });

    test("lets exactly one of 64 racing appends win", async (storage) => {
      await append(storage, "a", countedUpTo(2));
      const { values, errors } = await outcomesOf(
        wholeNumbers(1, 64).map((writer) => append(storage, "a", [counted(writer)], { expectedVersion: 2 })),
      );

      expect(values.map(({ version, written }) => ({ version, written }))).toEqual([{ version: 3, written: 1 }]);
      expect(errors.length).toBe(63);
      for (const error of errors) {
        expect(error).toMatchObject({ code: "CONCURRENCY_CONFLICT", expectedVersion: 2, actualVersion: 3 });
      }
      expect(await storage.getVersion("a")).toBe(3);
    });

    test("lets exactly one of several racing appends begin each of many streams", async (storage) => {
      const { values, errors } = await outcomesOf(
        wholeNumbers(0, 63).map((writer) =>
          append(storage, `stream-${writer % 8}`, [counted(writer)], { expectedVersion: 0 }),
        ),
      );

      expect(values.length).toBe(8);
      expect(errors.length).toBe(56);
      for (const stream of wholeNumbers(0, 7)) expect(await storage.getVersion(`stream-${stream}`)).toBe(1);
    });

    test("that was refused can be corrected to the actual version", async (storage) => {
      await append(storage, "a", countedUpTo(4));
      const error = await failureOf(append(storage, "a", [counted(5)], { expectedVersion: 1 }));
      const { actualVersion } = error as { readonly actualVersion: number };

      const result = await append(storage, "a", [counted(5)], { expectedVersion: actualVersion });
      expect(result).toMatchObject({ version: 5, written: 1 });
    });
  });
}
