import type { StreamFactory, StreamInfo } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { fillStream, listedIds } from "../support/administration.js";
import { ADMINISTRATION } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { counted, wholeNumbers } from "../support/sample-events.js";

export function describeStreamList({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("the list of streams, where the store has administration", () => {
    testWith(ADMINISTRATION, "has what is known of each, as the description of one stream has", async (streams) => {
      const beforeMs = Date.now();
      await fillStream(streams, "a", 3);
      const stream = await streams.openStream("a");
      const { position } = await stream.write(counted(4));
      const { revision } = await streams.setStreamMetadata("b", { owner: "bob" });
      const afterMs = Date.now();
      const found: StreamInfo[] = [];
      for await (const info of streams.listStreams()) found.push(info);
      const [a, b] = found;

      expect(a).toStrictEqual({
        streamId: "a",
        version: 4,
        firstVersion: 1,
        eventCount: 4,
        lastPosition: position,
        lastTimestamp: a?.lastTimestamp as Date,
        deleted: false,
        metadata: null,
        metadataRevision: 0,
      } satisfies StreamInfo);
      const timeMs = a?.lastTimestamp?.getTime() ?? 0;
      expect(timeMs >= beforeMs && timeMs <= afterMs).toBe(true);
      expect(b).toMatchObject({ streamId: "b", version: 0, eventCount: 0, lastTimestamp: null });
      expect(b).toMatchObject({ metadata: { owner: "bob" }, metadataRevision: revision });
      for (const info of found) expect(await streams.describeStream(info.streamId)).toEqual(info);
    });

    testWith(ADMINISTRATION, "is in code-point order", async (streams) => {
      const ids = ["a", "a\0z", "aa", "b", "\uffff", "\u{1f600}"];
      for (const id of [...ids].reverse()) await fillStream(streams, id, 1);

      expect(await listedIds(streams)).toEqual(ids);
      expect(await listedIds(streams, { prefix: "a" })).toEqual(["a", "a\0z", "aa"]);
      expect(await listedIds(streams, { after: "aa", limit: 2 })).toEqual(["b", "\uffff"]);
    });

    testWith(
      ADMINISTRATION,
      "has each stream once over many pages, by prefix, after an id and up to a limit",
      async (streams) => {
        const ids = wholeNumbers(1_000, 1_599).map((number) => `s-${number}`);
        await Promise.all(ids.map((id) => fillStream(streams, id, 1)));

        expect(await listedIds(streams)).toEqual(ids);
        expect(await listedIds(streams, { prefix: "s-15" })).toEqual(ids.slice(500));
        expect(await listedIds(streams, { after: "s-1009", limit: 2 })).toEqual(["s-1010", "s-1011"]);
        expect(await listedIds(streams, { limit: 550 })).toEqual(ids.slice(0, 550));
        expect(await listedIds(streams, { prefix: "t" })).toEqual([]);
        expect(await listedIds(streams, { limit: 0 })).toEqual([]);
      },
    );

    testWith(ADMINISTRATION, "has deleted streams only where they are asked for", async (streams) => {
      await fillStream(streams, "a", 3);
      await fillStream(streams, "b", 3);
      await streams.deleteStream("a");

      expect(await listedIds(streams)).toEqual(["b"]);
      expect(await listedIds(streams, { limit: 1 })).toEqual(["b"]);
      expect(await listedIds(streams, { deleted: true })).toEqual(["a", "b"]);
      expect(await streams.describeStream("a")).toMatchObject({ version: 4, firstVersion: 4, deleted: true });
    });

    testWith(
      ADMINISTRATION,
      "goes on while streams are written, and holds nothing open when it is left",
      async (streams) => {
        await Promise.all(wholeNumbers(1, 20).map((number) => fillStream(streams, `s-${100 + number}`, 1)));
        const seen: string[] = [];
        for await (const { streamId } of streams.listStreams()) {
          await (await streams.openStream(streamId)).write(counted(2));
          if (seen.push(streamId) === 10) break;
        }

        expect(seen).toEqual(wholeNumbers(101, 110).map((number) => `s-${number}`));
        await streams[Symbol.asyncDispose]();
      },
    );

    testWith(ADMINISTRATION, "ends with its signal, and with the store", async (streams) => {
      await fillStream(streams, "a", 1);
      await fillStream(streams, "b", 1);
      const controller = new AbortController();
      const reason = new Error("changed my mind");
      const listing = streams.listStreams({ signal: controller.signal })[Symbol.asyncIterator]();
      await listing.next();
      controller.abort(reason);
      expect(await failureOf(listing.next())).toBe(reason);
      expect(await failureOf(listedIds(streams, { signal: controller.signal }))).toBe(reason);

      const open = streams.listStreams()[Symbol.asyncIterator]();
      await open.next();
      await streams[Symbol.asyncDispose]();
      const closed = { code: "STREAM_CLOSED" };
      expect(await failureOf(open.next())).toMatchObject(closed);
      expect(await failureOf(listedIds(streams))).toMatchObject(closed);
      expect(await failureOf(streams.describeStream("a"))).toMatchObject(closed);
    });

    testWith(ADMINISTRATION, "has no description of a stream that was never written", async (streams) => {
      await fillStream(streams, "ab", 1);

      expect(await streams.describeStream("a")).toBe(null);
    });
  });
}
