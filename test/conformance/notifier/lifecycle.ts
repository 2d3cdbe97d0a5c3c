import { ALL_STREAM, type StreamBackend } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { BatchRecorder, lastOf } from "../support/batch-recorder.js";
import { nextTurn } from "../support/eventually.js";
import { counted, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeLifecycle({ describe, test, expect, eventually }: Suite<StreamBackend>): void {
  describe("the notifier", () => {
    test("may be started twice, one after the other and at once", async ({ storage, notifier }) => {
      await Promise.all([notifier.start(), notifier.start()]);
      await notifier.start();
      const recorder = new BatchRecorder(notifier, "a");
      await append(storage, "a", [counted(1)]);
      const last = await lastOf(storage, "a");
      await eventually("the subscriber knows of the event", () => recorder.hasHeardOf(last));

      expect(recorder.faultsAgainst(await readAll(storage, "a"))).toEqual([]);
    });

    test("may be disposed of twice, one after the other and at once", async ({ notifier }) => {
      await notifier.start();
      await Promise.all([notifier[Symbol.asyncDispose](), notifier[Symbol.asyncDispose]()]);
      await notifier[Symbol.asyncDispose]();
    });

    test("may be disposed of without having been started", async ({ notifier }) => {
      await notifier[Symbol.asyncDispose]();
    });

    test("ends all subscriptions when it is disposed of, and the storage goes on", async ({ storage, notifier }) => {
      await notifier.start();
      const recorders = ["a", ALL_STREAM].map((streamId) => new BatchRecorder(notifier, streamId));
      await append(storage, "a", [counted(1)]);
      const last = await lastOf(storage, "a");
      await eventually("the subscribers know of the event", () =>
        recorders.every((recorder) => recorder.hasHeardOf(last)),
      );
      await notifier[Symbol.asyncDispose]();
      const heard = recorders.map((recorder) => recorder.batches.length);
      for (const number of wholeNumbers(2, 10)) {
        await append(storage, "a", [counted(number)]);
        await nextTurn();
      }

      expect(recorders.map((recorder) => recorder.batches.length)).toEqual(heard);
      expect(await storage.getVersion("a")).toBe(10);
      for (const recorder of recorders) recorder.unsubscribe();
    });

    test("may be disposed of while events come in", async ({ storage, notifier }) => {
      await notifier.start();
      const recorder = new BatchRecorder(notifier, ALL_STREAM);
      const writes = wholeNumbers(1, 50).map((number) => append(storage, "a", [counted(number)]));
      await Promise.all([...writes, notifier[Symbol.asyncDispose]()]);

      expect(recorder.faultsAgainst(await readAll(storage, "a"))).toEqual([]);
      expect(await storage.getVersion("a")).toBe(50);
    });
  });
}
