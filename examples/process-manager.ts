/**
 * A process manager leads each order through stock, payment and shipping, exactly once. A consumer with `transact` decides
 * each step: what it writes, the stock that it changes and its checkpoint are one transaction. A payment that is declined
 * gives the reserved piece back.
 */
import assert from "node:assert/strict";
import type { StoredEvent, Transaction } from "async-streams";
import { type Consumer, consume } from "async-streams/consumers";
import { memoryStreamFactory } from "async-streams/memory";

type OrderEvent =
  | { type: "OrderPlaced"; data: { product: string; cents: number } }
  | { type: "StockReserved"; data: { product: string; cents: number } }
  | { type: "PaymentReceived"; data: { product: string } }
  | { type: "PaymentDeclined"; data: { product: string } }
  | { type: "OrderShipped"; data: null }
  | { type: "OrderRejected"; data: { reason: string } };

const ORDERS = 30;
const PIECES = 25;
/** Customers do not pay more, and each third order is more expensive. */
const MOST_CENTS = 2_500;

const stockOf = async (tx: Transaction, product: string): Promise<number> =>
  ((await tx.records.get("stock", product))?.value.pieces as number | undefined) ?? 0;

const putStock = async (tx: Transaction, product: string, pieces: number): Promise<void> => {
  await tx.records.put("stock", product, { pieces });
};

/** What follows from one event of an order. */
async function decide({ streamId, type, data }: StoredEvent<OrderEvent>, tx: Transaction): Promise<void> {
  const next = (event: OrderEvent) => tx.write(streamId, event);
  switch (type) {
    case "OrderPlaced": {
      const pieces = await stockOf(tx, data.product);
      if (pieces === 0) {
        await next({ type: "OrderRejected", data: { reason: "out of stock" } });
        return;
      }
      await putStock(tx, data.product, pieces - 1);
      await next({ type: "StockReserved", data });
      return;
    }
    case "PaymentReceived":
      await next({ type: "OrderShipped", data: null });
      return;
    case "PaymentDeclined":
      await putStock(tx, data.product, (await stockOf(tx, data.product)) + 1);
      await next({ type: "OrderRejected", data: { reason: "not paid" } });
      return;
  }
}

await using streams = memoryStreamFactory();
await streams.transaction((tx) => putStock(tx, "lamp", PIECES));

const options = { partitions: 4 };
const manager: Consumer = await consume<OrderEvent>(
  streams,
  {
    name: "orders",
    types: ["OrderPlaced", "PaymentReceived", "PaymentDeclined"],
    startFrom: "beginning",
    transact: decide,
  },
  options,
);

// Another system: it takes the money, and says how it went.
const payments: Consumer = await consume<OrderEvent>(
  streams,
  {
    name: "payments",
    types: ["StockReserved"],
    startFrom: "beginning",
    transact: async ({ streamId, data }, tx) => {
      const { product, cents } = data as { product: string; cents: number };
      const type = cents > MOST_CENTS ? "PaymentDeclined" : "PaymentReceived";
      await tx.write<OrderEvent>(streamId, { type, data: { product } });
    },
  },
  options,
);

for (let number = 1; number <= ORDERS; number += 1) {
  await using order = await streams.openStream<OrderEvent>(`order-${number}`);
  await order.write({ type: "OrderPlaced", data: { product: "lamp", cents: number % 3 === 0 ? 3_000 : 2_000 } });
}

// Each order ends with one of two events, which no step follows.
const outcomes = new Map<string, number>();
await using all = await streams.openStream<OrderEvent>("@all");
let ended = 0;
for await (const { type, data } of all.watch({ after: 0 })) {
  if (type !== "OrderShipped" && type !== "OrderRejected") continue;
  const outcome = type === "OrderShipped" ? "shipped" : data.reason;
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  ended += 1;
  if (ended === ORDERS) break;
}
await Promise.all([manager.stop(), payments.stop()]);

const left = await streams.transaction((tx) => stockOf(tx, "lamp"));
const shipped = outcomes.get("shipped") ?? 0;
assert.equal(shipped + left, PIECES, "a piece appeared or disappeared");
assert.equal(ended, ORDERS);
for (const [outcome, count] of [...outcomes].sort()) console.log(`${outcome}: ${count}`);
console.log(`${shipped} shipped and ${left} left make ${PIECES} pieces`);
