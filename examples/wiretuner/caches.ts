import { type DeletedEvent, type EventShape, type StoredEvent, sql } from "async-streams";
import {
  type Projection,
  type ProjectionContext,
  type ProjectionRunner,
  runProjections,
} from "async-streams/projections";
import { CachedPaths } from "./cached-paths.js";
import type { Database } from "./database.js";
import { documentOf } from "./document-stream.js";
import { EDIT_TYPES } from "./edit-paths.js";
import { cacheRenderedPath, createRenderedPaths } from "./rendered-paths.js";
import { createSpatialIndex, indexAnchors } from "./spatial-index.js";
import { cacheThumbnail, createThumbnails } from "./thumbnails.js";

const BATCH_SIZE = 1_000;

/**
 * What the screen needs faster than the events give it: tessellated paths, an R*Tree of the anchors, and thumbnails. They
 * follow the events, and can be thrown away and built again.
 */
export const caches: Projection<EventShape | DeletedEvent> = {
  name: "caches",
  types: [...EDIT_TYPES, "UndoEvent", "RedoEvent", "@deleted"],
  async tables(context) {
    await CachedPaths.createTable(context);
    await createRenderedPaths(context);
    await createSpatialIndex(context);
    await createThumbnails(context);
  },
  async project(events, context) {
    const cached = new CachedPaths(context);
    for (const event of events) await take(cached, event, context);
    const changedDocuments = new Set<string>();
    for (const change of await cached.changes()) {
      changedDocuments.add(change.documentId);
      await cached.store(change.id, change.path);
      await indexAnchors(context, change);
      await cacheRenderedPath(context, change);
    }
    for (const documentId of changedDocuments) await cacheThumbnail(context, documentId);
  },
};

/**
 * Runs the caches. A path is cached as a whole, whatever the events change of it, so those of a batch share that: batches that
 * are as short as the library makes them would become single events.
 */
export function runCaches(db: Database): Promise<ProjectionRunner> {
  return runProjections(db, [caches], { batchSize: BATCH_SIZE });
}

async function take(cached: CachedPaths, event: StoredEvent<EventShape>, context: ProjectionContext): Promise<void> {
  const documentId = documentOf(event.streamId);
  if (event.type === "@deleted") {
    cached.forget(documentId);
    await removeDocument(context, documentId);
  } else {
    await cached.take(documentId, event);
  }
}

async function removeDocument({ sql: tables, table }: ProjectionContext, documentId: string): Promise<void> {
  // The R*Tree has no index of documents, and a deletion may take its time.
  for (const name of ["spatial_index_cache", "rendered_paths_cache", "thumbnails_cache", "cached_paths"]) {
    await tables.run(sql`DELETE FROM ${table(name)} WHERE document_id = ${documentId}`);
  }
}
