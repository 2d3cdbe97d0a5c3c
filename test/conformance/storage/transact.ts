import type { CandidateEvent, StorageHandle, StorageSession, TransactionalStorage } from "../../../protocols/index.js";
import { encodeEvents } from "../../../src/write/encode-events.js";
import type { Suite } from "../suite.js";
import { TRANSACTIONAL_STORAGE } from "../support/capabilities.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { counted, countedUpTo, isStrictlyRising, numbersOf, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";
import { ChangedMyMind, Gate } from "../support/transactions.js";

function appendIn(session: StorageSession, streamId: string, events: readonly CandidateEvent[]) {
  return session.append({ streamId, events: encodeEvents(streamId, events), expectedVersion: "any" });
}

function transact<T>(
  storage: TransactionalStorage,
  work: (session: StorageSession) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return storage.transact(work, { signal });
}

function put(storage: TransactionalStorage, key: string): Promise<number> {
  return transact(storage, ({ records }) => records.put("s", key, {}));
}

export function describeTransact({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("a transaction, where the storage has it", () => {
    testWith(TRANSACTIONAL_STORAGE, "commits what its work did, and returns its value", async (storage) => {
      const { position } = await append(storage, "a", [counted(1)]);
      const value = await transact(storage, async (session) => {
        expect(session.head).toBe(position);
        await appendIn(session, "a", [counted(2)]);
        await appendIn(session, "b", [counted(3)]);
        const page = await session.readPage({ streamId: "a", after: 0, limit: 10, direction: "forward" });
        expect([numbersOf(page.events), page.head, page.next]).toEqual([[1, 2], 2, null]);
        return "a value";
      });

      expect(value).toBe("a value");
      const events = await readAll(storage, "@all");
      expect(numbersOf(events)).toEqual([1, 2, 3]);
      expect(isStrictlyRising(events.map((event) => event.position))).toBe(true);
    });

    testWith(TRANSACTIONAL_STORAGE, "leaves nothing when its work rejects", async (storage) => {
      const error = new ChangedMyMind();
      const failing = transact(storage, async (session) => {
        await appendIn(session, "a", countedUpTo(2));
        await session.records.put("s", "k", {});
        throw error;
      });

      expect(await failureOf(failing)).toBe(error);
      expect(await readAll(storage, "@all")).toEqual([]);
      expect(await transact(storage, ({ records }) => records.get("s", "k"))).toBe(null);
      expect(await append(storage, "a", [counted(1)])).toMatchObject({ version: 1 });
    });

    testWith(TRANSACTIONAL_STORAGE, "is seen by nobody while it may still be undone", async (storage) => {
      const [begun, end] = [new Gate(), new Gate()];
      const failing = failureOf(
        transact(storage, async (session) => {
          await appendIn(session, "a", [counted(1)]);
          begun.open();
          await end.opened;
          throw new ChangedMyMind();
        }),
      );
      await begun.opened;
      // Where there is one connection for everything, they wait for the end.
      const meanwhile = Promise.all([readAll(storage, "@all"), storage.getVersion("a")]);
      end.open();
      await failing;

      expect(await meanwhile).toEqual([[], 0]);
    });

    testWith(TRANSACTIONAL_STORAGE, "begins in the order of the calls, appends included", async (storage) => {
      const one = (number: number) =>
        number % 3 === 0
          ? transact(storage, (session) => appendIn(session, "a", [counted(number)]))
          : append(storage, "a", [counted(number)]);
      await Promise.all(wholeNumbers(1, 30).map(one));

      expect(numbersOf(await readAll(storage, "a"))).toEqual(wholeNumbers(1, 30));
    });

    testWith(TRANSACTIONAL_STORAGE, "keeps others from committing events after its head", async (storage) => {
      const begun = new Gate();
      const running = transact(storage, async (session) => {
        begun.open();
        await new Promise((resolve) => setImmediate(resolve));
        const page = await session.readPage({ streamId: "@all", after: 0, limit: 10, direction: "forward" });
        return page.head - session.head;
      });
      await begun.opened;
      const written = append(storage, "a", [counted(1)]);

      expect(await running).toBe(0);
      expect(await written).toMatchObject({ version: 1 });
    });

    testWith(TRANSACTIONAL_STORAGE, "never gives a record a revision again", async (storage) => {
      const revisions = [await put(storage, "k"), await put(storage, "k")];
      await transact(storage, ({ records }) => records.delete("s", "k"));
      revisions.push(await put(storage, "k"), await put(storage, "other"));

      expect(isStrictlyRising(revisions)).toBe(true);
    });

    testWith(TRANSACTIONAL_STORAGE, "takes the record spaces of the library too", async (storage) => {
      await transact(storage, ({ records }) => records.put("@library", "k", { n: 1 }));

      expect(await transact(storage, ({ records }) => records.get("@library", "k"))).toMatchObject({ value: { n: 1 } });
    });

    testWith(TRANSACTIONAL_STORAGE, "does not begin when it is aborted while it waits", async (storage) => {
      const [begun, end] = [new Gate(), new Gate()];
      const running = transact(storage, async () => {
        begun.open();
        await end.opened;
      });
      await begun.opened;
      const reason = new Error("changed my mind");
      const controller = new AbortController();
      let hasBegun = false;
      const work = async (): Promise<void> => {
        hasBegun = true;
      };
      const { signal } = controller;
      const waiting = outcomesOf<unknown>([
        transact(storage, work, signal),
        append(storage, "a", [counted(1)], { signal }),
      ]);
      controller.abort(reason);
      end.open();
      await running;

      expect((await waiting).errors).toEqual([reason, reason]);
      expect(await failureOf(transact(storage, work, signal))).toBe(reason);
      expect([hasBegun, await storage.getVersion("a")]).toEqual([false, 0]);
    });

    testWith(
      TRANSACTIONAL_STORAGE,
      "is finished before the storage is disposed of, and refused after",
      async (storage) => {
        const end = new Gate();
        const running = transact(storage, async (session) => {
          await end.opened;
          return appendIn(session, "a", [counted(1)]);
        });
        const disposal = storage[Symbol.asyncDispose]();
        end.open();

        expect(await running).toMatchObject({ version: 1 });
        await disposal;
        expect(await failureOf(transact(storage, async () => undefined))).toMatchObject({ code: "STREAM_CLOSED" });
      },
    );
  });
}
