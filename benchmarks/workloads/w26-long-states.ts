import { type Fold, loadState } from "async-streams/commands";
import { type BenchEvent, makeEvent, makeEvents } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";

const EVENTS = 10_000;
const TAIL = 250;
const LOADS = { small: 50, full: 400 };
const PLAIN_LOADS = { small: 10, full: 40 };
const STREAM = "account";

interface Total {
  readonly amount: number;
  readonly orders: number;
}

const plain: Fold<Total, BenchEvent> = {
  name: "plain",
  initial: () => ({ amount: 0, orders: 0 }),
  evolve: ({ amount, orders }, { data }) => ({ amount: amount + Number(data.amount), orders: orders + 1 }),
};
const snapshotted: Fold<Total, BenchEvent> = { ...plain, name: "snapshotted", snapshot: { every: 500 } };

export const longStates: Workload = {
  id: "W26",
  title: "the state of a stream of 10,000 events, with a snapshot every 500 and without",
  figures: [
    { name: "with snapshots", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "times faster", unit: "x", goal: { kind: "at least", value: 10 } },
    { name: "without", unit: "ms" },
  ],
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  async run(context) {
    const { folder, size } = context;
    const streams = await openFactory(context, `${folder}/store.db`);
    const stream = await streams.openStream<BenchEvent>(STREAM);
    await stream.write(makeEvents(makeEvent, 0, EVENTS - TAIL));
    const { state, version } = await loadState(streams, snapshotted, STREAM);
    await stream.snapshot(state, { version, projection: "snapshotted@1" });
    await stream.write(makeEvents(makeEvent, EVENTS - TAIL, TAIL));
    const timeOf = async (fold: Fold<Total, BenchEvent>, loads: number): Promise<number> => {
      const timesMs: number[] = [];
      for (let load = 0; load < loads; load += 1) {
        const beganMs = performance.now();
        const loaded = await loadState(streams, fold, STREAM);
        timesMs.push(performance.now() - beganMs);
        if (loaded.state.orders !== EVENTS) throw new Error(`folded ${loaded.state.orders} events of ${EVENTS}`);
      }
      return median(timesMs);
    };
    const withoutMs = await timeOf(plain, PLAIN_LOADS[size]);
    const withMs = await timeOf(snapshotted, LOADS[size]);
    await streams[Symbol.asyncDispose]();
    return { "with snapshots": withMs, "times faster": withoutMs / withMs, without: withoutMs };
  },
};
