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
}

export function storeNames(schema: string): StoreNames {
  const digest = createHash("sha256").update(`async-streams:${schema}`).digest();
  return {
    prefix: `${quoteName(schema)}.`,
    lockKey: digest.readBigInt64BE().toString(),
    channel: `es_${digest.toString("hex", 8, 24)}`,
  };
}

/** What begins an escape of JSON that the server may not be able to read. For events with one, es_field is this. */
export const ESCAPED = "\\u";

/** How many characters of a value are compared in storage. The core compares all of them. */
export const MAX_FIELD_CHARACTERS = 256;

/**
 * The schema, one step a version. A step is never changed once it has been released; a new one is added behind it. The row
 * of `es_store` says which steps the database has seen.
 *
 * Ids, types, keys and names are bytes (UTF-8), because a text of the server has no zero character. They may be longer than
 * an entry of an index, so indexes have their SHA-256. `data` is JSON text, and `bytes` is binary content; one of the two is
 * null. `json` and `jsonb` would refuse or change what was written.
 *
 * Positions, versions and the numbers of streams come from the tables themselves, under the lock, and never from a sequence:
 * a number from a sequence is visible to readers in the order of the commits, not of the numbers.
 */
export const MIGRATIONS: readonly ((names: StoreNames) => string)[] = [
  ({ prefix }) => `
  CREATE TABLE ${prefix}es_streams (
    id   bigint PRIMARY KEY,
    hash bytea NOT NULL UNIQUE,
    name bytea NOT NULL CHECK (length(name) > 0)
  );

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
    CHECK ((data IS NULL) <> (bytes IS NULL))
  );
  CREATE UNIQUE INDEX es_events_by_version ON ${prefix}es_events (stream, version);
  CREATE UNIQUE INDEX es_events_by_key ON ${prefix}es_events (stream, key) WHERE key IS NOT NULL;

  CREATE TABLE ${prefix}es_snapshots (
    stream_hash     bytea NOT NULL,
    projection_hash bytea NOT NULL,
    version         bigint NOT NULL CHECK (version >= 0),
    timestamp       bigint NOT NULL,
    schema          smallint NOT NULL,
    codec           text NOT NULL,
    state           bytea NOT NULL,
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
  CREATE INDEX es_records_by_key ON ${prefix}es_records (space_hash, substring(key FROM 1 FOR 1024));

  CREATE TABLE ${prefix}es_counters (
    name  text PRIMARY KEY,
    value bigint NOT NULL
  );
  INSERT INTO ${prefix}es_counters (name, value) VALUES ('revision', 0);

  CREATE TABLE ${prefix}es_writers (
    id          uuid PRIMARY KEY,
    transaction bigint NOT NULL,
    seen        timestamptz NOT NULL
  );

  CREATE FUNCTION ${prefix}es_field(p_json text, p_path text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN strpos(p_json, '${ESCAPED}') > 0 THEN '${ESCAPED}'
                      ELSE left((p_json::json #> p_path)::text, ${MAX_FIELD_CHARACTERS}) END $$;

  CREATE FUNCTION ${prefix}es_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation'; END $$;
  CREATE TRIGGER es_events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${prefix}es_events
    FOR EACH STATEMENT EXECUTE FUNCTION ${prefix}es_refuse_change();
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
