import { invalidArgument } from "../flowforge-error.js";
import type { BlobStorePort } from "../ports.js";
import type { DuckDBSession } from "./duckdb-session.js";

const DEFAULT_TYPE = "application/octet-stream";
const CONTENT_TYPE = /^[!-~]([ -~]{0,254}[!-~])?$/;
const MAX_KEY_LENGTH = 1_024;
/** At the beginning of a key, or between its slashes, these would mean another place to a store in files. */
const OTHER_PLACE = /^\/|(^|\/)\.\.?(\/|$)/;

export class DuckDBBlobStore implements BlobStorePort {
  readonly #session: DuckDBSession;

  constructor(session: DuckDBSession) {
    this.#session = session;
  }

  async put({ key, data, contentType = DEFAULT_TYPE }: Parameters<BlobStorePort["put"]>[0]): Promise<void> {
    checkKey(key);
    if (!(data instanceof Uint8Array)) throw invalidArgument("The data of a blob are bytes.");
    if (typeof contentType !== "string" || !CONTENT_TYPE.test(contentType)) {
      throw invalidArgument("The type of a blob is printable ASCII.");
    }
    await this.#session.all(
      `INSERT INTO async_streams_blobs (key, data, content_type) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET data = excluded.data, content_type = excluded.content_type`,
      [key, data, contentType],
    );
  }

  async get({ key }: { readonly key: string }): ReturnType<BlobStorePort["get"]> {
    checkKey(key);
    const [row] = await this.#session.all<{ data: Uint8Array; content_type: string }>(
      "SELECT data, content_type FROM async_streams_blobs WHERE key = ?",
      [key],
    );
    return row === undefined ? null : { data: Buffer.from(row.data), contentType: row.content_type };
  }

  async stat({ key }: { readonly key: string }): ReturnType<BlobStorePort["stat"]> {
    checkKey(key);
    const [row] = await this.#session.all<{ size: number; content_type: string }>(
      "SELECT octet_length(data) AS size, content_type FROM async_streams_blobs WHERE key = ?",
      [key],
    );
    return row === undefined ? null : { size: row.size, contentType: row.content_type };
  }
}

/** Takes the keys that the other backend takes. @throws FlowForgeError `INVALID_ARGUMENT` */
function checkKey(key: unknown): void {
  const isText = typeof key === "string" && key !== "" && key.length <= MAX_KEY_LENGTH && key.isWellFormed();
  if (!isText || key.includes("\0"))
    throw invalidArgument(`The key of a blob is a text of 1 to ${MAX_KEY_LENGTH} characters.`);
  if (OTHER_PLACE.test(key)) throw invalidArgument("The key of a blob has a place outside of its store.");
}
