import type { FlatEvent } from "./flat-event.js";

/** Where the events of one document are kept. */
export interface EventStoreGateway {
  /** Stores one event. When the promise resolves, it is durable. */
  persistEvent(event: FlatEvent): Promise<void>;
  /** Stores all of the events or none. */
  persistEventBatch(events: readonly FlatEvent[]): Promise<void>;
  /** The events of a range of sequences, both ends included, in order. */
  getEvents(range: { readonly fromSequence: number; readonly toSequence?: number }): Promise<FlatEvent[]>;
  /** The sequence of the last event; -1 without any. */
  getLatestSequenceNumber(): Promise<number>;
  /** Removes the events below a sequence, for good. */
  pruneEventsBeforeSequence(sequenceNumber: number): Promise<void>;
}
