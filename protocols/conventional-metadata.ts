/** Conventional keys of metadata. The library sets them where it knows them, and gives meaning to no other. */
export interface ConventionalMetadata {
  /** The version of `data`, 1 where it is missing. `typed` of `async-streams/events` sets it. */
  readonly schemaVersion?: number;
  /**
   * The id of the event or command that led to this one. A consumer's `tx.write` sets it to that of the event which is
   * handled.
   */
  readonly causationId?: string;
  /** The same for everything that one request set going. A consumer's `tx.write` hands it on from the event which is handled. */
  readonly correlationId?: string;
  /**
   * The same for all events of one `writeAll` to more than one stream, or of one `transaction`: a UUIDv7, unless the caller
   * gives another text. It is not compared when a write with keys is retried.
   */
  readonly transactionId?: string;
}
