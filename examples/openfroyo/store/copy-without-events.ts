import { sql, type TransactionalStreamFactory } from "async-streams";
import { type BlobStore, sqliteBlobs } from "async-streams/blobs";
import { FACT_KEY } from "./fact-operations.js";
import { pagesOf } from "./lists.js";
import type { Fact } from "./model.js";
import { type Row, toData, toRecord } from "./rows.js";
import { select, upsert } from "./statements.js";
import { FACTS } from "./tables.js";

const PAGE_TIMEOUT_MS = 60_000;

/** Whether a file has facts. The backups of a server once had events alone. */
export async function hasFacts(file: TransactionalStreamFactory): Promise<boolean> {
  return (await file.query(sql`SELECT name FROM pragma_table_info(${FACTS.name})`)).length > 0;
}

/** Copies the facts, page by page: each is one of its own, so they need not be those of one moment. */
export async function copyFacts(
  from: TransactionalStreamFactory,
  to: TransactionalStreamFactory,
  signal?: AbortSignal,
): Promise<void> {
  const page = (last: Row | undefined, limit: number) =>
    select(FACTS, { where: [last && sql`id > ${last.id ?? null}`], orderBy: sql`id`, limit });
  for await (const rows of pagesOf((statement) => from.query<Row>(statement), page)) {
    await to.transaction(
      async (tx) => {
        for (const row of rows) {
          const data = toData(FACTS, toRecord<Fact>(FACTS, row));
          await tx.sql.run(upsert(FACTS, data, FACT_KEY, []));
        }
      },
      { timeoutMs: PAGE_TIMEOUT_MS, signal },
    );
  }
}

/** Copies the files of packages that are beside the tables. */
export async function copyFiles(
  from: TransactionalStreamFactory,
  to: TransactionalStreamFactory | BlobStore,
  signal?: AbortSignal,
): Promise<void> {
  const source = sqliteBlobs(from);
  const target = "put" in to ? to : sqliteBlobs(to);
  for await (const { key } of source.list()) {
    const blob = await source.get(key);
    if (blob !== null) await target.put(key, blob.data, { contentType: blob.contentType, signal });
  }
}
