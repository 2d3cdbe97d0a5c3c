import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo } from "../support/sample-events.js";

export function describeReadSignal({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("the signal of a read", () => {
    test("that is aborted already ends it with the reason before the first event", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const reason = new Error("enough");
      const read = stream.read({ signal: AbortSignal.abort(reason) });

      expect(await failureOf(collect(read))).toBe(reason);
      expect(await failureOf(collect(stream.read({ signal: AbortSignal.abort() })))).toMatchObject({
        name: "AbortError",
      });
    });

    test("ends it with the reason between two events", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(1_000));
      for (const direction of ["forward", "backward"] as const) {
        const controller = new AbortController();
        const reason = new Error("enough");
        let count = 0;
        let caught: unknown;
        try {
          for await (const _ of stream.read({ signal: controller.signal, direction })) {
            count += 1;
            if (count === 300) controller.abort(reason);
          }
        } catch (error) {
          caught = error;
        }

        expect(count).toBe(300);
        expect(caught).toBe(reason);
      }
    });

    test("that is aborted at the last event still ends it with the reason", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const controller = new AbortController();
      const iterator = stream.read({ signal: controller.signal })[Symbol.asyncIterator]();
      for (const version of [1, 2, 3]) expect((await iterator.next()).value?.version).toBe(version);
      const reason = new Error("enough");
      controller.abort(reason);

      expect(await failureOf(iterator.next())).toBe(reason);
      expect((await iterator.next()).done).toBe(true);
    });

    test("has no effect on a read that has come to its end, nor on others", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const controller = new AbortController();
      expect((await collect(stream.read({ signal: controller.signal }))).length).toBe(3);
      controller.abort();

      expect((await collect(stream.read())).length).toBe(3);
      expect(await stream.write(counted(4))).toMatchObject({ version: 4 });
    });
  });
}
