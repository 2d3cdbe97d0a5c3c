import { createHash } from "node:crypto";
import { ALL_STREAM, type StoredEvent, type StreamFactory } from "../../../protocols/index.js";

/** What a reader gets of a store: a line for each event and each snapshot, with a hash of all that is in it. */
export interface WholeContents {
  readonly events: readonly string[];
  readonly snapshots: readonly string[];
}

/** The projections that snapshots of the tests are of. */
export const PROJECTIONS = ["default", "small", "bytes"] as const;

/** Reads all there is: the store in one sequence, each stream on its own, and the snapshots. */
export async function readContents(streams: StreamFactory): Promise<WholeContents> {
  const events: string[] = [];
  const streamIds = new Set<string>();
  for await (const event of (await streams.openStream(ALL_STREAM)).read()) {
    streamIds.add(event.streamId);
    events.push(eventLine(event));
  }
  const snapshots: string[] = [];
  for (const streamId of [...streamIds].sort()) {
    await using stream = await streams.openStream(streamId);
    for await (const event of stream.read()) events.push(`again ${eventLine(event)}`);
  }
  for (const streamId of [ALL_STREAM, ...[...streamIds].sort()]) {
    await using stream = await streams.openStream(streamId);
    for (const projection of PROJECTIONS) {
      const snapshot = await stream.loadSnapshot({ projection });
      if (snapshot === null) continue;
      const { version, timestamp, state } = snapshot;
      snapshots.push(`${streamId} ${projection} at ${version}: ${hash([timestamp.getTime(), asText(state)])}`);
    }
  }
  return { events, snapshots };
}

export function eventLine({ streamId, version, position, timestamp, ...rest }: StoredEvent): string {
  const { id, type, data, metadata } = rest;
  return `${position} ${streamId}@${version}: ${hash([timestamp.getTime(), id, type, asText(data), metadata])}`;
}

function asText(value: unknown): string {
  return value instanceof Uint8Array ? `bytes ${Buffer.from(value).toString("hex")}` : JSON.stringify(value);
}

function hash(values: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(values)).digest("base64").slice(0, 16);
}
