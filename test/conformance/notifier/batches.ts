import { ALL_STREAM, type StreamBackend } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { BatchRecorder, lastOf } from "../support/batch-recorder.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, keyed, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeBatches({ describe, test, expect, eventually }: Suite<StreamBackend>): void {
  describe("a subscriber", () => {
    test("is notified of the events of its stream, in order, without gaps and without repeats", async ({
      storage,
      notifier,
    }) => {
      await notifier.start();
      const recorder = new BatchRecorder(notifier, "a");
      for (const number of wholeNumbers(1, 20)) {
        await append(storage, "a", [counted(number)]);
        await append(storage, "b", [counted(number)]);
      }
      await append(storage, "a", countedUpTo(60, 21));
      const last = await lastOf(storage, "a");
      await eventually("the subscriber knows of the last event", () => recorder.hasHeardOf(last));

      expect(recorder.faultsAgainst(await readAll(storage, "a"))).toEqual([]);
      expect(recorder.events.every((event) => event.streamId === "a")).toBe(true);
    });

    test("of @all is notified of the events of every stream, in the order of their positions", async ({
      storage,
      notifier,
    }) => {
      await notifier.start();
      const recorder = new BatchRecorder(notifier, ALL_STREAM);
      await Promise.all(
        wholeNumbers(1, 60).map((number) => append(storage, `stream-${number % 5}`, countedUpTo(number % 4))),
      );
      const last = await lastOf(storage, ALL_STREAM);
      await eventually("the subscriber knows of the last event", () => recorder.hasHeardOf(last));

      expect(recorder.faultsAgainst(await readAll(storage, ALL_STREAM))).toEqual([]);
    });

    test("is notified of events as they are stored", async ({ storage, notifier }) => {
      await notifier.start();
      const recorder = new BatchRecorder(notifier, "a");
      await append(storage, "a", [
        { type: "Json", data: { n: -0, text: "ä🚀" }, metadata: { by: "ann" } },
        { type: "Bytes", data: new Uint8Array([0, 255]) },
        keyed("key"),
      ]);
      const last = await lastOf(storage, "a");
      await eventually("the subscriber knows of the last event", () => recorder.hasHeardOf(last));

      const stored = await readAll(storage, "a");
      for (const event of recorder.events) expect(event).toStrictEqual(stored[event.version - 1]);
    });

    test("is not notified of events that were stored before it subscribed", async ({ storage, notifier }) => {
      await notifier.start();
      const earlier = [new BatchRecorder(notifier, "a"), new BatchRecorder(notifier, ALL_STREAM)];
      await append(storage, "a", countedUpTo(3));
      const recorders = ["a", ALL_STREAM].map((streamId) => new BatchRecorder(notifier, streamId));
      await append(storage, "a", [counted(4)]);
      const last = await lastOf(storage, "a");
      await eventually("all subscribers know of the last event", () =>
        [...earlier, ...recorders].every((recorder) => recorder.hasHeardOf(last)),
      );

      const stored = await readAll(storage, "a", { after: 3 });
      for (const recorder of recorders) expect(recorder.faultsAgainst(stored)).toEqual([]);
    });

    test("is not notified of what was refused or was stored already", async ({ storage, notifier }) => {
      await notifier.start();
      const recorders = ["a", ALL_STREAM].map((streamId) => new BatchRecorder(notifier, streamId));
      await append(storage, "a", [keyed("key")]);
      await append(storage, "a", [keyed("key")]);
      await failureOf(append(storage, "a", [counted(2), counted(3)], { expectedVersion: 0 }));
      await failureOf(append(storage, "a", [counted(2), keyed("key", "something else")]));
      await append(storage, "a", []);
      await append(storage, "a", [keyed("key"), counted(2)]);
      const last = await lastOf(storage, "a");
      await eventually("the subscribers know of the last event", () => recorders.every((one) => one.hasHeardOf(last)));

      const stored = await readAll(storage, "a");
      for (const recorder of recorders) expect(recorder.faultsAgainst(stored)).toEqual([]);
    });

    test("knows of thousands of events that come at once", async ({ storage, notifier }) => {
      await notifier.start();
      const recorders = ["a", ALL_STREAM].map((streamId) => new BatchRecorder(notifier, streamId));
      await Promise.all(
        wholeNumbers(0, 9).map((batch) => append(storage, "a", countedUpTo(batch * 300 + 300, batch * 300 + 1))),
      );
      const last = await lastOf(storage, "a");
      await eventually("the subscribers know of the last event", () => recorders.every((one) => one.hasHeardOf(last)));

      const stored = await readAll(storage, "a");
      for (const recorder of recorders) expect(recorder.faultsAgainst(stored)).toEqual([]);
    });
  });
}
