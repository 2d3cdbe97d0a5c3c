import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { handle, stateCache } from "../../../src/commands/index.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { account, deposited, opened } from "../commands/support/account.js";

// A backup that is restored into the database of an open store takes events away, and mostly ends the sessions of the store.

const STREAMS = ["a", "b", "c", "d", "e", "f"];

const server = sharedServer(THROWAWAY);

/** A store with an account of 2 in each stream, and a cache that has their states. */
async function openAccounts() {
  const { schema, applicationSchema } = ownSchemas();
  const started = await server();
  const open = (applicationName: string) =>
    postgresStreamFactory(`${started.url()}?application_name=${applicationName}`, {
      schema,
      applicationSchema,
      durability: "normal",
    });
  const streams = await open(schema);
  const cache = stateCache();
  for (const streamId of STREAMS) await handle(streams, account, streamId, () => opened, { cache });
  for (const streamId of STREAMS) await handle(streams, account, streamId, () => deposited(2), { cache });
  // Without the triggers, which refuse that events are deleted.
  const takeBack = () =>
    started.query(`
      SET session_replication_role TO replica;
      DELETE FROM ${schema}.es_events WHERE position > ${STREAMS.length};
    `);
  const endSessions = () =>
    started.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [schema]);
  return { streams, cache, open, takeBack, endSessions, [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() };
}

if (NO_POSTGRES === null) {
  test("no command is decided on a state in the cache that the store has lost, where its sessions have ended", async () => {
    await using store = await openAccounts();
    const { streams, cache, open, takeBack, endSessions } = store;
    await takeBack();
    await endSessions();
    const decidedOn: number[] = [];
    const decide = ({ balance }: { balance: number }) => {
      decidedOn.push(balance);
      return deposited(10);
    };
    for (const streamId of STREAMS) {
      await expect(handle(streams, account, streamId, decide, { cache })).rejects.toMatchObject({
        code: "STORAGE_WENT_BACK",
      });
    }
    expect(decidedOn).toEqual([]);

    await using again = await open("again");
    expect(await handle(again, account, "a", decide)).toMatchObject({ version: 2, state: { balance: 10 } });
    expect(decidedOn).toEqual([0]);
  });

  test("commands are decided on what the store has after it was taken back, where its sessions go on", async () => {
    await using store = await openAccounts();
    const { streams, cache, takeBack } = store;
    await takeBack();
    const decidedOn: number[] = [];
    const deposit = () =>
      handle(
        streams,
        account,
        "a",
        ({ balance }) => {
          decidedOn.push(balance);
          return deposited(10);
        },
        { cache },
      );
    expect(await deposit()).toMatchObject({ version: 2, state: { balance: 10 } });
    expect(await deposit()).toMatchObject({ version: 3, state: { balance: 20 } });
    expect(decidedOn).toEqual([0, 10]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
