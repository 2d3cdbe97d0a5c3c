import { expect } from "vitest";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { isLinearizable } from "../support/linearizability.js";
import { PLANTED_FAULTS } from "../support/planted-faults.js";
import { readHistories, STREAM_MODEL, type StreamCall } from "../support/stream-history.js";

const PROCESSES = 4;
const CLIENTS_A_PROCESS = 2;
const CALLS_A_CLIENT = 24;
const STREAMS = 2;

/** Eight clients in four processes, one of which is killed. Then a reader of its own process says what is there. */
async function record({ integer, count }: Laboratory): Promise<Map<string, StreamCall[]>> {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  const seed = integer(1, 2 ** 30);
  const killed = integer(0, PROCESSES - 1);
  const logs = Array.from({ length: PROCESSES + 1 }, (_, index) => folder.file(`${index}.jsonl`));
  const clients = logs.slice(0, PROCESSES).map((log, index) => {
    const killedAfter = index === killed ? integer(4, CALLS_A_CLIENT * CLIENTS_A_PROCESS - 8) : 0;
    // The processes of one file come through either driver.
    const driver = DRIVER_NAMES[index % DRIVER_NAMES.length] ?? "";
    const args = [path, driver, log, seed, index * CLIENTS_A_PROCESS, CALLS_A_CLIENT, STREAMS, killedAfter];
    return startFixture("history-clients.mjs", { args });
  });
  // All of them begin at once, when the slowest has started.
  await Promise.all(clients.map((client) => client.ready()));
  for (const client of clients) client.say("begin");
  for (const [index, end] of (await Promise.all(clients.map(({ ended }) => ended))).entries()) {
    expect(end).toMatchObject({ exitCode: index === killed ? null : 0, stderr: "" });
  }
  count("kills");
  const reader = [path, "sqlite3", logs.at(-1) ?? "", seed, PROCESSES * CLIENTS_A_PROCESS, 0, STREAMS, 0, 1];
  const lastReader = startFixture("history-clients.mjs", { args: reader });
  lastReader.say("begin");
  expect(await lastReader.ended).toMatchObject({ exitCode: 0, stderr: "" });
  return readHistories(logs);
}

faultTest("R13 histories of concurrent clients are linearizable", { quick: 4, soak: 60 }, async (laboratory) => {
  const { rounds, count } = laboratory;
  for (let round = 0; round < rounds; round += 1) {
    for (const [streamId, history] of await record(laboratory)) {
      expect(isLinearizable(STREAM_MODEL, history), `round ${round}, stream ${streamId}`).toBe(true);
      count("calls", history.length);
      count("calls without an answer", history.filter(({ output }) => output === undefined).length);
      for (const [name, plant] of PLANTED_FAULTS) {
        const spoilt = plant(history);
        if (spoilt === null) continue;
        expect(isLinearizable(STREAM_MODEL, spoilt), `round ${round}, stream ${streamId}, ${name} planted`).toBe(false);
        count(`planted ${name} found`);
      }
    }
  }
});
