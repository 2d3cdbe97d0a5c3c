import { createHash } from "node:crypto";
import { quoteName } from "../sql-text.js";

/** The names that statements use of one store. */
export interface StoreNames {
  /** The schema, quoted, with a dot behind it. */
  readonly prefix: string;
  /** The key of the lock that writers hold until their commit. It is the same in every process. */
  readonly lockKey: string;
  /** The channel of notifications. */
  readonly channel: string;
  /** What the bodies of functions are quoted with. The name of the schema is in them, and may have `$$`. */
  readonly quote: string;
}

export function storeNames(schema: string): StoreNames {
  const digest = createHash("sha256").update(`async-streams:${schema}`).digest();
  const channel = `es_${digest.toString("hex", 8, 24)}`;
  return {
    prefix: `${quoteName(schema)}.`,
    lockKey: digest.readBigInt64BE().toString(),
    channel,
    quote: `$${channel}$`,
  };
}

/** What begins an escape of JSON that the server may not be able to read. For events with one, es_field is this. */
export const ESCAPED = "\\u";

/** How much of a name or a key an index has. An entry must fit into a page; what is longer is compared in the table. */
export const INDEXED_NAME_BYTES = 1_024;

/** How many characters of a value are compared in storage. The core compares all of them. */
export const MAX_FIELD_CHARACTERS = 256;

/**
 * The schema, one step a version. A step is never changed once it has been released; a new one is added behind it. The row
 * of `es_store` says which steps the database has seen.
 *
 * Ids, types, keys and names are bytes (UTF-8), because a text of the server has no zero character. They may be longer than
 * an entry of an index, so indexes have their SHA-256. `data` is JSON text, and `bytes` is binary content; one of the two is
 * null. `json` and `jsonb` would refuse or change what was written. `checksum` covers the whole event with its place.
 *
 * `es_streams.first` is the first version that a stream still has. What lies below it was removed, and may be deleted in spite
 * of the triggers. `es_streams.removed` is the xor of the checksums of what was removed. `es_keys` has the idempotency keys of
 * removed events. `es_counters` has the last `revision` of a record; and of the removals the last `position` that one has
 * skipped, how many were `skipped`, and how many steps there were (`removal`).
 *
 * Positions, versions and the numbers of streams come from the tables themselves, under the lock, and never from a sequence:
 * a number from a sequence is visible to readers in the order of the commits, not of the numbers.
 */
export const MIGRATIONS: readonly ((names: StoreNames) => string)[] = [
  ({ prefix, quote }) => `
  CREATE TABLE ${prefix}es_streams (
    id      bigint PRIMARY KEY,
    hash    bytea NOT NULL UNIQUE,
    name    bytea NOT NULL CHECK (length(name) > 0),
    first   bigint NOT NULL DEFAULT 1 CHECK (first > 0),
    removed integer NOT NULL DEFAULT 0
  );
  CREATE INDEX es_streams_by_name ON ${prefix}es_streams (substring(name FROM 1 FOR ${INDEXED_NAME_BYTES}));

  CREATE TABLE ${prefix}es_events (
    position  bigint PRIMARY KEY CHECK (position > 0),
    stream    bigint NOT NULL,
    version   bigint NOT NULL CHECK (version > 0),
    timestamp bigint NOT NULL,
    schema    smallint NOT NULL,
    type      bytea NOT NULL,
    id        bytea NOT NULL,
    key       bytea,
    data      text,
    bytes     bytea,
    metadata  text,
    checksum  integer NOT NULL,
    CHECK ((data IS NULL) <> (bytes IS NULL))
  );
  CREATE UNIQUE INDEX es_events_by_version ON ${prefix}es_events (stream, version);
  CREATE UNIQUE INDEX es_events_by_key ON ${prefix}es_events (stream, key) WHERE key IS NOT NULL;

  CREATE TABLE ${prefix}es_keys (
    stream   bigint NOT NULL,
    version  bigint NOT NULL,
    position bigint NOT NULL,
    id       bytea NOT NULL,
    PRIMARY KEY (stream, version)
  );
  CREATE UNIQUE INDEX es_keys_by_key ON ${prefix}es_keys (stream, sha256(id));

  CREATE TABLE ${prefix}es_snapshots (
    stream_hash     bytea NOT NULL,
    projection_hash bytea NOT NULL,
    stream          bytea NOT NULL,
    projection      bytea NOT NULL,
    version         bigint NOT NULL CHECK (version >= 0),
    timestamp       bigint NOT NULL,
    schema          smallint NOT NULL,
    codec           text NOT NULL,
    state           bytea NOT NULL,
    checksum        integer NOT NULL,
    PRIMARY KEY (stream_hash, projection_hash, version)
  );

  CREATE TABLE ${prefix}es_records (
    hash       bytea PRIMARY KEY,
    space_hash bytea NOT NULL,
    space      bytea NOT NULL,
    key        bytea NOT NULL,
    revision   bigint NOT NULL CHECK (revision > 0),
    value      text NOT NULL
  );
  CREATE INDEX es_records_by_key ON ${prefix}es_records (space_hash, substring(key FROM 1 FOR ${INDEXED_NAME_BYTES}));

  CREATE TABLE ${prefix}es_counters (
    name  text PRIMARY KEY,
    value bigint NOT NULL
  );
  INSERT INTO ${prefix}es_counters (name, value) VALUES
    ('revision', 0), ('position', 0), ('skipped', 0), ('removal', 0);

  CREATE TABLE ${prefix}es_writers (
    id          uuid PRIMARY KEY,
    transaction bigint NOT NULL,
    seen        timestamptz NOT NULL
  );

  CREATE FUNCTION ${prefix}es_field(p_json text, p_path text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS ${quote} SELECT CASE WHEN strpos(p_json, '${ESCAPED}') > 0 THEN '${ESCAPED}'
                      ELSE left((p_json::json #> p_path)::text, ${MAX_FIELD_CHARACTERS}) END ${quote};

  CREATE FUNCTION ${prefix}es_refuse_change() RETURNS trigger LANGUAGE plpgsql AS ${quote}
  BEGIN RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation'; END ${quote};
  CREATE TRIGGER es_events_are_never_changed BEFORE UPDATE OR TRUNCATE ON ${prefix}es_events
    FOR EACH STATEMENT EXECUTE FUNCTION ${prefix}es_refuse_change();

  CREATE FUNCTION ${prefix}es_refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS ${quote}
  BEGIN
    IF EXISTS (SELECT FROM gone g LEFT JOIN ${prefix}es_streams s ON s.id = g.stream WHERE g.version >= coalesce(s.first, 0)) THEN
      RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
  END ${quote};
  CREATE TRIGGER es_events_are_never_deleted AFTER DELETE ON ${prefix}es_events
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION ${prefix}es_refuse_deletion();

  CREATE FUNCTION ${prefix}es_refuse_first() RETURNS trigger LANGUAGE plpgsql AS ${quote}
  BEGIN
    IF NEW.first < OLD.first
      OR NEW.first > coalesce((SELECT max(version) FROM ${prefix}es_events WHERE stream = OLD.id), 1) THEN
      RAISE EXCEPTION 'the first version of a stream only grows, and its last event stays'
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END ${quote};
  CREATE TRIGGER es_streams_keep_their_last_event BEFORE UPDATE OF first ON ${prefix}es_streams
    FOR EACH ROW EXECUTE FUNCTION ${prefix}es_refuse_first();
  `,
];

/** The version that this library writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** What says which steps a database has seen. `epoch` tells a store from a copy of it that was made anew. */
export function createStoreTable({ prefix }: StoreNames): string {
  return `
  CREATE TABLE IF NOT EXISTS ${prefix}es_store (
    is_only        boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    schema_version integer NOT NULL,
    epoch          uuid NOT NULL DEFAULT gen_random_uuid()
  );
  INSERT INTO ${prefix}es_store (schema_version) VALUES (0) ON CONFLICT DO NOTHING;`;
}
