import { expect } from "vitest";
import { createTempDir } from "../../support/temp-dir.js";
import type { Laboratory } from "./fault-test.js";
import { startFixture } from "./fixture.js";
import { isLinearizable } from "./linearizability.js";
import { PLANTED_FAULTS } from "./planted-faults.js";
import { readHistories, STREAM_MODEL, type StreamCall } from "./stream-history.js";

const PROCESSES = 4;
const CLIENTS_A_PROCESS = 2;
const CALLS_A_CLIENT = 24;
const STREAMS = 2;

/** What the clients open: the path of a file, or a connection string. */
export interface SharedStore {
  readonly path: string;
  /** The drivers of the processes, in turn; of a store in PostgreSQL its schema. */
  readonly drivers: readonly string[];
}

/** Eight clients in four processes, one of which is killed. Then a reader of its own process says what is there. */
async function recordHistories(
  { path, drivers }: SharedStore,
  { integer, count }: Laboratory,
): Promise<Map<string, StreamCall[]>> {
  await using folder = await createTempDir();
  const seed = integer(1, 2 ** 30);
  const killed = integer(0, PROCESSES - 1);
  const logs = Array.from({ length: PROCESSES + 1 }, (_, index) => folder.file(`${index}.jsonl`));
  const clients = logs.slice(0, PROCESSES).map((log, index) => {
    const killedAfter = index === killed ? integer(4, CALLS_A_CLIENT * CLIENTS_A_PROCESS - 8) : 0;
    const driver = drivers[index % drivers.length] ?? "";
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
  const reader = [path, drivers[0] ?? "", logs.at(-1) ?? "", seed, PROCESSES * CLIENTS_A_PROCESS, 0, STREAMS, 0, 1];
  const lastReader = startFixture("history-clients.mjs", { args: reader });
  lastReader.say("begin");
  expect(await lastReader.ended).toMatchObject({ exitCode: 0, stderr: "" });
  return readHistories(logs);
}

/** Records the histories of one store, and checks that there is an order that explains them, and none for spoilt ones. */
export async function checkHistories(store: SharedStore, laboratory: Laboratory, round: number): Promise<void> {
  const { count } = laboratory;
  for (const [streamId, history] of await recordHistories(store, laboratory)) {
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
