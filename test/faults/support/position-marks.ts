import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { retryWhileBusy } from "../../../adapters/sqlite/retry-busy.js";
import { DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";

const BUSY_TIMEOUT_MS = 30_000;

/**
 * An application that writes to a table of its own while others append: each row has the last position of the store at
 * the moment of its commit.
 */
export class PositionMarks implements AsyncDisposable {
  readonly #connection: SQLiteConnection;
  readonly #marking: Promise<void>;
  #isOver = false;

  private constructor(connection: SQLiteConnection) {
    this.#connection = connection;
    this.#marking = this.#mark();
    // It is awaited at the end.
    this.#marking.catch(() => undefined);
  }

  static async start(path: string, driver: DriverName): Promise<PositionMarks> {
    const connection = await DRIVERS[driver].open(path, "existing");
    const create = "CREATE TABLE marks (id INTEGER PRIMARY KEY AUTOINCREMENT, position INTEGER NOT NULL)";
    await retryWhileBusy(BUSY_TIMEOUT_MS, () => connection.exec(create));
    return new PositionMarks(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    try {
      await this.#marking;
    } finally {
      await this.#connection.close();
    }
  }

  async #mark(): Promise<void> {
    const sql = "INSERT INTO marks (position) SELECT seq FROM sqlite_sequence WHERE name = 'es_events'";
    while (!this.#isOver) {
      await retryWhileBusy(BUSY_TIMEOUT_MS, () => this.#connection.run(sql));
      await delay(1);
    }
  }
}

/** A copy that ends at a position has the rows that were committed by then, and none that was committed later. */
export async function expectMarksAsOf(position: number, source: string, copy: string, driver: DriverName) {
  const copied = await readMarks(copy, driver);
  const all = await readMarks(source, driver);
  expect(copied).toEqual(all.slice(0, copied.length));
  expect(copied.at(-1) ?? 0).toBeLessThanOrEqual(position);
  expect(all[copied.length] ?? position).toBeGreaterThanOrEqual(position);
  return copied.length;
}

async function readMarks(path: string, driver: DriverName): Promise<readonly number[]> {
  const connection = await DRIVERS[driver].open(path, "existing");
  try {
    const rows = await connection.all<{ position: number }>("SELECT position FROM marks ORDER BY id");
    return rows.map(({ position }) => position);
  } finally {
    await connection.close();
  }
}
