import { existsSync } from "node:fs";
import { copyFile, readFile, rm, truncate } from "node:fs/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { ALL_STREAM } from "../../../protocols/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { type CrashedStore, copyStore, makeCrashedStore, removeStore } from "../support/crashed-store.js";
import { Examiner } from "../support/examiner.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";

// The layout of the log: https://www.sqlite.org/fileformat.html#wal_file_format
const LOG_HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 4_096;
const SALT_BYTES = 8;
const SALT_OFFSET = 16;
const FRAME_SALT_OFFSET = 8;

const COPIES_OF_ONE_STORE = 10;

/** How many frames of the log count: those behind them are of a log before it. */
async function countFrames(path: string): Promise<number> {
  const log = await readFile(path);
  const salt = log.subarray(SALT_OFFSET, SALT_OFFSET + SALT_BYTES);
  const saltOf = (frame: number) => {
    const start = LOG_HEADER_BYTES + frame * FRAME_BYTES + FRAME_SALT_OFFSET;
    return log.subarray(start, start + SALT_BYTES);
  };
  let frames = 0;
  while (saltOf(frames).equals(salt)) frames += 1;
  return frames;
}

/** Takes the store back behind its last event, and says how. */
async function takeBack(path: string, store: CrashedStore, { random, integer }: Laboratory): Promise<string> {
  const kind = random();
  if (kind < 0.5) {
    const frames = await countFrames(`${path}-wal`);
    await truncate(`${path}-wal`, LOG_HEADER_BYTES + integer(0, frames - 1) * FRAME_BYTES);
    return "cut logs";
  }
  await rm(`${path}-wal`);
  if (kind < 0.7) return "removed logs";
  // Whoever puts a copy in place does not know of `-head`, and leaves it.
  const older = store.olderPaths[integer(0, store.olderPaths.length - 1)] as string;
  for (const ending of ["", "-wal"]) {
    if (existsSync(older + ending)) await copyFile(older + ending, path + ending);
  }
  return "older copies";
}

faultTest(
  "R11 a store that went back is told from one that waits, by watches and by verify",
  { quick: 5, soak: 60 },
  async (laboratory) => {
    const { rounds, integer, count } = laboratory;
    await using examiner = new Examiner();
    for (let round = 0; round < rounds; ) {
      await using folder = await createTempDir();
      const store = await makeCrashedStore(folder.path, laboratory);
      const { streamId, version, position } = store.last;
      const watched = [
        { streamId, after: version },
        { streamId: ALL_STREAM, after: position },
      ];
      const path = folder.file("taken-back.db");
      for (let copies = 0; copies < COPIES_OF_ONE_STORE && round < rounds; copies += 1, round += 1) {
        await copyStore(store.path, path);
        count(await takeBack(path, store, laboratory));
        const found = await examiner.examine({ path, watched });
        expect(found).toMatchObject({ opening: "ok", verifying: "problems", reading: "ok", closing: "ok" });
        expect(found.problems).toContainEqual(expect.objectContaining({ kind: "head", position }));
        expect(found.watching).toEqual(["STORAGE_WENT_BACK", "STORAGE_WENT_BACK"]);

        await goOn(path, integer(1, 2 * position));
        const later = await examiner.examine({ path });
        expect(later.problems).toContainEqual(expect.objectContaining({ kind: "head", position }));
        await removeStore(path);
      }
    }
  },
);

/** Somebody who noticed nothing writes on, perhaps past the place where the store had been. */
async function goOn(path: string, events: number): Promise<void> {
  await using streams = await sqliteStreamFactory(path, { durability: "normal" });
  await using stream = await streams.openStream("afterwards");
  for (let index = 0; index < events; index += 1) await stream.write({ type: "Later", data: index });
}
