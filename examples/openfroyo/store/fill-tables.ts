import { sql } from "async-streams";
import { type HistoryEvent, replay } from "./history.js";
import type { Row } from "./rows.js";
import type { Streams } from "./store-backend.js";

/** So many events are projected in a transaction. Every writer waits for it. */
const PAGE_EVENTS = 200;
const PAGE_TIMEOUT_MS = 60_000;

/**
 * Fills tables that were just made with what the events say: after `down` and `up`, and after a restore of events alone. It
 * goes on where a killed process stopped. Nothing else may write meanwhile.
 */
export async function fillTables(streams: Streams): Promise<void> {
  const [filling] = await streams.query<Row>(sql`SELECT position, is_complete FROM filling`);
  if (filling === undefined || filling.is_complete === 1) return;
  await using all = await streams.openStream<HistoryEvent>("@all");
  let after = Number(filling.position);
  while (after < all.version) after = await fillPage(streams, after);
  await streams.transaction((tx) => tx.sql.run(sql`UPDATE filling SET is_complete = 1`));
}

/** @returns the position of the last event in the tables */
function fillPage(streams: Streams, after: number): Promise<number> {
  const work = streams.transaction(
    async (tx) => {
      let position = after;
      for await (const event of tx.read<HistoryEvent>("@all", { after, limit: PAGE_EVENTS })) {
        await replay(tx.sql, event);
        position = event.position;
      }
      await tx.sql.run(sql`UPDATE filling SET position = ${position}`);
      return position === after ? tx.position : position;
    },
    { timeoutMs: PAGE_TIMEOUT_MS },
  );
  return work;
}
