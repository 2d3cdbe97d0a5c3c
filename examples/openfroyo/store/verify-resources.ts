import { type JsonObject, sql } from "async-streams";
import { eventPages } from "./event-pages.js";
import { type HistoryEvent, streamOfResource } from "./history.js";
import { pagesOf } from "./lists.js";
import { selectResource } from "./resource-operations.js";
import { isRowOf } from "./row-of-event.js";
import type { Row } from "./rows.js";
import { select } from "./statements.js";
import type { Streams } from "./store-backend.js";
import { RESOURCE_STATE } from "./tables.js";

/** Compares the states of resources with the last event of each. */
export async function* problemsOfResources(streams: Streams): AsyncGenerator<string> {
  for await (const { events } of eventPages(streams, "ResourceStateRecorded")) {
    const resources = new Map(events.map(({ streamId, data }) => [streamId, data]));
    for (const { resourceType, resourceName } of resources.values()) {
      yield* problemsOfResource(streams, String(resourceType), String(resourceName));
    }
  }
  const page = (last: Row | undefined, limit: number) =>
    select(RESOURCE_STATE, { where: [last && sql`id > ${last.id ?? null}`], orderBy: sql`id`, limit });
  for await (const rows of pagesOf((statement) => streams.query<Row>(statement), page)) {
    for (const { id, resource_type: type, resource_name: name } of rows) {
      await using stream = await streams.openStream(streamOfResource(String(type), String(name)));
      if (stream.version === 0) yield `resource_state ${id} has no event`;
    }
  }
}

/** Any state since the reading began is right: others may write meanwhile. */
async function* problemsOfResource(streams: Streams, type: string, name: string): AsyncGenerator<string> {
  await using stream = await streams.openStream<HistoryEvent>(streamOfResource(type, name));
  const after = stream.version - 1;
  const [row] = await streams.query<Row>(selectResource(type, name));
  if (row === undefined) return yield `resource_state of ${type} "${name}" is missing`;
  for await (const { data } of stream.read({ after })) if (isRowOf(RESOURCE_STATE, row, data as JsonObject)) return;
  yield `resource_state ${row.id} was changed`;
}
