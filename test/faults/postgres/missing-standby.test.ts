import { expect, test, vi } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { AnswerProxy } from "../support/answer-proxy.js";

vi.setConfig({ testTimeout: 120_000 });

const SETTINGS = [
  ["synchronous_commit", "off"],
  ["synchronous_commit", "local"],
  ["client_min_messages", "error"],
] as const;

const CANCEL = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;

async function requireStandby(server: PostgresServer): Promise<void> {
  await server.query("ALTER SYSTEM SET synchronous_standby_names TO 'away'");
  await server.query("SELECT pg_reload_conf()");
  await expect
    .poll(async () => (await server.query("SHOW synchronous_standby_names")).rows)
    .toMatchObject([{ synchronous_standby_names: "away" }]);
}

if (NO_POSTGRES === null) {
  test("a write is not acknowledged without its standby either where the server warns in another language", async () => {
    await using server = await PostgresServer.start();
    await using proxy = await AnswerProxy.start(server.port, (answer) =>
      Buffer.from(answer.toString("latin1").replaceAll("SWARNING", "SWARNUNG"), "latin1"),
    );
    await using streams = await postgresStreamFactory(proxy.url, { connectTimeoutMs: 1_000, commandTimeoutMs: 500 });
    await requireStandby(server);

    for (const write of [
      async () => (await streams.openStream("a")).write({ type: "Written", data: 1 }),
      () => streams.transaction((tx) => tx.write("a", { type: "Written", data: 2 })),
    ]) {
      let isSettled = false;
      const writing = failureOf(write()).finally(() => {
        isSettled = true;
      });
      await expect.poll(async () => server.query(CANCEL).then(() => isSettled), { timeout: 20_000 }).toBe(true);
      expect(await writing).toMatchObject({ code: "STORAGE_OUTCOME_UNKNOWN" });
    }
  });

  test("a transaction is acknowledged once its standby has it, whatever its statements set", async () => {
    await using server = await PostgresServer.start();
    await using streams = await postgresStreamFactory(server.url(), { connectTimeoutMs: 1_000, commandTimeoutMs: 500 });
    await requireStandby(server);

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
