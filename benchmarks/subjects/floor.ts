import type { Durability, Store, Subject, TransactingStore } from "../subject.js";
import { COUNT_CHANGE, CREATE_ACCOUNTS } from "./accounts-table.js";
import { openFloorDatabase } from "./floor-database.js";
import { type FloorRow, parseRow, rowOf } from "./floor-row.js";
import { FLOOR_SETTINGS, SELECT_BACKWARD, SELECT_FORWARD, SELECT_TYPE } from "./floor-schema.js";

/**
 * What the others are compared with: the loop that one would write by hand, synchronous, with prepared statements.
 * An append is one INSERT that commits by itself, and the unique index is its version check.
 */
export const floor: Subject = {
  name: "floor",
  format: "floor",
  settings: FLOOR_SETTINGS,
  packages: ["better-sqlite3"],
  whyMissing: async () => null,
  open: openFloor,
  openTransacting: openTransactingFloor,
};

async function openFloor(path: string, durability: Durability): Promise<Store> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);
  const forward = database.prepare(SELECT_FORWARD);
  const backward = database.prepare(SELECT_BACKWARD);

  const appendAll = database.transaction(
    (stream: number, events: Parameters<Store["appendBatch"]>[1], version: number) => {
      let next = version;
      for (const event of events) {
        next += 1;
        insert.run(rowOf(stream, next, event));
      }
    },
  );

  return {
    append(streamId, event, version) {
      insert.run(rowOf(streamNumber(streamId), version + 1, event));
    },
    appendBatch(streamId, events, version) {
      appendAll(streamNumber(streamId), events, version);
    },
    readAll(streamId) {
      let count = 0;
      for (const row of forward.iterate(streamNumber(streamId), 0, -1)) {
        parseRow(row as FloorRow, streamId);
        count += 1;
      }
      return count;
    },
    readLast(streamId, limit) {
      const rows = backward.all(streamNumber(streamId), limit) as FloorRow[];
      return rows.map((row) => parseRow(row, streamId)).length;
    },
    readType(type) {
      const rows = database.prepare(SELECT_TYPE).all(type) as (FloorRow & { readonly name: string })[];
      return rows.map((row) => parseRow(row, row.name)).length;
    },
    close() {
      database.close();
    },
  };
}

async function openTransactingFloor(path: string, durability: Durability): Promise<TransactingStore> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);
  database.exec(CREATE_ACCOUNTS);
  const backward = database.prepare(SELECT_BACKWARD);
  const countChange = database.prepare(COUNT_CHANGE);
  const transact = database.transaction((account: string, event: Parameters<Store["append"]>[1]) => {
    const stream = streamNumber(account);
    const last = backward.get(stream, 1) as FloorRow | undefined;
    if (last !== undefined) parseRow(last, account);
    insert.run(rowOf(stream, (last?.version ?? 0) + 1, event));
    countChange.run(account);
  });
  return { transact: (account, event) => transact.immediate(account, event), close: () => void database.close() };
}
