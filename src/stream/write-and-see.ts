import type { CandidateEvent, StoredEvent, Stream, WriteOptions, WriteResult } from "../../protocols/index.js";

// By name, so that it is found across copies of the package.
export const WRITE_AND_SEE: unique symbol = Symbol.for("async-streams.WriteAndSee");

/** The outcome of a write. */
export interface SeenWrite {
  readonly result: WriteResult;
  /** What was stored, as readers get it. Absent: read it. */
  readonly stored?: readonly StoredEvent[];
}

/** Writes, and says what was stored if it is known without a read. */
export function writeAndSee(
  stream: Stream,
  events: readonly CandidateEvent[],
  options: WriteOptions,
): Promise<SeenWrite> {
  if (!(WRITE_AND_SEE in stream)) return stream.write(events, options).then((result) => ({ result }));
  const write = stream[WRITE_AND_SEE] as (
    events: readonly CandidateEvent[],
    options: WriteOptions,
  ) => Promise<SeenWrite>;
  return write.call(stream, events, options);
}
