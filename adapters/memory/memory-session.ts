import type {
  AppendRequest,
  AppendResult,
  EventPage,
  PlacedEvent,
  ReadQuery,
  RequestOutcome,
} from "../../protocols/index.js";
import { ALL_STREAM } from "../../protocols/index.js";
import type { GroupSession } from "../../src/adapter-kit/append-together.js";
import { appendTo } from "./append-to.js";
import { EventOverlay } from "./event-overlay.js";
import { headOf, type MemoryEvents } from "./memory-events.js";
import { type MemoryRecords, RecordOverlay } from "./memory-records.js";
import { readPageOf } from "./read-page-of.js";

/** What a session works on. */
export interface MemoryState {
  readonly events: MemoryEvents;
  readonly records: MemoryRecords;
  readonly now: () => number;
  readonly location: string;
}

/** A transaction over a copy: what it does is kept apart, and moved to the store at the commit. */
export class MemorySession implements GroupSession {
  readonly head: number;
  readonly records: RecordOverlay;
  readonly #state: MemoryState;
  readonly #events: EventOverlay;

  constructor(state: MemoryState) {
    this.#state = state;
    this.head = headOf(state.events, ALL_STREAM);
    this.records = new RecordOverlay(state.records, state.location);
    this.#events = new EventOverlay(state.events);
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    return appendTo(this.#events, request, this.#state.now, this.#state.location).result;
  }

  async appendEach(requests: readonly AppendRequest[]): Promise<readonly RequestOutcome[]> {
    return requests.map((request) => {
      try {
        return { result: appendTo(this.#events, request, this.#state.now, this.#state.location).result };
      } catch (error) {
        return { error };
      }
    });
  }

  async readPage(query: ReadQuery): Promise<EventPage> {
    return readPageOf(this.#events, query);
  }

  /** Moves everything to the store, and returns the events. */
  commit(): readonly PlacedEvent[] {
    const { added } = this.#events;
    this.#state.events.add(added);
    this.records.commit();
    return added;
  }
}
