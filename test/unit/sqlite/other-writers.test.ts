import { describe, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent, StoredEvent } from "../../../protocols/index.js";
import { collect } from "../../conformance/support/collect.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const PATIENCE = { timeout: 30_000, interval: 5 };

describe.each(DRIVER_NAMES)("a watch over %s", (driver) => {
  test("gets what another connection writes as it was written, JSON and bytes", async () => {
    await using folder = await createTempDir();
    await using watching = await sqliteStreamFactory(folder.file("store.db"), { driver });
    await using writing = await sqliteStreamFactory(folder.file("store.db"), { driver });
    const seen: StoredEvent[] = [];
    (await watching.openStream("a")).watch().subscribe((event) => seen.push(event));
    const stream = await writing.openStream("a");
    const written: CandidateEvent[] = [
      { type: "Written", data: { list: [1, -0] }, metadata: { by: "ä" } },
      { type: "Wri\0tten", data: new Uint8Array([0, 255]), idempotencyKey: 'a "key"\0' },
      { type: "Written", data: "text\0", idempotencyKey: "01234567-89ab-7cde-8f01-23456789abcd" },
    ];
    for (const event of written) {
      const { version } = await stream.write(event);
      await vi.waitFor(() => expect(seen).toHaveLength(version), PATIENCE);
    }
    expect(seen.map(({ data }) => data)).toEqual(written.map(({ data }) => data));
    expect(seen).toEqual(await collect(stream.read()));
  });

  test("fails when the events that it has had are gone from the store", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver });
    const stream = await streams.openStream("a");
    await stream.write([
      { type: "Kept", data: 1 },
      { type: "Lost", data: 2 },
    ]);
    const seen: StoredEvent[] = [];
    const failed = vi.fn();
    stream.watch({ after: 0 }).subscribe({ next: (event) => seen.push(event), error: failed });
    await vi.waitFor(() => expect(seen).toHaveLength(2), PATIENCE);
    const connection = await DRIVERS[driver].open(path, "create");
    await connection.exec("DROP TRIGGER es_events_are_never_deleted; DELETE FROM es_events WHERE position = 2");
    await connection.close();

    await vi.waitFor(() => expect(failed).toHaveBeenCalled(), PATIENCE);
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: "STORAGE_WENT_BACK" }));
  });
});
