import { sql } from "async-streams";
import type { ProjectionContext } from "async-streams/projections";
import type { Database } from "./database.js";
import { encodePng } from "./png.js";
import { toVertices } from "./rendered-paths.js";
import { type Shape, Thumbnail } from "./thumbnail.js";

export async function createThumbnails({ sql: tables, table }: ProjectionContext): Promise<void> {
  await tables.run(sql`
    CREATE TABLE ${table("thumbnails_cache")} (document_id TEXT PRIMARY KEY, png BLOB NOT NULL) STRICT`);
}

/** Draws a document from its rendered paths. */
export async function cacheThumbnail({ sql: tables, table }: ProjectionContext, documentId: string): Promise<void> {
  const rows = await tables.all<{ style: string; vertices: Uint8Array }>(sql`
    SELECT style, vertices FROM ${table("rendered_paths_cache")} WHERE document_id = ${documentId} ORDER BY id`);
  const shapes = rows.map(
    ({ style, vertices }): Shape => ({ style: JSON.parse(style), vertices: toVertices(vertices) }),
  );
  const { width, height, pixels } = new Thumbnail(shapes);
  const png = encodePng(width, height, pixels);
  await tables.run(sql`INSERT OR REPLACE INTO ${table("thumbnails_cache")} VALUES (${documentId}, ${png})`);
}

/** The preview of a document as PNG, without loading it; null where there is none yet. */
export async function readThumbnail(db: Database, documentId: string): Promise<Uint8Array | null> {
  const [row] = await db.query<{ png: Uint8Array }>(
    sql`SELECT png FROM thumbnails_cache WHERE document_id = ${documentId}`,
  );
  return row?.png ?? null;
}
