import { expect } from "vitest";
import { sql, sqliteStreamFactory } from "../../../index.js";
import { sqliteReadModels } from "../../../projections.js";
import { createTempDir } from "../../support/temp-dir.js";
import { WorkerThread } from "../../unit/worker/support/worker-thread.js";
import { faultTest } from "../support/fault-test.js";
import { turns } from "../support/turns.js";

const STREAMS = 10;
const BATCH_EVENTS = 1_000;
/** How many threads are ended one after the other. */
const THREADS = { quick: 3, soak: 30 };
/** The messages that a thread gets before it is ended, at most. */
const MAX_MESSAGES = 30;
/** One that has projected everything gets no more messages. */
const MAX_TURNS = 100_000;

faultTest(
  "R63 a projection in worker threads that are terminated has each event once, in a file of its own",
  { quick: 1, soak: 3 },
  async ({ rounds, size, integer, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      await using folder = await createTempDir();
      await using streams = await sqliteStreamFactory(folder.file("events.db"), { driver: "sqlite3" });
      const sums = new Map<string, number>();
      let position = 0;
      const deposit = async (): Promise<void> => {
        const id = `s-${integer(0, STREAMS - 1)}`;
        const amounts = Array.from({ length: BATCH_EVENTS }, () => integer(1, 9));
        await using stream = await streams.openStream(id);
        const written = await stream.write(amounts.map((amount) => ({ type: "Deposited", data: { amount } })));
        position = written.position;
        sums.set(
          id,
          amounts.reduce((sum, amount) => sum + amount, sums.get(id) ?? 0),
        );
      };
      const path = folder.file("models.db");
      for (let thread = 0; thread < THREADS[size]; thread += 1) {
        for (let batch = 0; batch < 5; batch += 1) await deposit();
        await using worker = new WorkerThread(streams, { kind: "project", path, position });
        await worker.report("running");
        const last = worker.messagesSent + integer(1, MAX_MESSAGES);
        for (let turn = 0; turn < MAX_TURNS && worker.messagesSent < last; turn += 1) await turns(1);
        count("terminated threads");
      }
      await using worker = new WorkerThread(streams, { kind: "project", path, position });
      const expected = [...sums].sort().map(([id, balance]) => ({ id, balance }));
      expect(await worker.report("rows")).toEqual(expected);
      count("events", position);
    }
  },
);

faultTest(
  "R63 a projection in a worker thread that is terminated in the midst of a batch leaves nothing of it, and the main thread goes on meanwhile",
  { quick: 2, soak: 40 },
  async ({ rounds, integer, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      await using folder = await createTempDir();
      await using streams = await sqliteStreamFactory(folder.file("events.db"), { driver: "sqlite3" });
      const a = await streams.openStream("a");
      const deposits = (): Promise<unknown> =>
        a.write(Array.from({ length: BATCH_EVENTS }, () => ({ type: "Deposited", data: { amount: 1 } })));
      await deposits();
      const path = folder.file("models.db");
      const held = { position: integer(2, BATCH_EVENTS), flag: new SharedArrayBuffer(4) };
      let before: number;
      {
        await using worker = new WorkerThread(streams, { kind: "project", path, position: BATCH_EVENTS, held });
        before = Number(await worker.report("held")) - 1;
        // Its thread stands still within the transaction: nobody here waits for it.
        await deposits();
        await turns(10);
      }
      await using models = await sqliteReadModels(path, { driver: "better-sqlite3" });
      const left = await models.query(sql`SELECT balance FROM balances`);
      expect(left).toEqual(before === 0 ? [] : [{ balance: before }]);
      count("events of batches that were undone", held.position - before);
      await using worker = new WorkerThread(streams, { kind: "project", path, position: a.version });
      expect(await worker.report("rows")).toEqual([{ id: "a", balance: a.version }]);
    }
  },
);
