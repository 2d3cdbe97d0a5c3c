import { expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";
import { revoked } from "../support/revoked.js";

test("of watches that share a signal one may end, and the signal still ends the others", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const controller = new AbortController();
  const [heardByFirst, heardBySecond, completed] = [vi.fn(), vi.fn(), vi.fn()];
  const { signal } = controller;
  const first = stream.watch({ signal }).subscribe(heardByFirst);
  stream.watch({ signal }).subscribe({ next: heardBySecond, complete: completed });
  await stream.write({ type: "A", data: 1 });
  await vi.waitFor(() => expect([heardByFirst, heardBySecond].map((one) => one.mock.calls.length)).toEqual([1, 1]));
  first.unsubscribe();
  await stream.write({ type: "B", data: 2 });
  await vi.waitFor(() => expect(heardBySecond).toHaveBeenCalledTimes(2));
  expect(completed).not.toHaveBeenCalled();
  controller.abort();

  await vi.waitFor(() => expect(completed).toHaveBeenCalledTimes(1));
  expect(heardByFirst).toHaveBeenCalledTimes(1);
});

test("what a signal is aborted with is what its calls reject with, also where it cannot be looked at", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const reason = revoked();
  const signal = AbortSignal.abort(reason);
  const event = { type: "A", data: 1 };
  const outcomes = await Promise.allSettled([
    stream.write(event, { signal }),
    streams.writeAll([{ streamId: "a", events: event }], { signal }),
    streams.transaction(async () => 1, { signal }),
    stream.read({ signal })[Symbol.asyncIterator]().next(),
    stream.watch({ signal })[Symbol.asyncIterator]().next(),
  ]);

  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason === reason)).toEqual(
    outcomes.map(() => true),
  );
});
