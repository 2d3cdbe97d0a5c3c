import { ALL_STREAM, type ParsedClause, type ParsedValue, type ReadQuery } from "../../../protocols/index.js";
import type { SQLiteConnection, SQLiteValue } from "../drivers/driver.js";
import { type FieldIndex, type IndexDefinition, indexedText } from "../indexes/field-index.js";
import { filterCondition, jsonTexts } from "./filter-sql.js";
import { PACKED_PAGE, packedEvent } from "./packed-event.js";
import { ALL_HEAD, STREAM, STREAM_FIRST, STREAM_HEAD } from "./stream-figures.js";

/** How many values of one clause are looked up. A filter with more of them looks through the events. */
const MAX_LOOKED_UP_VALUES = 256;

/** How many entries of an index one statement takes for all values of a clause, so that it does not run for long. */
const MAX_INDEX_ENTRIES = 65_536;

/** How many events are looked at for each one that a page has room for, where further clauses may refuse them. */
const CANDIDATES_PER_EVENT = 4;
const MIN_CANDIDATES = 256;

/** How many clauses are compared, and up to how many events of each are counted, to find the one with the fewest. */
const MAX_COMPARED_CLAUSES = 4;
const MAX_COUNTED_EVENTS = 1_024;

/** The row of a statement that reads a page. */
export interface PageRow {
  readonly head: number;
  /** The first version that the stream has; null on @all, and where the stream has no number. */
  readonly first: number | null;
  readonly packed: number;
  readonly page: string | null;
}

/** A row, and between which places it has all events that match. */
export interface ScannedRow {
  readonly row: PageRow;
  readonly low: number;
  readonly high: number;
}

interface IndexedRow extends PageRow {
  readonly candidates: number;
  readonly lastCandidate: number | null;
}

/** A clause that an index finds the events of. */
interface Lookup {
  readonly clause: ParsedClause;
  readonly index: FieldIndex;
  readonly definition: IndexDefinition;
  readonly values: readonly string[];
}

/**
 * Reads a page by the index of a field; null where no clause has one, or the database has lost it: another process may
 * have dropped it, and one that only reads builds none.
 */
export async function readIndexedRow(
  connection: SQLiteConnection,
  query: ReadQuery,
  indexes: readonly FieldIndex[],
): Promise<ScannedRow | null> {
  if (indexes.length === 0 || query.filter === undefined) return null;
  const isKeyLookup = query.streamId !== ALL_STREAM && filterCondition(query.filter, 1).isKeyLookup;
  const lookups = isKeyLookup ? [] : lookupsOf(query, indexes).slice(0, MAX_COMPARED_CLAUSES);
  try {
    const lookup = lookups.length > 1 ? await fewestEvents(connection, query, lookups) : lookups[0];
    return lookup === undefined ? null : await readRow(connection, query, lookup);
  } catch (error) {
    if (!isMissingIndex(error)) throw error;
    return null;
  }
}

function isMissingIndex(error: unknown): boolean {
  return error instanceof Error && /no such index|no query solution/.test(error.message);
}

function lookupsOf({ streamId, filter = [] }: ReadQuery, indexes: readonly FieldIndex[]): readonly Lookup[] {
  return filter.flatMap((clause) => {
    if (clause.op !== "=" && clause.op !== "in") return [];
    const index = indexes.find(({ parsed }) => isSameField(parsed, clause));
    const definition = streamId === ALL_STREAM ? index?.ofAll : index?.ofStream;
    if (index === undefined || definition === undefined) return [];
    const values = valuesOf(clause);
    return values.length > MAX_LOOKED_UP_VALUES ? [] : [{ clause, index, definition, values }];
  });
}

function isSameField(a: FieldIndex["parsed"], b: FieldIndex["parsed"]): boolean {
  return a.field === b.field && a.path.length === b.path.length && a.path.every((key, at) => key === b.path[at]);
}

/** The names, or the beginnings of the JSON texts, that the index has for the values of a clause. */
function valuesOf({ op, value, path }: ParsedClause): string[] {
  const values = op === "in" ? (value as readonly ParsedValue[]) : [value as ParsedValue];
  if (path.length === 0) return values.filter((name) => typeof name === "string");
  return values.flatMap(jsonTexts).map(indexedText);
}

async function fewestEvents(
  connection: SQLiteConnection,
  { streamId, after, upTo = Number.MAX_SAFE_INTEGER, direction }: ReadQuery,
  lookups: readonly Lookup[],
): Promise<Lookup> {
  const counts = lookups.map(
    (lookup, at) => `(SELECT count(*) FROM (${candidates(streamId, direction, lookup, `?${at + 5}`)}))`,
  );
  const sql = `SELECT json_array(${counts.join(", ")}) AS counts WHERE ?1 IS NOT NULL`;
  const texts = lookups.map(({ values }) => JSON.stringify(values));
  const [row] = await connection.all<{ counts: string }>(sql, [streamId, after, upTo, MAX_COUNTED_EVENTS, ...texts]);
  const counted = JSON.parse((row as { counts: string }).counts) as number[];
  return lookups[counted.indexOf(Math.min(...counted))] as Lookup;
}

async function readRow(connection: SQLiteConnection, query: ReadQuery, lookup: Lookup): Promise<ScannedRow> {
  const { streamId, after, upTo = Number.MAX_SAFE_INTEGER, limit, direction, filter = [] } = query;
  const rest = filter.filter((clause) => clause !== lookup.clause);
  const wanted = rest.length === 0 ? limit : Math.max(MIN_CANDIDATES, limit * CANDIDATES_PER_EVENT);
  const maxCandidates = Math.max(1, Math.min(wanted, Math.floor(MAX_INDEX_ENTRIES / (lookup.values.length || 1))));
  const condition = filterCondition(rest, 7);
  const parameters: SQLiteValue[] = [streamId, after, upTo, maxCandidates, JSON.stringify(lookup.values), limit];
  const sql = pageSQL(streamId, direction, lookup, condition.sql);
  const [row] = (await connection.all<IndexedRow>(sql, [...parameters, ...condition.values])) as [IndexedRow];
  const last = row.candidates < maxCandidates ? null : row.lastCandidate;
  if (direction === "forward") return { row, low: after, high: last ?? upTo };
  return { row, low: last === null ? after : last - 1, high: upTo };
}

/** The positions of the events that an index has for a clause: for each value the first ones, and of them the first. */
function candidates(
  streamId: string,
  direction: ReadQuery["direction"],
  { clause, index: { expression }, definition }: Lookup,
  values: string,
): string {
  const isAll = streamId === ALL_STREAM;
  const place = isAll ? "position" : "version";
  const order = direction === "forward" ? "ASC" : "DESC";
  const list = `SELECT DISTINCT value FROM json_each(${values})`;
  const numbers = clause.field === "type" ? "es_types" : "es_streams";
  const wanted = clause.path.length > 0 ? list : `SELECT id AS value FROM ${numbers} WHERE name IN (${list})`;
  const isThere = clause.path.length > 0 ? ` AND ${expression} IS NOT NULL` : "";
  return `
    SELECT found.value AS position FROM (${wanted}) AS wanted CROSS JOIN json_each((
      SELECT json_group_array(position) FROM (
        SELECT position FROM es_events INDEXED BY ${definition.name}
        WHERE ${isAll ? "" : `stream = ${STREAM} AND `}${expression} = wanted.value${isThere}
          AND ${place} > ?2 AND ${place} <= ?3
        ORDER BY ${place} ${order} LIMIT ?4 + 0))) AS found
    ORDER BY found.value ${order} LIMIT ?4 + 0`;
}

function pageSQL(streamId: string, direction: ReadQuery["direction"], lookup: Lookup, condition: string): string {
  const isAll = streamId === ALL_STREAM;
  const order = direction === "forward" ? "ASC" : "DESC";
  const from = `CROSS JOIN es_events AS e ON e.position = c.position
      CROSS JOIN es_types AS t ON t.id = e.type CROSS JOIN es_streams AS s ON s.id = e.stream`;
  // The content of an event is packed only once it is known to be in the page.
  return `
    WITH candidates AS MATERIALIZED (${candidates(streamId, direction, lookup, "?5")}),
    matching AS MATERIALIZED (
      SELECT c.position FROM candidates AS c ${condition === "" ? "" : `${from} WHERE TRUE${condition}`}
      ORDER BY c.position ${order} LIMIT ?6 + 0)
    SELECT coalesce(${isAll ? ALL_HEAD : STREAM_HEAD}, 0) AS head,
      ${isAll ? "NULL" : STREAM_FIRST} AS first, count(*) AS packed,
      ${PACKED_PAGE} AS page, (SELECT count(*) FROM candidates) AS candidates,
      (SELECT ${isAll ? "position" : "version"} FROM es_events
       WHERE position = (SELECT ${direction === "forward" ? "max" : "min"}(position) FROM candidates)) AS lastCandidate
    FROM (
      SELECT ${packedEvent(isAll ? "json_quote(s.name)" : "0")} AS content FROM matching AS c ${from}
      WHERE ?1 IS NOT NULL ORDER BY c.position ${order})`;
}
