import { join } from "node:path";
import { makeEvent } from "../bench-event.js";
import { median } from "../statistics.js";
import type { CommandingStore } from "../subject.js";
import type { Workload } from "../workload.js";
import { openCommanding } from "./command-loop.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";
import { APPENDERS } from "./w03-concurrent-appends.js";

const EACH = { small: 20, full: 100 };
const TURNS = { small: 15, full: 25 };
const WARM_EACH = 5;

export const commandsBesideWrites: Workload = {
  id: "W24",
  title: "commands of 64 callers on 64 streams, with a warm cache, in turns with plain writes of 64 callers",
  figures: [
    { name: "against writes", unit: "x", goal: { kind: "at least", value: 0.7 } },
    { name: "commands", unit: "commands/s" },
    { name: "writes", unit: "writes/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run(context) {
    const { folder, size } = context;
    const store = await openCommanding(context, join(folder, "store.db"));
    const each = EACH[size];
    const write = await writerOf(store);
    const command = (caller: number): Promise<void> => store.command(`commanded-${caller}`, makeEvent);
    await sideBySide(command, WARM_EACH);
    await sideBySide(write, WARM_EACH);
    const rates: { commands: number; writes: number }[] = [];
    // Side by side, so that a slow moment of the machine is the same for both.
    for (let turn = 0; turn < TURNS[size]; turn += 1) {
      rates.push({ commands: await sideBySide(command, each), writes: await sideBySide(write, each) });
    }
    await store.close();
    return {
      "against writes": median(rates.map((rate) => rate.commands / rate.writes)),
      commands: median(rates.map((rate) => rate.commands)),
      writes: median(rates.map((rate) => rate.writes)),
    };
  },
};

/** Writes with a handle on each stream, at the version that the stream is at. */
async function writerOf({ factory }: CommandingStore): Promise<(caller: number) => Promise<void>> {
  if (factory === undefined) throw new Error("it is not the library");
  const ids = Array.from({ length: APPENDERS }, (_, caller) => `written-${caller}`);
  const streams = await Promise.all(ids.map((id) => factory.openStream(id)));
  return async (caller) => {
    const stream = streams[caller];
    if (stream === undefined) throw new Error(`no stream ${caller}`);
    await stream.write(makeEvent(stream.version), { expectedVersion: stream.version });
  };
}

/** @returns how many a second */
async function sideBySide(call: (caller: number) => Promise<void>, each: number): Promise<number> {
  const beganMs = performance.now();
  const repeat = async (_: unknown, caller: number): Promise<void> => {
    for (let number = 0; number < each; number += 1) await call(caller);
  };
  await Promise.all(Array.from({ length: APPENDERS }, repeat));
  return ((APPENDERS * each) / (performance.now() - beganMs)) * 1_000;
}
