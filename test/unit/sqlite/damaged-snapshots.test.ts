import { expect, test } from "vitest";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { sqlite3Driver } from "../../../adapters/sqlite/drivers/sqlite3-driver.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { forwarding } from "../../support/forwarding.js";

/** A driver that finds another value where the state of a snapshot should be, as on a damaged page. */
function damagingDriver(state: unknown): SQLiteDriver {
  return {
    ...sqlite3Driver,
    async open(path, mode) {
      const connection = await sqlite3Driver.open(path, mode);
      return forwarding(connection, {
        async all<Row>(sql: string, parameters?: Parameters<typeof connection.all>[1]): Promise<Row[]> {
          const rows = await connection.all<Row>(sql, parameters);
          return sql.includes("codec, state, checksum") ? rows.map((row) => ({ ...row, state })) : rows;
        },
      });
    },
  };
}

test.each([[6.1e204], [12], ["text"], [null]])("a snapshot whose state is %j is reported as damaged", async (state) => {
  const backend = await openSQLiteBackend(":memory:", {}, damagingDriver(state));
  await using streams = createStreamFactory(backend);
  const stream = await streams.openStream("a");
  await stream.write({ type: "Counted", data: 1 });
  await stream.snapshot({ count: 1 });

  await expect(stream.loadSnapshot()).rejects.toMatchObject({
    code: "STORAGE_CORRUPT",
    message: expect.stringMatching(/^Cannot load the snapshot "\w+" of stream "\w+" at \d+ in \S+: it is damaged/),
  });
  const { problems } = await backend.maintenance.verify();
  expect(problems).toEqual([expect.objectContaining({ kind: "snapshot", streamId: "a", version: 1 })]);
});
