/** Tables beside the events, queried with Kysely: in the same transaction, and outside of it. */
import { type SQLiteOptions, sqliteStreamFactory } from "async-streams";
import { migrate } from "async-streams/migrations";
import { kyselyOver } from "./kysely-over.js";

interface Database {
  stock: { product: string; pieces: number };
}

type StockEvent = { type: "Received"; data: { product: string; pieces: number } };

const driver = (process.argv[2] ?? "sqlite3") as NonNullable<SQLiteOptions["driver"]>;
await using streams = await sqliteStreamFactory(":memory:", { driver });
await migrate(streams, [
  { id: "0001_stock", up: "CREATE TABLE stock (product TEXT PRIMARY KEY, pieces INTEGER NOT NULL) STRICT" },
]);

async function receive(product: string, pieces: number): Promise<number> {
  return streams.transaction(async (tx) => {
    await tx.write<StockEvent>("warehouse-1", { type: "Received", data: { product, pieces } });
    const db = kyselyOver<Database>(tx.sql);
    const { numUpdatedRows } = await db
      .updateTable("stock")
      .set((row) => ({ pieces: row("pieces", "+", pieces) }))
      .where("product", "=", product)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows > 0n) console.log(`${product}: one more delivery`);
    else await db.insertInto("stock").values({ product, pieces }).execute();
    const stock = await db
      .selectFrom("stock")
      .select("pieces")
      .where("product", "=", product)
      .executeTakeFirstOrThrow();
    return stock.pieces;
  });
}

await receive("apples", 3);
await receive("pears", 5);
console.log(`apples: ${await receive("apples", 4)} pieces`);

const reader = kyselyOver<Database>({ all: (statement) => streams.query(statement) });
const stock = await reader.selectFrom("stock").selectAll().orderBy("product").execute();
console.log(`${JSON.stringify(stock)}`);

const failure = await reader
  .deleteFrom("stock")
  .execute()
  .catch((error: Error) => error);
console.log(`Outside a transaction nothing is deleted: ${failure instanceof Error}`);
