import { ALL_STREAM, type StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { append, readAll } from "../support/storage-calls.js";
import { STREAM_IDS } from "../support/stream-ids.js";

export function describeStreamIds({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("stream ids", () => {
    test("are told apart exactly", async (storage) => {
      for (const streamId of STREAM_IDS) await append(storage, streamId, [{ type: "Named", data: { streamId } }]);

      for (const streamId of STREAM_IDS) {
        const events = await readAll(storage, streamId);
        expect(events.map((event) => [event.streamId, event.version, event.data])).toEqual([
          [streamId, 1, { streamId }],
        ]);
        expect(await storage.getVersion(streamId)).toBe(1);
      }
      expect((await readAll(storage, ALL_STREAM)).map((event) => event.streamId)).toEqual(STREAM_IDS);
    });

    test("are told apart within appends that run side by side", async (storage) => {
      const events = (streamId: string) => [{ type: "Named", data: { streamId }, idempotencyKey: "key" }];
      const results = await Promise.all(STREAM_IDS.map((streamId) => append(storage, streamId, events(streamId))));

      expect(results.map(({ version, written }) => ({ version, written }))).toEqual(
        STREAM_IDS.map(() => ({ version: 1, written: 1 })),
      );
      for (const streamId of STREAM_IDS) {
        expect((await readAll(storage, streamId)).map((event) => event.data)).toEqual([{ streamId }]);
      }
    });
  });
}
