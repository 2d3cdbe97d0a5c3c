import { sql } from "async-streams";
import type { Projection } from "async-streams/projections";
import type { OrderEvent } from "./order.js";

/** The table of orders, for lists. It can be deleted and built again. */
export const orderTable: Projection<OrderEvent> = {
  name: "orders",
  types: ["Placed", "Paid", "Shipped"],
  async tables({ sql: db, table }) {
    await db.run(sql`
      CREATE TABLE ${table("orders")} (id TEXT PRIMARY KEY, customer TEXT NOT NULL, cents BIGINT NOT NULL, status TEXT NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    for (const { streamId, type, data } of events) {
      if (type === "Placed") {
        const { customer, cents } = data;
        await db.run(sql`INSERT INTO ${table("orders")} VALUES (${streamId}, ${customer}, ${cents}, 'placed')`);
      } else {
        const status = type === "Paid" ? "paid" : "shipped";
        await db.run(sql`UPDATE ${table("orders")} SET status = ${status} WHERE id = ${streamId}`);
      }
    }
  },
};
