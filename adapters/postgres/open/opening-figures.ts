import { DELETIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
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
}

export async function readOpeningFigures(connection: PostgresConnection, names: StoreNames): Promise<OpeningFigures> {
  const { rows } = await connection.query<{ position: number; isFound: string }>({
    text: `
      SELECT ${lastGiven(names)} AS position, EXISTS (
        SELECT FROM ${names.prefix}es_records WHERE space_hash = sha256(${bytesLiteral(DELETIONS_SPACE)})
      ) AS "isFound"`,
  });
  const [row] = rows;
  return { position: row?.position ?? 0, hasUnfinishedDeletions: row?.isFound === "t" };
}
