import { expect, test } from "vitest";
import { type AggregateFold, loadAggregate } from "../../../examples/flowforge/aggregate-state.js";
import { describeBackends, withDb } from "./support/backends.js";

type Counter = { total: number; last: string };

const COUNTER: AggregateFold<Counter> = {
  snapshotEvery: 10,
  initial: () => ({ total: 0, last: "" }),
  evolve: ({ total }, { payload, eventType }) => ({ total: total + Number(payload.amount), last: eventType }),
};

describeBackends("state with snapshots", (backend) => {
  test("is that of the replay, at each length, and reads only what the snapshot does not have", () =>
    withDb(backend, async ({ eventStore }) => {
      const aggregateId = "counter:1";
      for (let amount = 1; amount <= 21; amount += 1) {
        const eventType = amount % 2 === 0 ? "Even" : "Odd";
        await eventStore.append({ aggregateId, eventType, payload: { amount } });
        const { state, seq, replayed } = await loadAggregate(eventStore, aggregateId, COUNTER);
        const replay = (await eventStore.load({ aggregateId })).reduce(COUNTER.evolve, COUNTER.initial());
        expect({ state, seq }).toEqual({ state: replay, seq: amount });
        expect(replayed).toBe(((amount - 1) % 10) + 1);
      }
      expect(await eventStore.latestSnapshot({ aggregateId })).toMatchObject({ lastSeq: 20, state: { total: 210 } });
    }));
});
