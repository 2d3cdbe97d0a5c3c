import { DELETIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { COPY_SPACE } from "../../../src/copy/copy-note.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** What an opening finds to be finished, or not to be used yet. */
export interface UnfinishedWork {
  /** Whether a deletion was interrupted. */
  readonly hasUnfinishedDeletions: boolean;
  /** Whether the store is a copy that is not complete. */
  readonly isUnfinishedCopy: boolean;
}

const FIND = `
  SELECT EXISTS (SELECT 1 FROM es_records WHERE space = '${DELETIONS_SPACE}') AS deletions,
         EXISTS (SELECT 1 FROM es_records WHERE space = '${COPY_SPACE}' AND NOT value ->> 'isComplete') AS copies`;

/** Where it cannot be read now, the next opening looks again. */
export async function findUnfinishedWork(connection: SQLiteConnection): Promise<UnfinishedWork> {
  try {
    const [row] = await connection.all<{ deletions: number; copies: number }>(FIND);
    return { hasUnfinishedDeletions: row?.deletions === 1, isUnfinishedCopy: row?.copies === 1 };
  } catch {
    return NOTHING_UNFINISHED;
  }
}

export const NOTHING_UNFINISHED: UnfinishedWork = { hasUnfinishedDeletions: false, isUnfinishedCopy: false };
