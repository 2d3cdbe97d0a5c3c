import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError, type StreamFactory } from "../../../protocols/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { type Acknowledgement, writeBatch } from "../support/batches.js";
import { faultTest, leftOut } from "../support/fault-test.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { SmallDisk } from "../support/small-disk.js";
import { StoreReader } from "../support/store-reader.js";

const DISK_KIBIBYTES = 4_096;
const BALLAST_KIBIBYTES = 2_048;
const REFUSALS = 8;
/** More than there is room for. */
const MOST_WRITES = 20_000;
const WRITES_AFTERWARDS = 10;

/** Several clients write until a number of writes has been refused, each for want of space. */
async function fillUp(
  streams: StreamFactory,
  clients: number,
  maxFillerBytes: number,
): Promise<{ acknowledged: Acknowledgement[]; refused: string[] }> {
  const shape = { streams: 3, maxEvents: 3, maxFillerBytes };
  const acknowledged: Acknowledgement[] = [];
  const refused: string[] = [];
  const writeAsClient = async (client: number): Promise<void> => {
    for (let index = 0; refused.length < REFUSALS && acknowledged.length < MOST_WRITES; index += 1) {
      const batch = `full/${client}/${index}`;
      try {
        const { version, position } = await writeBatch(streams, batch, shape);
        acknowledged.push({ batch, version, position });
      } catch (error) {
        if (!isStreamError(error, "STORAGE_FULL")) throw error;
        refused.push(batch);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => writeAsClient(client)));
  return { acknowledged, refused };
}

const NAME = "R8 a full disk refuses writes and loses none, and the store goes on once there is room";
faultTest(NAME, { quick: 2, soak: 20 }, async ({ rounds, integer, count }) => {
  await using folder = await createTempDir();
  await using reader = new StoreReader();
  for (let round = 0; round < rounds; round += 1) {
    const mounted = SmallDisk.mount(folder.file(`disk-${round}`), DISK_KIBIBYTES);
    if ("why" in mounted) return leftOut(NAME, mounted.why);
    using disk = mounted;
    disk.occupy(BALLAST_KIBIBYTES);
    const path = disk.file("store.db");
    const streams = await sqliteStreamFactory(path);
    const { acknowledged, refused } = await fillUp(streams, integer(1, 6), integer(100, 60_000));
    const full = await reader.read(path);
    expect(inspectContents(full, acknowledged)).toEqual(SOUND);
    expect(full.rows.filter(({ batch }) => refused.includes(batch))).toEqual([]);

    disk.free();
    for (let index = 0; index < WRITES_AFTERWARDS; index += 1) {
      const batch = `room/${index}`;
      const { version, position } = await writeBatch(streams, batch, { streams: 3, maxEvents: 3, maxFillerBytes: 200 });
      acknowledged.push({ batch, version, position });
    }
    await streams[Symbol.asyncDispose]();
    expect(inspectContents(await reader.read(path), acknowledged)).toEqual(SOUND);
    count("full disks");
    count("acknowledged writes", acknowledged.length);
    count("refused writes", refused.length);
  }
});
