import { sql, type TransactionalStreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";

export async function makeAccounts(streams: TransactionalStreamFactory): Promise<void> {
  await streams.transaction((tx) =>
    tx.sql.run(sql`CREATE TABLE accounts (id TEXT PRIMARY KEY, changes INTEGER NOT NULL)`),
  );
}

/** A transaction of a read, an append and an upsert. */
async function transact(streams: TransactionalStreamFactory, account: string, number: number): Promise<void> {
  await streams.transaction(async (tx) => {
    for await (const _ of tx.read(account, { direction: "backward", limit: 1 }));
    await tx.write(account, makeEvent(number));
    await tx.sql.run(sql`
      INSERT INTO accounts VALUES (${account}, 1) ON CONFLICT (id) DO UPDATE SET changes = changes + 1`);
  });
}

/** Transactions of each caller one after the other, for no longer than a limit. @returns how many a second */
export async function transactSideBySide(
  streams: TransactionalStreamFactory,
  { callers, each, limitMs }: { readonly callers: number; readonly each: number; readonly limitMs: number },
): Promise<number> {
  const beganMs = performance.now();
  let count = 0;
  const call = async (_: unknown, caller: number): Promise<void> => {
    for (let number = 0; number < each && performance.now() - beganMs < limitMs; number += 1) {
      await transact(streams, `account-${caller}`, number);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return (count / (performance.now() - beganMs)) * 1_000;
}
