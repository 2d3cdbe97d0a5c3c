import type { TransactionalStreamFactory } from "async-streams";
import { runProjections, whenProcessed } from "async-streams/projections";
import { percentile } from "../statistics.js";
import { countingProjection } from "../subjects/library-projections.js";
import type { Workload } from "../workload.js";
import { copyOfSeed } from "./accounts.js";
import { appendBeside } from "./append-beside.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { MILLION, MILLION_SEED } from "./w08-memory.js";

const NAME = "changes";
const WRITERS = 4;
const TIMEOUT_MS = 600_000;

export const rebuildBesideWrites: Workload = {
  id: "W31",
  title: "a projection of 1,000,000 events, one upsert each, is rebuilt while four writers append",
  figures: [
    { name: "append p99", unit: "ms", goal: { kind: "below", value: 20 } },
    { name: "append p50", unit: "ms" },
    { name: "append longest", unit: "ms", isDetail: true },
    { name: "rebuilt", unit: "events/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  seeds: [MILLION_SEED],
  async run(context) {
    const seed = await copyOfSeed(context, MILLION_SEED.name);
    const streams = (await openFactory(context, seed)) as TransactionalStreamFactory;
    // What is shown has to follow the store before: two builds from the beginning would share the writer.
    const runner = await runProjections(streams, [countingProjection(NAME)]);
    await whenProcessed(streams, NAME, MILLION[context.size], { timeoutMs: TIMEOUT_MS });
    const beganMs = performance.now();
    const rebuilt = runner.rebuild(NAME).then(() => performance.now() - beganMs);
    const writers = Array.from({ length: WRITERS }, (_, writer) => appendBeside(streams, `writer-${writer}`, rebuilt));
    const latenciesMs = (await Promise.all(writers)).flat();
    const figures = {
      "append p99": percentile(latenciesMs, 99),
      "append p50": percentile(latenciesMs, 50),
      "append longest": percentile(latenciesMs, 100),
      rebuilt: (MILLION[context.size] / (await rebuilt)) * 1_000,
    };
    await runner[Symbol.asyncDispose]();
    await streams[Symbol.asyncDispose]();
    return figures;
  },
};
