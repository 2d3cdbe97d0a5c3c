import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError, type TransactionalStreamFactory } from "../../../protocols/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest, leftOut } from "../support/fault-test.js";
import { SmallDisk } from "../support/small-disk.js";

const DISK_KIBIBYTES = 2_048;
const MEMBERS = 10;
/** Groups of which all members were refused, after which there is room again. */
const REFUSED_GROUPS = 4;
/** More than there is room for. */
const MOST_GROUPS = 2_000;

/** Transactions that begin together, so that they share commits. Each writes to a stream of its own and to a shared one. */
function writeGroup(streams: TransactionalStreamFactory, group: number, filler: string) {
  return Promise.allSettled(
    Array.from({ length: MEMBERS }, (_, member) =>
      streams.transaction(async (tx) => {
        const key = `${group}/${member}`;
        const { version } = await tx.write(`member-${member}`, { type: "Filled", data: { key, filler } });
        await tx.write("all", { type: "Filled", data: { key } });
        await tx.records.put("groups", key, { version });
        return { key, version };
      }),
    ),
  );
}

interface Contents {
  readonly events: readonly string[];
  readonly records: readonly string[];
  readonly versions: readonly number[];
}

async function contentsOf(streams: TransactionalStreamFactory): Promise<Contents> {
  const all = await streams.openStream<{ type: "Filled"; data: { key: string } }>("all");
  const events: string[] = [];
  for await (const { data } of all.read()) events.push(data.key);
  const records = await streams.transaction(async (tx) => {
    const keys: string[] = [];
    for (const key of events) if ((await tx.records.get("groups", key)) !== undefined) keys.push(key);
    return keys;
  });
  const versions: number[] = [];
  for (let member = 0; member < MEMBERS; member += 1) {
    versions.push((await streams.openStream(`member-${member}`)).version);
  }
  return { events: events.sort(), records: records.sort(), versions };
}

/** What was acknowledged, as the store has to have it. */
class Acknowledged {
  readonly keys: string[] = [];
  readonly versions: number[] = Array.from({ length: MEMBERS }, () => 0);
  refused = 0;

  /** @returns how many members were refused for want of space */
  async write(streams: TransactionalStreamFactory, group: number, filler: string): Promise<number> {
    const outcomes = await writeGroup(streams, group, filler);
    outcomes.forEach((outcome, member) => {
      if (outcome.status === "rejected") {
        if (!isStreamError(outcome.reason, "STORAGE_FULL")) throw outcome.reason;
        return;
      }
      this.keys.push(outcome.value.key);
      // A head that was remembered from a refused member would give the next one a version too high.
      this.versions[member] = (this.versions[member] ?? 0) + 1;
      expect(outcome.value.version).toBe(this.versions[member]);
    });
    const rejected = outcomes.filter(({ status }) => status === "rejected").length;
    this.refused += rejected;
    return rejected;
  }

  async expectIn(streams: TransactionalStreamFactory): Promise<void> {
    const keys = [...this.keys].sort();
    expect(await contentsOf(streams)).toEqual({ events: keys, records: keys, versions: this.versions });
  }
}

const NAME =
  "R37 a full disk refuses the members of a shared commit, stores nothing of them, and keeps every version right";
faultTest(NAME, { quick: 2, soak: 40 }, async ({ rounds, integer, count }) => {
  await using folder = await createTempDir();
  for (let round = 0; round < rounds; round += 1) {
    const mounted = SmallDisk.mount(folder.file(`disk-${round}`), DISK_KIBIBYTES);
    if ("why" in mounted) return leftOut(NAME, mounted.why);
    using disk = mounted;
    disk.occupy(DISK_KIBIBYTES / 2);
    const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] ?? "sqlite3";
    const filler = "x".repeat(integer(10, 4_000));
    const acknowledged = new Acknowledged();
    {
      await using streams = await sqliteStreamFactory(disk.file("store.db"), { driver });
      let group = 0;
      for (let full = 0; full < REFUSED_GROUPS && group < MOST_GROUPS; group += 1) {
        if ((await acknowledged.write(streams, group, filler)) === MEMBERS) full += 1;
      }
      disk.free();
      expect(await acknowledged.write(streams, group, filler)).toBe(0);
      await acknowledged.expectIn(streams);
    }
    await using reopened = await sqliteStreamFactory(disk.file("store.db"), { driver });
    await acknowledged.expectIn(reopened);
    expect((await reopened.verify()).problems).toEqual([]);
    count("acknowledged transactions", acknowledged.keys.length);
    count("refused transactions", acknowledged.refused);
  }
});
