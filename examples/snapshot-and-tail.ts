/**
 * State from a snapshot plus the tail: a long stream opens as fast as a short one. `loadState` of `async-streams/commands` does
 * the same for a `Fold`, and with its `snapshot` policy it saves the snapshots too.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Stream, sqliteStreamFactory } from "async-streams";

const PRODUCTS = ["apples", "pears", "plums"];
const HISTORY_EVENTS = 6_000;
const TAIL_EVENTS = 12;

type StockEvent =
  | { type: "Received"; data: { product: string; pieces: number } }
  | { type: "Shipped"; data: { product: string; pieces: number } };

type Stock = Readonly<Record<string, number>>;

interface Rebuilt {
  readonly stock: Stock;
  /** The version of the last event in the state. */
  readonly version: number;
  readonly eventsRead: number;
}

function evolve(stock: Stock, event: StockEvent): Stock {
  const { product, pieces } = event.data;
  const change = event.type === "Received" ? pieces : -pieces;
  return { ...stock, [product]: (stock[product] ?? 0) + change };
}

function makeEvents(count: number): StockEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const product = PRODUCTS[index % PRODUCTS.length] as string;
    return index % 4 === 3
      ? { type: "Shipped", data: { product, pieces: 2 } }
      : { type: "Received", data: { product, pieces: 3 } };
  });
}

async function foldFrom(stream: Stream<StockEvent>, start: Stock, after: number): Promise<Rebuilt> {
  let stock = start;
  let version = after;
  let eventsRead = 0;
  for await (const event of stream.read({ after })) {
    stock = evolve(stock, event);
    version = event.version;
    eventsRead += 1;
  }
  return { stock, version, eventsRead };
}

/** The pattern to copy: the newest snapshot, if there is one, and what came after it. */
async function rebuild(stream: Stream<StockEvent>): Promise<Rebuilt> {
  const snapshot = await stream.loadSnapshot<Stock>();
  return foldFrom(stream, snapshot?.state ?? {}, snapshot?.version ?? 0);
}

async function main(databasePath: string): Promise<void> {
  await using streams = await sqliteStreamFactory(databasePath);
  await using warehouse = await streams.openStream<StockEvent>("warehouse-1");
  await warehouse.write(makeEvents(HISTORY_EVENTS));

  const { stock, version } = await rebuild(warehouse);
  await warehouse.snapshot(stock, { version });
  await warehouse.write(makeEvents(TAIL_EVENTS));

  const without = await foldFrom(warehouse, {}, 0);
  const withSnapshot = await rebuild(warehouse);
  assert.deepEqual(withSnapshot.stock, without.stock, "both ways must lead to the same state");

  console.log(`Without a snapshot: ${without.eventsRead} events read`);
  console.log(`With a snapshot:    ${withSnapshot.eventsRead} events read`);
  console.log(`The same stock both ways: ${JSON.stringify(withSnapshot.stock)}`);
}

const folder = await mkdtemp(join(tmpdir(), "snapshot-and-tail-"));
try {
  await main(join(folder, "warehouse.db"));
} finally {
  await rm(folder, { recursive: true, force: true });
}
