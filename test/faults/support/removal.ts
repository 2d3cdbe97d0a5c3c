import { expect } from "vitest";
import type {
  AdministrableStreamFactory,
  CandidateEvent,
  StoredEvent,
  StreamFactory,
} from "../../../protocols/index.js";
import { isStreamError } from "../../../protocols/index.js";

export const REMOVALS = ["prune", "prune with keys", "delete"] as const;

/** What is removed of the stream. */
export type RemovalKind = (typeof REMOVALS)[number];

const STREAM = "removed";
const EVENTS = 10_000;
const FIRST_KEPT = 9_900;

/** Fills a store with a stream to remove events of, and another. */
export async function fillForRemoval(streams: StreamFactory): Promise<void> {
  const stream = await streams.openStream(STREAM);
  await stream.write(Array.from({ length: EVENTS }, (_, index) => eventOf(index + 1)));
  for (const version of [10, 9_899, 9_950]) await stream.snapshot({ version }, { version });
  await (await streams.openStream("other")).write(Array.from({ length: 100 }, (_, index) => eventOf(index + 1)));
}

function eventOf(version: number): CandidateEvent {
  return { type: "Counted", data: { version }, ...(version % 2 === 0 ? { idempotencyKey: `key-${version}` } : {}) };
}

export async function remove(streams: AdministrableStreamFactory, kind: RemovalKind): Promise<void> {
  if (kind === "delete") await streams.deleteStream(STREAM);
  else await streams.pruneStream(STREAM, { before: FIRST_KEPT, forgetKeys: kind === "prune with keys" });
}

/** Checks that a stream is whole from its first version on, whenever its removal was interrupted. @returns that version */
export async function expectWholeStream(streams: AdministrableStreamFactory): Promise<number> {
  for (;;) {
    try {
      return await expectWhole(streams);
    } catch (error) {
      // The store has just gone on with a deletion.
      if (!isStreamError(error, "EVENTS_REMOVED")) throw error;
    }
  }
}

async function expectWhole(streams: AdministrableStreamFactory): Promise<number> {
  const info = await streams.describeStream(STREAM);
  const first = info?.firstVersion ?? 0;
  const events: StoredEvent[] = [];
  for await (const event of (await streams.openStream(STREAM)).read({ after: first - 1 })) events.push(event);
  const last = info?.deleted ? EVENTS + 1 : EVENTS;
  expect(events.map(({ version }) => version)).toEqual(
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  for (const { type, data, version } of events) {
    if (type !== "@deleted") expect(data).toEqual({ version });
  }
  return first;
}

/** Checks that nothing is left to be removed. */
export async function expectRemoved(streams: AdministrableStreamFactory, kind: RemovalKind): Promise<void> {
  const stream = await streams.openStream(STREAM);
  const isDelete = kind === "delete";
  const end = isDelete ? EVENTS + 1 : EVENTS;
  const info = await streams.describeStream(STREAM);
  expect(info).toMatchObject({ version: end, firstVersion: isDelete ? end : FIRST_KEPT, deleted: isDelete });
  const oldest = await stream.loadSnapshot({ atOrBefore: FIRST_KEPT - 2 });
  expect(oldest).toBeNull();
  expect((await stream.loadSnapshot())?.version).toBe(isDelete ? undefined : 9_950);
  if (isDelete) return;
  const retry = await stream.write({ type: "Counted", data: { version: 2 }, idempotencyKey: "key-2" });
  expect(retry.written).toBe(kind === "prune" ? 0 : 1);
}
