/**
 * A read model with SQL: what each customer has spent. Four writers go on while it is built again, and readers see the old
 * rows or the new ones, and never none.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql, sqliteStreamFactory } from "async-streams";
import { type Projection, runProjections, whenProcessed } from "async-streams/projections";

type OrderEvent =
  | { type: "Ordered"; data: { customer: string; cents: number } }
  | { type: "Refunded"; data: { customer: string; cents: number } };

const WRITERS = 4;
const ORDERS_PER_WRITER = 100;
const REFUND_EVERY = 10;
const CUSTOMERS = ["ann", "bob", "cleo"];

const spending: Projection<OrderEvent> = {
  name: "spending",
  types: ["Ordered", "Refunded"],
  async tables({ sql: db, table }) {
    await db.run(sql`CREATE TABLE ${table("spending")} (customer TEXT PRIMARY KEY, cents INTEGER NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    for (const { type, data } of events) {
      const cents = type === "Ordered" ? data.cents : -data.cents;
      await db.run(sql`
        INSERT INTO ${table("spending")} AS total VALUES (${data.customer}, ${cents})
        ON CONFLICT (customer) DO UPDATE SET cents = total.cents + excluded.cents`);
    }
  },
};

async function main(path: string): Promise<void> {
  await using streams = await sqliteStreamFactory(path);
  await using runner = await runProjections(streams, [spending]);
  const expected = new Map<string, number>();

  const writeOrders = async (writer: number): Promise<number> => {
    await using orders = await streams.openStream<OrderEvent>(`shop-${writer}`);
    let last = 0;
    for (let number = 1; number <= ORDERS_PER_WRITER; number += 1) {
      const customer = CUSTOMERS[(writer + number) % CUSTOMERS.length] as string;
      const cents = 100 * number;
      const type = number % REFUND_EVERY === 0 ? "Refunded" : "Ordered";
      last = (await orders.write({ type, data: { customer, cents } })).position;
      expected.set(customer, (expected.get(customer) ?? 0) + (type === "Ordered" ? cents : -cents));
    }
    return last;
  };

  let isRebuilding = true;
  const readMeanwhile = async (): Promise<number> => {
    let fewest = Number.POSITIVE_INFINITY;
    while (isRebuilding) {
      const rows = await streams.query(sql`SELECT customer FROM spending`);
      fewest = Math.min(fewest, rows.length);
    }
    return fewest;
  };

  await whenProcessed(streams, "spending", await writeOrders(0));
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, index) => writeOrders(index + 1)));
  const reading = readMeanwhile();
  await runner.rebuild("spending").finally(() => {
    isRebuilding = false;
  });
  console.log(`Built again under ${WRITERS} writers; a reader saw ${await reading} rows at least`);

  await whenProcessed(streams, "spending", Math.max(...(await writing)));
  const rows = await streams.query<{ customer: string; cents: number }>(
    sql`SELECT customer, cents FROM spending ORDER BY customer`,
  );
  for (const { customer, cents } of rows) {
    assert.equal(cents, expected.get(customer), `the sum of ${customer} is wrong`);
    console.log(`${customer.padEnd(8)}${String(cents / 100).padStart(8)}`);
  }
  assert.equal(rows.length, CUSTOMERS.length);
}

const folder = await mkdtemp(join(tmpdir(), "read-model-"));
try {
  await main(join(folder, "shop.db"));
} finally {
  await rm(folder, { recursive: true, force: true });
}
