import { ALL_STREAM, type StreamBackend, type Subscription } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { BatchRecorder, lastOf } from "../support/batch-recorder.js";
import { counted, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeUnsubscribe({ describe, test, expect, eventually }: Suite<StreamBackend>): void {
  describe("unsubscribe", () => {
    for (const streamId of ["a", ALL_STREAM]) {
      test(`ends the calls of a subscriber to ${streamId}, and of no other`, async ({ storage, notifier }) => {
        await notifier.start();
        const leaving = new BatchRecorder(notifier, streamId);
        const staying = new BatchRecorder(notifier, streamId);
        await append(storage, "a", [counted(1)]);
        const first = await lastOf(storage, "a");
        await eventually("both know of the first event", () => leaving.hasHeardOf(first) && staying.hasHeardOf(first));
        leaving.unsubscribe();
        const heard = leaving.batches.length;
        const heardByOther = staying.batches.length;
        await append(storage, "a", [counted(2)]);
        const second = await lastOf(storage, "a");
        await eventually(
          "the one that stays knows of the second event",
          () => staying.batches.length > heardByOther && staying.hasHeardOf(second),
        );

        expect(leaving.batches.length).toBe(heard);
        expect(staying.faultsAgainst(await readAll(storage, "a"))).toEqual([]);
      });
    }

    test("holds at once, also for a batch that is being handed out", async ({ storage, notifier }) => {
      await notifier.start();
      const calls: string[] = [];
      const subscriptions: Subscription[] = [];
      // Whichever is called first ends the other one's subscription and its own.
      for (const name of ["one", "other"]) {
        const endAll = (): void => {
          calls.push(name);
          for (const subscription of subscriptions) subscription.unsubscribe();
        };
        subscriptions.push(notifier.subscribe("a", endAll));
      }
      const staying = new BatchRecorder(notifier, "a");
      for (const number of wholeNumbers(1, 3)) await append(storage, "a", [counted(number)]);
      const last = await lastOf(storage, "a");
      await eventually(
        "the one that stays knows of the last event",
        () => staying.hasHeardOf(last) && calls.length > 0,
      );

      expect(calls.length).toBe(1);
      expect(staying.faultsAgainst(await readAll(storage, "a"))).toEqual([]);
    });

    test("may be called twice, and ends one subscription only when a function is subscribed twice", async ({
      storage,
      notifier,
    }) => {
      await notifier.start();
      let calls = 0;
      const listener = (): void => {
        calls += 1;
      };
      const first = notifier.subscribe("a", listener);
      const second = notifier.subscribe("a", listener);
      first.unsubscribe();
      first.unsubscribe();
      await append(storage, "a", [counted(1)]);
      await eventually("the remaining subscription is notified", () => calls > 0);

      second.unsubscribe();
      second.unsubscribe();
    });

    test("leaves nothing behind that keeps a later subscriber from hearing", async ({ storage, notifier }) => {
      await notifier.start();
      for (const _ of wholeNumbers(1, 200)) {
        new BatchRecorder(notifier, "a").unsubscribe();
        new BatchRecorder(notifier, ALL_STREAM).unsubscribe();
      }
      await append(storage, "a", [counted(1)]);
      const recorders = ["a", ALL_STREAM].map((streamId) => new BatchRecorder(notifier, streamId));
      await append(storage, "a", [counted(2)]);
      const last = await lastOf(storage, "a");
      await eventually("the subscribers know of the event", () =>
        recorders.every((recorder) => recorder.hasHeardOf(last)),
      );

      const stored = await readAll(storage, "a", { after: 1 });
      for (const recorder of recorders) expect(recorder.faultsAgainst(stored)).toEqual([]);
    });
  });
}
