import { inspect } from "node:util";
import { type SQLStatement, sql } from "async-streams";
import type { Row } from "./rows.js";
import { type Selection, select } from "./statements.js";
import type { Table } from "./tables.js";

/** Rows that a list returns at most. */
export const MAX_LISTED_ROWS = 10_000;
const PAGE_ROWS = 1_000;

type ReadAll = (statement: SQLStatement) => Promise<Row[]>;

/**
 * The rows of a list: `limit` of them, or all if there are no more than 10,000.
 *
 * @throws RangeError when there are more, or the limit is greater, or no whole number
 */
export async function listRows(all: ReadAll, table: Table, selection: Selection): Promise<Row[]> {
  const { limit = MAX_LISTED_ROWS + 1 } = selection;
  if (selection.limit !== undefined && !(Number.isInteger(limit) && limit >= 0 && limit <= MAX_LISTED_ROWS)) {
    throw new RangeError(`limit must be a whole number, at most ${MAX_LISTED_ROWS}, got ${inspect(limit)}`);
  }
  const rows = await all(select(table, { ...selection, limit }));
  if (rows.length <= MAX_LISTED_ROWS) return rows;
  throw new RangeError(`there are more than ${MAX_LISTED_ROWS} rows; read them in pages, with limit and after`);
}

/** Behind the row with an id; undefined where none is given. Another value would be behind all rows, or behind none. */
export function isBehindId(after: number | undefined): SQLStatement | undefined {
  if (after === undefined) return undefined;
  if (!Number.isSafeInteger(after)) throw new TypeError(`after must be a whole number, got ${inspect(after)}`);
  return sql`id > ${after}`;
}

/** Rows page by page: `page` selects those behind the last one that was read. */
export async function* pagesOf(
  all: ReadAll,
  page: (last: Row | undefined, limit: number) => SQLStatement,
): AsyncGenerator<Row[]> {
  let rows: Row[] = [];
  do {
    rows = await all(page(rows.at(-1), PAGE_ROWS));
    yield rows;
  } while (rows.length === PAGE_ROWS);
}

/** All rows, however many there are. */
export async function allRows(all: ReadAll, page: Parameters<typeof pagesOf>[1]): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const part of pagesOf(all, page)) rows.push(...part);
  return rows;
}
