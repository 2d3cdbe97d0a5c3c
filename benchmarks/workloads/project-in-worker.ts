import type { StreamFactory } from "async-streams";
import { startProjector } from "../../examples/flowforge/projector/start-projector.js";
import type { Figure } from "../workload.js";
import { DELAY_FIGURES, measureDelay } from "./measure-delay.js";

export const WORKER_FIGURES: readonly Figure[] = [...DELAY_FIGURES, { name: "projected", unit: "events/s" }];

/**
 * How late the event loop is while FlowForge's worker projects the events of this thread's store.
 *
 * @param path - the file of the read models, which is not there yet
 */
export async function projectInWorker(streams: StreamFactory, path: string, events: number) {
  await using all = await streams.openStream("@all");
  const beganMs = performance.now();
  const delay = await measureDelay(async () => {
    await using projector = startProjector(streams, { path, onChange: () => undefined });
    await projector.whenProcessed(all.version);
  });
  return { ...delay, projected: events / ((performance.now() - beganMs) / 1_000) };
}
