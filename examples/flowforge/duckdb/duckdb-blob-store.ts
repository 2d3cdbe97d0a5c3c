import { invalidArgument } from "../flowforge-error.js";
import type { BlobStorePort } from "../ports.js";
import type { DuckDBSession } from "./duckdb-session.js";

const DEFAULT_TYPE = "application/octet-stream";

export class DuckDBBlobStore implements BlobStorePort {
  readonly #session: DuckDBSession;

  constructor(session: DuckDBSession) {
    this.#session = session;
  }

  async put({ key, data, contentType = DEFAULT_TYPE }: Parameters<BlobStorePort["put"]>[0]): Promise<void> {
    if (typeof key !== "string" || key === "") throw invalidArgument("The key of a blob is a text.");
    if (!(data instanceof Uint8Array)) throw invalidArgument("The data of a blob are bytes.");
    await this.#session.all(
      `INSERT INTO async_streams_blobs (key, data, content_type) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET data = excluded.data, content_type = excluded.content_type`,
      [key, data, contentType],
    );
  }

  async get({ key }: { readonly key: string }): ReturnType<BlobStorePort["get"]> {
    const [row] = await this.#session.all<{ data: Uint8Array; content_type: string }>(
      "SELECT data, content_type FROM async_streams_blobs WHERE key = ?",
      [key],
    );
    return row === undefined ? null : { data: Buffer.from(row.data), contentType: row.content_type };
  }

  async stat({ key }: { readonly key: string }): ReturnType<BlobStorePort["stat"]> {
    const [row] = await this.#session.all<{ size: number; content_type: string }>(
      "SELECT octet_length(data) AS size, content_type FROM async_streams_blobs WHERE key = ?",
      [key],
    );
    return row === undefined ? null : { size: row.size, contentType: row.content_type };
  }
}
