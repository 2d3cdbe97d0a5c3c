/**
 * A live read model: RxJS operators over a watch on every stream. Three shops write at once, the dashboard keeps
 * totals, and it ends by itself when all orders are in.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ALL_STREAM, type EventFilter, type StoredEvent, type StreamFactory, sqliteStreamFactory } from "async-streams";
import { bufferTime, filter, lastValueFrom, scan, takeWhile, tap } from "rxjs";

const SHOPS = ["shop-berlin", "shop-lisbon", "shop-oslo"];
const ROUNDS_PER_SHOP = 40;
const FRAME_MS = 100;

type ShopEvent =
  | { type: "PageViewed"; data: { path: string } }
  | { type: "OrderPlaced"; data: { amount: number } }
  | { type: "OrderCancelled"; data: { amount: number } };

interface Totals {
  readonly eventCount: number;
  readonly shops: Readonly<
    Record<string, { readonly placed: number; readonly cancelled: number; readonly revenue: number }>
  >;
}

const NO_TOTALS: Totals = {
  eventCount: 0,
  shops: Object.fromEntries(SHOPS.map((shop) => [shop, { placed: 0, cancelled: 0, revenue: 0 }])),
};

/** Each round a visitor looks at a page and places an order, and every fourth order is cancelled. */
async function runShop(streams: StreamFactory, shop: string): Promise<void> {
  const cheapest = 10 * (SHOPS.indexOf(shop) + 1);
  await using stream = await streams.openStream<ShopEvent>(shop);
  for (let round = 1; round <= ROUNDS_PER_SHOP; round += 1) {
    const amount = cheapest + round;
    await stream.write({ type: "PageViewed", data: { path: `/products/${round}` } });
    await stream.write({ type: "OrderPlaced", data: { amount } });
    if (round % 4 === 0) await stream.write({ type: "OrderCancelled", data: { amount } });
    await sleep(Math.random() * 20);
  }
}

function addEvent(totals: Totals, event: StoredEvent<ShopEvent>): Totals {
  const shop = totals.shops[event.streamId] ?? { placed: 0, cancelled: 0, revenue: 0 };
  const eventCount = totals.eventCount + 1;
  switch (event.type) {
    case "OrderPlaced": {
      const changed = { ...shop, placed: shop.placed + 1, revenue: shop.revenue + event.data.amount };
      return { eventCount, shops: { ...totals.shops, [event.streamId]: changed } };
    }
    case "OrderCancelled": {
      const changed = { ...shop, cancelled: shop.cancelled + 1, revenue: shop.revenue - event.data.amount };
      return { eventCount, shops: { ...totals.shops, [event.streamId]: changed } };
    }
    case "PageViewed":
      return totals;
  }
}

function toTable({ shops }: Totals): string {
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, column) => (column === 0 ? `${cell}`.padEnd(14) : `${cell}`.padStart(11))).join("");
  const rows = Object.entries(shops).map(([shop, { placed, cancelled, revenue }]) =>
    row([shop, placed, cancelled, revenue]),
  );
  return [row(["shop", "placed", "cancelled", "revenue"]), ...rows].join("\n");
}

/** Redraws in place on a terminal; a pipe gets only the last frame. */
function drawFrame(totals: Totals): void {
  if (!process.stdout.isTTY) return;
  const table = toTable(totals);
  process.stdout.write(`${table}\u001b[${table.split("\n").length - 1}A\r`);
}

// The store filters on what it can, so that page views never reach the dashboard.
const ORDERS: EventFilter = [
  { field: "streamId", op: "prefix", value: "shop-" },
  { field: "type", op: "in", value: ["OrderPlaced", "OrderCancelled"] },
];
const EXPECTED_ORDER_EVENTS = SHOPS.length * (ROUNDS_PER_SHOP + ROUNDS_PER_SHOP / 4);

async function main(databasePath: string): Promise<void> {
  await using streams = await sqliteStreamFactory(databasePath);
  await using everything = await streams.openStream<ShopEvent>(ALL_STREAM);

  const dashboard = lastValueFrom(
    everything.watch({ filter: ORDERS }).pipe(
      bufferTime(FRAME_MS),
      filter((events) => events.length > 0),
      scan((totals, events) => events.reduce(addEvent, totals), NO_TOTALS),
      tap(drawFrame),
      takeWhile((totals) => totals.eventCount < EXPECTED_ORDER_EVENTS, true),
    ),
  );

  await Promise.all(SHOPS.map((shop) => runShop(streams, shop)));
  const totals = await dashboard;
  console.log(toTable(totals));
  console.log(`${totals.eventCount} order events seen live`);
}

const folder = await mkdtemp(join(tmpdir(), "live-dashboard-"));
try {
  await main(join(folder, "shops.db"));
} finally {
  await rm(folder, { recursive: true, force: true });
}
