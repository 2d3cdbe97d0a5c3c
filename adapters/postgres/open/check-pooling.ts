import { randomUUID } from "node:crypto";
import { StorageError } from "../../../protocols/index.js";
import type { PostgresClient, PostgresConnection } from "../client/client.js";
import type { Session } from "./session.js";

/** How often it is tried: a pooler that is busy may give a statement to the same session by chance. */
const ROUNDS = 5;

/**
 * Refuses a pooler that gives each transaction or statement a session of its choice. There the store's settings, its
 * durability among them, would come and go, and so would notifications.
 *
 * A pooler announces a process of its own making to the client. Behind one that does, two connections change a setting of
 * their session, and the first looks whether its own is still there.
 *
 * @throws StorageError `STORAGE_UNSUPPORTED`
 */
export async function checkPooling(client: PostgresClient, { connection, backend }: Session): Promise<void> {
  const { announcedProcessId } = connection;
  if (announcedProcessId === undefined || announcedProcessId === backend.processId) return;
  const other = await client.connect();
  try {
    const mark = randomUUID();
    await setMark(connection, mark);
    for (let round = 0; round < ROUNDS; round += 1) {
      await setMark(other, randomUUID());
      if ((await readMark(connection)) !== mark) throw sharesSessions(client.location);
    }
  } finally {
    await other.close();
  }
}

const MARK = "async_streams.session";

function setMark(connection: PostgresConnection, mark: string): Promise<unknown> {
  return connection.query({ text: "SELECT set_config($1, $2, false)", values: [MARK, mark] });
}

async function readMark(connection: PostgresConnection): Promise<string | null> {
  const text = "SELECT current_setting($1, true) AS mark";
  const { rows } = await connection.query<{ mark: string | null }>({ text, values: [MARK] });
  return rows[0]?.mark ?? null;
}

function sharesSessions(location: string): StorageError {
  const message =
    `Cannot open ${location}: a pooler gives the statements of one connection to several sessions of the server. Nothing ` +
    "was changed; use session pooling (pool_mode=session in pgbouncer), or connect to the server itself.";
  return new StorageError("STORAGE_UNSUPPORTED", message);
}
