import { createHash } from "node:crypto";
import type { CandidateEvent, StreamFactory, WriteResult } from "../../../protocols/index.js";
import { seededRandom } from "./seeded-random.js";

/** How large batches are, and over how many streams they are spread. */
export interface BatchShape {
  readonly streams: number;
  readonly maxEvents: number;
  readonly maxFillerBytes: number;
}

/** What an event of a batch carries: enough for a reader to see whether the batch is whole. */
export interface BatchData {
  readonly batch: string;
  readonly index: number;
  readonly size: number;
  readonly filler: string;
}

/** One write. */
export interface Batch {
  readonly streamId: string;
  readonly isKeyed: boolean;
  readonly events: readonly CandidateEvent<{ type: "Stored"; data: BatchData }>[];
}

/** A write that was answered. */
export interface Acknowledgement {
  readonly batch: string;
  readonly version: number;
  readonly position: number;
}

/** The batch of a name: always the same one, so that any process can write it again. Half of them carry keys. */
export function makeBatch(name: string, { streams, maxEvents, maxFillerBytes }: BatchShape): Batch {
  const random = seededRandom(createHash("sha256").update(name).digest().readInt32BE());
  const streamId = `stream-${Math.floor(random() * streams)}`;
  const isKeyed = random() < 0.5;
  const size = 1 + Math.floor(random() * maxEvents);
  const events = Array.from({ length: size }, (_, index) => {
    const filler = makeFiller(name, Math.floor(random() * maxFillerBytes));
    const key = isKeyed ? { idempotencyKey: `${name}#${index}` } : {};
    return { type: "Stored" as const, data: { batch: name, index, size, filler }, ...key };
  });
  return { streamId, isKeyed, events };
}

/** A text of a length that can be told from any other. */
export function makeFiller(name: string, bytes: number): string {
  return `${name};`.repeat(Math.ceil(bytes / (name.length + 1))).slice(0, bytes);
}

/** Writes the batch of a name. */
export async function writeBatch(streams: StreamFactory, name: string, shape: BatchShape): Promise<WriteResult> {
  const { streamId, events } = makeBatch(name, shape);
  await using stream = await streams.openStream(streamId);
  return stream.write(events);
}
