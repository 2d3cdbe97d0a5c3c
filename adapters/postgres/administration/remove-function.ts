import type { StoreNames } from "../open/schema.js";

/**
 * The function that removes the first events of a stream, in a transaction that holds the lock: from the first version that it
 * still has, up to `p_before` and at most `p_limit` events, of about `p_bytes` of content. The last event stays.
 *
 * It answers with the first version before and after, how many events were deleted, and, unless keys are kept, whether there
 * are keys of events that were removed below `p_before`.
 */
export function createRemoveFunction({ prefix, quote }: StoreNames): string {
  return `
CREATE OR REPLACE FUNCTION ${prefix}es_remove(
  p_stream bytea, p_before bigint, p_limit bigint, p_bytes bigint, p_keeps_keys boolean,
  OUT o_first bigint, OUT o_end bigint, OUT o_removed bigint, OUT o_has_keys boolean
) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off
AS ${quote}
#variable_conflict use_column
DECLARE
  v_id bigint;
  v_removed int;
BEGIN
  o_removed := 0;
  SELECT s.id, s.first, least(p_before, s.first + p_limit, coalesce(
    (SELECT version FROM ${prefix}es_events e WHERE e.stream = s.id ORDER BY version DESC LIMIT 1), 1))
  INTO v_id, o_first, o_end FROM ${prefix}es_streams s WHERE s.hash = sha256(p_stream);
  o_has_keys := NOT p_keeps_keys AND EXISTS (SELECT FROM ${prefix}es_keys WHERE stream = v_id AND version < p_before);
  IF o_first IS NULL THEN o_first := 1; END IF;
  IF o_end IS NULL OR o_end <= o_first THEN o_end := o_first; RETURN; END IF;

  -- Of the content only the length is read, which is in its row.
  SELECT coalesce(min(version), o_end) INTO o_end FROM (
    SELECT version, sum(size) OVER (ORDER BY version ROWS UNBOUNDED PRECEDING) AS bytes FROM (
      SELECT version, coalesce(octet_length(data), octet_length(bytes)) + coalesce(octet_length(metadata), 0) AS size
      FROM ${prefix}es_events WHERE stream = v_id AND version >= o_first AND version < o_end
    ) sized
  ) summed WHERE bytes > p_bytes AND version > o_first;

  IF p_keeps_keys THEN
    INSERT INTO ${prefix}es_keys (stream, version, position, id)
    SELECT stream, version, position, id FROM ${prefix}es_events
    WHERE stream = v_id AND version >= o_first AND version < o_end AND key IS NOT NULL;
  END IF;
  SELECT bit_xor(checksum) INTO v_removed FROM ${prefix}es_events
  WHERE stream = v_id AND version >= o_first AND version < o_end;
  UPDATE ${prefix}es_streams SET first = o_end, removed = removed # coalesce(v_removed, 0) WHERE id = v_id;
  DELETE FROM ${prefix}es_events WHERE stream = v_id AND version >= o_first AND version < o_end;
  GET DIAGNOSTICS o_removed = ROW_COUNT;
  UPDATE ${prefix}es_counters
  SET value = 1 + CASE name WHEN 'position'
    THEN greatest(value, (SELECT max(position) FROM ${prefix}es_events)) ELSE value END
  WHERE name IN ('position', 'skipped', 'removal');
END ${quote};`;
}
