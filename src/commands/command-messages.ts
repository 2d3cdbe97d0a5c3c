import { channel } from "node:diagnostics_channel";

/** What happens beside commands and read models in memory, for whoever measures them. */
const messages = channel("async-streams:commands");

/** Something that nobody awaits, or that was worked around. */
export interface CommandMessage {
  /** `"snapshot-skipped"`: it could not be used. `"snapshot-failed"`: it could not be saved, or older ones not be removed. */
  readonly kind: "snapshot-skipped" | "snapshot-failed";
  readonly streamId: string;
  /** The projection of the snapshot. */
  readonly projection: string;
  readonly error: unknown;
}

/** Tells whoever listens to the channel. */
export function tell(message: CommandMessage): void {
  if (messages.hasSubscribers) messages.publish(message);
}
