import type { StoreNames } from "../open/schema.js";
import { quoteText } from "../sql-text.js";
import { MAX_LATER_EVENTS } from "./known-streams.js";

/**
 * An expression of a statement that stores events: the number that the next transaction of the server will have. A transaction that
 * is given it later, under the lock, knows that nobody has changed anything in between.
 *
 * It is null where another transaction has its number already and is not over, since it may change something yet. That shows in
 * what the statement sees: the first number that was not over as the statement began is then not its own.
 */
export const NEXT_TRANSACTION =
  "CASE WHEN pg_current_xact_id() = pg_snapshot_xmin(pg_current_snapshot()) THEN pg_current_xact_id()::text::bigint + 1 END";

/**
 * The function that takes the lock of writers, and answers with the last position, unless what a process knows may be false. It
 * is not a statement of its own: the server would hold the lock until the next one has arrived, which a process that is stopped
 * meanwhile would not send. And it is not a part of that statement, which sees what was committed before the lock was asked for.
 *
 * - `p_position`, `p_id`: of the last event of this process: without it, the store is another one, or an older one
 * - `p_table`: the number of the table of the store, which is another once a dump was restored
 * - `p_streams`, `p_positions`: streams, with the positions of their last events as far as this process knows
 * - `p_as_of`: up to here it knows that they are the last ones
 * - `p_transaction`: what `NEXT_TRANSACTION` was when the event at `p_position` was stored; null where not all the streams were
 *   known to be unchanged then. A transaction with this number need not look for anything: each look takes longer than all the rest
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
CREATE OR REPLACE FUNCTION ${prefix}es_last_if_known(
  p_transaction xid8, p_position bigint, p_id bytea, p_table oid, p_as_of bigint, p_streams text, p_positions text
) RETURNS bigint LANGUAGE plpgsql
AS ${quote}
DECLARE
  v_done text;
  v_last bigint;
BEGIN
  v_done := pg_catalog.pg_advisory_xact_lock(${lockKey});
  IF p_transaction IS NOT NULL AND p_transaction = pg_catalog.pg_current_xact_id() THEN RETURN p_position; END IF;
  SELECT CASE
    WHEN pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN NULL
    WHEN ${quoteText(`${prefix}es_store`)}::regclass <> p_table THEN NULL
    WHEN e.position = p_as_of AND p_as_of = p_position AND e.id = p_id THEN greatest(e.position, c.value)
    WHEN ${prefix}es_is_known(p_position, p_id, p_as_of, e.position, p_streams::bigint[], p_positions::bigint[])
    THEN greatest(e.position, c.value)
  END INTO v_last
  FROM ${prefix}es_counters c
  CROSS JOIN (SELECT position, id FROM ${prefix}es_events ORDER BY position DESC LIMIT 1) e WHERE c.name = 'position';
  RETURN v_last;
END ${quote};`;
}
