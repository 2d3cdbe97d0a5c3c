import { expect, test, vi } from "vitest";
import {
  ConnectionLostError,
  DatabaseError,
  type PostgresConnection,
} from "../../../adapters/postgres/client/client.js";
import { PGClient } from "../../../adapters/postgres/client/pg-client.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

type Script = (text: string) => ReturnType<PostgresConnection["script"]>;

/** Commits in another way, which is told the number of the commit. @returns how many there were */
function committing(
  commit: (number: number, script: Script, text: string, connection: PostgresConnection) => ReturnType<Script>,
): () => number {
  let commits = 0;
  const connect = PGClient.prototype.connect;
  vi.spyOn(PGClient.prototype, "connect").mockImplementation(async function (this: PGClient) {
    const connection = await connect.call(this);
    const script = connection.script.bind(connection);
    connection.script = (async (text: string) => {
      if (!text.includes("es_writers (id, transaction, seen)") || !text.includes("COMMIT")) return script(text);
      commits += 1;
      return commit(commits, script, text, connection);
    }) as PostgresConnection["script"];
    return connection;
  });
  return () => commits;
}

/** Loses the connection at the first commit, before the server has it, and at the second, after the server has done it. */
function losingTwoCommits(): () => number {
  return committing(async (number, script, text, connection) => {
    if (number === 2) await script(text);
    if (number > 2) return script(text);
    connection.destroy();
    throw new ConnectionLostError("on purpose");
  });
}

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  test("a transaction that was not committed is not taken for committed when the look for it is lost as well", async () => {
    const url = (await server()).url();
    const commits = losingTwoCommits();
    await using streams = await postgresStreamFactory(url, { ...ownSchemas(), durability: "normal" });
    try {
      const failure = await failureOf(streams.transaction((tx) => tx.write("a", { type: "Written", data: 1 })));

      expect(failure).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      expect(commits()).toBe(3);
      await using after = await streams.openStream("a");
      expect(after.version).toBe(0);
    } finally {
      vi.restoreAllMocks();
    }
  });

  test("a commit behind which the reset failed is acknowledged once another one has made sure that it lasts", async () => {
    const url = (await server()).url();
    const commits = committing(async (number, script, text) => {
      const answer = await script(text);
      if (number > 1) return answer;
      throw new DatabaseError("57014", "canceling statement due to user request");
    });
    await using streams = await postgresStreamFactory(url, { ...ownSchemas(), durability: "normal" });
    try {
      await streams.transaction((tx) => tx.write("a", { type: "Written", data: 1 }));

      expect(commits()).toBe(2);
      await using after = await streams.openStream("a");
      expect(after.version).toBe(1);
    } finally {
      vi.restoreAllMocks();
    }
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
