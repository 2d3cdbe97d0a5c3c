import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { allEventsOf } from "../../conformance/support/transactions.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";

const STREAM_IDS = Array.from({ length: 8 }, (_, index) => `stream-${index}`);
const EVENTS = 2_500;

/** What only this event has, and finds it in a file. */
const secretOf = (streamId: string, version: number): string => `secret ${streamId} ${version} end`;

async function write(streams: SQLiteStreamFactory, streamId: string, version: number, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => {
    const secret = secretOf(streamId, version + index + 1);
    return { type: "Noted", data: secret, idempotencyKey: `key of ${secret}` };
  });
  await (await streams.openStream(streamId)).write(events, { expectedVersion: version });
}

/** Removes and writes at random, and knows the secrets that are gone. */
class Remover {
  readonly removed: string[] = [];
  isStopped = false;
  readonly #streams: SQLiteStreamFactory;
  readonly #laboratory: Laboratory;

  constructor(streams: SQLiteStreamFactory, laboratory: Laboratory) {
    this.#streams = streams;
    this.#laboratory = laboratory;
  }

  async run(): Promise<void> {
    while (!this.isStopped) await this.#step();
  }

  async #step(): Promise<void> {
    const { integer, random, count } = this.#laboratory;
    const streamId = STREAM_IDS[integer(0, STREAM_IDS.length - 1)] as string;
    const info = await this.#streams.describeStream(streamId);
    if (info === null || info.deleted) return;
    const { version, firstVersion } = info;
    const kind = random();
    if (kind < 0.4) return write(this.#streams, streamId, version, integer(1, 20));
    const isDelete = kind > 0.92;
    const before = isDelete ? version + 1 : integer(firstVersion, Math.min(version, firstVersion + 300));
    if (isDelete) await this.#streams.deleteStream(streamId);
    else await this.#streams.pruneStream(streamId, { before, forgetKeys: true });
    for (let gone = firstVersion; gone < before; gone += 1) this.removed.push(secretOf(streamId, gone));
    count(isDelete ? "deletions" : "prunes");
  }
}

faultTest(
  "R43 a backup beside removals is sound, and has not a byte of what was gone before its last step",
  { quick: 1, soak: 20 },
  async (laboratory) => {
    const { rounds, integer, count } = laboratory;
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      const [path, target] = [folder.file(`store-${round}.db`), folder.file(`copy-${round}.db`)];
      await using streams = await sqliteStreamFactory(path, { driver });
      await using others = await sqliteStreamFactory(path, { driver });
      for (const id of STREAM_IDS) await write(streams, id, 0, EVENTS);
      const remover = new Remover(others, laboratory);
      const removing = remover.run();
      let goneBefore = 0;
      const onProgress = (): void => {
        goneBefore = remover.removed.length;
      };
      const report = await streams.backup(target, { onProgress }).finally(() => {
        remover.isStopped = true;
      });
      await removing;
      count("events gone before the last step", goneBefore);

      const bytes = (await readFile(target)).toString("latin1");
      expect(remover.removed.slice(0, goneBefore).filter((secret) => bytes.includes(secret))).toEqual([]);
      await using copy = await sqliteStreamFactory(target, { driver });
      expect(await copy.verify()).toMatchObject({ ok: true, checkedEvents: report.events, problems: [] });
      const events = await allEventsOf(copy);
      expect(events.at(-1)?.position).toBe(report.position);
      for (const { streamId, version, type, data } of events) {
        if (type !== "@deleted") expect(data).toBe(secretOf(streamId, version));
      }
    }
  },
);
