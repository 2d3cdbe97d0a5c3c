import { join } from "node:path";
import type { Stream } from "async-streams";
import { makeKeyedEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";

const WRITES = { small: 500, full: 5_000 };

const WARM_WRITES = 500;

/** Writes a second, each awaited, with the version that the stream was at when the event was new. */
async function writeRate(stream: Stream, count: number): Promise<number> {
  const beganMs = performance.now();
  for (let number = 0; number < count; number += 1) {
    await stream.write(makeKeyedEvent(number), { expectedVersion: number });
  }
  return (count / (performance.now() - beganMs)) * 1_000;
}

export const retries: Workload = {
  id: "W1r",
  title: "writes that are stored already, one awaited after the other, beside the same writes the first time",
  figures: [
    { name: "rate", unit: "retries/s" },
    { name: "faster than the first write by", unit: "x", goal: { kind: "at least", value: 1 } },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run(context) {
    const streams = await openFactory(context, join(context.folder, "store.db"));
    const warm = await streams.openStream("warm");
    for (const _ of ["first", "retry"]) await writeRate(warm, WARM_WRITES);
    const stream = await streams.openStream("account");
    const first = await writeRate(stream, WRITES[context.size]);
    const rate = await writeRate(stream, WRITES[context.size]);
    await streams[Symbol.asyncDispose]();
    return { rate, "faster than the first write by": rate / first };
  },
};
