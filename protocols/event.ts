import type { JsonObject, Storable } from "./json.js";

/**
 * What a stream's events look like to the type checker: a union of `{ type, data }`, each with `metadata` where that is
 * typed as well.
 *
 * `data` is left open here so that interfaces as well as type aliases fit. At the write it must be a JSON value or a
 * `Uint8Array`, or the write is refused with `InvalidEventError`; {@link Storable} finds most of that when it compiles.
 *
 * @example
 * ```ts
 * type BankEvent =
 *   | { type: "Deposited"; data: { amount: number } }
 *   | { type: "Withdrawn"; data: { amount: number }; metadata: { userId: string } };
 * ```
 */
export interface EventShape {
  /** What happened: a literal type, so that a union can be narrowed by it. */
  readonly type: string;
  /** What is known of it. */
  readonly data: unknown;
  /** The form of the metadata. A write must give it where this is required. Default: any JSON object, or none. */
  readonly metadata?: object | null | undefined;
}

/** An event on its way into a stream. The store keeps the values that it has when `write` is called. */
export type CandidateEvent<E extends EventShape = EventShape> = E extends { readonly metadata: object }
  ? CandidateWithMetadata<E["type"], StorableData<E["data"]>, Storable<MetadataOf<E>>>
  : E extends EventShape
    ? Candidate<E["type"], StorableData<E["data"]>, Storable<MetadataOf<E>>>
    : never;

/** A member of {@link CandidateEvent}, under a name of its own so that the compiler's messages are short. */
export interface Candidate<Type extends string, Data, Metadata> {
  /**
   * What happened. Non-empty, at most `MAX_TYPE_LENGTH` UTF-16 units, without lone surrogates. Types that begin with `@`
   * are reserved.
   */
  readonly type: Type;
  /** A JSON value, or bytes (`Uint8Array`), at most `MAX_EVENT_BYTES`. Read back equal to what was written. */
  readonly data: Data;
  /**
   * Facts about the event rather than of it: who, why, correlation ids. At most `MAX_EVENT_BYTES` as JSON text. Default
   * `null`.
   */
  readonly metadata?: Metadata | null | undefined;
  /**
   * Names the event within its stream. An event whose key is already stored is not stored again, so a write with
   * keys can be retried after a lost answer. Non-empty, at most `MAX_KEY_LENGTH` UTF-16 units, without lone surrogates;
   * it becomes the event's `id`. Default: none, and the `id` is a UUIDv7.
   */
  readonly idempotencyKey?: string | undefined;
}

/** A {@link Candidate} whose type demands metadata. */
export interface CandidateWithMetadata<Type extends string, Data, Metadata> extends Candidate<Type, Data, Metadata> {
  readonly metadata: Metadata;
}

/**
 * The events of one write: any array of them fits. The fields that no array has are for the compiler. With them it
 * compares a single event with the whole union of events, and names the field that is wrong.
 */
export type CandidateList<E extends EventShape = EventShape> = readonly CandidateEvent<E>[] & NoEventFields;

interface NoEventFields {
  readonly type?: never;
  readonly data?: never;
  readonly metadata?: never;
}

type StorableData<T> = T extends Uint8Array ? T : Storable<T>;

/** The form of the metadata, without the null where there is none. A shape that says nothing of it has the general form. */
type MetadataOf<E extends EventShape> = E extends { readonly type: string; readonly metadata?: infer M }
  ? object extends M
    ? JsonObject
    : NonNullable<M>
  : never;

/** An event as it was stored. Treat it as immutable; every reader and every watcher gets its own copy. */
export type StoredEvent<E extends EventShape = EventShape> = E extends EventShape
  ? {
      /** The writer's `idempotencyKey` where it gave one, otherwise a UUIDv7 that was made at the write. */
      readonly id: string;
      readonly streamId: string;
      /** 1-based, gapless place in its stream. */
      readonly version: number;
      /** Place in the whole store: strictly increasing in commit order, never reused. Gaps are allowed. */
      readonly position: number;
      /** The writer's clock when the event was stored. Clocks jump: order by `version` or `position` instead. */
      readonly timestamp: Date;
      readonly type: E["type"];
      readonly data: E["data"];
      readonly metadata: E extends { readonly metadata: object } ? MetadataOf<E> : MetadataOf<E> | null;
    }
  : never;

/**
 * An event as an adapter receives it: validated, and turned into text, so that what the caller does to the original
 * afterwards changes nothing.
 */
export interface NewEvent {
  /** The idempotency key, or a UUIDv7 where there is none. */
  readonly id: string;
  /** Unique within its stream, or null where the writer gave none. */
  readonly idempotencyKey: string | null;
  readonly type: string;
  /** JSON text, or the bytes that were given. */
  readonly data: string | Uint8Array;
  /** JSON text of an object, or null. */
  readonly metadata: string | null;
}
