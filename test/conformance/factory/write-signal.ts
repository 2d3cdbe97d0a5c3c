import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { failureOf } from "../support/failure-of.js";
import { counted, numbersOf, wholeNumbers } from "../support/sample-events.js";

export function describeWriteSignal({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("the signal of a write", () => {
    test("that is aborted already rejects it with the reason, and nothing is stored", async (streams) => {
      const stream = await streams.openStream("a");
      const reasons = [new Error("changed my mind"), "a reason that is no error"];
      for (const reason of reasons) {
        expect(await failureOf(stream.write(counted(1), { signal: AbortSignal.abort(reason) }))).toBe(reason);
      }
      const error = await failureOf(stream.write(counted(1), { signal: AbortSignal.abort() }));

      expect(error).toMatchObject({ name: "AbortError" });
      expect(stream.version).toBe(0);
      expect(await stream.metrics()).toMatchObject({ currentVersion: 0, eventCount: 0 });
    });

    test("has no effect on a write that has completed", async (streams) => {
      const stream = await streams.openStream("a");
      const controller = new AbortController();
      await stream.write(counted(1), { signal: controller.signal });
      controller.abort();
      await stream.write(counted(2));

      expect(numbersOf(await eventsOf(stream))).toEqual([1, 2]);
    });

    for (const [moment, wait] of [
      ["at once", async () => undefined],
      ["a little later", nextTurn],
    ] as const) {
      test(`leaves two outcomes, and touches no other write, when it is aborted ${moment}`, async (streams) => {
        const stream = await streams.openStream("a");
        const reason = new Error("changed my mind");
        const issued = wholeNumbers(1, 90).map((number) => {
          const controller = new AbortController();
          const signal = number % 3 === 0 ? undefined : controller.signal;
          const outcome = stream.write(counted(number), { signal }).then(
            () => "stored",
            (error: unknown) => (error === reason ? "aborted" : error),
          );
          return { number, controller, outcome };
        });
        await wait();
        for (const { number, controller } of issued) if (number % 3 !== 1) controller.abort(reason);
        const outcomes = await Promise.all(
          issued.map(async ({ number, outcome }) => ({ number, outcome: await outcome })),
        );

        expect(outcomes.filter(({ outcome }) => outcome !== "stored" && outcome !== "aborted")).toEqual([]);
        expect(outcomes.filter(({ number, outcome }) => number % 3 !== 2 && outcome !== "stored")).toEqual([]);
        const stored = outcomes.filter(({ outcome }) => outcome === "stored").map(({ number }) => number);
        await stream.write(counted(100));
        expect(numbersOf(await eventsOf(stream))).toEqual([...stored, 100]);
      });
    }

    test("may be shared by many writes", async (streams) => {
      const stream = await streams.openStream("a");
      const { signal } = new AbortController();
      await Promise.all(wholeNumbers(1, 100).map((number) => stream.write(counted(number), { signal })));

      expect((await stream.metrics()).eventCount).toBe(100);
    });
  });
}
