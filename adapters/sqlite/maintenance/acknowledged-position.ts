import { stat } from "node:fs/promises";
import type { PlacedEvent } from "../../../protocols/index.js";
import { LAST_POSITION, readLastPosition } from "../append/append-statements.js";
import { eventChecksum } from "../checksum.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { codecOf } from "../event-codec.js";
import { inTransaction } from "../transaction/transaction.js";
import type { Writer } from "../transaction/writer.js";
import type { AcknowledgedEvent, AcknowledgedPositionFile } from "./acknowledged-position-file.js";

/** How often a writer records at most. A record for each commit would cost a tenth of the rate of single appends. */
const RECORD_INTERVAL_MS = 10;

/** When the file has grown to this size, one record takes the place of all. */
const COMPACT_BYTES = 64 * 1024;

/**
 * Records, in a small file beside the database, the last position that this factory has acknowledged.
 *
 * SQLite takes a log that was cut, or that has a changed bit in its middle, for one that ends there, and reports
 * nothing. `verify` compares the records with the store. They are written after commits without anybody waiting for
 * them: what was acknowledged in the last milliseconds may be missing, and nothing is recorded before it is committed.
 */
export class AcknowledgedPosition {
  readonly #file: AcknowledgedPositionFile;
  readonly #writer: Writer;
  #latest: PlacedEvent | undefined;
  #isScheduled = false;
  #recording: Promise<void> | undefined;
  #hasRecorded = false;

  constructor(file: AcknowledgedPositionFile, writer: Writer) {
    this.#file = file;
    this.#writer = writer;
  }

  /** Takes note of a commit's last event. */
  acknowledged(last: PlacedEvent): void {
    this.#latest = last;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // A process's first timer takes a third of a millisecond, and the callers of the commit have not been answered yet.
    setImmediate(() => setTimeout(() => this.#record(), RECORD_INTERVAL_MS).unref());
  }

  /** Records what is due, and removes the file when no later check needs it. The writing connection is still open. */
  async close(): Promise<void> {
    this.#record();
    await this.#recording;
    if (!this.#hasRecorded) return;
    // A file that cannot be removed agrees with the store, so it does no harm.
    await this.#writer.use((connection) => removeIfComplete(connection, this.#file)).catch(() => undefined);
  }

  #record(): void {
    this.#isScheduled = false;
    const last = this.#latest;
    this.#latest = undefined;
    if (last !== undefined) this.#recording = this.#recordAfter(this.#recording, last);
  }

  async #recordAfter(earlier: Promise<void> | undefined, last: PlacedEvent): Promise<void> {
    await earlier;
    try {
      this.#writer.assertSound();
      const checksum = eventChecksum(last, codecOf(last.event));
      const bytes = this.#file.append({ position: last.position, checksum });
      this.#hasRecorded = true;
      if (bytes >= COMPACT_BYTES) await this.#writer.use((connection) => compact(connection, this.#file));
    } catch {
      // A store is sound without the record, and the next commit tries again. `verify` reports a file of another kind.
    }
  }
}

/**
 * Replaces all records by one: the last event of the store. Under the write lock there is no later event, so a record that
 * another process adds meanwhile to the replaced file says nothing new.
 */
function compact(connection: SQLiteConnection, file: AcknowledgedPositionFile): Promise<void> {
  return inTransaction(connection, async () => {
    const lost = await findLost(connection, await file.read());
    const [last] = await connection.all<AcknowledgedEvent>(LAST_EVENT);
    // Every later check reports the loss, until somebody accepts it and removes the file.
    await file.replace(lost === null ? [last as AcknowledgedEvent] : [lost, last as AcknowledgedEvent]);
  });
}

// Not the counter of positions, which a removal moves on.
const LAST_EVENT = "SELECT coalesce(max(position), 0) AS position, checksum FROM es_events";

/**
 * Removes the file when the database has all that was ever acknowledged and its log is empty: nothing can be cut. The
 * write lock keeps every other process from adding to the log meanwhile. Those that go on create the file again.
 */
async function removeIfComplete(connection: SQLiteConnection, file: AcknowledgedPositionFile): Promise<void> {
  await connection.all("PRAGMA wal_checkpoint(TRUNCATE)");
  await inTransaction(connection, async () => {
    const { size } = await stat(file.logPath);
    if (size === 0 && (await findLost(connection, await file.read())) === null) await file.remove();
  });
}

/** Removes what a store that is gone has left beside one that was created in its place and has no event yet. */
export async function forgetEarlierStore(writer: Writer, file: AcknowledgedPositionFile): Promise<void> {
  if (!(await file.exists())) return;
  await writer.use((connection) =>
    inTransaction(connection, async () => {
      if ((await readLastPosition(connection)) === 0) await file.remove();
    }),
  );
}

// An event that is not there although its position was given was removed, or is a gap, which is not looked for here.
const LOST = `
  SELECT max(r.value ->> 0) AS position, r.value ->> 1 AS checksum FROM json_each(?1) AS r
  WHERE r.value ->> 0 > coalesce(${LAST_POSITION}, 0) OR (r.value ->> 1 IS NOT NULL AND EXISTS (
    SELECT 1 FROM es_events WHERE position = r.value ->> 0 AND checksum IS NOT r.value ->> 1))`;

/** The last event that was acknowledged and is lost: the store ends before it, or has another event in its place. */
export async function findLost(
  connection: SQLiteConnection,
  acknowledged: readonly AcknowledgedEvent[],
): Promise<AcknowledgedEvent | null> {
  const records = JSON.stringify(acknowledged.map(({ position, checksum }) => [position, checksum]));
  const [row] = await connection.all<AcknowledgedEvent | { position: null }>(LOST, [records]);
  return row === undefined || row.position === null ? null : row;
}
