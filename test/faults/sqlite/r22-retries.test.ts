import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory, WriteResult } from "../../../protocols/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { BatchWriterConfig } from "../fixtures/batch-writer.js";
import { type Acknowledgement, makeBatch, writeBatch } from "../support/batches.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { StoreReader } from "../support/store-reader.js";

const SHAPE = { streams: 4, maxEvents: 4, maxFillerBytes: 300 };
const CLIENTS = 6;
/** How many batches behind the last answer are written again. */
const UNKNOWN = 4;

/** Writes until it is killed, and returns what it was told. */
async function writeUntilKilled(path: string, run: string, random: () => number): Promise<Acknowledgement[]> {
  const config: BatchWriterConfig = { path, run, clients: CLIENTS, shape: SHAPE };
  await using writer = startFixture("batch-writer.ts", { args: [JSON.stringify(config)] });
  await writer.waitFor(() => writer.lines.length > CLIENTS);
  await delay(random() * 60);
  await writer.kill();
  return writer.lines.slice(1).map((line) => JSON.parse(line) as Acknowledgement);
}

/** The answers of these writes were lost: they are told again, whatever version the retry expects. */
async function retryAnswered(streams: StreamFactory, answered: readonly Acknowledgement[]): Promise<void> {
  for (const { batch, version, position } of answered) {
    const { streamId, events } = makeBatch(batch, SHAPE);
    await using stream = await streams.openStream(streamId);
    const expectedVersion = version - events.length;
    expect(await stream.write(events, { expectedVersion })).toEqual({ version, position, written: 0 });
    const other = events.map((event) => ({ ...event, data: { ...event.data, size: 0 } }));
    await expect(stream.write(other)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT", streamId });
  }
}

/** Nobody knows whether these were stored: two processes' worth of retries store one copy. */
async function retryUnknown(
  factories: readonly StreamFactory[],
  batches: readonly string[],
  count: Laboratory["count"],
): Promise<Acknowledgement[]> {
  return Promise.all(
    batches.map(async (batch) => {
      const results = await Promise.all(factories.map((streams) => writeBatch(streams, batch, SHAPE)));
      const written = results.reduce((sum, result) => sum + result.written, 0);
      expect([0, makeBatch(batch, SHAPE).events.length]).toContain(written);
      count(written === 0 ? "unknown writes that were stored" : "unknown writes that were not");
      const [{ version, position }, ...others] = results as [WriteResult, ...WriteResult[]];
      for (const other of others) expect(other).toMatchObject({ version, position });
      return { batch, version, position };
    }),
  );
}

faultTest(
  "R22 a write that is sent again under its keys is stored once, also when the first answer died with its process",
  { quick: 3, soak: 70 },
  async ({ rounds, random, count }) => {
    await using folder = await createTempDir();
    await using reader = new StoreReader();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`retried-${round}.db`);
      const answered = await writeUntilKilled(path, "run", random);
      const last = new Map(
        answered.map(({ batch }) => batch.split("/").map(Number)).map(([, client, index]) => [client, index]),
      );
      const unknown = Array.from({ length: CLIENTS * UNKNOWN }, (_, index) => {
        const client = index % CLIENTS;
        return `run/${client}/${(last.get(client) ?? -1) + 1 + Math.floor(index / CLIENTS)}`;
      }).filter((batch) => makeBatch(batch, SHAPE).isKeyed);
      const keyed = answered.filter(({ batch }) => makeBatch(batch, SHAPE).isKeyed);

      await using streams = await sqliteStreamFactory(path);
      await using others = await sqliteStreamFactory(path);
      const retried = await retryUnknown([streams, others], unknown, count);
      await retryAnswered(streams, [...keyed, ...retried]);
      const contents = await reader.read(path);
      expect(inspectContents(contents, [...answered, ...retried])).toEqual(SOUND);
      count("answered writes sent again", keyed.length);
    }
  },
);
