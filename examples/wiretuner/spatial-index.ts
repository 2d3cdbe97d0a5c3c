import { sql } from "async-streams";
import type { ProjectionContext } from "async-streams/projections";
import type { ChangedPath } from "./cached-paths.js";
import type { Database } from "./database.js";
import type { Path, Point } from "./vector-document.js";

/** The most anchors of a path. The number of an entry is that of the path's row times this, plus that of the anchor. */
const MAX_ANCHORS = 2 ** 20;

/** An anchor near a point. */
export interface Hit {
  readonly pathId: string;
  /** Its number in the path. */
  readonly anchor: number;
  readonly x: number;
  readonly y: number;
}

/** The R*Tree has 32-bit coordinates, rounded outwards. The exact ones are beside them. */
export async function createSpatialIndex({ sql: tables, table }: ProjectionContext): Promise<void> {
  await tables.run(sql`
    CREATE VIRTUAL TABLE ${table("spatial_index_cache")} USING rtree(
      id, min_x, max_x, min_y, max_y, +document_id TEXT, +path_id TEXT, +anchor INTEGER, +x REAL, +y REAL)`);
}

/** Indexes the anchors of a path that are not where they were: a path may have thousands that are. */
export async function indexAnchors(
  { sql: tables, table }: ProjectionContext,
  { documentId, pathId, id, before, path }: ChangedPath,
): Promise<void> {
  const [former, places] = [placesOf(before), placesOf(path)];
  const length = Math.max(former.length, places.length);
  const changed = Array.from({ length }, (_, anchor) => anchor).filter((anchor) => {
    const [from, to] = [former[anchor], places[anchor]];
    return from?.[0] !== to?.[0] || from?.[1] !== to?.[1];
  });
  // Each is found by its number: the R*Tree has no other way.
  await tables.run(sql`
    DELETE FROM ${table("spatial_index_cache")}
    WHERE id IN (SELECT ${id * MAX_ANCHORS} + value FROM json_each(${JSON.stringify(changed)}))`);
  const moved = changed.flatMap((anchor) => (places[anchor] === undefined ? [] : [[anchor, ...places[anchor]]]));
  await tables.run(sql`
    INSERT INTO ${table("spatial_index_cache")}
    SELECT ${id * MAX_ANCHORS} + (value ->> 0), value ->> 1, value ->> 1, value ->> 2, value ->> 2,
      ${documentId}, ${pathId}, value ->> 0, value ->> 1, value ->> 2
    FROM json_each(${JSON.stringify(moved)})`);
}

function placesOf(path: Path | null): readonly Point[] {
  return path === null ? [] : path.anchors.slice(0, MAX_ANCHORS).map(({ x, y }): Point => [x, y]);
}

/** The anchors of a document within a distance of a point, the nearest first. */
export async function hitTest(
  db: Database,
  documentId: string,
  { x, y, radius }: { readonly x: number; readonly y: number; readonly radius: number },
): Promise<Hit[]> {
  return db.query<{ pathId: string; anchor: number; x: number; y: number }>(sql`
    SELECT path_id AS "pathId", anchor, x, y FROM spatial_index_cache
    WHERE max_x >= ${x - radius} AND min_x <= ${x + radius} AND max_y >= ${y - radius} AND min_y <= ${y + radius}
      AND document_id = ${documentId}
      AND (x - ${x}) * (x - ${x}) + (y - ${y}) * (y - ${y}) <= ${radius * radius}
    ORDER BY (x - ${x}) * (x - ${x}) + (y - ${y}) * (y - ${y}), path_id, anchor`);
}
