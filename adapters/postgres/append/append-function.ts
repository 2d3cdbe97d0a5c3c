import { DELETED_EVENT_TYPE } from "../../../protocols/index.js";
import { placeChecksumSQL } from "../checksum.js";
import type { StoreNames } from "../open/schema.js";
import { bytesLiteral } from "../sql-text.js";
import { CHECK_ISOLATION } from "./append-one-function.js";

/**
 * The function that stores a group of appends in one round trip. It takes the lock in a statement of its own, before it
 * looks at anything, and holds it until the commit: so positions are in the order of the commits, and no reader skips one.
 *
 * It stores what is clean: parts whose streams are as expected, and whose keys are not stored. From the first member on that
 * is not, it stores nothing; the core decides that member on what is then read. The parts of one member share their fate.
 *
 * - `a_member`: the number of the member that a part belongs to, from 1
 * - `a_expected`: a version, or -1 for any, or -2 for a stream that exists
 * - `m_position`: the last position of an event that may be stored before a member, or null; nobody has looked at what came
 *   later
 * - `e_part`: the number of the part that an event belongs to; events are in the order of the parts
 * - `e_checksum`: the checksum of an event without its place
 *
 * It answers with the last position before that was given or skipped, how many parts were stored, and for each of these the version of its stream, and
 * the position of the stream's last event, before the group; and, behind a semicolon, the numbers of the streams.
 *
 * A call of one event has a function of its own: see `createAppendOneFunction`.
 *
 * The settings keep a plan that was made while tables were small from reading all of a large one. A session plans each statement
 * once: the server takes arrays of few elements for cheaper than those it does not know, and would plan every call anew, which
 * takes longer than the call.
 */
export function createAppendFunction(names: StoreNames): string {
  const { prefix, lockKey, quote } = names;
  return `
CREATE OR REPLACE FUNCTION ${prefix}es_append(
  p_timestamp bigint, p_channel text, m_position bigint[],
  a_member int[], a_stream bytea[], a_expected bigint[], a_count int[],
  e_part int[], e_is_keyed boolean[], e_id bytea[], e_type bytea[], e_data text[], e_bytes bytea[], e_metadata text[],
  e_checksum int[],
  OUT o_last bigint, OUT o_stored int, OUT o_versions text, OUT o_heads text
) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS ${quote}
#variable_conflict use_column
DECLARE
  v_stop int;
  v_streams bigint[];
  v_versions bigint[];
  v_heads bigint[];
  v_before bigint[];
  v_head bigint;
  v_new bigint;
  v_count bigint;
BEGIN
${CHECK_ISOLATION}
  PERFORM pg_advisory_xact_lock(${lockKey});
  SELECT coalesce(max(position), 0) INTO v_head FROM ${prefix}es_events;
  SELECT greatest(v_head, value) INTO STRICT o_last FROM ${prefix}es_counters WHERE name = 'position';
  WITH parts AS MATERIALIZED (
    SELECT u.part::int AS part, u.member, u.name, u.expected, u.count, s.id AS stream, s.first, l.version, l.position,
           l.type = ${bytesLiteral(DELETED_EVENT_TYPE)} AS is_deleted,
           coalesce(sum(u.count) OVER (ORDER BY u.part ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
    FROM unnest(a_member, a_stream, a_expected, a_count) WITH ORDINALITY AS u(member, name, expected, count, part)
    LEFT JOIN ${prefix}es_streams s ON s.hash = sha256(u.name)
    LEFT JOIN LATERAL (
      SELECT version, position, type FROM ${prefix}es_events e WHERE e.stream = s.id ORDER BY version DESC LIMIT 1
    ) l ON true
  ), placed AS MATERIALIZED (
    SELECT *, coalesce(version, 0) + coalesce(
      sum(count) OVER (PARTITION BY name ORDER BY part ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS base
    FROM parts
  ), keyed AS (
    SELECT p.member, p.stream, p.first, sha256(e.id) AS key,
           row_number() OVER (PARTITION BY p.name, e.id ORDER BY e.o) AS repetition
    FROM unnest(e_part, e_is_keyed, e_id) WITH ORDINALITY AS e(part, is_keyed, id, o)
    JOIN placed p ON p.part = e.part WHERE e.is_keyed
  ), unclean AS (
    SELECT min(member) AS member FROM (
      SELECT member FROM placed WHERE is_deleted OR (expected >= 0 AND base <> expected) OR (expected = -2 AND base = 0)
      UNION ALL
      SELECT member FROM placed
      WHERE (part = 1 OR a_member[part - 1] <> member)
        AND CASE WHEN before = 0 THEN v_head ELSE o_last + before END > m_position[member]
      UNION ALL
      SELECT member FROM keyed k WHERE repetition > 1 OR EXISTS (
        SELECT FROM ${prefix}es_events x WHERE x.stream = k.stream AND x.key = k.key AND x.key IS NOT NULL)
        OR (k.first > 1 AND EXISTS (SELECT FROM ${prefix}es_keys x WHERE x.stream = k.stream AND sha256(x.id) = k.key))
    ) found
  )
  SELECT (SELECT member FROM unclean), array_agg(p.stream ORDER BY p.part), array_agg(p.base ORDER BY p.part),
         array_agg(coalesce(p.position, 0) ORDER BY p.part), array_agg(p.before ORDER BY p.part)
  INTO v_stop, v_streams, v_versions, v_heads, v_before FROM placed p;

  SELECT count(*) INTO o_stored FROM unnest(a_member) AS m WHERE v_stop IS NULL OR m < v_stop;
  IF o_stored > 0 THEN
    IF array_position(v_streams[:o_stored], NULL) IS NOT NULL THEN
      SELECT coalesce(max(id), 0) INTO v_new FROM ${prefix}es_streams;
      WITH fresh AS (
        SELECT v_new + row_number() OVER (ORDER BY min(part)) AS id, name
        FROM unnest(v_streams[:o_stored], a_stream[:o_stored], a_count[:o_stored]) WITH ORDINALITY AS u(stream, name, count, part)
        WHERE stream IS NULL AND count > 0 GROUP BY name
      ), stored AS (
        INSERT INTO ${prefix}es_streams (id, hash, name) SELECT id, sha256(name), name FROM fresh
      )
      SELECT array_agg(coalesce(u.stream, f.id) ORDER BY part) INTO v_streams
      FROM unnest(v_streams[:o_stored], a_stream[:o_stored]) WITH ORDINALITY AS u(stream, name, part)
      LEFT JOIN fresh f ON f.name = u.name;
    END IF;
    INSERT INTO ${prefix}es_events (position, stream, version, timestamp, schema, type, id, key, data, bytes, metadata, checksum)
    SELECT o_last + o, v_streams[part], v_versions[part] + (o - v_before[part]), p_timestamp, 1, type, id,
           CASE WHEN is_keyed THEN sha256(id) END, data, bytes, metadata,
           checksum # ${placeChecksumSQL("o_last + o", "v_versions[part] + (o - v_before[part])")}
    FROM unnest(e_part, e_is_keyed, e_id, e_type, e_data, e_bytes, e_metadata, e_checksum) WITH ORDINALITY
      AS e(part, is_keyed, id, type, data, bytes, metadata, checksum, o)
    WHERE part <= o_stored;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 AND p_channel IS NOT NULL THEN PERFORM pg_notify(p_channel, (o_last + v_count)::text); END IF;
  END IF;
  o_versions := array_to_string(v_versions[:o_stored], ',');
  o_heads := array_to_string(v_heads[:o_stored], ',') || ';' || array_to_string(v_streams[:o_stored], ',', '');
END ${quote};`;
}
