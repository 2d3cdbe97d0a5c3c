import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { allEventsOf } from "../../conformance/support/transactions.js";
import { acknowledgedPosition } from "../../support/acknowledged.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { AcknowledgedDeletion, NewestRemoverConfig } from "../fixtures/newest-remover.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

faultTest(
  "R42 a process that is killed while it deletes the store's newest events leaves a head that only grew, as its record says",
  { quick: 3, soak: 60 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    let head = 0;
    for (let round = 0; round < rounds; round += 1) {
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      const config: NewestRemoverConfig = { path, driver, round };
      await using removing = startFixture("newest-remover.ts", { args: [JSON.stringify(config)] });
      const wanted = integer(1, 30);
      await removing.waitFor(() => removing.lines.length >= wanted);
      await delay(integer(0, 12));
      await removing.kill();
      const deletions = removing.lines.map((line) => JSON.parse(line) as AcknowledgedDeletion);
      count("deletions", deletions.length);
      const recorded = await acknowledgedPosition(path);

      await using streams = await sqliteStreamFactory(path, { driver });
      const all = await streams.openStream("@all");
      const newest = deletions.at(-1)?.position ?? 0;
      expect(newest).toBeGreaterThan(head);
      expect(all.version).toBeGreaterThanOrEqual(Math.max(newest, recorded));
      expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
      const events = await allEventsOf(streams);
      for (const { streamId, position } of deletions) {
        expect(events.filter((event) => event.streamId === streamId)).toMatchObject([{ position, type: "@deleted" }]);
      }
      head = all.version;
    }
  },
);
