import type { ExpectedVersion, StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import { counted, keyed, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeIdempotency({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("idempotency keys", () => {
    const anyExpectation: readonly ExpectedVersion[] = ["any", "exists", 0, 1, 2, 99];
    for (const expectedVersion of anyExpectation) {
      test(`make a repeated append succeed without storing anything when it expects ${expectedVersion}`, async (storage) => {
        const first = await append(storage, "a", [keyed("k1"), keyed("k2")], { expectedVersion: 0 });

        const second = await append(storage, "a", [keyed("k1"), keyed("k2")], { expectedVersion });

        expect(second).toEqual({ ...first, written: 0 });
        expect(versionsOf(await readAll(storage, "a"))).toEqual([1, 2]);
      });
    }

    test("make a retry succeed with its original expected version after the stream has grown", async (storage) => {
      const first = await append(storage, "a", [keyed("k1")], { expectedVersion: 0 });
      await append(storage, "a", [counted(2), counted(3)]);

      expect(await append(storage, "a", [keyed("k1")], { expectedVersion: 0 })).toEqual({ ...first, written: 0 });
      expect(await storage.getVersion("a")).toBe(3);
    });

    for (const expectedVersion of ["any", "exists"] as const) {
      test(`that are partly stored let the rest be appended under "${expectedVersion}"`, async (storage) => {
        await append(storage, "a", [keyed("k1"), keyed("k2")]);

        const result = await append(storage, "a", [keyed("k2"), keyed("k3"), counted(4)], { expectedVersion });

        const events = await readAll(storage, "a");
        expect(result).toEqual({ version: 4, position: events.at(-1)?.position, written: 2 });
        expect(events.slice(0, 3).map((event) => event.id)).toEqual(["k1", "k2", "k3"]);
        expect(versionsOf(events)).toEqual([1, 2, 3, 4]);
      });
    }

    for (const expectedVersion of [0, 1, 2]) {
      test(`that are partly stored are a conflict under ${expectedVersion}, and nothing is stored`, async (storage) => {
        await append(storage, "a", [keyed("k1")]);

        const error = await failureOf(append(storage, "a", [keyed("k1"), keyed("k2")], { expectedVersion }));

        expect(error).toMatchObject({ code: "CONCURRENCY_CONFLICT", streamId: "a", expectedVersion, actualVersion: 1 });
        expect(versionsOf(await readAll(storage, "a"))).toEqual([1]);
      });
    }

    test("tell the place of the last event also when it was stored before the others", async (storage) => {
      const first = await append(storage, "a", [keyed("k1")]);

      const second = await append(storage, "a", [keyed("k2"), keyed("k1")]);

      expect(second).toEqual({ version: 1, position: first.position, written: 1 });
      expect((await readAll(storage, "a")).map((event) => event.id)).toEqual(["k1", "k2"]);
    });

    test("that occur twice in one append store the event once", async (storage) => {
      const result = await append(storage, "a", [keyed("k1"), counted(2), keyed("k1")], { expectedVersion: 0 });

      const events = await readAll(storage, "a");
      expect(versionsOf(events)).toEqual([1, 2]);
      expect(result).toEqual({ version: 1, position: events[0]?.position, written: 2 });
    });

    test("that occur twice in one append may be sent again", async (storage) => {
      const twice = [keyed("k1"), keyed("k1")];
      const first = await append(storage, "a", twice, { expectedVersion: 0 });
      const second = await append(storage, "a", twice, { expectedVersion: 0 });

      expect(first).toMatchObject({ version: 1, written: 1 });
      expect(second).toEqual({ ...first, written: 0 });
    });

    test("belong to their stream", async (storage) => {
      await append(storage, "a", [keyed("key", 1)]);

      expect(await append(storage, "b", [keyed("key", 2)], { expectedVersion: 0 })).toMatchObject({
        version: 1,
        written: 1,
      });
      expect((await readAll(storage, "b"))[0]?.data).toBe(2);
    });

    test("are told apart exactly", async (storage) => {
      const keys = [
        "key",
        "Key",
        "key ",
        " key",
        "k%y",
        "k_y",
        "ke\u0301y",
        "k\u00e9y",
        "'",
        '"',
        "0",
        "00",
        "null",
        "🔑",
        "k\n",
        "k\u0000y",
      ];
      const result = await append(
        storage,
        "a",
        keys.map((key) => keyed(key)),
      );
      const again = await append(
        storage,
        "a",
        keys.map((key) => keyed(key)),
      );

      expect(result.written).toBe(keys.length);
      expect(again.written).toBe(0);
      expect((await readAll(storage, "a")).map((event) => event.id)).toEqual(keys);
    });

    test("let one of many appends that race with one key store its event", async (storage) => {
      const results = await Promise.all(
        wholeNumbers(1, 32).map(() => append(storage, "a", [keyed("key")], { expectedVersion: 0 })),
      );

      expect(results.map(({ version }) => version)).toEqual(wholeNumbers(1, 32).map(() => 1));
      expect(results.reduce((sum, { written }) => sum + written, 0)).toBe(1);
      expect(versionsOf(await readAll(storage, "a"))).toEqual([1]);
    });

    test("are what makes events the same: without them equal events are stored each time", async (storage) => {
      await append(storage, "a", [counted(1), counted(1)]);
      await append(storage, "a", [counted(1)]);

      expect(versionsOf(await readAll(storage, "a"))).toEqual([1, 2, 3]);
    });
  });
}
