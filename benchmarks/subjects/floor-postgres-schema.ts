/** A table as one would write it by hand. Concurrent appends get positions that a reader may skip. */
export const FLOOR_SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (
    position  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream    text NOT NULL,
    version   bigint NOT NULL,
    timestamp timestamptz NOT NULL DEFAULT now(),
    type      text NOT NULL,
    data      text NOT NULL,
    metadata  text,
    id        uuid NOT NULL,
    UNIQUE (stream, version)
  )`;

/** Inserts nothing where the stream is not at the version. The unique index refuses what comes in between. */
export const INSERT_EVENT = `
  INSERT INTO events (stream, version, type, data, metadata, id)
  SELECT $1, $2::bigint + 1, $3, $4, $5, $6::uuid
  WHERE $2 = (SELECT coalesce(max(version), 0) FROM events WHERE stream = $1)`;

export const INSERT_EVENTS = `
  INSERT INTO events (stream, version, type, data, metadata, id)
  SELECT $1, $2::bigint + o, type, data, metadata, id
  FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[]) WITH ORDINALITY AS e(type, data, metadata, id, o)
  WHERE $2 = (SELECT coalesce(max(version), 0) FROM events WHERE stream = $1)`;

export const SELECT_STREAM = "SELECT * FROM events WHERE stream = $1 ORDER BY version";

export const SELECT_LAST = "SELECT * FROM events WHERE stream = $1 ORDER BY version DESC LIMIT $2";
