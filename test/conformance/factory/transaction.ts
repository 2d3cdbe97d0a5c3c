import { ALL_STREAM, type StreamFactory, type TransactionalStreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { TRANSACTIONS } from "../support/capabilities.js";
import { collect, eventsOf } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, keyed, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import {
  allEventsOf,
  ChangedMyMind,
  eventsIn,
  Gate,
  holdTransaction,
  patient,
  recordIn,
} from "../support/transactions.js";

export function describeTransaction({ describe, testWith, expect, eventually }: Suite<StreamFactory>): void {
  const testTransaction = (title: string, body: (streams: TransactionalStreamFactory) => Promise<void>): void =>
    testWith(TRANSACTIONS, title, (streams) => body(patient(streams)));

  describe("a transaction, where the store has it", () => {
    testTransaction("stores events of several streams and records as one, and returns a value", async (streams) => {
      const value = await streams.transaction(async (tx) => {
        const { version } = await tx.write("a", countedUpTo(2));
        await tx.write("b", counted(3), { expectedVersion: 0 });
        await tx.records.put("totals", "a", { version });
        return { version };
      });

      expect(value).toEqual({ version: 2 });
      expect(numbersOf(await allEventsOf(streams))).toEqual([1, 2, 3]);
      expect(await recordIn(streams, "totals", "a")).toMatchObject({ key: "a", value: { version: 2 } });
    });

    testTransaction("marks all of its events with one id, unless the caller gives another", async (streams) => {
      await streams.transaction(async (tx) => {
        await tx.write("a", [counted(1), { ...counted(2), metadata: { userId: "ada" } }]);
        await tx.write("b", { ...counted(3), metadata: { transactionId: "mine" } });
      });
      await streams.transaction((tx) => tx.write("a", counted(4)));
      const [first, second, third, fourth] = (await allEventsOf(streams)).map(({ metadata }) => metadata);

      const transactionId = first?.transactionId;
      expect(typeof transactionId).toBe("string");
      expect(second).toEqual({ userId: "ada", transactionId });
      expect(third).toEqual({ transactionId: "mine" });
      expect(fourth?.transactionId === transactionId).toBe(false);
    });

    testTransaction("that is sent again with keys stores nothing, although its id is another", async (streams) => {
      const send = () => streams.transaction((tx) => tx.write("a", { ...keyed("1"), metadata: { userId: "ada" } }));
      const first = await send();

      expect(await send()).toEqual({ ...first, written: 0 });
      const plain = await (await streams.openStream("a")).write({ ...keyed("1"), metadata: { userId: "ada" } });
      expect(plain).toEqual({ ...first, written: 0 });
      const other = (await streams.openStream("a")).write({ ...keyed("1"), metadata: { userId: "bob" } });
      expect(await failureOf(other)).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
    });

    testTransaction("stores nothing when its callback throws, and rejects with what it throws", async (streams) => {
      const error = new ChangedMyMind();
      const failing = streams.transaction(async (tx) => {
        await tx.write("a", countedUpTo(2));
        await tx.records.put("totals", "a", {});
        throw error;
      });

      expect(await failureOf(failing)).toBe(error);
      expect(await allEventsOf(streams)).toEqual([]);
      expect(await recordIn(streams, "totals", "a")).toBe(null);
      expect(await (await streams.openStream("a")).write(counted(1))).toMatchObject({ version: 1 });
    });

    testTransaction("sees the newest state, and what it has done itself", async (streams) => {
      await (await streams.openStream("a")).write(countedUpTo(2));
      await streams.transaction(async (tx) => {
        expect(await tx.version("a")).toBe(2);
        await tx.write("a", countedUpTo(4, 3));
        await tx.write("b", counted(5));

        expect(await tx.version("a")).toBe(4);
        expect(await tx.version("missing")).toBe(0);
        expect(numbersOf(await collect(tx.read("a")))).toEqual([1, 2, 3, 4]);
        expect(numbersOf(await collect(tx.read("a", { direction: "backward", limit: 3 })))).toEqual([4, 3, 2]);
        expect(numbersOf(await collect(tx.read("a", { after: 3 })))).toEqual([4]);
        expect(numbersOf(await collect(tx.read(ALL_STREAM)))).toEqual(wholeNumbers(1, 5));
        expect(await tx.version(ALL_STREAM)).toBe((await collect(tx.read(ALL_STREAM))).at(-1)?.position);
      });
    });

    testTransaction("reads long streams in pages, with filters", async (streams) => {
      await (await streams.openStream("a")).write(countedUpTo(1_500));
      const filter = [{ field: "data.number", op: ">", value: 1_490 }] as const;
      const numbers = await streams.transaction(
        async (tx) => {
          await tx.write("a", countedUpTo(2_000, 1_501));
          return numbersOf(await collect(tx.read("a", { filter, limit: 20 })));
        },
        { timeoutMs: 30_000 },
      );

      expect(numbers).toEqual(wholeNumbers(1_491, 1_510));
    });

    testTransaction("is seen by nobody while it may still be undone", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      const [begun, end] = [new Gate(), new Gate()];
      const failing = failureOf(
        streams.transaction(async (tx) => {
          await tx.write("a", counted(2));
          begun.open();
          await end.opened;
          throw new ChangedMyMind();
        }),
      );
      await begun.opened;
      // Where there is one connection for everything, they wait for the end.
      const meanwhile = [stream.metrics(), eventsOf(stream).then(numbersOf), streams.openStream("a")] as const;
      end.open();
      await failing;

      expect(await meanwhile[0]).toMatchObject({ currentVersion: 1, eventCount: 1 });
      expect(await meanwhile[1]).toEqual([1]);
      expect((await meanwhile[2]).version).toBe(1);
    });

    testTransaction("is seen by everybody after its commit", async (streams) => {
      await streams.transaction(async (tx) => {
        await tx.write("a", counted(1));
        await tx.write("b", counted(2));
      });

      expect(numbersOf(await allEventsOf(streams))).toEqual([1, 2]);
    });

    testTransaction("comes to watchers after its commit, in order", async (streams) => {
      const all = await streams.openStream(ALL_STREAM);
      const [observed, ofB] = [new Observation(all.watch()), new Observation((await streams.openStream("b")).watch())];
      const held = holdTransaction(streams, async (tx) => {
        await tx.write("a", counted(1));
        await tx.write("b", counted(2));
        await tx.write("a", counted(3));
      });
      await held.hasBegun;
      expect([observed.events, ofB.events]).toEqual([[], []]);
      held.finish();
      await eventually("both have everything", () => observed.events.length === 3 && ofB.events.length === 1);

      expect(numbersOf(observed.events)).toEqual([1, 2, 3]);
      expect(versionsOf(observed.events)).toEqual([1, 1, 2]);
      expect(numbersOf(ofB.events)).toEqual([2]);
    });

    testTransaction("that is undone comes to no watcher", async (streams) => {
      const all = await streams.openStream(ALL_STREAM);
      const observed = new Observation(all.watch());
      const undone = streams.transaction(async (tx) => {
        await tx.write("a", counted(1));
        throw new ChangedMyMind();
      });
      await failureOf(undone);
      await (await streams.openStream("a")).write(counted(2));
      await eventually("the write comes", () => observed.events.length === 1);

      expect(numbersOf(observed.events)).toEqual([2]);
      expect(versionsOf(observed.events)).toEqual([1]);
    });

    testTransaction("takes its place among writes, in the order of the calls", async (streams) => {
      const stream = await streams.openStream("a");
      await Promise.all([
        stream.write(counted(1)),
        streams.transaction((tx) => tx.write("a", counted(2))),
        stream.write(counted(3)),
        streams.writeAll([{ streamId: "a", events: counted(4) }]),
        streams.transaction((tx) => tx.write("a", counted(5))),
        stream.write(counted(6)),
      ]);

      expect(numbersOf(await eventsIn(streams, "a"))).toEqual(wholeNumbers(1, 6));
    });

    testTransaction("runs alone: many that read and then write lose nothing", async (streams) => {
      const add = () =>
        streams.transaction(async (tx) => {
          const found = await tx.records.get("totals", "a");
          const total = Number(found?.value.total ?? 0) + 1;
          await tx.records.put("totals", "a", { total });
          await tx.write("a", counted(total), { expectedVersion: total - 1 });
        });
      await Promise.all(wholeNumbers(1, 40).map(add));

      expect(await recordIn(streams, "totals", "a")).toMatchObject({ value: { total: 40 } });
      expect(numbersOf(await eventsIn(streams, "a"))).toEqual(wholeNumbers(1, 40));
    });

    testTransaction("that throws does not make its neighbours fail, nor leave a gap", async (streams) => {
      const one = (number: number) =>
        streams.transaction(async (tx) => {
          await tx.write("a", counted(number));
          if (number % 3 === 0) throw new ChangedMyMind();
        });
      const settled = await Promise.allSettled(wholeNumbers(1, 9).map(one));

      expect(settled.map(({ status }) => status === "fulfilled")).toEqual(
        wholeNumbers(1, 9).map((number) => number % 3 !== 0),
      );
      const events = await eventsIn(streams, "a");
      expect(numbersOf(events)).toEqual([1, 2, 4, 5, 7, 8]);
      expect(versionsOf(events)).toEqual(wholeNumbers(1, 6));
    });

    testTransaction("stores an event with a key once, and says so to its retry", async (streams) => {
      const withdraw = () =>
        streams.transaction(async (tx) => {
          const { written } = await tx.write("a", keyed("1"), { expectedVersion: 0 });
          if (written > 0) await tx.records.put("runs", "a", {});
          return written;
        });
      expect(await withdraw()).toBe(1);
      const revision = (await recordIn(streams, "runs", "a"))?.revision;

      expect(await withdraw()).toBe(0);
      expect((await recordIn(streams, "runs", "a"))?.revision).toBe(revision);
    });

    testTransaction("takes events as they are at the call", async (streams) => {
      const data = { number: 1 };
      await streams.transaction(async (tx) => {
        const written = tx.write("a", { type: "Counted", data });
        data.number = 2;
        await written;
      });

      expect(numbersOf(await eventsIn(streams, "a"))).toEqual([1]);
    });

    testTransaction("is waited for when the store is disposed of", async (streams) => {
      const held = holdTransaction(streams, (tx) => tx.write("a", counted(1)));
      await held.hasBegun;
      let isDisposed = false;
      const disposal = streams[Symbol.asyncDispose]().then(() => {
        isDisposed = true;
      });
      expect(await failureOf(streams.transaction(async () => undefined))).toMatchObject({ code: "STREAM_CLOSED" });
      expect(isDisposed).toBe(false);
      held.finish();

      await held.result;
      await disposal;
    });
  });
}
