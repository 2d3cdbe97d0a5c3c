import { channel } from "node:diagnostics_channel";
import type { Records, StoredEvent, StreamFactory } from "../../protocols/index.js";
import { takeBack, type Undo } from "../leases/undo.js";
import { committedRecordsOf } from "../transaction/committed-records.js";
import type { StoreAccess } from "../transaction/store-access.js";
import type { ConsumerDefinition } from "./consumer.js";
import type { AttemptState } from "./consumer-records.js";
import type { Outage } from "./outage.js";
import type { ConsumerSettings } from "./settings.js";

/** How long one write of records may take, in milliseconds. */
export const RECORDS_TIMEOUT_MS = 10_000;

/** What happens in consumers, for whoever measures them. */
const messages = channel("async-streams:consumer");

/** What the parts of a running consumer share. */
export interface RunContext {
  readonly streams: StreamFactory;
  readonly access: StoreAccess;
  readonly definition: ConsumerDefinition;
  readonly settings: ConsumerSettings;
  readonly outage: Outage;
  /** Whether an earlier number of partitions has handled the event. */
  isPast(event: StoredEvent): boolean;
  /** The attempts at an event with an earlier number of partitions. */
  pastAttempts(position: number): AttemptState | undefined;
  /** Something was handled or parked. */
  onProgress(): void;
  /** Something has succeeded where the record of the consumer says that events fail. */
  onRecovered(): void;
}

/** Writes records in one transaction. What the leases remember is taken back when it fails. */
export async function writeRecords<T>(
  context: Pick<RunContext, "access" | "definition">,
  work: (records: Records, undo: Undo, head: number) => Promise<T>,
): Promise<T> {
  const undo: Undo = [];
  try {
    return await context.access.run(
      callOf(context),
      (_, call) => call("write the records of a consumer", ({ records, head }) => work(records, undo, head)),
      { timeoutMs: RECORDS_TIMEOUT_MS, signal: undefined },
    );
  } catch (error) {
    takeBack(undo);
    throw error;
  }
}

/** Reads records: nobody waits for it where the store can list them outside a transaction. */
export function readRecords<T>(
  context: Pick<RunContext, "access" | "definition">,
  work: (records: Pick<Records, "get" | "list">) => Promise<T>,
): Promise<T> {
  return committedRecordsOf(context.access)?.read(callOf(context), work) ?? writeRecords(context, work);
}

const callOf = ({ definition }: Pick<RunContext, "definition">): string => `run consumer "${definition.name}"`;

/** Tells whoever listens to the channel. */
export function tell(message: {
  readonly consumer: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}): void {
  if (messages.hasSubscribers) messages.publish(message);
}
