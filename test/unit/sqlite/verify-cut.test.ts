import { copyFile, stat, truncate } from "node:fs/promises";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

async function readLengths(streams: StreamFactory): Promise<number[]> {
  const lengths: number[] = [];
  for await (const { data } of (await streams.openStream("a")).read()) lengths.push(String(data).length);
  return lengths;
}

test.each(DRIVER_NAMES)("a store that was cut is reported wherever it was cut, over %s", async (driver) => {
  await using folder = await createTempDir();
  const source = folder.file("source.db");
  {
    await using streams = await sqliteStreamFactory(source, { driver });
    const stream = await streams.openStream("a");
    for (let index = 0; index < 8; index += 1) await stream.write({ type: "Large", data: "x".repeat(20_000) });
  }
  const { size } = await stat(source);
  // The log of a crash says how long the file should be, and lets SQLite read behind its end.
  await using open = await sqliteStreamFactory(source, { driver });
  await (await open.openStream("a")).write({ type: "Last", data: "" });
  const outcomes = new Set<string>();
  for (let cut = 4_096; cut < size; cut += 4_096) {
    const path = folder.file(`cut-${cut}.db`);
    await copyFile(source, path);
    await copyFile(`${source}-wal`, `${path}-wal`);
    await truncate(path, cut + 100);
    try {
      await using streams = await sqliteStreamFactory(path, { driver });
      const { ok } = await streams.verify();
      outcomes.add(ok ? "intact" : "reported");
      // The log may have all the pages that are gone.
      if (ok) expect(await readLengths(streams)).toEqual([...Array(8).fill(20_000), 0]);
    } catch (error) {
      expect(error).toMatchObject({ code: "STORAGE_CORRUPT", message: expect.stringMatching(/open the database/) });
    }
  }
  expect(outcomes).toContain("reported");
});
