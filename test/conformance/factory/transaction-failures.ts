import type {
  StreamFactory,
  Transaction,
  TransactionalStreamFactory,
  TransactionOptions,
} from "../../../protocols/index.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { TRANSACTIONS } from "../support/capabilities.js";
import { collect } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, numbersOf, wholeNumbers } from "../support/sample-events.js";
import { allEventsOf, ChangedMyMind, Gate, holdTransaction, patient, recordIn } from "../support/transactions.js";

/** Calls of a transaction that fail, and what their errors have. */
const FAILING: readonly (readonly [string, (tx: Transaction) => Promise<unknown>, object])[] = [
  [
    "a version that is another",
    (tx) => tx.write("a", counted(9), { expectedVersion: 7 }),
    { code: "CONCURRENCY_CONFLICT" },
  ],
  ["an event that cannot be stored", (tx) => tx.write("a", { type: "A", data: 1n }), { code: "INVALID_EVENT" }],
  ["a stream that cannot be", (tx) => tx.write("", counted(9)), { code: "INVALID_ARGUMENT", argument: "streamId" }],
  ["@all", (tx) => tx.write("@all", counted(9)), { code: "READ_ONLY_STREAM" }],
  [
    "an option that there is not",
    (tx) => tx.write("a", counted(9), { expected: 1 } as object),
    { code: "INVALID_ARGUMENT", argument: "expected" },
  ],
  [
    "a read that cannot be",
    (tx) => collect(tx.read("a", { limit: -1 })),
    { code: "INVALID_ARGUMENT", argument: "limit" },
  ],
  ["a condition that fails", (tx) => tx.require({ failIfEventsMatch: [] }), { code: "CONDITION_FAILED" }],
  ["a record of another revision", (tx) => tx.records.put("s", "k", {}, 9), { code: "RECORD_CONFLICT" }],
];

export function describeTransactionFailures({ describe, testWith, expect }: Suite<StreamFactory>): void {
  const testTransaction = (title: string, body: (streams: TransactionalStreamFactory) => Promise<void>): void =>
    testWith(TRANSACTIONS, title, (streams) => body(patient(streams)));

  describe("a transaction that fails", () => {
    for (const [what, fail, fields] of FAILING) {
      testTransaction(`stores nothing, even if the error is caught: ${what}`, async (streams) => {
        await (await streams.openStream("before")).write(counted(1));
        let caught: unknown;
        const doomed = streams.transaction(async (tx) => {
          await tx.write("b", counted(2));
          caught = await failureOf(fail(tx));
          return "a normal return";
        });
        const error = await failureOf(doomed);

        expect(error).toMatchObject(fields);
        expect(error).toBe(caught);
        expect(numbersOf(await allEventsOf(streams))).toEqual([1]);
      });
    }

    testTransaction("makes no call after one that failed, and rejects with the first failure", async (streams) => {
      const doomed = streams.transaction(async (tx) => {
        const first = await failureOf(tx.write("a", counted(1), { expectedVersion: 7 }));
        expect(await failureOf(tx.write("a", counted(2)))).toBe(first);
        expect(await failureOf(tx.records.get("s", "k"))).toBe(first);
        throw new ChangedMyMind();
      });

      expect(await failureOf(doomed)).toMatchObject({ code: "CONCURRENCY_CONFLICT", expectedVersion: 7 });
    });

    testTransaction("waits for calls that were not awaited, and fails with them", async (streams) => {
      await streams.transaction(async (tx) => {
        for (const number of wholeNumbers(1, 5)) void tx.write("a", counted(number));
      });
      expect(numbersOf(await allEventsOf(streams))).toEqual(wholeNumbers(1, 5));
      const doomed = streams.transaction(async (tx) => {
        void tx.write("a", counted(6));
        void tx.write("a", counted(7), { expectedVersion: 0 });
        void tx.write("a", counted(8));
      });

      expect(await failureOf(doomed)).toMatchObject({ code: "CONCURRENCY_CONFLICT" });
      expect(numbersOf(await allEventsOf(streams))).toEqual(wholeNumbers(1, 5));
    });

    testTransaction("is not what a call after the end does: it is refused, and changes nothing", async (streams) => {
      let late: Transaction | undefined;
      await streams.transaction(async (tx) => {
        late = tx;
      });
      const tx = late as Transaction;
      const misuse = { name: "TransactionError", code: "TRANSACTION_MISUSE" };

      expect(await failureOf(tx.write("a", counted(1)))).toMatchObject(misuse);
      expect(await failureOf(collect(tx.read("a")))).toMatchObject(misuse);
      expect(await failureOf(tx.version("a"))).toMatchObject(misuse);
      expect(await failureOf(tx.require({ failIfEventsMatch: [] }))).toMatchObject(misuse);
      expect(await failureOf(tx.records.put("s", "k", {}))).toMatchObject(misuse);
      expect(await failureOf(tx.sql.run({ strings: ["SELECT 1"], values: [] }))).toMatchObject(misuse);
      expect(await allEventsOf(streams)).toEqual([]);
      expect(await recordIn(streams, "s", "k")).toBe(null);
    });

    testTransaction("leaves a read that was begun inside with no further event", async (streams) => {
      const reads: AsyncIterator<unknown>[] = [];
      const readOne = async (tx: Transaction): Promise<void> => {
        await tx.write("a", countedUpTo(3));
        const read = tx.read("a")[Symbol.asyncIterator]();
        reads.push(read);
        expect((await read.next()).done).toBe(false);
      };
      await streams.transaction(readOne);
      const undone = streams.transaction(async (tx) => {
        await readOne(tx);
        throw new ChangedMyMind();
      });
      await failureOf(undone);

      for (const read of reads) expect(await failureOf(read.next())).toMatchObject({ code: "TRANSACTION_MISUSE" });
    });

    testTransaction("for taking too long is undone, and lets go of those who wait", async (streams) => {
      const stream = await streams.openStream("a");
      const never = new Gate();
      let late: Promise<unknown> | undefined;
      const stuck = streams.transaction(
        async (tx) => {
          await tx.write("a", counted(0));
          late = never.opened.then(() => tx.write("a", counted(99)));
          late.catch(() => undefined);
          await never.opened;
        },
        { timeoutMs: 50 },
      );
      const error = failureOf(stuck);
      await Promise.all(wholeNumbers(1, 1_000).map((number) => stream.write(counted(number))));

      expect(await error).toMatchObject({ name: "TransactionError", code: "TRANSACTION_TIMEOUT", retryable: false });
      never.open();
      expect(await failureOf(late as Promise<unknown>)).toMatchObject({ code: "TRANSACTION_MISUSE" });
      expect(numbersOf(await allEventsOf(streams))).toEqual(wholeNumbers(1, 1_000));
    });

    // Where misuse is found, the call is refused at once. Elsewhere the time limit ends the wait.
    testTransaction("because its callback writes past it is ended, and the store goes on", async (streams) => {
      const stream = await streams.openStream("b");
      const misused = streams.transaction(
        async (tx) => {
          await tx.write("a", counted(1));
          await stream.write(counted(2));
        },
        { timeoutMs: 100 },
      );
      const error = (await failureOf(misused)) as { readonly code: string; readonly message: string };

      expect(["TRANSACTION_MISUSE", "TRANSACTION_TIMEOUT"].includes(error.code)).toBe(true);
      expect(error.message.includes('stream.write on "b"')).toBe(true);
      await (await streams.openStream("c")).write(counted(3));
      expect(numbersOf(await allEventsOf(streams)).includes(1)).toBe(false);
    });

    testTransaction("because its callback begins another is ended, and the store goes on", async (streams) => {
      const misused = streams.transaction(() => streams.transaction(async () => undefined), { timeoutMs: 100 });
      const error = (await failureOf(misused)) as { readonly code: string };

      expect(["TRANSACTION_MISUSE", "TRANSACTION_TIMEOUT"].includes(error.code)).toBe(true);
      expect(await streams.transaction(async () => "goes on")).toBe("goes on");
    });
  });

  describe("the signal of a transaction", () => {
    testTransaction("that is aborted already, or while it waits, keeps it from beginning", async (streams) => {
      const reason = new Error("changed my mind");
      let hasBegun = false;
      const begin = async (): Promise<void> => {
        hasBegun = true;
      };
      expect(await failureOf(streams.transaction(begin, { signal: AbortSignal.abort(reason) }))).toBe(reason);

      const held = holdTransaction(streams);
      await held.hasBegun;
      const controller = new AbortController();
      const waiting = failureOf(streams.transaction(begin, { signal: controller.signal }));
      controller.abort(reason);
      held.finish();
      expect(await waiting).toBe(reason);
      expect(hasBegun).toBe(false);
    });

    testTransaction("that is aborted inside undoes it", async (streams) => {
      const reason = new Error("changed my mind");
      const controller = new AbortController();
      const aborted = streams.transaction(
        async (tx) => {
          await tx.write("a", counted(1));
          controller.abort(reason);
          await new Gate().opened;
        },
        { signal: controller.signal },
      );

      expect(await failureOf(aborted)).toBe(reason);
      expect(await allEventsOf(streams)).toEqual([]);
    });

    testTransaction("leaves two outcomes: rejected and not stored, or resolved and stored", async (streams) => {
      const reason = new Error("changed my mind");
      const issued = wholeNumbers(1, 30).map((number) => {
        const controller = new AbortController();
        const outcome = streams
          .transaction((tx) => tx.write("a", counted(number)), { signal: controller.signal })
          .then(
            () => "stored",
            (error: unknown) => (error === reason ? "aborted" : error),
          );
        return { number, controller, outcome };
      });
      for (const { number, controller } of issued) if (number % 2 === 0) setImmediate(() => controller.abort(reason));
      const outcomes = await Promise.all(
        issued.map(async ({ number, outcome }) => ({ number, outcome: await outcome })),
      );

      expect(outcomes.filter(({ outcome }) => outcome !== "stored" && outcome !== "aborted")).toEqual([]);
      const stored = outcomes.filter(({ outcome }) => outcome === "stored").map(({ number }) => number);
      expect(numbersOf(await allEventsOf(streams))).toEqual(stored);
    });

    testTransaction("has no effect once it has committed", async (streams) => {
      const controller = new AbortController();
      await streams.transaction((tx) => tx.write("a", counted(1)), { signal: controller.signal });
      controller.abort();

      expect(numbersOf(await allEventsOf(streams))).toEqual([1]);
    });
  });

  describe("the arguments of a transaction", () => {
    const refused: readonly (readonly [string, unknown, unknown, string])[] = [
      ["a callback that is none", {}, {}, "work"],
      ["options that are no object", async () => 1, null, "options"],
      ["a misspelt option", async () => 1, { timeout: 1 }, "timeout"],
      ["a signal that is none", async () => 1, { signal: {} }, "signal"],
      ...[0, -1, Number.NaN, "1", MAX_TRANSACTION_TIMEOUT_MS + 1].map(
        (timeoutMs) => [`timeoutMs ${String(timeoutMs)}`, async () => 1, { timeoutMs }, "timeoutMs"] as const,
      ),
    ];
    for (const [what, work, options, argument] of refused) {
      testTransaction(`are checked: ${what}`, async (streams) => {
        const call = streams.transaction(work as () => Promise<void>, options as TransactionOptions);

        expect(await failureOf(call)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
      });
    }

    testTransaction("may be the largest time limit", async (streams) => {
      expect(await streams.transaction(async () => 1, { timeoutMs: MAX_TRANSACTION_TIMEOUT_MS })).toBe(1);
    });
  });
}
