import { sql } from "async-streams";
import type { ProjectionContext } from "async-streams/projections";
import type { ChangedPath } from "./cached-paths.js";
import type { Database } from "./database.js";
import { tessellate } from "./tessellate.js";

/** The table of vertex buffers: 32-bit floats, x and y in turn, as a graphics card takes them. */
export async function createRenderedPaths({ sql: tables, table }: ProjectionContext): Promise<void> {
  await tables.run(sql`
    CREATE TABLE ${table("rendered_paths_cache")} (
      id INTEGER PRIMARY KEY, document_id TEXT NOT NULL, path_id TEXT NOT NULL, style TEXT NOT NULL,
      vertices BLOB NOT NULL, UNIQUE (document_id, id)
    ) STRICT`);
}

export async function cacheRenderedPath(
  { sql: tables, table }: ProjectionContext,
  { documentId, id, path }: ChangedPath,
): Promise<void> {
  const rendered = table("rendered_paths_cache");
  if (path === null) {
    await tables.run(sql`DELETE FROM ${rendered} WHERE id = ${id}`);
    return;
  }
  const { buffer } = tessellate(path);
  await tables.run(sql`
    INSERT OR REPLACE INTO ${rendered}
    VALUES (${id}, ${documentId}, ${path.pathId}, ${JSON.stringify(path.style)}, ${new Uint8Array(buffer)})`);
}

/** The vertices of a path, or null where it is not rendered. */
export async function readRenderedPath(db: Database, documentId: string, pathId: string): Promise<Float32Array | null> {
  const [row] = await db.query<{ vertices: Uint8Array }>(
    sql`SELECT vertices FROM rendered_paths_cache WHERE document_id = ${documentId} AND path_id = ${pathId}`,
  );
  return row === undefined ? null : toVertices(row.vertices);
}

/** Copies the bytes, which need not begin at a multiple of 4. */
export function toVertices(bytes: Uint8Array): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer);
}
