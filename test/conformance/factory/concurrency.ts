import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeConcurrency({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("optimistic concurrency", () => {
    test("lets a write pass that expects the stream's version, and refuses every other", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1), { expectedVersion: 0 });
      await stream.write(countedUpTo(3, 2), { expectedVersion: 1 });

      for (const expectedVersion of [0, 1, 2, 4, 100]) {
        expect(await failureOf(stream.write(counted(9), { expectedVersion }))).toMatchObject({
          name: "ConcurrencyError",
          code: "CONCURRENCY_CONFLICT",
          streamId: "a",
          expectedVersion,
          actualVersion: 3,
        });
      }
      expect(numbersOf(await eventsOf(stream))).toEqual([1, 2, 3]);
      expect(stream.version).toBe(3);
    });

    test("says in the message which stream it was, what was expected and what was found", async (streams) => {
      const stream = await streams.openStream("account-42");
      await stream.write(countedUpTo(3));
      const { message } = (await failureOf(stream.write(counted(4), { expectedVersion: 17 }))) as Error;

      for (const part of ["account-42", "17", "3"]) expect(message.includes(part)).toBe(true);
    });

    test('"exists" is met by a stream that has an event, and by no other', async (streams) => {
      const stream = await streams.openStream("a");
      const error = await failureOf(stream.write(counted(1), { expectedVersion: "exists" }));
      expect(error).toMatchObject({ code: "CONCURRENCY_CONFLICT", expectedVersion: "exists", actualVersion: 0 });

      await stream.write(counted(1));
      expect(await stream.write(counted(2), { expectedVersion: "exists" })).toMatchObject({ version: 2 });
    });

    test('"any" is the default and is met by every stream', async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      await stream.write(counted(2), {});
      await stream.write(counted(3), { expectedVersion: undefined });
      await stream.write(counted(4), { expectedVersion: "any" });

      expect(stream.version).toBe(4);
    });

    test("is decided by what is stored, not by what a handle remembers", async (streams) => {
      const [behind, ahead] = [await streams.openStream("a"), await streams.openStream("a")];
      await ahead.write(countedUpTo(3));
      expect(behind.version).toBe(0);

      expect(await failureOf(behind.write(counted(9), { expectedVersion: 0 }))).toMatchObject({ actualVersion: 3 });
      expect(await behind.write(counted(4), { expectedVersion: 3 })).toMatchObject({ version: 4 });
      expect(ahead.version).toBe(3);
      expect(await ahead.write(counted(5))).toMatchObject({ version: 5 });
    });

    test("lets exactly one of 64 writers win that race with one expected version", async (streams) => {
      const handles = await Promise.all(wholeNumbers(1, 64).map(() => streams.openStream("a")));
      await handles[0]?.write(countedUpTo(2));
      const issued = handles.map((handle, index) =>
        handle.write(countedUpTo(index + 2, index), { expectedVersion: 2 }),
      );
      const { values, errors } = await outcomesOf(issued);

      expect(values.map(({ version, written }) => ({ version, written }))).toEqual([{ version: 5, written: 3 }]);
      expect(errors.length).toBe(63);
      for (const error of errors) expect(error).toMatchObject({ code: "CONCURRENCY_CONFLICT", actualVersion: 5 });
      expect(versionsOf(await eventsOf(await streams.openStream("a")))).toEqual([1, 2, 3, 4, 5]);
    });

    test("loses no update of writers that read, decide, write and try again", async (streams) => {
      const increments = wholeNumbers(1, 6).map(async () => {
        const stream = await streams.openStream("counter");
        for (let done = 0; done < 8; ) {
          const last = (await eventsOf(stream)).at(-1);
          const next = last === undefined ? 1 : (last.data as { readonly number: number }).number + 1;
          const { errors } = await outcomesOf([stream.write(counted(next), { expectedVersion: last?.version ?? 0 })]);
          if (errors.length === 0) done += 1;
          else await nextTurn();
        }
      });
      await Promise.all(increments);

      expect(numbersOf(await eventsOf(await streams.openStream("counter")))).toEqual(wholeNumbers(1, 48));
    });

    test("leaves a handle usable after a conflict", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      const { actualVersion } = (await failureOf(stream.write(counted(2), { expectedVersion: 0 }))) as {
        readonly actualVersion: number;
      };

      expect(stream.version).toBe(1);
      expect(await stream.write(counted(2), { expectedVersion: actualVersion })).toMatchObject({ version: 2 });
    });
  });
}
