import { sql } from "async-streams";
import { type HistoryEvent, replay } from "./history.js";
import type { Row } from "./rows.js";
import type { Streams } from "./store-backend.js";

/** So many events are projected in a transaction. Every writer waits for it. */
const PAGE_EVENTS = 200;
const PAGE_TIMEOUT_MS = 60_000;

/**
 * Fills tables that were just made with what the events say: after `down` and `up`, and after a restore of events alone. It
 * goes on where a killed process stopped, and beside another one that fills them too. Nothing else may write meanwhile.
 */
export async function fillTables(streams: Streams): Promise<void> {
  while (!(await fillPage(streams))) {}
}

/** Reads how far the tables are in the transaction that fills the next page. @returns whether they are complete */
function fillPage(streams: Streams): Promise<boolean> {
  return streams.transaction(
    async (tx) => {
      const [filling] = await tx.sql.all<Row>(sql`SELECT position, is_complete FROM filling`);
      if (filling === undefined || Number(filling.is_complete) === 1) return true;
      let position = Number(filling.position);
      let events = 0;
      for await (const event of tx.read<HistoryEvent>("@all", { after: position, limit: PAGE_EVENTS })) {
        await replay(tx.sql, event);
        position = event.position;
        events += 1;
      }
      const isComplete = events < PAGE_EVENTS;
      await tx.sql.run(sql`UPDATE filling SET position = ${position}, is_complete = ${isComplete ? 1 : 0}`);
      return isComplete;
    },
    { timeoutMs: PAGE_TIMEOUT_MS },
  );
}
