import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import type { StoreNames } from "../../open/schema.js";
import { goneFrom, lastGiven } from "../../read/stream-figures.js";
import type { CheckSession } from "../check-session.js";

interface Head {
  /** The last position that an event has. */
  readonly stored: number;
  /** The last position that was given or skipped. */
  readonly given: number | null;
  /** How many events there are; null as long as nothing was removed, when a gap of positions says what is missing. */
  readonly events: number | null;
  /** How many positions have no event any more, or were skipped. */
  readonly gone: number | null;
}

// One statement, and so one state of the store.
function headSQL(names: StoreNames): string {
  const { prefix } = names;
  return `
    SELECT coalesce((SELECT max(position) FROM ${prefix}es_events), 0) AS stored, ${lastGiven(names)} AS given,
           CASE WHEN (SELECT value FROM ${prefix}es_counters WHERE name = 'removal') > 0
                THEN (SELECT count(*) FROM ${prefix}es_events) END AS events,
           ${goneFrom(names)} AS gone`;
}

/**
 * The last position that an event has. Every position that was given must have an event, or belong to one that was removed, or
 * be one that a removal skipped.
 */
export function verifyHead(session: CheckSession, names: StoreNames, problems: ProblemList): Promise<number> {
  return problems.reading("read where the store ends", 0, async () => {
    const head = await session.step(async (connection) => {
      const { rows } = await connection.query<Head>({ text: headSQL(names) });
      return rows[0] as Head;
    });
    const detail = problemOf(head);
    if (detail !== null) problems.add({ kind: "head", position: head.stored, detail });
    return head.stored;
  });
}

function problemOf({ given, events, gone }: Head): string | null {
  if (given === null || gone === null) return "a counter of the store is missing";
  if (events === null || events + gone === given) return null;
  return `${given} positions were given: ${events} have an event, and ${gone} were removed or skipped`;
}
