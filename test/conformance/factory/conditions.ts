import {
  ALL_STREAM,
  type AppendCondition,
  type AtomicStreamFactory,
  type CandidateEvent,
  type EventFilter,
  type StreamFactory,
  type TransactionalStreamFactory,
  type WriteResult,
} from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { ATOMIC_WRITES, TRANSACTIONS } from "../support/capabilities.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { counted, wholeNumbers } from "../support/sample-events.js";
import { allEventsOf, eventsIn, patient } from "../support/transactions.js";

const typeIs = (value: string): EventFilter => [{ field: "type", op: "=", value }];
const event = (type: string, data: unknown = null): CandidateEvent => ({ type, data });

function writeUnder(
  streams: AtomicStreamFactory,
  conditions: AppendCondition | readonly AppendCondition[],
  streamId = "target",
): Promise<readonly WriteResult[]> {
  return streams.writeAll([{ streamId, events: event("Written") }], { conditions });
}

export function describeConditions({ describe, testWith, expect }: Suite<StreamFactory>): void {
  const testTransaction = (title: string, body: (streams: TransactionalStreamFactory) => Promise<void>): void =>
    testWith(TRANSACTIONS, title, (streams) => body(patient(streams)));

  describe("a condition of a write", () => {
    testWith(ATOMIC_WRITES, "holds while no event matches, and names the first one that does", async (streams) => {
      const stream = await streams.openStream("names");
      await stream.write([event("Other"), event("Taken"), event("Taken")]);
      const taken = (await allEventsOf(streams))[1];

      expect(await writeUnder(streams, { failIfEventsMatch: typeIs("Missing") })).toMatchObject([{ written: 1 }]);
      expect(await failureOf(writeUnder(streams, { failIfEventsMatch: typeIs("Taken") }))).toMatchObject({
        name: "ConditionError",
        code: "CONDITION_FAILED",
        position: taken?.position,
        streamId: "names",
        type: "Taken",
        retryable: false,
      });
      expect((await eventsIn(streams, "target")).length).toBe(1);
    });

    testWith(ATOMIC_WRITES, "counts events after its position only", async (streams) => {
      const stream = await streams.openStream("a");
      const { position } = await stream.write(event("A"));
      const after = { failIfEventsMatch: typeIs("A"), after: position };
      await writeUnder(streams, after);
      await stream.write(event("A"));

      expect(await failureOf(writeUnder(streams, after))).toMatchObject({ code: "CONDITION_FAILED", streamId: "a" });
      expect(await failureOf(writeUnder(streams, { ...after, after: position - 1 }))).toMatchObject({ position });
    });

    testWith(
      ATOMIC_WRITES,
      "takes the clauses of a filter together, and several filters as alternatives",
      async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write([event("A", { n: 1 }), event("B", { n: 2 })]);
        const both: EventFilter = [
          { field: "type", op: "=", value: "A" },
          { field: "data.n", op: "=", value: 2 },
        ];

        expect(await writeUnder(streams, { failIfEventsMatch: both })).toMatchObject([{ written: 1 }]);
        expect(await writeUnder(streams, { failIfEventsMatch: [both, typeIs("C")] })).toMatchObject([{ written: 1 }]);
        // The first event that matches any of them is named, in whichever order they are given.
        for (const failIfEventsMatch of [
          [typeIs("B"), typeIs("A")],
          [typeIs("A"), typeIs("B")],
        ]) {
          expect(await failureOf(writeUnder(streams, { failIfEventsMatch }))).toMatchObject({ type: "A" });
        }
      },
    );

    testWith(ATOMIC_WRITES, "has to hold together with all others", async (streams) => {
      await (await streams.openStream("a")).write(event("A"));
      const [holds, fails] = [{ failIfEventsMatch: typeIs("B") }, { failIfEventsMatch: typeIs("A") }];

      expect(await writeUnder(streams, [holds, holds])).toMatchObject([{ written: 1 }]);
      expect(await failureOf(writeUnder(streams, [holds, fails]))).toMatchObject({ type: "A" });
      expect(await writeUnder(streams, [])).toMatchObject([{ written: 1 }]);
    });

    testWith(ATOMIC_WRITES, "without clauses is that nothing was stored since", async (streams) => {
      const { position } = await (await streams.openStream("a")).write(counted(1));

      expect(await failureOf(writeUnder(streams, { failIfEventsMatch: [] }))).toMatchObject({ position });
      expect(await writeUnder(streams, { failIfEventsMatch: [], after: position })).toMatchObject([{ written: 1 }]);
    });

    testWith(ATOMIC_WRITES, "does not count the write's own events", async (streams) => {
      expect(await writeUnder(streams, { failIfEventsMatch: typeIs("Written") })).toMatchObject([{ written: 1 }]);
    });

    testWith(ATOMIC_WRITES, "is checked also where nothing is written", async (streams) => {
      await (await streams.openStream("a")).write(event("A"));
      const conditions = { failIfEventsMatch: typeIs("A") };

      expect(await failureOf(streams.writeAll([], { conditions }))).toMatchObject({ code: "CONDITION_FAILED" });
      expect(await streams.writeAll([], { conditions: { failIfEventsMatch: typeIs("B") } })).toEqual([]);
    });

    testWith(ATOMIC_WRITES, "that admits one of 16 racing writes to 16 streams admits one", async (streams) => {
      const issued = wholeNumbers(1, 16).map((number) =>
        writeUnder(streams, { failIfEventsMatch: typeIs("Written") }, `stream-${number}`),
      );
      const { values, errors } = await outcomesOf(issued);

      expect(values.length).toBe(1);
      expect(errors.map((error) => (error as { readonly code?: unknown }).code)).toEqual(
        wholeNumbers(1, 15).map(() => "CONDITION_FAILED"),
      );
      expect((await allEventsOf(streams)).length).toBe(1);
    });

    testWith(ATOMIC_WRITES, "of each of two writes keeps them from passing each other", async (streams) => {
      const all = await streams.openStream(ALL_STREAM);
      for (const round of wholeNumbers(1, 20)) {
        const after = (await all.metrics()).currentVersion;
        const write = (reads: string, writes: string) =>
          streams.writeAll([{ streamId: `${writes}-${round}`, events: event(writes) }], {
            conditions: { failIfEventsMatch: typeIs(reads), after },
          });
        const { values, errors } = await outcomesOf([write("X", "Y"), write("Y", "X")]);

        expect([values.length, errors.length]).toEqual([1, 1]);
      }
    });

    testWith(
      ATOMIC_WRITES,
      "is checked against events that come between its call and its transaction",
      async (streams) => {
        const stream = await streams.openStream("a");
        const writing = Promise.all(wholeNumbers(1, 20).map(() => stream.write(event("A"))));
        const conditional = failureOf(writeUnder(streams, { failIfEventsMatch: typeIs("A") }));
        await writing;

        expect(await conditional).toMatchObject({ code: "CONDITION_FAILED", type: "A" });
      },
    );

    testTransaction("in a transaction counts what was stored before it, and not its own", async (streams) => {
      const stream = await streams.openStream("a");
      const { position } = await stream.write(event("A"));
      await streams.transaction(async (tx) => {
        expect(tx.position).toBe(position);
        await tx.write("b", event("B"));
        await tx.require({ failIfEventsMatch: typeIs("B") });
        await tx.require({ failIfEventsMatch: typeIs("A"), after: tx.position });
      });
      const failing = streams.transaction(async (tx) => {
        await tx.write("b", event("B"));
        await tx.require({ failIfEventsMatch: typeIs("A") });
      });

      expect(await failureOf(failing)).toMatchObject({ code: "CONDITION_FAILED", position, streamId: "a", type: "A" });
      expect((await eventsIn(streams, "b")).length).toBe(1);
    });
  });
}
