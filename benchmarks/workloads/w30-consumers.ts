import type { TransactionalStreamFactory } from "async-streams";
import { type ConsumerDefinition, consume } from "async-streams/consumers";
import type { Workload } from "../workload.js";
import { accountsSeed, copyOfSeed } from "./accounts.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";

const EVENTS = { small: 5_000, full: 50_000 };
const SEED = accountsSeed("consumed", EVENTS, { small: 10, full: 50 });
const PARTITIONS = [1, 16];
const TIMEOUT_MS = 600_000;

const HANDLERS: Readonly<Record<string, Pick<ConsumerDefinition, "handle" | "transact">>> = {
  handle: { handle: async () => undefined },
  transact: { transact: async () => undefined },
};

export const consumers: Workload = {
  id: "W30",
  title: "a consumer that does nothing with 50,000 events: at least once and exactly once, with 1 and 16 partitions",
  figures: Object.keys(HANDLERS).flatMap((call) =>
    PARTITIONS.map((partitions) => ({ name: figureOf(call, partitions), unit: "events/s" })),
  ),
  subjects: LIBRARY_SUBJECTS,
  seeds: [SEED],
  async run(context) {
    const streams = (await openFactory(context, await copyOfSeed(context, SEED.name))) as TransactionalStreamFactory;
    const figures: Record<string, number> = {};
    for (const [call, handler] of Object.entries(HANDLERS)) {
      for (const partitions of PARTITIONS) {
        const name = `${call}-${partitions}`;
        const beganMs = performance.now();
        const consumer = await consume(streams, { name, startFrom: "beginning", ...handler }, { partitions });
        await consumer.whenProcessed(EVENTS[context.size], { timeoutMs: TIMEOUT_MS });
        figures[figureOf(call, partitions)] = (EVENTS[context.size] / (performance.now() - beganMs)) * 1_000;
        await consumer.stop();
      }
    }
    await streams[Symbol.asyncDispose]();
    return figures;
  },
};

function figureOf(call: string, partitions: number): string {
  return `${call}, ${partitions === 1 ? "1 partition" : `${partitions} partitions`}`;
}
