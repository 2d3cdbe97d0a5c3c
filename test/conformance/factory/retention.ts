import type { RetentionRule, StoredEvent, StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { fillStream, retain } from "../support/administration.js";
import { ADMINISTRATION } from "../support/capabilities.js";
import { take } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeRetention({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("retention, where the store has administration", () => {
    testWith(ADMINISTRATION, "keeps exactly what the first rule that fits protects", async (streams) => {
      for (const id of ["metric-a", "metric-keep", "metric-short", "other"]) {
        await fillStream(streams, id, id === "metric-short" ? 3 : 10);
      }
      const rules: RetentionRule[] = [{ prefix: "metric-keep" }, { prefix: "metric-", maxEvents: 4 }];
      const report = { streamId: "metric-a", version: 10, firstVersion: 7, removedEvents: 6, removedSnapshots: 0 };
      expect(await retain(streams, rules, { dryRun: true })).toEqual([report]);
      expect(await streams.describeStream("metric-a")).toMatchObject({ firstVersion: 1 });

      expect(await retain(streams, rules)).toEqual([report]);
      expect(versionsOf(await take((await streams.openStream("metric-a")).read({ after: 6 }), 100))).toEqual([
        7, 8, 9, 10,
      ]);
      for (const id of ["metric-keep", "metric-short", "other"]) {
        expect(await streams.describeStream(id)).toMatchObject({ firstVersion: 1 });
      }
      expect(await retain(streams, rules)).toEqual([]);
    });

    testWith(ADMINISTRATION, "goes only as far as a snapshot reaches", async (streams) => {
      await fillStream(streams, "a", 10);
      const rules = [{ prefix: "a", maxEvents: 2, behindSnapshot: "account@3" }];
      expect(await retain(streams, rules)).toEqual([]);
      await (await streams.openStream("a")).snapshot(1, { version: 5, projection: "account@3" });

      expect(await retain(streams, rules)).toMatchObject([{ streamId: "a", firstVersion: 6, removedEvents: 5 }]);
    });

    testWith(ADMINISTRATION, "keeps what is young, and streams that go on", async (streams) => {
      await fillStream(streams, "a", 10);
      const dayMs = 24 * 3_600_000;

      expect(await retain(streams, [{ prefix: "", maxAgeMs: dayMs, deleteAfterMs: dayMs }])).toEqual([]);
      expect(await streams.describeStream("a")).toMatchObject({ version: 10, firstVersion: 1, deleted: false });
    });

    testWith(ADMINISTRATION, "gives what goes to the archive", async (streams) => {
      await fillStream(streams, "a", 10);
      const archived: StoredEvent[] = [];
      const archive = async (events: readonly StoredEvent[]): Promise<void> => void archived.push(...events);
      await retain(streams, [{ prefix: "a", maxEvents: 3 }], { archive });

      expect(versionsOf(archived)).toEqual(wholeNumbers(1, 7));
    });

    testWith(ADMINISTRATION, "does not report what others removed meanwhile", async (streams) => {
      for (const id of ["a", "b", "c"]) await fillStream(streams, id, 10);
      const rules = [{ prefix: "", maxEvents: 3 }];
      const archive = async ([event]: readonly StoredEvent[]): Promise<void> => {
        if (event?.streamId === "a") await streams.pruneStream("a", { before: 8 });
        if (event?.streamId === "b") await streams.deleteStream("b");
      };

      expect(await retain(streams, rules, { archive })).toMatchObject([{ streamId: "c", removedEvents: 7 }]);
    });

    testWith(ADMINISTRATION, "is applied by one at a time", async (streams) => {
      await fillStream(streams, "a", 10);
      const rules = [{ prefix: "", maxEvents: 1 }];
      let inside: unknown;
      const archive = async (): Promise<void> => {
        inside = await retain(streams, rules);
      };
      expect(await retain(streams, rules, { archive })).toMatchObject([{ streamId: "a", firstVersion: 10 }]);
      expect(inside).toEqual([]);
      await fillStream(streams, "b", 10);

      expect(await retain(streams, rules)).toMatchObject([{ streamId: "b", firstVersion: 10 }]);
    });

    testWith(ADMINISTRATION, "refuses wrong rules", async (streams) => {
      for (const rule of [
        { prefix: 1 },
        { prefix: "a", maxEvents: 0 },
        { prefix: "a", maxAge: 1 },
        { prefix: "a", maxAgeMs: -1 },
      ]) {
        const applying = retain(streams, [rule as unknown as RetentionRule]);
        expect(await failureOf(applying)).toMatchObject({ code: "INVALID_ARGUMENT" });
      }
    });
  });
}
