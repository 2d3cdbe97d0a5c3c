import { copyFile, mkdir, rename } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError, type Stream } from "../../../protocols/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { FileThief, THEFTS, type Theft } from "../support/file-thief.js";

/** What a client was told. */
interface Client {
  readonly streamId: string;
  acknowledged: number;
  /** The code that its first write after the theft was refused with. */
  refusedWith: string | undefined;
  /** Whether a write was acknowledged that was made when the files were gone already. */
  isTold: boolean;
}

/** Writes one event after the other, until one that was made after the theft is answered. */
async function writeAsClient(stream: Stream, thief: FileThief, client: Client, size: number): Promise<void> {
  for (;;) {
    const isAfter = thief.isDone;
    try {
      const { version } = await stream.write({ type: "Stored", data: "x".repeat(size) });
      client.acknowledged = version;
      client.isTold ||= isAfter;
    } catch (error) {
      if (!isStreamError(error)) throw error;
      client.refusedWith = error.code;
    }
    if (isAfter) return;
  }
}

/** Puts the files together again, and returns where; null where they are lost or mixed. */
async function putTogether(theft: Theft, folder: string): Promise<string | null> {
  switch (theft) {
    case "everything is moved":
      return `${folder}/moved/store.db`;
    case "the folder is moved":
      return `${folder}-moved/store.db`;
    case "the database is moved":
      await rename(`${folder}/elsewhere.db`, `${folder}/store.db`);
      return `${folder}/store.db`;
    case "the log is removed":
    case "the index of the log is removed":
      return `${folder}/store.db`;
    default:
      return null;
  }
}

async function expectWhole(path: string, driver: DriverName, clients: readonly Client[]): Promise<void> {
  await using streams = await sqliteStreamFactory(path, { driver });
  expect(await streams.verify()).toMatchObject({ ok: true });
  for (const { streamId, acknowledged } of clients) {
    // The write that was under way may be there too.
    const { version } = await streams.openStream(streamId);
    expect([acknowledged, acknowledged + 1]).toContain(version);
  }
}

async function stealOnce(theft: Theft, folder: string, { random, integer, count }: Laboratory): Promise<void> {
  const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
  const durability = random() < 0.5 ? "full" : "normal";
  const clients: Client[] = Array.from({ length: integer(1, 6) }, (_, index) => ({
    streamId: `stream-${index}`,
    acknowledged: 0,
    refusedWith: undefined,
    isTold: false,
  }));
  // Behind the end of a log that began anew there may be what it held before: to cut that off does no harm.
  let isHarmless = false;
  await (await sqliteStreamFactory(`${folder}/store.db`, { driver }))[Symbol.asyncDispose]();
  await copyFile(`${folder}/store.db`, `${folder}/copy.db`);
  {
    await using streams = await sqliteStreamFactory(`${folder}/store.db`, { driver, durability });
    const handles = await Promise.all(clients.map(({ streamId }) => streams.openStream(streamId)));
    await using thief = await FileThief.wait(theft, folder, random());
    const size = random() < 0.7 ? integer(1, 500) : integer(1, 50_000);
    const writing = Promise.all(
      clients.map((client, index) => writeAsClient(handles[index] as Stream, thief, client, size)),
    );
    await delay(integer(0, 120));
    thief.strike();
    await writing;
    isHarmless = theft === "the log is cut" && clients.every(({ refusedWith }) => refusedWith === undefined);
    // SQLite itself may be the first to find the end of a log that was cut, and then reports that it could not read.
    const codes = theft === "the log is cut" ? ["STORAGE_CORRUPT", "STORAGE_MUST_REOPEN"] : ["STORAGE_REPLACED"];
    const refused = clients.map(() => ({ isTold: false, refusedWith: expect.toBeOneOf(codes) }));
    if (!isHarmless) expect(clients.map(({ isTold, refusedWith }) => ({ isTold, refusedWith }))).toEqual(refused);
    if (!isHarmless) count("refusals", clients.length);
  }
  count(
    "acknowledged writes",
    clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
  );
  if (isHarmless) count("harmless cuts");
  const path = isHarmless ? `${folder}/store.db` : await putTogether(theft, folder);
  if (path !== null) await expectWhole(path, driver, clients);
}

const NAME =
  "R29 a store whose files are moved, replaced or cut acknowledges nothing more, and loses nothing that is still there";
faultTest(NAME, { quick: 16, soak: 280 }, async (laboratory) => {
  if (process.platform === "win32") return leftOut(NAME, "open files keep their names there");
  await using parent = await createTempDir();
  for (let round = 0; round < laboratory.rounds; round += 1) {
    const theft = THEFTS[round % THEFTS.length] as Theft;
    const folder = parent.file(`store-${round}`);
    await mkdir(folder);
    try {
      await stealOnce(theft, folder, laboratory);
    } catch (error) {
      throw new Error(`round ${round}: ${theft}`, { cause: error });
    }
    laboratory.count(theft);
  }
});
