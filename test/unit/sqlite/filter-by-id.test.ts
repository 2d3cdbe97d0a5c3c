import { describe, expect, test } from "vitest";
import type { SQLiteDriver, SQLiteValue } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import type { EventFilter } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { collect } from "../../conformance/support/collect.js";
import { forwarding } from "../../support/forwarding.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

interface Statement {
  readonly sql: string;
  readonly parameters: readonly SQLiteValue[] | undefined;
}

/** A driver that keeps the statements which read events. */
function recordingDriver(driver: SQLiteDriver, statements: Statement[]): SQLiteDriver {
  return {
    ...driver,
    async open(path, mode) {
      const connection = await driver.open(path, mode);
      const all: typeof connection.all = (sql, parameters) => {
        if (sql.includes("group_concat")) statements.push({ sql, parameters });
        return connection.all(sql, parameters);
      };
      return forwarding(connection, { all });
    },
  };
}

// More than one statement looks through.
const EVENTS = 40_000;

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test.each<[string, EventFilter]>([
    ["=", [{ field: "id", op: "=", value: "key-39999" }]],
    ["in", [{ field: "id", op: "in", value: ["key-39999", "another"] }]],
  ])("an event of a long stream is found by its key through the index, with %s", async (_, filter) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const statements: Statement[] = [];
    await using streams = createStreamFactory(
      await openSQLiteBackend(path, {}, recordingDriver(DRIVERS[driver], statements)),
    );
    const stream = await streams.openStream("a");
    await stream.write(
      Array.from({ length: EVENTS }, (_, index) => ({ type: "T", data: index, idempotencyKey: `key-${index}` })),
    );

    for (const direction of ["forward", "backward"] as const) {
      const found = await collect(stream.read({ filter, direction }));
      expect(found.map(({ version, data }) => [version, data])).toEqual([[EVENTS, EVENTS - 1]]);
    }
    expect(statements).toHaveLength(2);
    const connection = await DRIVERS[driver].open(path, "readonly");
    const [{ sql, parameters }] = statements as [Statement];
    const plan = await connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
    await connection.close();
    expect(plan.map(({ detail }) => detail)).toContainEqual(
      expect.stringMatching(/SEARCH e USING INDEX es_events_by_key \(stream=\? AND id=\?\)/),
    );
  });
});
