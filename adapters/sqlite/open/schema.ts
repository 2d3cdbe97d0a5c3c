/** Marks a file as a store of this library (`PRAGMA application_id`): the ASCII codes of "EvSt". */
const APPLICATION_ID = 0x45765374;

/**
 * The schema, one step a version. A step is never changed once it has been released; a new one is added behind it.
 * `PRAGMA user_version` says which steps a file has seen.
 *
 * `streams` and `types` give each stream id and each event type a small integer, which is what rows and indexes carry.
 *
 * `events` holds each event once. `id` is the idempotency key as text, or a UUID as 16 bytes. `data` is JSON as text
 * or bytes, as `codec` says (event-codec.ts). `schema` is the version of this schema that wrote the row. `checksum`
 * covers the whole event, since SQLite does not notice when a bit of a value changes; it is null in what was written
 * without. Positions never come again (AUTOINCREMENT), and the index of keys leaves events without a key alone. The
 * triggers keep other programs from changing what was written, except by REPLACE (docs/decisions/0018).
 *
 * `streams.first` is the first version that a stream still has. What lies below it was removed, and may be deleted in spite
 * of the triggers. `streams.removed` is the xor of the checksums of what was removed. `keys` has the idempotency keys of
 * removed events. Each step of a removal moves the counter of positions on, so that every process forgets what it remembers:
 * `counters` has how many positions were `skipped` so, and the number of the last `removal`.
 *
 * `records` holds JSON values with revisions. `counters` has the last revision that was given: it stays when its record is
 * deleted, so that no revision comes again.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE es_streams (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE CHECK (name <> ''),
    first   INTEGER NOT NULL DEFAULT 1 CHECK (first > 0),
    removed INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE es_types (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> '')
  ) STRICT;

  CREATE TABLE es_events (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,
    stream    INTEGER NOT NULL REFERENCES es_streams (id),
    version   INTEGER NOT NULL CHECK (version > 0),
    timestamp INTEGER NOT NULL,
    schema    INTEGER NOT NULL,
    codec     INTEGER NOT NULL CHECK (codec BETWEEN 0 AND 3),
    type      INTEGER NOT NULL REFERENCES es_types (id),
    id        ANY NOT NULL CHECK (typeof(id) IN ('text', 'blob')),
    data      ANY NOT NULL CHECK (typeof(data) = CASE codec & 1 WHEN 0 THEN 'text' ELSE 'blob' END),
    metadata  TEXT,
    checksum  INTEGER
  ) STRICT;

  CREATE UNIQUE INDEX es_events_by_version ON es_events (stream, version);
  CREATE UNIQUE INDEX es_events_by_key ON es_events (stream, id) WHERE typeof(id) = 'text';

  CREATE TRIGGER es_events_are_never_changed BEFORE UPDATE ON es_events
  BEGIN SELECT raise(ABORT, 'events are append-only'); END;
  CREATE TRIGGER es_events_are_never_deleted BEFORE DELETE ON es_events
  WHEN OLD.version >= coalesce((SELECT first FROM es_streams WHERE id = OLD.stream), 0)
  BEGIN SELECT raise(ABORT, 'events are append-only'); END;

  CREATE TRIGGER es_streams_keep_their_last_event BEFORE UPDATE OF first ON es_streams
  WHEN NEW.first < OLD.first OR NEW.first > coalesce((SELECT max(version) FROM es_events WHERE stream = OLD.id), 1)
  BEGIN SELECT raise(ABORT, 'the first version of a stream only grows, and its last event stays'); END;

  CREATE TABLE es_keys (
    stream   INTEGER NOT NULL REFERENCES es_streams (id),
    key      TEXT NOT NULL,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE es_snapshots (
    stream     TEXT NOT NULL,
    projection TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 0),
    timestamp  INTEGER NOT NULL,
    schema     INTEGER NOT NULL,
    codec      TEXT NOT NULL,
    state      BLOB NOT NULL,
    checksum   INTEGER NOT NULL,
    PRIMARY KEY (stream, projection, version)
  ) STRICT;

  CREATE TABLE es_records (
    space    TEXT NOT NULL,
    key      TEXT NOT NULL,
    revision INTEGER NOT NULL CHECK (revision > 0),
    value    TEXT NOT NULL,
    PRIMARY KEY (space, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE es_counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  INSERT INTO es_counters (name, value) VALUES ('revision', 0), ('skipped', 0), ('removal', 0);

  CREATE TRIGGER es_records_count_revisions_of_new AFTER INSERT ON es_records
  BEGIN UPDATE es_counters SET value = NEW.revision WHERE name = 'revision'; END;
  CREATE TRIGGER es_records_count_revisions_of_changed AFTER UPDATE ON es_records
  BEGIN UPDATE es_counters SET value = NEW.revision WHERE name = 'revision'; END;

  -- The counter of positions, there from the start: every append compares it with what it knows.
  INSERT INTO sqlite_sequence (name, seq) VALUES ('es_events', 0);
  `,
];

/** The version that this library writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** What a SQLite file of this library has in it: its mark, and the steps of its schema. */
export interface FileFormat {
  /** `PRAGMA application_id`. */
  readonly applicationId: number;
  /** What such a file is, for a message. */
  readonly kind: string;
  /** One step a version. */
  readonly steps: readonly string[];
}

/** The format of a store of events. */
export const EVENT_STORE: FileFormat = {
  applicationId: APPLICATION_ID,
  kind: "a store of events",
  steps: MIGRATIONS,
};

/** The mark of a file of keys: the ASCII codes of "EvKy". */
export const KEY_FILE_ID = 0x45764b79;

/** What a file with a mark of this library is, for a message. */
export const KINDS: ReadonlyMap<number, string> = new Map([
  [APPLICATION_ID, EVENT_STORE.kind],
  [KEY_FILE_ID, "a key store"],
]);
