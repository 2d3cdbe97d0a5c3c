import { StorageError } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** What SQLite says of a database that gives pages back step by step. */
const INCREMENTAL = 2;

const FREE_PAGES = `
  SELECT (SELECT auto_vacuum FROM pragma_auto_vacuum) AS autoVacuum, (SELECT page_size FROM pragma_page_size) AS pageSize,
         (SELECT freelist_count FROM pragma_freelist_count) AS freePages`;

interface FreePages {
  readonly autoVacuum: number;
  readonly pageSize: number;
  readonly freePages: number;
}

/** How much a step has given back, and how much is left. */
export interface ReclaimedBytes {
  readonly freed: number;
  readonly left: number;
}

/** Gives free pages back, in one transaction of SQLite's. The file gets shorter with the next checkpoint. */
export async function reclaimPages(
  connection: SQLiteConnection,
  maxBytes: number,
  location: string,
): Promise<ReclaimedBytes> {
  const before = await readFreePages(connection);
  if (before.autoVacuum !== INCREMENTAL) throw unsupported(location);
  const { pageSize } = before;
  if (before.freePages === 0) return { freed: 0, left: 0 };
  await connection.exec(`PRAGMA incremental_vacuum(${Math.max(1, Math.floor(maxBytes / pageSize))})`);
  const { freePages } = await readFreePages(connection);
  return { freed: Math.max(0, before.freePages - freePages) * pageSize, left: freePages * pageSize };
}

async function readFreePages(connection: SQLiteConnection): Promise<FreePages> {
  const [row] = await connection.all<FreePages>(FREE_PAGES);
  return row as FreePages;
}

function unsupported(location: string): StorageError {
  const message =
    `Cannot reclaim space in ${location}: the file was made without auto_vacuum = INCREMENTAL. Nothing was changed. Make a ` +
    "backup(): the copy is compact, and its space can be reclaimed later.";
  return new StorageError("STORAGE_UNSUPPORTED", message);
}
