import { DELETIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import type { SQLiteConnection } from "../drivers/driver.js";

const FIND = `SELECT EXISTS (SELECT 1 FROM es_records WHERE space = '${DELETIONS_SPACE}') AS isFound`;

/** Whether a deletion was interrupted. Where that cannot be read now, the next opening looks again. */
export async function findUnfinishedDeletions(connection: SQLiteConnection): Promise<boolean> {
  try {
    const [row] = await connection.all<{ isFound: number }>(FIND);
    return row?.isFound === 1;
  } catch {
    return false;
  }
}
