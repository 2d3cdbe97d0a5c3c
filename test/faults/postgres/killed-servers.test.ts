import { describe, expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM, isStreamError } from "../../../protocols/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, type PostgresServer } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const WRITES = 60;
const FAULT_AT = 20;

async function listed(server: PostgresServer, pid: number): Promise<readonly unknown[]> {
  return (await server.query("SELECT FROM pg_stat_activity WHERE pid = $1", [pid])).rows;
}

/** What ends every session of the server at once. */
const FAULTS: readonly (readonly [string, (server: PostgresServer) => Promise<void>])[] = [
  [
    "the server is killed and started again",
    async (server) => {
      await server.kill();
      await server.restart();
    },
  ],
  [
    "a backend is killed, and the server recovers",
    async (server) => {
      const { rows } = await server.query(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'async-streams' ORDER BY backend_start LIMIT 1",
      );
      const { pid } = rows[0] as { pid: number };
      process.kill(pid, "SIGKILL");
      // The other sessions end when the server notices, and it lists the backend until it has recovered.
      await expect.poll(() => listed(server, pid).catch(() => "recovering"), { timeout: 20_000 }).toEqual([]);
    },
  ],
];

if (NO_POSTGRES === null) {
  const server = sharedServer();

  describe.each(FAULTS)("when %s", (_, fault) => {
    test("everything acknowledged is there, without gaps, and watches go on", async () => {
      const started = await server();
      await using streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), connectTimeoutMs: 20_000 });
      await using stream = await streams.openStream("a");
      const watched: number[] = [];
      let failure: unknown;
      const watching = stream.watch({ after: 0 }).subscribe({
        next: ({ version }) => watched.push(version),
        error: (error: unknown) => {
          failure = error;
        },
      });
      const acknowledged: number[] = [];
      let isFaulty: Promise<void> | undefined;
      for (const number of wholeNumbers(1, WRITES)) {
        if (number === FAULT_AT) isFaulty = fault(started);
        try {
          await stream.write({ type: "Written", data: number });
          acknowledged.push(number);
        } catch (error) {
          if (!isStreamError(error, "STORAGE_UNAVAILABLE")) throw error;
        }
      }
      await isFaulty;
      await stream.write({ type: "Written", data: WRITES + 1 });

      const events = await eventsOf(await streams.openStream(ALL_STREAM));
      expect(events.map(({ data }) => data)).toEqual([...acknowledged, WRITES + 1]);
      expect(events.map(({ version }) => version)).toEqual(wholeNumbers(1, events.length));
      await expect.poll(() => failure ?? watched, { timeout: 20_000 }).toEqual(wholeNumbers(1, events.length));
      watching.unsubscribe();
    });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
