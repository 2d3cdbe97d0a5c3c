import { invalidArgument } from "./flowforge-error.js";
import type { Event, NewEvent } from "./ports.js";

const DEFAULT_TYPE = "default";

/** The part before the colon. */
export function aggregateTypeOf(aggregateId: string): string {
  const colon = aggregateId.indexOf(":");
  return colon < 0 ? DEFAULT_TYPE : aggregateId.slice(0, colon);
}

/** What the metadata of an event says about it, in the names of async-streams. */
export interface Conventions {
  readonly transactionId?: string;
  readonly causationId?: string;
  readonly schemaVersion?: number;
}

/** The conventions of an event that is to be stored. A shared transaction id may be given as `tx_id` too. */
export function conventionsOf({ metadata = {} }: Pick<NewEvent, "metadata">): Conventions {
  const transactionId = textOf(metadata.transactionId) ?? textOf(metadata.tx_id);
  const causationId = textOf(metadata.causationId) ?? textOf(metadata.caused_by_event_id);
  const { schemaVersion } = metadata;
  return {
    ...(transactionId !== undefined && { transactionId }),
    ...(causationId !== undefined && { causationId }),
    ...(typeof schemaVersion === "number" && { schemaVersion }),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** @throws FlowForgeError when the aggregate has no such event */
export function checkLastSeq(aggregateId: string, lastSeq: number, version: number): void {
  if (Number.isSafeInteger(lastSeq) && lastSeq >= 1 && lastSeq <= version) return;
  throw invalidArgument(
    `A snapshot of ${aggregateId} cannot include event ${lastSeq}: the aggregate has ${version} events.`,
  );
}

/** Metadata without what the event says elsewhere; null where nothing is left. */
export function withoutTransactionId(metadata: Readonly<Record<string, unknown>> | null): Event["metadata"] {
  if (metadata === null) return null;
  const { transactionId: _, ...rest } = metadata;
  return Object.keys(rest).length === 0 ? null : rest;
}
