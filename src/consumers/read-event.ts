import { ALL_STREAM, type StoredEvent } from "../../protocols/index.js";
import { heldGenerationOf } from "../view/event-hooks.js";
import type { RunContext } from "./run-context.js";

/** An event as it was read ahead. */
export interface ReadEvent {
  readonly event: StoredEvent;
  /** What {@link readGeneration} was when the read began. */
  readonly generation: number;
}

/** Changes when what was read is read again before it is handled. */
export function readGeneration({ access }: Pick<RunContext, "access">): number {
  return heldGenerationOf(access.context.hooks);
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
