import type { StoreNames } from "../open/schema.js";
import { quoteText } from "../sql-text.js";
import { MAX_LATER_EVENTS } from "./known-streams.js";

/**
 * The function that takes the lock of writers, and answers with the last position, unless what a process knows may be false. It
 * is not a statement of its own: the server would hold the lock until the next one has arrived, which a process that is stopped
 * meanwhile would not send. And it is not a part of that statement, which sees what was committed before the lock was asked for.
 *
 * - `p_position`, `p_id`: of the last event of this process: without it, the store is another one, or an older one
 * - `p_table`: the number of the table of the store, which is another once a dump was restored
 * - `p_streams`, `p_positions`: streams, with the positions of their last events as far as this process knows
 * - `p_as_of`: up to here it knows that they are the last ones
 *
 * What was appended by others is looked for by a function of its own, whose settings take time in every call: without them, a
 * plan that was made while the table was small would read all of a large one.
 */
export function createKnownFunctions({ prefix, lockKey, quote }: StoreNames): string {
  return `
CREATE OR REPLACE FUNCTION ${prefix}es_is_known(
  p_position bigint, p_id bytea, p_as_of bigint, p_last bigint, p_streams bigint[], p_positions bigint[]
) RETURNS boolean LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS ${quote}
DECLARE
  v_id bytea;
BEGIN
  IF p_last - p_as_of > ${MAX_LATER_EVENTS} THEN RETURN false; END IF;
  SELECT id INTO v_id FROM ${prefix}es_events WHERE position = p_position;
  RETURN v_id IS NOT DISTINCT FROM p_id AND NOT EXISTS (
    SELECT FROM (
      SELECT stream, position FROM ${prefix}es_events WHERE position > p_as_of ORDER BY position LIMIT ${MAX_LATER_EVENTS}
    ) later JOIN unnest(p_streams, p_positions) AS known(stream, position) USING (stream)
    WHERE later.position > known.position
  );
END ${quote};
CREATE OR REPLACE FUNCTION ${prefix}es_known_last(
  p_position bigint, p_id bytea, p_table oid, p_as_of bigint, p_streams bigint[], p_positions bigint[]
) RETURNS bigint LANGUAGE plpgsql
AS ${quote}
DECLARE
  v_done text;
  v_position bigint;
  v_id bytea;
  v_skipped bigint;
BEGIN
  IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN RETURN NULL; END IF;
  v_done := pg_catalog.pg_advisory_xact_lock(${lockKey});
  IF ${quoteText(`${prefix}es_store`)}::regclass <> p_table THEN RETURN NULL; END IF;
  SELECT position, id INTO v_position, v_id FROM ${prefix}es_events ORDER BY position DESC LIMIT 1;
  IF v_position = p_as_of AND p_as_of = p_position THEN
    IF v_id IS DISTINCT FROM p_id THEN RETURN NULL; END IF;
  ELSIF v_position IS NULL OR NOT ${prefix}es_is_known(p_position, p_id, p_as_of, v_position, p_streams, p_positions) THEN
    RETURN NULL;
  END IF;
  SELECT value INTO STRICT v_skipped FROM ${prefix}es_counters WHERE name = 'position';
  RETURN greatest(v_position, v_skipped);
END ${quote};`;
}
