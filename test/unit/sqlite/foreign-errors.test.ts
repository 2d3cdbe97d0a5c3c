import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type {
  AdministrableStreamFactory,
  MaintainableStreamFactory,
  TransactionalStreamFactory,
} from "../../../index.js";
import { copyStore } from "../../../src/copy/index.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { revoked } from "../../support/revoked.js";
import { createTempDir } from "../../support/temp-dir.js";

type Store = AdministrableStreamFactory & MaintainableStreamFactory & TransactionalStreamFactory;

const ENDLESS = sql`WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`;
const TURNS = 10;

/** Ends what it is given once that is under way, by an error of the caller's. */
interface Ending {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  readonly folder: { file(name: string): string };
}

const CALLS: [string, (streams: Store, ending: Ending) => Promise<unknown>][] = [
  [
    "a query",
    async (streams, { signal, abort }) => {
      const queries = [streams.query(ENDLESS, { signal }), streams.query(ENDLESS, { signal })];
      const ended = Promise.allSettled(queries);
      for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
      abort();
      await ended;
      return queries[1];
    },
  ],
  [
    "a deletion",
    (streams, { signal, abort }) => {
      const deleting = streams.deleteStream("b", { signal });
      abort();
      return deleting;
    },
  ],
  ["a check", (streams, { signal, abort }) => streams.verify({ signal, onProgress: abort })],
  [
    "a backup",
    (streams, { signal, abort, folder }) => streams.backup(folder.file("copy.db"), { signal, onProgress: abort }),
  ],
  [
    "a copy",
    async (streams, { signal, abort }) => {
      await using to = memoryStreamFactory();
      return await copyStore(streams, to, { signal, onProgress: abort });
    },
  ],
];

const coded = (code: string) => Object.assign(new Error("on purpose"), { code });

const REASONS: [string, object][] = [
  ["with the code of a failing disk", coded("SQLITE_IOERR")],
  ["with the code of damage", coded("SQLITE_CORRUPT")],
  ["with the code of a lock", coded("SQLITE_BUSY")],
  ["that cannot be looked at", revoked()],
];

describe.each(["in memory", "in a file"])("the error of another database, with a store %s,", (place) => {
  describe.each(REASONS)("%s,", (_kind, reason) => {
    test.each(CALLS)("ends %s that is aborted with it, and nothing else", async (_, call) => {
      await using folder = await createTempDir();
      // Who takes the reason for a lock that is held waits for longer than the test.
      const options = { driver: "sqlite3", busyTimeoutMs: 600_000 } as const;
      await using streams = await sqliteStreamFactory(
        place === "in memory" ? ":memory:" : folder.file("store.db"),
        options,
      );
      const stream = await streams.openStream("a");
      await stream.write(Array.from({ length: 10_000 }, (__, data) => ({ type: "Numbered", data })));
      const before = { signal: AbortSignal.abort(reason), abort: () => undefined, folder };
      await expect(call(streams, before)).rejects.toBe(reason);
      const controller = new AbortController();
      const ending = { signal: controller.signal, abort: () => controller.abort(reason), folder };
      await expect(call(streams, ending)).rejects.toBe(reason);
      expect(await stream.write({ type: "Numbered", data: 0 })).toMatchObject({ version: 10_001 });
    });
  });
});
