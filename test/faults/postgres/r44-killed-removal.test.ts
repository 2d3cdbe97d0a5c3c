import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { isStreamError } from "../../../protocols/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, type PostgresServer } from "../../support/postgres-server.js";
import { sharedServer } from "../../support/postgres-stores.js";
import type { PostgresRemovingConfig } from "../fixtures/postgres-removing-process.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import {
  expectRemoved,
  expectWholeStream,
  fillForRemoval,
  REMOVALS,
  type RemovalKind,
  remove,
} from "../support/removal.js";

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

  /** Lets a process remove events until it kills itself. @returns how many statements it made, if it came to its end */
  async function removeIn(config: PostgresRemovingConfig): Promise<number | undefined> {
    await using removing = startFixture("postgres-removing-process.ts", { args: [JSON.stringify(config)] });
    const { exitCode, stdout, stderr } = await removing.ended;
    if (exitCode === null) return undefined;
    expect([exitCode, stderr]).toEqual([0, ""]);
    return Number(stdout);
  }

  async function expectSound(url: string, kind: RemovalKind): Promise<number> {
    await using streams = await postgresStreamFactory(url);
    const first = await expectWholeStream(streams);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
    await remove(streams, kind);
    await expectRemoved(streams, kind);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
    return first;
  }

  faultTest(
    "R44 a prune or a deletion over PostgreSQL that is killed at any statement leaves a sound store, and a second call finishes it",
    { quick: 4, soak: 360 },
    async ({ rounds, integer, count }) => {
      const started = await server();
      const statements = new Map<RemovalKind, number>();
      for (let round = 0; round < rounds; round += 1) {
        const kind = REMOVALS[round % REMOVALS.length] as RemovalKind;
        const database = await filledDatabase(started);
        const url = started.url(database);
        // Every statement has its turn in a long run, and chance chooses some in a short one.
        const known = statements.get(kind);
        const turn = Math.floor(round / REMOVALS.length);
        const killAt = known === undefined ? 0 : rounds > known * REMOVALS.length ? turn : integer(1, known);
        const made = await removeIn({ url, kind, killAt });
        if (made !== undefined && killAt === 0) statements.set(kind, made);
        count(made === undefined ? "kills" : "removals that came to their end");

        const first = await expectSound(url, kind);
        if (made === undefined && first > 1) count("kills between two steps");
        await started.query(`DROP DATABASE ${database} WITH (FORCE)`);
      }
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

      expect(await expectSound(url, kind)).toBe(4_097);
    },
  );
} else {
  test(NO_POSTGRES, () => undefined);
}
