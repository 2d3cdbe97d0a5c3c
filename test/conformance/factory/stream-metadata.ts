import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { fillStream } from "../support/administration.js";
import { ADMINISTRATION } from "../support/capabilities.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { wholeNumbers } from "../support/sample-events.js";

export function describeStreamMetadata({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("the metadata of a stream, where the store has administration", () => {
    testWith(ADMINISTRATION, "is set, changed and removed, and adds nothing to the history", async (streams) => {
      await fillStream(streams, "a", 2);
      const { revision } = await streams.setStreamMetadata("a", { title: "A", tags: ["x"] });
      const set = { version: 2, metadata: { title: "A", tags: ["x"] }, metadataRevision: revision };
      expect(await streams.describeStream("a")).toMatchObject(set);
      const { revision: second } = await streams.setStreamMetadata("a", { title: "B" });

      expect(second > revision).toBe(true);
      expect(await streams.describeStream("a")).toMatchObject({ metadata: { title: "B" }, metadataRevision: second });
      expect(await streams.setStreamMetadata("a", null)).toEqual({ revision: 0 });
      expect(await streams.describeStream("a")).toMatchObject({ version: 2, metadata: null, metadataRevision: 0 });
    });

    testWith(ADMINISTRATION, "is changed only at the expected revision", async (streams) => {
      const { revision } = await streams.setStreamMetadata("a", { title: "A" }, { expectedRevision: 0 });
      const conflict = { code: "RECORD_CONFLICT", revision };
      for (const expectedRevision of [0, revision + 1]) {
        expect(await failureOf(streams.setStreamMetadata("a", {}, { expectedRevision }))).toMatchObject(conflict);
        expect(await failureOf(streams.setStreamMetadata("a", null, { expectedRevision }))).toMatchObject(conflict);
      }
      const writes = wholeNumbers(1, 8).map((number) =>
        streams.setStreamMetadata("a", { number }, { expectedRevision: revision }),
      );

      expect((await outcomesOf(writes)).values.length).toBe(1);
    });

    testWith(ADMINISTRATION, "is taken as it is when it is set", async (streams) => {
      const metadata = { title: "A" };
      const setting = streams.setStreamMetadata("a", metadata);
      metadata.title = "B";
      await setting;

      expect(await streams.describeStream("a")).toMatchObject({ metadata: { title: "A" } });
    });

    testWith(ADMINISTRATION, "goes with the stream, and cannot be set of a deleted one", async (streams) => {
      await fillStream(streams, "a", 2);
      await streams.setStreamMetadata("a", { title: "A" });
      await streams.deleteStream("a");

      expect(await streams.describeStream("a")).toMatchObject({ deleted: true, metadata: null, metadataRevision: 0 });
      const deleted = { code: "STREAM_DELETED", streamId: "a" };
      expect(await failureOf(streams.setStreamMetadata("a", {}))).toMatchObject(deleted);
    });
  });
}
