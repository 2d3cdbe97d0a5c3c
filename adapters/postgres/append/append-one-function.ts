import { DELETED_EVENT_TYPE } from "../../../protocols/index.js";
import { placeChecksumSQL } from "../checksum.js";
import type { StoreNames } from "../open/schema.js";
import { bytesLiteral } from "../sql-text.js";

export const CHECK_ISOLATION = `
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'events are stored at READ COMMITTED only' USING ERRCODE = 'active_sql_transaction';
  END IF;`;

/**
 * The function that does for one event what `es_append` does for any number. To start the plan of the large statement there, and
 * to unpack arrays, takes longer than all that is done here.
 *
 * - `p_position`: the last position of an event that may be stored before, or null
 * - `p_expected`, `p_checksum`: as for `es_append`
 *
 * It answers with the last position before that was given or skipped; and where it has stored the event, behind spaces with the
 * version of its stream and the position of the stream's last event, before, and with the number of the stream.
 *
 * What is assigned and not selected runs without an executor. Each setting takes time in every call, so there are the two without
 * which a plan would be made anew, or would read a whole table: no other way but an index leads to a last row or a single one.
 * It has none for search_path: the path of the library's statements is pg_catalog, also behind statements of the application's in
 * a transaction.
 */
export function createAppendOneFunction({ prefix, lockKey, quote }: StoreNames): string {
  return `
CREATE OR REPLACE FUNCTION ${prefix}es_append_one(
  p_timestamp bigint, p_channel text, p_position bigint, p_stream bytea, p_expected bigint,
  p_is_keyed boolean, p_id bytea, p_type bytea, p_data text, p_bytes bytea, p_metadata text, p_checksum int
) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan
AS ${quote}
#variable_conflict use_column
DECLARE
  v_done text;
  v_head bigint;
  v_last bigint;
  v_id bigint;
  v_first bigint;
  v_version bigint;
  v_before bigint;
  v_is_deleted boolean;
  v_key bytea;
BEGIN
${CHECK_ISOLATION}
  v_done := pg_advisory_xact_lock(${lockKey});
  SELECT position INTO v_head FROM ${prefix}es_events ORDER BY position DESC LIMIT 1;
  SELECT greatest(value, v_head) INTO STRICT v_last FROM ${prefix}es_counters WHERE name = 'position';
  SELECT id, first INTO v_id, v_first FROM ${prefix}es_streams WHERE hash = sha256(p_stream);
  SELECT version, position, type = ${bytesLiteral(DELETED_EVENT_TYPE)} INTO v_version, v_before, v_is_deleted
  FROM ${prefix}es_events WHERE stream = v_id ORDER BY version DESC LIMIT 1;
  v_version := coalesce(v_version, 0);
  IF v_is_deleted OR (p_expected >= 0 AND v_version <> p_expected) OR (p_expected = -2 AND v_version = 0)
    OR v_head > p_position THEN RETURN v_last;
  END IF;
  IF p_is_keyed THEN
    v_key := sha256(p_id);
    IF EXISTS (SELECT FROM ${prefix}es_events WHERE stream = v_id AND key = v_key AND key IS NOT NULL) THEN RETURN v_last; END IF;
    IF v_first > 1 AND EXISTS (SELECT FROM ${prefix}es_keys WHERE stream = v_id AND sha256(id) = v_key) THEN RETURN v_last; END IF;
  END IF;
  IF v_id IS NULL THEN
    SELECT id INTO v_id FROM ${prefix}es_streams ORDER BY id DESC LIMIT 1;
    v_id := coalesce(v_id, 0) + 1;
    INSERT INTO ${prefix}es_streams (id, hash, name) VALUES (v_id, sha256(p_stream), p_stream);
  END IF;
  INSERT INTO ${prefix}es_events (position, stream, version, timestamp, schema, type, id, key, data, bytes, metadata, checksum)
  VALUES (v_last + 1, v_id, v_version + 1, p_timestamp, 1, p_type, p_id, v_key, p_data, p_bytes, p_metadata,
          p_checksum # ${placeChecksumSQL("v_last + 1", "v_version + 1")});
  IF p_channel IS NOT NULL THEN v_done := pg_notify(p_channel, (v_last + 1)::text); END IF;
  RETURN pg_catalog.concat_ws(' ', v_last, v_version, coalesce(v_before, 0), v_id);
END ${quote};`;
}
