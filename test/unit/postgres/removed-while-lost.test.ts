import { expect, test, vi } from "vitest";
import { ConnectionLostError, type PostgresConnection } from "../../../adapters/postgres/client/client.js";
import { PGClient } from "../../../adapters/postgres/client/pg-client.js";
import { type PostgresStreamFactory, postgresStreamFactory } from "../../../postgres.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** Loses the answer to the next append, once the server has stored it and something else has happened. */
function losingAnAnswer(meanwhile: () => Promise<unknown>): { isArmed: boolean } {
  const losing = { isArmed: false };
  const connect = PGClient.prototype.connect;
  vi.spyOn(PGClient.prototype, "connect").mockImplementation(async function (this: PGClient) {
    const connection = await connect.call(this);
    const query = connection.query.bind(connection);
    connection.query = (async (statement) => {
      const answer = await query(statement);
      if (!losing.isArmed || statement.name !== "es_append") return answer;
      losing.isArmed = false;
      await meanwhile();
      connection.destroy();
      throw new ConnectionLostError("on purpose");
    }) as PostgresConnection["query"];
    return connection;
  });
  return losing;
}

const events = [1, 2, 3].map((data) => ({ type: "Written", data }));

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  async function openTwo(meanwhile: (others: PostgresStreamFactory) => Promise<unknown>) {
    const schemas = ownSchemas();
    const open = async () => postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
    const others = await open();
    const losing = losingAnAnswer(() => meanwhile(others));
    const streams = await open();
    await (await streams.openStream("other")).write(events);
    losing.isArmed = true;
    return {
      streams,
      async [Symbol.asyncDispose]() {
        vi.restoreAllMocks();
        await streams[Symbol.asyncDispose]();
        await others[Symbol.asyncDispose]();
      },
    };
  }

  test("a write whose events were removed before its lost answer was looked for has an unknown outcome", async () => {
    await using store = await openTwo((others) => others.pruneStream("a", { before: 3 }));
    await using stream = await store.streams.openStream("a");

    expect(await failureOf(stream.write(events))).toMatchObject({ code: "STORAGE_OUTCOME_UNKNOWN", retryable: true });
    expect(await store.streams.describeStream("a")).toMatchObject({ version: 3, firstVersion: 3 });
  });

  test("a removal of other events leaves it settled", async () => {
    await using store = await openTwo((others) => others.pruneStream("other", { before: 3 }));
    await using stream = await store.streams.openStream("a");

    expect(await stream.write(events)).toEqual({ version: 3, position: 6, written: 3 });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
