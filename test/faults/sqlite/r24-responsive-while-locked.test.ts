import { lookup } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { holdLock } from "../support/held-lock.js";

/** Twice what libuv has of threads. */
const FACTORIES = 8;
const PROBES = 100;

faultTest("R24 a process stays responsive while it waits for a lock", { quick: 3, soak: 60 }, async (laboratory) => {
  const { rounds, count } = laboratory;
  await using folder = await createTempDir();
  const file = folder.file("probe.txt");
  await writeFile(file, "here");
  for (let round = 0; round < rounds; round += 1) {
    const path = folder.file(`${round}.db`);
    const opened = Array.from({ length: FACTORIES }, () =>
      sqliteStreamFactory(path, { driver: DRIVER_NAMES[round % 2], busyTimeoutMs: 30_000 }),
    );
    const factories = await Promise.all(opened);
    const streams = await Promise.all(factories.map((factory) => factory.openStream("s")));
    await using lock = await holdLock(path);
    let settled = 0;
    const writes = streams.map((stream) => stream.write({ type: "Waited", data: null }).finally(() => (settled += 1)));

    for (let probe = 0; probe < PROBES; probe += 1) {
      expect(await readFile(file, "utf8")).toBe("here");
      expect((await lookup("localhost")).address).not.toBe("");
      expect((await streams[probe % FACTORIES]?.metrics())?.eventCount).toBe(0);
      await delay(0);
      count("probes while the lock was held");
    }
    expect(settled).toBe(0);

    await lock.release();
    const versions = (await Promise.all(writes)).map(({ version }) => version);
    expect(versions.sort()).toEqual(streams.map((_, index) => index + 1));
    for (const factory of factories) await factory[Symbol.asyncDispose]();
    count("waiting writes", FACTORIES);
  }
});
