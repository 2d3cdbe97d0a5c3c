import { ALL_STREAM, type StoredEvent } from "../../protocols/index.js";
import type { RunContext } from "./run-context.js";

/** An event as it was read ahead. */
export interface ReadEvent {
  readonly event: StoredEvent;
  /** What {@link readGeneration} was when the read began. */
  readonly generation: number;
}

/** Changes when readers get something else of the same events: see `EventHooks.heldGeneration`. */
export function readGeneration({ access }: Pick<RunContext, "access">): number {
  return access.context.hooks?.heldGeneration?.() ?? 0;
}

/** The event at a position, as readers get it now; undefined where it was removed. */
export async function readEvent(
  { streams }: Pick<RunContext, "streams">,
  position: number,
): Promise<StoredEvent | undefined> {
  await using all = await streams.openStream(ALL_STREAM);
  for await (const event of all.read({ after: position - 1, upTo: position })) return event;
  return undefined;
}
