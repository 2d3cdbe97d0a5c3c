import { randomUUID } from "node:crypto";
import type { JsonObject, JsonValue } from "async-streams";
import { concatMap, lastValueFrom, type Observable } from "rxjs";
import { SAMPLED_EVENT_TYPES } from "./editor-events.js";
import type { EventStoreGateway } from "./event-store-gateway.js";
import type { FlatEvent } from "./flat-event.js";
import { SAMPLING_INTERVAL_MS, sampleEvents } from "./sample-events.js";

/** What a tool of the editor gives: the event without its envelope. */
export interface Draft {
  readonly eventType: string;
  readonly undoGroupId?: string;
  readonly fields: JsonObject;
}

export interface EventRecorderOptions {
  readonly gateway: EventStoreGateway;
  readonly documentId: string;
  /** Default `"local-user"`. */
  readonly userId?: string;
  /** Default: a new one. */
  readonly sessionId?: string;
}

/**
 * Puts the envelope around what the tools of an editor give, and passes it to a gateway. Others, such as `undo`, may write
 * between its batches.
 */
export class EventRecorder {
  readonly #gateway: EventStoreGateway;
  readonly #envelope: { readonly documentId: string; readonly userId: string; readonly sessionId: string };
  /** What is recorded later waits for it, so that sequences follow each other. */
  #recording: Promise<void> = Promise.resolve();

  constructor({ gateway, documentId, userId = "local-user", sessionId = randomUUID() }: EventRecorderOptions) {
    this.#gateway = gateway;
    this.#envelope = { documentId, userId, sessionId };
  }

  /** Records events as one batch. When the promise resolves, they are durable. */
  record(drafts: readonly Draft[]): Promise<void> {
    const recorded = this.#recording.then(() => this.#persist(drafts));
    this.#recording = recorded.catch(() => undefined);
    return recorded;
  }

  /** Samples what comes from a pointer, and records it until it ends. So few events are left that they need no batches. */
  async follow(input: Observable<Draft>): Promise<void> {
    const recorded = input.pipe(
      sampleEvents(),
      concatMap((draft) => this.record([draft])),
    );
    await lastValueFrom(recorded, { defaultValue: undefined });
  }

  async #persist(drafts: readonly Draft[]): Promise<void> {
    const first = (await this.#gateway.getLatestSequenceNumber()) + 1;
    await this.#gateway.persistEventBatch(drafts.map((draft, index) => this.#toEvent(draft, first + index)));
  }

  #toEvent({ eventType, undoGroupId, fields }: Draft, sequenceNumber: number): FlatEvent {
    const sampling: Record<string, JsonValue> = SAMPLED_EVENT_TYPES.has(eventType)
      ? { samplingIntervalMs: SAMPLING_INTERVAL_MS }
      : {};
    return {
      ...fields,
      eventId: randomUUID(),
      eventType,
      timestamp: Date.now(),
      sequenceNumber,
      ...this.#envelope,
      ...(undoGroupId === undefined ? {} : { undoGroupId }),
      ...sampling,
    };
  }
}
