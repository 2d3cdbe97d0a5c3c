import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { isStreamError } from "../../../protocols/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, type PostgresServer } from "../../support/postgres-server.js";
import { sharedServer } from "../../support/postgres-stores.js";
import { faultTest } from "../support/fault-test.js";
import { expectSound, killRemovals } from "../support/killed-removals.js";
import { fillForRemoval, REMOVALS } from "../support/removal.js";

if (NO_POSTGRES === null) {
  const server = sharedServer();
  let databases = 0;

  /** The database of a filled store: a copy of one that is made once. */
  let filling: Promise<void> | undefined;
  async function filledDatabase(started: PostgresServer): Promise<string> {
    filling ??= fill(started);
    await filling;
    databases += 1;
    await started.query(`CREATE DATABASE removal_${databases} TEMPLATE filled`);
    return `removal_${databases}`;
  }

  async function fill(started: PostgresServer): Promise<void> {
    await started.query("CREATE DATABASE filled");
    await using streams = await postgresStreamFactory(started.url("filled"));
    await fillForRemoval(streams);
  }

  faultTest(
    "R44 a prune or a deletion over PostgreSQL that is killed at any statement leaves a sound store, and a second call finishes it",
    { quick: 4, soak: 36 },
    async (laboratory) => {
      const started = await server();
      await killRemovals(laboratory, "postgres-removing-process.ts", async () => {
        const database = await filledDatabase(started);
        const url = started.url(database);
        return {
          place: { url },
          open: () => postgresStreamFactory(url),
          [Symbol.asyncDispose]: async () => {
            await started.query(`DROP DATABASE ${database} WITH (FORCE)`);
          },
        };
      });
    },
  );

  test.each(REMOVALS)(
    "a server that is killed during a removal (%s) has a sound store, and a second call finishes it",
    async (kind) => {
      const started = await server();
      const url = started.url(await filledDatabase(started));
      await using streams = await postgresStreamFactory(url, { connectTimeoutMs: 1_000 });
      let steps = 0;
      const archive = async (): Promise<void> => {
        steps += 1;
        if (steps === 2) await started.kill();
      };
      const removing =
        kind === "delete"
          ? streams.deleteStream("removed", { archive })
          : streams.pruneStream("removed", { before: 9_900, forgetKeys: kind === "prune with keys", archive });
      const failure = await failureOf(removing);
      expect(isStreamError(failure) && failure.code).toMatch(/^STORAGE_(UNAVAILABLE|OUTCOME_UNKNOWN)$/);
      await started.restart();

      expect(await expectSound({ open: () => postgresStreamFactory(url) }, kind)).toBe(4_097);
    },
  );
} else {
  test(NO_POSTGRES, () => undefined);
}
