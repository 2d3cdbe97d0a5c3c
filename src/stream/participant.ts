import type { NewEvent, StorageSession } from "../../protocols/index.js";

/** What takes part in the transactions that store events, such as an inline projection. */
export interface Participant {
  /** Whether it has something to do when events of these types are stored. */
  wants(types: ReadonlySet<string>): boolean;
  /** Does it, behind everything else in the transaction. Its failure fails the transaction. */
  join(session: StorageSession): Promise<void>;
}

/** Those who take part when these events are stored. */
export function participantsOf(
  participants: ReadonlySet<Participant>,
  events: readonly NewEvent[],
): readonly Participant[] {
  if (participants.size === 0 || events.length === 0) return [];
  const types = new Set(events.map(({ type }) => type));
  return [...participants].filter((participant) => participant.wants(types));
}
