import { join } from "node:path";
import type { StreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { cpuPercent } from "./cpu-percent.js";
import { LIBRARY_SUBJECTS, openFactory, WATCHING_SUBJECTS } from "./library-subjects.js";
import { sleep } from "./sleep.js";

const MANY = 1_000;
const IDLE_MS = { small: 1_000, full: 10_000 };

export const idleWatchers: Workload = {
  id: "W7",
  title: "the CPU that idle watchers take, in percent of a core",
  figures: [
    { name: "one watcher", unit: "%", goal: { kind: "below", value: 1 } },
    { name: "1,000 watchers", unit: "%", goal: { kind: "below", value: 2 } },
  ],
  subjects: WATCHING_SUBJECTS,
  isFlushFree: true,
  async run(context) {
    const one = await withOneWatcher(context);
    if (!LIBRARY_SUBJECTS.includes(context.subject.name)) return { "one watcher": one };
    return { "one watcher": one, "1,000 watchers": await withManyWatchers(context) };
  },
};

async function withOneWatcher({ subject, durability, folder, size }: WorkloadContext): Promise<number> {
  let isLive = false;
  const hear = (): void => {
    isLive = true;
  };
  const stream = await subject.openWatched?.(join(folder, "one.db"), durability, hear);
  if (stream === undefined) throw new Error(`${subject.name} has no way to watch`);
  await stream.append(1);
  while (!isLive) await sleep(1);
  const percent = await cpuPercent(IDLE_MS[size]);
  await stream.close();
  return percent;
}

async function withManyWatchers(context: WorkloadContext): Promise<number> {
  const factory = await openFactory(context, join(context.folder, "many.db"));
  await Promise.all(Array.from({ length: MANY }, (_, index) => watchLive(factory, `account-${index}`)));
  const percent = await cpuPercent(IDLE_MS[context.size]);
  await factory[Symbol.asyncDispose]();
  return percent;
}

/** Opens a watch on a stream of its own, and resolves when it has delivered an event: it is live then. */
async function watchLive(factory: StreamFactory, streamId: string): Promise<void> {
  const stream = await factory.openStream(streamId);
  await new Promise<void>((resolve, reject) => {
    stream.watch().subscribe({ next: () => resolve(), error: reject });
    stream.write(makeEvent(0)).catch(reject);
  });
}
