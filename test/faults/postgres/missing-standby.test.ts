import { expect, test, vi } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, PostgresServer } from "../../support/postgres-server.js";

vi.setConfig({ testTimeout: 120_000 });

const SETTINGS = [
  ["synchronous_commit", "off"],
  ["synchronous_commit", "local"],
  ["client_min_messages", "error"],
] as const;

const CANCEL = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;

if (NO_POSTGRES === null) {
  test("a transaction is acknowledged once its standby has it, whatever its statements set", async () => {
    await using server = await PostgresServer.start();
    await using streams = await postgresStreamFactory(server.url(), { connectTimeoutMs: 1_000, commandTimeoutMs: 500 });
    await server.query("ALTER SYSTEM SET synchronous_standby_names TO 'away'");
    await server.query("SELECT pg_reload_conf()");
    await expect
      .poll(async () => (await server.query("SHOW synchronous_standby_names")).rows)
      .toMatchObject([{ synchronous_standby_names: "away" }]);

    for (const [setting, value] of SETTINGS) {
      let isSettled = false;
      const committing = failureOf(
        streams.transaction(async (tx) => {
          await tx.sql.run(sql`SELECT set_config(${setting}, ${value}, true)`);
          await tx.write("a", { type: "Written", data: value });
        }),
      ).finally(() => {
        isSettled = true;
      });
      const cancel = async () => {
        await server.query(CANCEL);
        return isSettled;
      };
      // Looking for what became of it ends with a commit, too.
      await expect.poll(cancel, { timeout: 20_000 }).toBe(true);
      expect(await committing).toMatchObject({ code: "STORAGE_OUTCOME_UNKNOWN" });
    }
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
