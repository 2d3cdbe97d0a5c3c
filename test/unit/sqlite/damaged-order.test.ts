import { expect, test } from "vitest";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { sqlite3Driver } from "../../../adapters/sqlite/drivers/sqlite3-driver.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { forwarding } from "../../support/forwarding.js";

/**
 * A driver that answers statements of one kind, from a certain one on, with the same again, as a damaged table may. From the
 * first one on, that is no row.
 */
function repeatingDriver(kind: string, repeated: number): SQLiteDriver {
  return {
    ...sqlite3Driver,
    async open(path, mode) {
      const connection = await sqlite3Driver.open(path, mode);
      let calls = 0;
      let answer: unknown[] = [];
      return forwarding(connection, {
        async all<Row>(sql: string, parameters?: Parameters<typeof connection.all>[1]): Promise<Row[]> {
          if (!sql.includes(kind)) return connection.all<Row>(sql, parameters);
          calls += 1;
          if (calls <= repeated) answer = await connection.all(sql, parameters);
          return answer as Row[];
        },
      });
    },
  };
}

async function openFilled(kind: string, repeated: number) {
  const backend = await openSQLiteBackend(":memory:", {}, repeatingDriver(kind, repeated));
  const streams = createStreamFactory(backend);
  const stream = await streams.openStream("a");
  await stream.write(Array.from({ length: 5_000 }, (_, data) => ({ type: "Counted", data })));
  await stream.snapshot({ count: 5_000 });
  return { streams, stream, maintenance: backend.maintenance };
}

test("snapshots whose rows lead in a circle are a problem, and the check comes to its end", async () => {
  const { streams, maintenance } = await openFilled("min(rowid)", 1);
  const { ok, problems } = await maintenance.verify();
  expect(ok).toBe(false);
  expect(problems).toEqual([{ kind: "unreadable", detail: expect.stringMatching(/snapshots are not in order/) }]);
  await streams[Symbol.asyncDispose]();
});

test("events whose pages lead in a circle are checked one by one, each once", async () => {
  const { streams, maintenance } = await openFilled("bytesBefore", 1);
  expect(await maintenance.verify()).toEqual({ ok: true, checkedEvents: 5_000, applicationTables: 0, problems: [] });
  await streams[Symbol.asyncDispose]();
});

test("a large event whose content is not where its row is ends a read, and is not taken for its size", async () => {
  const backend = await openSQLiteBackend(":memory:", {}, repeatingDriver("WHERE position IN", 0));
  const streams = createStreamFactory(backend);
  const stream = await streams.openStream("a");
  await stream.write([
    { type: "Small", data: 1 },
    { type: "Large", data: "x".repeat(100_000) },
  ]);
  const read: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const { data } of stream.read()) read.push(data);
  };
  await expect(reading()).rejects.toMatchObject({ code: "STORAGE_CORRUPT", streamId: "a", version: 2, position: 2 });
  expect(read).toEqual([1]);
  await streams[Symbol.asyncDispose]();
});

test.each(["forward", "backward"] as const)(
  "events that lead in a circle end a read that goes %s",
  async (direction) => {
    // Pages grow up to the third.
    const { streams, stream } = await openFilled("group_concat", 3);
    const reading = async (): Promise<number> => {
      let events = 0;
      for await (const _ of stream.read({ direction })) events += 1;
      return events;
    };
    await expect(reading()).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/not in order/),
    });
    await streams[Symbol.asyncDispose]();
  },
);
