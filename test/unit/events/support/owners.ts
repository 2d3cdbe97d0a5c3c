import type { AdministrableStreamFactory, StoredEvent, TransactionalStreamFactory } from "../../../../index.js";
import { type EventOf, type EventTypes, event, typed } from "../../../../src/events/index.js";

type Store = TransactionalStreamFactory & AdministrableStreamFactory;

const v1 = event<{ owner: string }>();
const v2 = v1.next(({ owner }) => ({ owner, currency: "EUR" }));
const v3 = v2.next(({ owner, currency }) => ({ owners: [owner], currency }));

/** The catalogues of three releases of one program. */
export const RELEASES = { 1: { Opened: v1 }, 2: { Opened: v2 }, 3: { Opened: v3 } } as const satisfies Record<
  number,
  EventTypes
>;

export type OpenedV3 = EventOf<(typeof RELEASES)[3]>;

/** What each release writes for an owner. */
const WRITTEN = {
  1: (owner: string) => ({ owner }),
  2: (owner: string) => ({ owner, currency: "EUR" }),
  3: (owner: string) => ({ owners: [owner], currency: "EUR" }),
} as const;

/** What release 3 reads, whichever release wrote it. */
export const readAs3 = (owner: string) => ({ owners: [owner], currency: "EUR" });

export const release = (streams: Store, number: keyof typeof RELEASES): Store => typed(streams, RELEASES[number]);

/** Writes an event as a release does. @returns its position */
export async function writeAs(
  streams: Store,
  number: keyof typeof RELEASES,
  owner: string,
  streamId = "a",
): Promise<number> {
  await using stream = await release(streams, number).openStream(streamId);
  return (await stream.write({ type: "Opened", data: WRITTEN[number](owner) })).position;
}

/** Writes one event of each release to a stream. @returns the last position */
export async function writeAsEach(streams: Store, streamId = "a"): Promise<number> {
  await writeAs(streams, 1, "ada", streamId);
  await writeAs(streams, 2, "bob", streamId);
  return writeAs(streams, 3, "eve", streamId);
}

export const ALL_AS_3 = [readAs3("ada"), readAs3("bob"), readAs3("eve")];

export const dataOf = (events: readonly StoredEvent[]): readonly unknown[] => events.map(({ data }) => data);
