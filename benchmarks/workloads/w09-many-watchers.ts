import { join } from "node:path";
import type { Stream, StreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { sleep } from "./sleep.js";
import { APPENDERS } from "./w03-concurrent-appends.js";

const STREAMS = 1_000;
const EVENTS_PER_STREAM = { small: 4, full: 30 };

/** Each writer goes round its own streams, and awaits every append. */
async function appendRounds(streams: readonly Stream[], first: number, last: number): Promise<void> {
  await Promise.all(
    Array.from({ length: APPENDERS }, async (_, writer) => {
      const own = streams.filter((_stream, index) => index % APPENDERS === writer);
      for (let version = first; version <= last; version += 1) {
        for (const stream of own) await stream.write(makeEvent(version), { expectedVersion: version - 1 });
      }
    }),
  );
}

/** Watches every stream, and tells when each has heard every event up to a version, once and in order. */
function watchAll(streams: readonly Stream[]): (version: number) => Promise<void> {
  const heard = new Array<number>(streams.length).fill(0);
  let wrong: Error | undefined;
  for (const [index, stream] of streams.entries()) {
    stream.watch().subscribe(({ version }) => {
      const last = heard[index] ?? 0;
      if (version !== last + 1) wrong = new Error(`${stream.streamId} heard ${version} behind ${last}`);
      heard[index] = version;
    });
  }
  return async (wanted) => {
    while (wrong === undefined && heard.some((version) => version < wanted)) await sleep(1);
    if (wrong !== undefined) throw wrong;
  };
}

async function measure(context: WorkloadContext, name: string, isWatched: boolean): Promise<number> {
  const factory: StreamFactory = await openFactory(context, join(context.folder, `${name}.db`));
  const events = EVENTS_PER_STREAM[context.size];
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, (_, index) => factory.openStream(`account-${index}`)),
  );
  const heardUpTo = isWatched ? watchAll(streams) : undefined;
  // The first event of each stream is not measured: it shows that every watch is live.
  await appendRounds(streams, 1, 1);
  await heardUpTo?.(1);
  const beganMs = performance.now();
  await appendRounds(streams, 2, events + 1);
  await heardUpTo?.(events + 1);
  const tookMs = performance.now() - beganMs;
  await factory[Symbol.asyncDispose]();
  // Once more, for what may have come behind the last event.
  await heardUpTo?.(events + 1);
  return ((STREAMS * events) / tookMs) * 1_000;
}

export const manyWatchers: Workload = {
  id: "W9",
  title: "64 writers on 1,000 streams, each with a watcher, until the last event is delivered",
  figures: [
    { name: "share of the rate without watchers", unit: "x", goal: { kind: "at least", value: 0.5 } },
    { name: "rate", unit: "events/s" },
    { name: "rate without watchers", unit: "events/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run(context) {
    // The first run warms the code for both.
    await measure(context, "warm", true);
    const without = await measure(context, "without", false);
    const rate = await measure(context, "watched", true);
    return { "share of the rate without watchers": rate / without, rate, "rate without watchers": without };
  },
};
