import type { StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import { counted, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeSignal({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("the signal of an append", () => {
    test("that is aborted already rejects it with the reason, and nothing is stored", async (storage) => {
      const reason = new Error("changed my mind");

      const error = await failureOf(append(storage, "a", [counted(1)], { signal: AbortSignal.abort(reason) }));

      expect(error).toBe(reason);
      expect(await storage.getVersion("a")).toBe(0);
    });

    test("has no effect once the append has resolved", async (storage) => {
      const controller = new AbortController();
      await append(storage, "a", [counted(1)], { signal: controller.signal });
      controller.abort();

      expect(numbersOf(await readAll(storage, "a"))).toEqual([1]);
    });

    test("leaves two outcomes: rejected and not stored, or resolved and stored", async (storage) => {
      const reason = new Error("changed my mind");
      const issued = wholeNumbers(1, 60).map((number) => {
        const controller = new AbortController();
        const outcome = append(storage, "a", [counted(number)], { signal: controller.signal }).then(
          () => "stored",
          (error: unknown) => (error === reason ? "aborted" : error),
        );
        return { number, controller, outcome };
      });
      for (const { number, controller } of issued) if (number % 2 === 0) controller.abort(reason);
      const outcomes = await Promise.all(
        issued.map(async ({ number, outcome }) => ({ number, outcome: await outcome })),
      );

      expect(outcomes.filter(({ outcome }) => outcome !== "stored" && outcome !== "aborted")).toEqual([]);
      expect(outcomes.filter(({ number, outcome }) => number % 2 === 1 && outcome !== "stored")).toEqual([]);
      const expected = outcomes.filter(({ outcome }) => outcome === "stored").map(({ number }) => number);
      const events = await readAll(storage, "a");
      expect(numbersOf(events)).toEqual(expected);
      expect(versionsOf(events)).toEqual(wholeNumbers(1, expected.length));
    });
  });
}
