import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, wholeNumbers } from "../support/sample-events.js";

export function describeSnapshots({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("a snapshot", () => {
    test("is null where there is none", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));

      expect(await stream.loadSnapshot()).toBe(null);
      expect(await stream.loadSnapshot({ projection: "other", atOrBefore: 2 })).toBe(null);
    });

    test("is of the handle's version and of the default projection, unless said otherwise", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const beforeMs = Date.now();
      await stream.snapshot({ sum: 6 });
      const afterMs = Date.now();

      const snapshot = await stream.loadSnapshot();
      const timestamp = snapshot?.timestamp;
      expect(snapshot).toStrictEqual({
        streamId: "a",
        projection: "default",
        version: 3,
        timestamp,
        state: { sum: 6 },
      });
      expect(timestamp instanceof Date && timestamp.getTime() >= beforeMs && timestamp.getTime() <= afterMs).toBe(true);
    });

    test("can be loaded by every handle", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      await stream.snapshot("state");

      expect(await (await streams.openStream("a")).loadSnapshot()).toMatchObject({ version: 3, state: "state" });
    });

    test("of the newest version wins, also over an older one that is saved later", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      for (const version of [5, 10, 2, 7]) await stream.snapshot({ version }, { version });

      expect(await stream.loadSnapshot()).toMatchObject({ version: 10, state: { version: 10 } });
    });

    test("can be asked for at or before a version", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      for (const version of [5, 10, 2]) await stream.snapshot({ version }, { version });
      const found = await Promise.all(
        [0, 1, 2, 4, 5, 9, 10, 11].map(async (atOrBefore) => (await stream.loadSnapshot({ atOrBefore }))?.version),
      );

      expect(found).toEqual([undefined, undefined, 2, 2, 5, 5, 10, 10]);
    });

    test("replaces one of the same version", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      await stream.snapshot("first");
      await stream.snapshot("second");

      expect(await stream.loadSnapshot()).toMatchObject({ version: 3, state: "second" });
    });

    test("may say how many of its projection stay, and the newest do", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      await stream.snapshot("other", { version: 1, projection: "other", keep: 1 });
      for (const version of [2, 4, 6, 8, 10]) await stream.snapshot({ version }, { version, keep: 2 });

      expect(await stream.loadSnapshot()).toMatchObject({ version: 10, state: { version: 10 } });
      expect(await stream.loadSnapshot({ atOrBefore: 9 })).toMatchObject({ version: 8, state: { version: 8 } });
      expect(await stream.loadSnapshot({ projection: "other" })).toMatchObject({ version: 1, state: "other" });
    });

    for (const keep of [0, -1, 1.5, "2", null]) {
      test(`is refused with ${JSON.stringify(keep)} for how many stay, and nothing is saved`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(3));

        expect(await failureOf(stream.snapshot("state", { keep: keep as number }))).toMatchObject({
          code: "INVALID_ARGUMENT",
          argument: "keep",
        });
        expect(await stream.loadSnapshot()).toBe(null);
      });
    }

    test("belongs to its projection and its stream", async (streams) => {
      const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
      await a.write(countedUpTo(3));
      await b.write(countedUpTo(3));
      await a.snapshot("a");
      await a.snapshot("a, by day", { projection: "by day", version: 2 });
      await b.snapshot("b");

      expect(await a.loadSnapshot()).toMatchObject({ projection: "default", version: 3, state: "a" });
      expect(await a.loadSnapshot({ projection: "by day" })).toMatchObject({
        projection: "by day",
        version: 2,
        state: "a, by day",
      });
      expect(await b.loadSnapshot()).toMatchObject({ streamId: "b", state: "b" });
      expect(await b.loadSnapshot({ projection: "by day" })).toBe(null);
    });

    test("is refused beyond the stream's version, and nothing is saved", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));

      expect(await failureOf(stream.snapshot("state", { version: 4 }))).toMatchObject({
        name: "InvalidArgumentError",
        code: "INVALID_ARGUMENT",
        argument: "version",
      });
      expect(await stream.loadSnapshot()).toBe(null);
    });

    test("may be of a version that the stream has and the handle has not seen", async (streams) => {
      const [behind, ahead] = [await streams.openStream("a"), await streams.openStream("a")];
      await ahead.write(countedUpTo(5));
      await behind.snapshot("state", { version: 4 });
      await behind.snapshot("nothing yet");

      expect((await behind.loadSnapshot())?.version).toBe(4);
      expect((await behind.loadSnapshot({ atOrBefore: 3 }))?.version).toBe(0);
    });

    test("of @all is at a position, which must be given", async (streams) => {
      const { position } = await (await streams.openStream("a")).write(countedUpTo(3));
      const all = await streams.openStream(ALL_STREAM);

      expect(await failureOf(all.snapshot("state"))).toMatchObject({ code: "INVALID_ARGUMENT", argument: "version" });
      const beyond = all.snapshot("state", { version: position + 1 });
      expect(await failureOf(beyond)).toMatchObject({ code: "INVALID_ARGUMENT", argument: "version" });
      expect(await all.loadSnapshot()).toBe(null);
      await all.snapshot("state", { version: position });
      expect(await all.loadSnapshot()).toMatchObject({ streamId: ALL_STREAM, version: position, state: "state" });
    });

    test("takes no part in the stream", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const before = await stream.metrics();
      await stream.snapshot("state", { version: 1 });

      expect(await stream.metrics()).toEqual(before);
      expect(stream.version).toBe(3);
      expect(await stream.write(counted(4), { expectedVersion: 3 })).toMatchObject({ version: 4 });
    });

    test("may be saved beside others and beside writes", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(30));
      const saved = wholeNumbers(1, 30).map((version) => stream.snapshot({ version }, { version }));
      await Promise.all([...saved, ...wholeNumbers(31, 40).map((number) => stream.write(counted(number)))]);

      expect((await stream.loadSnapshot())?.state).toEqual({ version: 30 });
      expect((await stream.loadSnapshot({ atOrBefore: 12 }))?.state).toEqual({ version: 12 });
      expect(stream.version).toBe(40);
    });
  });
}
