import { randomUUID } from "node:crypto";
import { sql } from "async-streams";
import { checkObject } from "./check-object.js";
import type { Fact, NewFact } from "./model.js";
import { checkJson, type Row, toData, toRecord } from "./rows.js";
import type { Session } from "./session.js";
import { equals, select, upsert } from "./statements.js";
import { NotFoundError } from "./store-error.js";
import { FACTS } from "./tables.js";

/** What identifies a fact, besides its id. */
export const FACT_KEY = ["targetId", "namespace", "key"];

/**
 * Creates or changes a fact. It has no event: a fact that is lost is discovered again.
 *
 * @throws TypeError when `value` is no JSON, RangeError when `ttl` is no whole number of seconds, or below 0
 */
export function upsertFact(session: Session, given: NewFact): Promise<Fact> {
  return session.change("upsert fact", async (_, tables) => {
    checkObject("fact", given);
    checkJson("value", given.value);
    const now = session.now();
    const ttl = given.ttl ?? 0;
    if (!Number.isInteger(ttl) || ttl < 0) {
      throw new RangeError(`ttl must be 0 or more, a whole number of seconds, got ${ttl}`);
    }
    const expiresAt = given.expiresAt ?? (ttl > 0 ? new Date(now.getTime() + ttl * 1_000) : undefined);
    const fact: Fact = {
      ...given,
      id: given.id ?? randomUUID(),
      ttl,
      ...(expiresAt !== undefined && { expiresAt }),
      createdAt: given.createdAt ?? now,
      updatedAt: given.updatedAt ?? now,
    };
    const statement = sql`${upsert(FACTS, toData(FACTS, fact), FACT_KEY, ["id", "createdAt"])} RETURNING *`;
    const [row] = await tables.all<Row>(statement);
    return toRecord<Fact>(FACTS, row as Row);
  });
}

/** One that has expired is not there, also before it is deleted. */
export function getFact(session: Session, targetId: string, namespace: string, key: string): Promise<Fact> {
  return session.read("get fact", async (all) => {
    const isLive = sql`(expires_at IS NULL OR expires_at > ${session.now().toISOString()})`;
    const where = [equals("target_id", targetId), equals("namespace", namespace), equals("key", key), isLive];
    const [row] = await all(select(FACTS, { where }));
    if (row === undefined) throw new NotFoundError(`fact "${key}" in "${namespace}" of "${targetId}"`);
    return toRecord<Fact>(FACTS, row);
  });
}

/** @returns how many there were */
export function deleteExpiredFacts(session: Session): Promise<number> {
  return session.change("delete expired facts", async (_, tables) => {
    const expired = sql`DELETE FROM facts WHERE expires_at <= ${session.now().toISOString()}`;
    return (await tables.run(expired)).changes;
  });
}
