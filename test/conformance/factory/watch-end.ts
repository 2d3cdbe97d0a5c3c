import { ALL_STREAM, type Stream, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { failureOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWatchEnd({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("the end of a watch", () => {
    test("comes when its handle is disposed of: it completes, and those of other handles go on", async (streams) => {
      const going = await streams.openStream("a");
      await going.write(countedUpTo(3));
      const ending = await streams.openStream("a");
      const ended = [new Observation(ending.watch({ after: 0 })), new Observation(ending.watch())];
      const iterated = collect(ending.watch());
      const goesOn = new Observation(going.watch());
      await eventually("the replay is delivered", () => ended[0]?.events.length === 3);
      await ending[Symbol.asyncDispose]();
      await eventually("the watches complete", () => ended.every((one) => one.completions === 1));
      expect(await iterated).toEqual([]);
      await going.write(counted(4));
      await eventually("the other watch goes on", () => goesOn.events.length === 1);

      expect(ended.flatMap((one) => one.errors)).toEqual([]);
      expect(ended.map((one) => one.events.length)).toEqual([3, 0]);
      expect(goesOn.hasEnded).toBe(false);
    });

    test("comes when the factory is disposed of: all watches complete, also those that wait", async (streams) => {
      await (await streams.openStream("a")).write(countedUpTo(3));
      const handles = await Promise.all(["a", "b", ALL_STREAM].map((streamId) => streams.openStream(streamId)));
      const observations = handles.map((handle) => new Observation(handle.watch({ after: 0 })));
      const iterated = handles.map((handle) => collect(handle.watch()));
      await eventually("the replay is delivered", () => observations[2]?.events.length === 3);
      await streams[Symbol.asyncDispose]();
      await eventually("the watches complete", () => observations.every((one) => one.completions === 1));

      for (const events of await Promise.all(iterated)) expect(events).toEqual([]);
      expect(observations.flatMap((one) => one.errors)).toEqual([]);
    });

    test("has come when the disposal of its handle, or of the factory, is done", async (streams) => {
      const [ending, going] = [await streams.openStream("a"), await streams.openStream("a")];
      await ending.write(countedUpTo(3));
      const observe = (stream: Stream) => [
        new Observation(stream.watch({ after: 0 })),
        new Observation(stream.watch()),
      ];
      const [ended, goingOn] = [observe(ending), observe(going)];
      await eventually("the replays are delivered", () => ended[0]?.events.length === 3);
      await eventually("the other replay is delivered", () => goingOn[0]?.events.length === 3);
      await ending[Symbol.asyncDispose]();
      expect(ended.map(({ completions }) => completions)).toEqual([1, 1]);
      expect(goingOn.map(({ completions }) => completions)).toEqual([0, 0]);
      await streams[Symbol.asyncDispose]();
      expect(goingOn.map(({ completions }) => completions)).toEqual([1, 1]);
    });

    test("comes for an iteration that has just begun, without an error", async (streams) => {
      const stream = await streams.openStream("a");
      const first = stream.watch()[Symbol.asyncIterator]().next();
      await stream[Symbol.asyncDispose]();

      expect((await first).done).toBe(true);
    });

    test("comes for a slow iteration after the event that it has", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(1_000));
      const iterator = stream.watch({ after: 0 })[Symbol.asyncIterator]();
      expect((await iterator.next()).value?.version).toBe(1);
      await stream[Symbol.asyncDispose]();

      expect((await iterator.next()).done).toBe(true);
      expect((await iterator.next()).done).toBe(true);
    });

    test("comes once: a watch delivers nothing after it has completed", async (streams) => {
      const [stream, writer] = [await streams.openStream("a"), await streams.openStream("a")];
      const observation: Observation = new Observation(stream.watch(), (event) => {
        if (event.version === 5) void stream[Symbol.asyncDispose]();
      });
      await Promise.all(wholeNumbers(1, 20).map((number) => writer.write(counted(number))));
      await eventually("the watch completes", () => observation.hasEnded);
      await writer.write(counted(21));
      await nextTurn();

      expect(versionsOf(observation.events)).toEqual([1, 2, 3, 4, 5]);
      expect(observation.completions).toBe(1);
      expect(observation.errors).toEqual([]);
    });

    test("comes when its signal is aborted: an observable completes, and others go on", async (streams) => {
      const stream = await streams.openStream("a");
      const controller = new AbortController();
      const aborted = new Observation(stream.watch({ signal: controller.signal }));
      const other = new Observation(stream.watch());
      await stream.write(counted(1));
      await eventually("both have the event", () => aborted.events.length === 1 && other.events.length === 1);
      controller.abort(new Error("enough"));
      await eventually("the watch completes", () => aborted.hasEnded);
      await stream.write(counted(2));
      await eventually("the other has both events", () => other.events.length === 2);

      expect(aborted.completions).toBe(1);
      expect(aborted.errors).toEqual([]);
      expect(versionsOf(aborted.events)).toEqual([1]);
    });

    test("comes before the first event when its signal is aborted already", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const observation = new Observation(stream.watch({ after: 0, signal: AbortSignal.abort() }));
      await eventually("the watch completes", () => observation.hasEnded);

      expect(observation.completions).toBe(1);
      expect(observation.events).toEqual([]);
    });

    test("is where it begins on a handle that has been disposed of, with an error that says so", async (streams) => {
      const stream = await streams.openStream("a");
      const earlier = stream.watch({ after: 0 });
      await stream[Symbol.asyncDispose]();
      for (const watch of [earlier, stream.watch()]) {
        const observation = new Observation(watch);
        await eventually("the observable reports the error", () => observation.hasEnded);

        expect(observation.errors[0]).toMatchObject({ name: "StreamClosedError", code: "STREAM_CLOSED" });
        expect(await failureOf(collect(watch))).toMatchObject({ code: "STREAM_CLOSED" });
      }
    });
  });
}
