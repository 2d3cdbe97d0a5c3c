import { type EventShape, type StoredEvent, sql } from "async-streams";
import type { ProjectionContext } from "async-streams/projections";
import { Draft } from "./draft.js";
import { editPaths, isPathId, restoredPathsOf } from "./edit-paths.js";
import type { Path } from "./vector-document.js";

/** A path whose caches are to be made again; null: it is gone. */
export interface ChangedPath {
  readonly documentId: string;
  readonly pathId: string;
  /** The row of the path. */
  readonly id: number;
  /** What the row has; null: nothing. */
  readonly before: Path | null;
  readonly path: Path | null;
}

/**
 * The paths as the events have made them so far, a row each. The row of a path that was deleted stays, so that it finds its
 * place among the others when that is undone.
 */
export class CachedPaths {
  readonly #context: ProjectionContext;
  readonly #draft = new Draft();
  /** By document and path. */
  readonly #changed = new Map<string, Map<string, Path | null>>();

  constructor(context: ProjectionContext) {
    this.#context = context;
  }

  static async createTable({ sql: tables, table }: ProjectionContext): Promise<void> {
    await tables.run(sql`
      CREATE TABLE ${table("cached_paths")} (
        id INTEGER PRIMARY KEY, document_id TEXT NOT NULL, path_id TEXT NOT NULL, path TEXT,
        UNIQUE (document_id, path_id)
      ) STRICT`);
  }

  /** Takes an event that changes paths. */
  async take(documentId: string, { type, data }: StoredEvent<EventShape>): Promise<void> {
    const { pathId, paths } = data as { readonly pathId?: unknown; readonly paths?: unknown };
    const changed = this.#changed.get(documentId) ?? new Map<string, Path | null>();
    this.#changed.set(documentId, changed);
    if (type === "UndoEvent" || type === "RedoEvent") {
      for (const restored of restoredPathsOf(paths)) changed.set(restored.pathId, restored.path);
    } else if (isPathId(pathId)) {
      const before = changed.has(pathId) ? (changed.get(pathId) ?? null) : await this.#load(documentId, pathId);
      const edited = editPaths(before === null ? [] : [before], type, data, this.#draft);
      if (edited !== null) changed.set(pathId, edited[0] ?? null);
    }
  }

  /** Leaves out what was changed in a document that is gone. */
  forget(documentId: string): void {
    this.#changed.delete(documentId);
  }

  /** What was changed, each path once, with a row. */
  async changes(): Promise<ChangedPath[]> {
    const changes: ChangedPath[] = [];
    for (const [documentId, paths] of this.#changed) {
      for (const [pathId, path] of paths) {
        changes.push({ documentId, pathId, ...(await this.#rowOf(documentId, pathId)), path });
      }
    }
    return changes;
  }

  async store(id: number, path: Path | null): Promise<void> {
    const { sql: tables, table } = this.#context;
    const text = path === null ? null : JSON.stringify(path);
    await tables.run(sql`UPDATE ${table("cached_paths")} SET path = ${text} WHERE id = ${id}`);
  }

  async #load(documentId: string, pathId: string): Promise<Path | null> {
    const { sql: tables, table } = this.#context;
    const [row] = await tables.all<{ path: string | null }>(
      sql`SELECT path FROM ${table("cached_paths")} WHERE document_id = ${documentId} AND path_id = ${pathId}`,
    );
    return pathOf(row?.path);
  }

  async #rowOf(documentId: string, pathId: string): Promise<Pick<ChangedPath, "id" | "before">> {
    const { sql: tables, table } = this.#context;
    const [row] = await tables.all<{ id: number; path: string | null }>(sql`
      INSERT INTO ${table("cached_paths")} (document_id, path_id) VALUES (${documentId}, ${pathId})
      ON CONFLICT DO UPDATE SET path_id = excluded.path_id RETURNING id, path`);
    return { id: row?.id ?? 0, before: pathOf(row?.path) };
  }
}

function pathOf(text: string | null | undefined): Path | null {
  return text == null ? null : JSON.parse(text);
}
