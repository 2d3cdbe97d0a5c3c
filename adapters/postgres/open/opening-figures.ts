import { DELETIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { COPY_SPACE } from "../../../src/copy/copy-note.js";
import type { PostgresConnection } from "../client/client.js";
import { lastGiven } from "../read/stream-figures.js";
import { bytesLiteral } from "../sql-text.js";
import type { StoreNames } from "./schema.js";

/** What a store is opened with. */
export interface OpeningFigures {
  /** The last position that was given or skipped. */
  readonly position: number;
  /** Whether a deletion was interrupted. */
  readonly hasUnfinishedDeletions: boolean;
  /** Whether the store is a copy that is not complete. */
  readonly isUnfinishedCopy: boolean;
}

export async function readOpeningFigures(connection: PostgresConnection, names: StoreNames): Promise<OpeningFigures> {
  const { rows } = await connection.query<{ position: number; deletions: string; copies: string }>({
    text: `
      SELECT ${lastGiven(names)} AS position, EXISTS (${recordsIn(names, DELETIONS_SPACE)}) AS deletions,
             EXISTS (${recordsIn(names, COPY_SPACE)} AND value::json ->> 'isComplete' = 'false') AS copies`,
  });
  const [row] = rows;
  return {
    position: row?.position ?? 0,
    hasUnfinishedDeletions: row?.deletions === "t",
    isUnfinishedCopy: row?.copies === "t",
  };
}

function recordsIn({ prefix }: StoreNames, space: string): string {
  return `SELECT FROM ${prefix}es_records WHERE space_hash = sha256(${bytesLiteral(space)})`;
}
