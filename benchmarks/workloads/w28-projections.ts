import { median } from "../statistics.js";
import type { Workload } from "../workload.js";
import { accountsSeed, copyOfSeed } from "./accounts.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";

const EVENTS = { small: 5_000, full: 50_000 };
const SEED = accountsSeed("projected", EVENTS, { small: 10, full: 50 });
const BATCH_EVENTS = 1_000;
const TURNS = { small: 3, full: 5 };

export const projections: Workload = {
  id: "W28",
  title: "50,000 events are projected with one upsert each in batches of 1,000, in turns with a loop written by hand",
  figures: [
    { name: "against by hand", unit: "x", goal: { kind: "at least", value: 0.8 } },
    { name: "projected", unit: "events/s" },
    { name: "by hand", unit: "events/s" },
  ],
  subjects: [...LIBRARY_SUBJECTS, "emmett-sqlite", "act-sqlite"],
  seeds: [SEED],
  async run(context) {
    const { subject, durability, size } = context;
    const events = EVENTS[size];
    const store = await subject.openProjecting?.(await copyOfSeed(context, SEED.name), durability);
    if (store === undefined) throw new Error(`${subject.name} has no projections`);
    const project = () => rateOf(events, () => store.project({ events, batchSize: BATCH_EVENTS }));
    const { projectByHand } = store;
    if (projectByHand === undefined) {
      const projected = await project();
      await store.close();
      return { projected };
    }
    const rates: { projected: number; byHand: number }[] = [];
    // In turns, so that a slow moment of the machine is the same for both.
    for (let turn = 0; turn < TURNS[size]; turn += 1) {
      rates.push({ projected: await project(), byHand: await rateOf(events, () => projectByHand(BATCH_EVENTS)) });
    }
    await store.close();
    return {
      "against by hand": median(rates.map(({ projected, byHand }) => projected / byHand)),
      projected: median(rates.map(({ projected }) => projected)),
      "by hand": median(rates.map(({ byHand }) => byHand)),
    };
  },
};

async function rateOf(events: number, work: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return (events / (performance.now() - beganMs)) * 1_000;
}
