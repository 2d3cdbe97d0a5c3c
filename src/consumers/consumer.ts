import type { EventFilter, EventShape, StoredEvent, Transaction } from "../../protocols/index.js";

/** What a consumer is: its name, the events that it wants, where it begins, and what it does with each. */
export interface ConsumerDefinition<E extends EventShape = EventShape> {
  /** The name of its checkpoint, forever. Non-empty, at most `MAX_CONSUMER_NAME_LENGTH` characters. */
  readonly name: string;
  /**
   * The types that it wants. Default: all but the library's own (`@...`). What its own `tx.write` stores comes to it as well,
   * unless this leaves it out.
   */
  readonly types?: readonly E["type"][] | undefined;
  /** Only events for which every clause holds. Default: all. */
  readonly filter?: EventFilter | undefined;
  /**
   * Where it begins the first time that it is seen: with the first event, behind the last one, or behind a position. Later its
   * checkpoint counts.
   */
  readonly startFrom: "beginning" | "end" | number;
  /**
   * Forgets the checkpoint and what is parked, and begins again at `startFrom`: once for each text, whichever process starts
   * first with it. Default: goes on.
   */
  readonly restart?: string | undefined;
  /**
   * Handles an event, at least once. Return when it is done. After a crash an event may come again: `event.id` is the same at
   * every attempt, so give it to whatever you call as its idempotency key.
   */
  handle?(event: StoredEvent<E>, context: HandlerContext): Promise<void>;
  /**
   * Handles an event exactly once, as far as it works through `tx`: the checkpoint is in the same transaction, which ends after
   * the default `timeoutMs` of transactions. An event that it writes gets the `causationId` and `correlationId` of what it
   * handles in its metadata, and an idempotency key if it has none. Where such a key is stored with another event, it runs a
   * second time within the attempt: `handle` may have stored that before it was replaced. Give one of the two.
   */
  transact?(event: StoredEvent<E>, tx: Transaction, context: HandlerContext): Promise<void>;
}

/** What a handler knows of its attempt. */
export interface HandlerContext {
  /** Which attempt it is, from 1. It goes on counting after a restart of the process. */
  readonly attempt: number;
  /** Aborted when the lease is lost, at the time-out, and when the consumer stops. */
  readonly signal: AbortSignal;
  /** Grows whenever the partition gets another owner. Give it to systems that can refuse an older one. */
  readonly fencingToken: number;
}

/** The options of `consume`. */
export interface ConsumerOptions {
  /**
   * How many events are handled side by side, over all processes. Each stream belongs to one partition, so its events are
   * handled in order. It may be changed with a restart. Default 1, at most `MAX_PARTITIONS`.
   */
  readonly partitions?: number | undefined;
  /** How long a process that is gone keeps its partitions, in milliseconds. Default 30,000. */
  readonly leaseMs?: number | undefined;
  /** After how many milliseconds a handler is aborted. The lease is renewed meanwhile. Default 60,000. */
  readonly handlerTimeoutMs?: number | undefined;
  /** When a failed event is tried again. */
  readonly retry?: RetryPolicy | undefined;
  /** What happens after the last attempt. `"park"`: the event and the later ones of its stream wait apart. Default `"park"`. */
  readonly onExhausted?: "park" | "stop" | undefined;
  /**
   * More parked events than this end the consumer: then it is not the events. What is still to be tried again does not count.
   * Default 10,000.
   */
  readonly maxParked?: number | undefined;
  /** When the checkpoint of `handle` is written: after so many events or milliseconds. Default 100 and 1,000. */
  readonly checkpointEvery?: CheckpointInterval | undefined;
  /** Called for each failed attempt. */
  readonly onError?: ((failure: ConsumerFailure) => void) | undefined;
  /** Stops the consumer. */
  readonly signal?: AbortSignal | undefined;
}

/** When a checkpoint is written, whichever comes first. */
export interface CheckpointInterval {
  /** Default 100. */
  readonly events?: number | undefined;
  /** Default 1,000. */
  readonly ms?: number | undefined;
}

/**
 * How often a failed event is tried again, and how long after. Each delay is chosen at random up to
 * `minDelayMs * factor ** (attempt - 1)`, at most `maxDelayMs`: full jitter, as in
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
 */
export interface RetryPolicy {
  /** How many attempts an event gets. `Infinity`: it is never parked. Default 10. */
  readonly attempts?: number | undefined;
  /** Default 200. */
  readonly minDelayMs?: number | undefined;
  /** Default 60,000. */
  readonly maxDelayMs?: number | undefined;
  /** Default 2. */
  readonly factor?: number | undefined;
  /** False: no further attempt. Default: true for all errors but `TerminalError`; also where it throws, with a warning. */
  retryable?(error: unknown): boolean;
}

/** Thrown by a handler, says that no further attempt will help. */
export class TerminalError extends Error {
  /** The name of the class, for logs. A subclass may have its own. */
  override name = "TerminalError";
}

/** A failed attempt, and what comes next. */
export interface ConsumerFailure {
  /** The name of the consumer. */
  readonly consumer: string;
  /** What was handled. */
  readonly event: StoredEvent;
  /** Which attempt failed. */
  readonly attempt: number;
  /** What the handler threw. */
  readonly error: unknown;
  /**
   * `"retry"`: after `delayMs`. `"park"`: it waits apart. `"pause"`: everything fails, so nothing is parked, and one event is
   * tried every `delayMs` until it succeeds. `"stop"`: the consumer has ended.
   */
  readonly next: "retry" | "park" | "pause" | "stop";
  /** Until the next attempt, in milliseconds; 0 where there is none. */
  readonly delayMs: number;
}

/** A consumer that runs. Disposing of it stops it. */
export interface Consumer extends AsyncDisposable {
  /** As it was defined. */
  readonly name: string;
  /**
   * How far all partitions are, whichever process has them. `events` are those that it wants and has neither handled nor
   * parked; what other processes have done since their last checkpoint may be among them.
   */
  lag(): Promise<ConsumerLag>;
  /**
   * Takes no further event, waits up to `drainMs` for those that are being handled, aborts them, gives them a second to settle,
   * writes the checkpoint and gives its partitions back.
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Rejects when the consumer has ended by itself: `onExhausted: "stop"`, more parked events than `maxParked`, or a store that
   * went back. Resolves after `stop`. Nobody has to wait for it.
   */
  readonly ended: Promise<void>;
  /**
   * Resolves once everything up to a position is handled or parked, whichever process does it.
   *
   * @throws TimeoutError after `timeoutMs` (default 10,000).
   */
  whenProcessed(position: number, options?: WhenProcessedOptions): Promise<void>;
}

/** The options of {@link Consumer.stop}. */
export interface StopOptions {
  /** How long handlers under way may take, in milliseconds. Default 5,000. */
  readonly drainMs?: number | undefined;
}

/** The options of `whenProcessed`. */
export interface WhenProcessedOptions {
  /** How long it waits, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Gives up: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a consumer is. */
export interface ConsumerLag {
  /** Everything up to this position is handled or parked. */
  readonly position: number;
  /** The last position of the store. */
  readonly head: number;
  /** How many events are left. */
  readonly events: number;
  /** The age of the oldest of them in milliseconds; 0 without one. */
  readonly oldestMs: number;
  /** How many events are parked. */
  readonly parked: number;
}

/** An event that was set aside: its place, not a copy of it. It is read when it is tried again. */
export interface ParkedEvent {
  /** The name of the consumer. */
  readonly consumer: string;
  /** Its stream. */
  readonly streamId: string;
  /** Its position. */
  readonly position: number;
  /** How many attempts failed. */
  readonly attempts: number;
  /** What the last attempt failed with. Null for one that only waits behind another of its stream. */
  readonly error: string | null;
  /** When it was set aside. */
  readonly parkedAt: Date;
}
