import { expect, test, vi } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { isStreamError } from "../../../protocols/index.js";
import { handle, stateCache } from "../../../src/commands/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { account } from "../support/account.js";
import { startCommanding } from "../support/commanding.js";
import { CuttingProxy } from "../support/cutting-proxy.js";
import { raceForBalance, sendEverywhere } from "../support/racing-commands.js";

vi.setConfig({ testTimeout: 240_000 });

const CUT_INTERVAL_MS = 60;
const MAX_CUTS = 40;
const MAX_SENDS = 100;

if (NO_POSTGRES === null) {
  const server = sharedServer();

  test("commands of four processes on one stream are decided on the newest state, and stored once", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(url, schemas);
    const processes = await startCommanding({ url, ...schemas }, 4);
    try {
      await raceForBalance(streams, processes, "race");
      await sendEverywhere(streams, processes, "twice");
    } finally {
      await Promise.all(processes.map((process) => process.kill()));
    }
  });

  test("commands whose answers are lost with their connections are sent again, and stored once", async () => {
    const { port, url } = await server().then((started) => ({ port: started.port, url: started.url() }));
    await using proxy = await CuttingProxy.start(port);
    const schemas = ownSchemas();
    await using direct = await postgresStreamFactory(url, schemas);
    await using streams = await postgresStreamFactory(proxy.url, schemas);
    const cache = stateCache();
    const send = async (commandId: string): Promise<number> => {
      for (let sends = 1; ; sends += 1) {
        try {
          const { events } = await handle(streams, account, "a", () => ({ type: "Deposited", data: { amount: 1 } }), {
            commandId,
            cache,
            attempts: 100,
          });
          return events.length;
        } catch (error) {
          const isLost = isStreamError(error, "STORAGE_UNAVAILABLE") || isStreamError(error, "STORAGE_OUTCOME_UNKNOWN");
          if (!isLost || sends === MAX_SENDS) throw error;
        }
      }
    };
    const cutting = setInterval(() => {
      if (proxy.cuts < MAX_CUTS) proxy.cut();
    }, CUT_INTERVAL_MS);
    try {
      const senders = wholeNumbers(1, 8).map(async (sender) => {
        for (const number of wholeNumbers(1, 20)) expect(await send(`${sender}-${number}`)).toBe(1);
      });
      await Promise.all(senders);
    } finally {
      clearInterval(cutting);
    }
    expect(proxy.cuts).toBeGreaterThan(0);
    const ids = (await eventsOf(await direct.openStream("a"))).map(({ id }) => id);
    expect(ids).toHaveLength(160);
    expect(new Set(ids).size).toBe(160);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
