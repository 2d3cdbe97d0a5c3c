import type { CandidateEvent, StoredEvent } from "../../protocols/index.js";
import { SUBJECT_FORGOTTEN_TYPE } from "../events/event-catalogue.js";

/** The event that says that a person is forgotten. Its key makes it one event, however often they are forgotten. */
export function forgottenEvent(name: string): CandidateEvent {
  return { type: SUBJECT_FORGOTTEN_TYPE, data: { subject: name }, idempotencyKey: `forgotten/${name}` };
}

/** The hashed name of the person that an event says is forgotten. Undefined: it says nothing of the kind. */
export function forgottenName({ type, data }: StoredEvent): string | undefined {
  if (type !== SUBJECT_FORGOTTEN_TYPE || typeof data !== "object" || data === null) return undefined;
  const { subject } = data as { readonly subject?: unknown };
  return typeof subject === "string" ? subject : undefined;
}
