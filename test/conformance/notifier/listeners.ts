import { ALL_STREAM, type StreamBackend } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { BatchRecorder, lastOf } from "../support/batch-recorder.js";
import { counted, wholeNumbers } from "../support/sample-events.js";
import { spoil } from "../support/spoil.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeListeners({ describe, test, expect, eventually }: Suite<StreamBackend>): void {
  describe("several subscribers", () => {
    test("are each notified of everything", async ({ storage, notifier }) => {
      await notifier.start();
      const recorders = ["a", "a", "a", ALL_STREAM, ALL_STREAM].map(
        (streamId) => new BatchRecorder(notifier, streamId),
      );
      for (const number of wholeNumbers(1, 10)) await append(storage, "a", [counted(number)]);
      const last = await lastOf(storage, "a");
      await eventually("all know of the last event", () => recorders.every((recorder) => recorder.hasHeardOf(last)));

      const stored = await readAll(storage, "a");
      for (const recorder of recorders) expect(recorder.faultsAgainst(stored)).toEqual([]);
    });

    test("get events of their own, which they may change", async ({ storage, notifier }) => {
      await notifier.start();
      notifier.subscribe("a", (batch) => batch.forEach(spoil));
      const recorder = new BatchRecorder(notifier, "a");
      notifier.subscribe(ALL_STREAM, (batch) => batch.forEach(spoil));
      const recorderOfAll = new BatchRecorder(notifier, ALL_STREAM);
      await append(storage, "a", [
        { type: "Json", data: { list: [1] }, metadata: { by: "ann" } },
        { type: "Bytes", data: new Uint8Array([1, 2]), metadata: { by: "ann" } },
      ]);
      const last = await lastOf(storage, "a");
      await eventually("the subscribers know of the last event", () =>
        [recorder, recorderOfAll].every((one) => one.hasHeardOf(last)),
      );

      const stored = await readAll(storage, "a");
      expect(stored.map((event) => event.metadata)).toEqual([{ by: "ann" }, { by: "ann" }]);
      for (const event of [...recorder.events, ...recorderOfAll.events]) {
        expect(event).toStrictEqual(stored[event.version - 1]);
      }
    });

    test("are not harmed by one that throws, nor is the write", async ({ storage, notifier }) => {
      await notifier.start();
      let thrown = 0;
      const fail = (): void => {
        thrown += 1;
        throw new Error("this listener fails on purpose");
      };
      const before = new BatchRecorder(notifier, "a");
      notifier.subscribe("a", fail);
      notifier.subscribe(ALL_STREAM, fail);
      const after = new BatchRecorder(notifier, "a");
      const ofAll = new BatchRecorder(notifier, ALL_STREAM);
      for (const number of wholeNumbers(1, 5)) {
        expect(await append(storage, "a", [counted(number)])).toMatchObject({ version: number, written: 1 });
      }
      const last = await lastOf(storage, "a");
      await eventually("the others know of the last event", () =>
        [before, after, ofAll].every((recorder) => recorder.hasHeardOf(last)),
      );
      await eventually("the failing listener was called", () => thrown >= 2);

      const stored = await readAll(storage, "a");
      for (const recorder of [before, after, ofAll]) expect(recorder.faultsAgainst(stored)).toEqual([]);
    });

    test("may write and subscribe from within a listener", async ({ storage, notifier }) => {
      await notifier.start();
      const nested: BatchRecorder[] = [];
      const answers: Promise<unknown>[] = [];
      const subscription = notifier.subscribe("a", () => {
        subscription.unsubscribe();
        nested.push(new BatchRecorder(notifier, "b"));
        answers.push(append(storage, "b", [counted(1)]));
      });
      await append(storage, "a", [counted(1)]);
      await eventually("the listener was called", () => nested.length === 1);
      await Promise.all(answers);
      const last = await lastOf(storage, "b");
      await eventually("the nested subscriber knows of the event", () => nested[0]?.hasHeardOf(last) === true);

      expect(nested[0]?.faultsAgainst(await readAll(storage, "b"))).toEqual([]);
    });
  });
}
