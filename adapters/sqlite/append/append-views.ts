import type { SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES, CODEC_MADE_ID, STORED_CODEC } from "../event-codec.js";
import { SCHEMA_VERSION } from "../open/schema.js";

export const INSERT_INTO_EVENTS = `
  INSERT INTO es_events (position, stream, version, timestamp, schema, codec, type, id, data, metadata, checksum)`;

/** The message of the error, SQLITE_CONSTRAINT, with which a view refuses rows that were planned on another state. */
export const STORE_HAS_CHANGED = "the store has changed";

// A row of a view holds several events: the rows as JSON, the last position that they were planned on, and milliseconds
// since 1970. Then what all of them share, or null: the stream, the version of the first, the codec, and the type.
const COLUMNS = ["isAsPlanned", "rows", "lastPosition", "timestamp", "stream", "firstVersion", "codec", "type"];
const NAMES_COLUMNS = ["firstStreamId", "streams", "firstTypeId", "types"];

// jsonb_each hands each row on in SQLite's binary form, so that no text is parsed more than once.
const CODEC = "coalesce(NEW.codec, value ->> 6)";
const INSERT_ROWS = `${INSERT_INTO_EVENTS}
    SELECT NEW.lastPosition + 1 + key, coalesce(NEW.stream, value ->> 4), coalesce(NEW.firstVersion + key, value ->> 5),
           NEW.timestamp, ${SCHEMA_VERSION}, ${CODEC} & ${STORED_CODEC}, coalesce(NEW.type, value ->> 7),
           CASE WHEN ${CODEC} & ${CODEC_MADE_ID} THEN unhex(value ->> 0, '-') ELSE value ->> 0 END,
           CASE WHEN ${CODEC} & ${CODEC_BYTES} THEN unhex(value ->> 1) ELSE value -> 1 END,
           value ->> 2, value ->> 3
    FROM jsonb_each(NEW.rows)`;

// Into a view with a trigger, an INSERT is several statements, and stays one: it takes the write lock, and lets it go,
// without waiting for the main thread in between. The views and triggers are of this connection alone.
//
// SQLite copies the rows of INSERT ... SELECT into a temporary table first where the same program reads the table that
// they go into. A trigger is a program of its own. So what compares the last event (isAsPlanned) is a value of the row that
// goes into the view, and the trigger does not read es_events. Names go first into their own tables by a trigger that
// leaves the rows to the other: the foreign keys of names read es_events too.
const CREATE_VIEWS = `
  CREATE TEMP VIEW IF NOT EXISTS es_append AS ${selectNulls(COLUMNS)};
  CREATE TEMP TRIGGER IF NOT EXISTS es_append_rows INSTEAD OF INSERT ON es_append BEGIN
    SELECT raise(ABORT, '${STORE_HAS_CHANGED}') WHERE NEW.isAsPlanned IS NOT TRUE;
    ${INSERT_ROWS};
  END;
  CREATE TEMP VIEW IF NOT EXISTS es_append_with_names AS ${selectNulls([...COLUMNS, ...NAMES_COLUMNS])};
  CREATE TEMP TRIGGER IF NOT EXISTS es_append_names INSTEAD OF INSERT ON es_append_with_names BEGIN
    INSERT INTO es_streams (id, name) SELECT NEW.firstStreamId + key, value FROM json_each(NEW.streams);
    INSERT INTO es_types (id, name) SELECT NEW.firstTypeId + key, value FROM json_each(NEW.types);
    INSERT INTO es_append VALUES (${COLUMNS.map((name) => `NEW.${name}`).join(", ")});
  END;`;

function selectNulls(columns: readonly string[]): string {
  return `SELECT ${columns.map((name) => `NULL AS ${name}`).join(", ")}`;
}

/** The connections that have the views. */
const withViews = new WeakSet<SQLiteConnection>();

/** Makes the views `es_append` and `es_append_with_names` for a connection. */
export async function createViews(connection: SQLiteConnection): Promise<void> {
  if (withViews.has(connection)) return;
  await connection.exec(CREATE_VIEWS);
  withViews.add(connection);
}
