import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, eventsOf } from "../support/collect.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, keyed, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { spoil } from "../support/spoil.js";

export function describeWatch({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("watch", () => {
    test("delivers what was written before and what is written after, each event once and in order", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const observation = new Observation(stream.watch({ after: 0 }));
      await eventually("the replay is delivered", () => observation.events.length === 3);
      for (const number of wholeNumbers(4, 20)) await stream.write(counted(number));
      await eventually("the last event is delivered", () => observation.events.at(-1)?.version === 20);

      expect(numbersOf(observation.events)).toEqual(wholeNumbers(1, 20));
      expect(observation.hasEnded).toBe(false);
    });

    test("delivers events as they are read", async (streams) => {
      const stream = await streams.openStream("a");
      const events = [
        { type: "Json", data: { n: -0, text: "ä🚀" }, metadata: { by: "ann" } },
        { type: "Bytes", data: new Uint8Array([0, 255]) },
        keyed("key"),
      ];
      await stream.write(events);
      const observation = new Observation(stream.watch({ after: 0 }));
      await eventually("the replay is delivered", () => observation.events.length === 3);
      await stream.write([counted(4), { type: "Bytes", data: new Uint8Array([1]) }]);
      await eventually("the new events are delivered", () => observation.events.length === 5);

      expect(observation.events).toStrictEqual(await eventsOf(stream));
    });

    test("delivers only the events of its stream", async (streams) => {
      const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
      const observation = new Observation(a.watch({ after: 0 }));
      for (const number of wholeNumbers(1, 10)) {
        await b.write(counted(number * 100));
        await a.write(counted(number));
      }
      await eventually("the last event is delivered", () => observation.events.at(-1)?.version === 10);

      expect(numbersOf(observation.events)).toEqual(wholeNumbers(1, 10));
    });

    test("delivers what any handle of the store writes", async (streams) => {
      const observation = new Observation((await streams.openStream("a")).watch());
      const handles = await Promise.all(wholeNumbers(1, 5).map(() => streams.openStream("a")));
      await Promise.all(handles.map((handle, index) => handle.write(counted(index))));
      await eventually("all events are delivered", () => observation.events.length === 5);

      expect(versionsOf(observation.events)).toEqual([1, 2, 3, 4, 5]);
    });

    test("delivers nothing of what was refused or was stored already", async (streams) => {
      const stream = await streams.openStream("a");
      const observation = new Observation(stream.watch());
      await stream.write(keyed("key"));
      await stream.write(keyed("key"));
      await stream.write(counted(9), { expectedVersion: 0 }).catch(() => undefined);
      await stream.write([]);
      await stream.write([keyed("key"), counted(2)]);
      await eventually("the last event is delivered", () => observation.events.at(-1)?.version === 2);

      expect(versionsOf(observation.events)).toEqual([1, 2]);
    });

    test("delivers writes of thousands of events", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(2_500));
      const observation = new Observation(stream.watch({ after: 0 }));
      await stream.write(countedUpTo(5_000, 2_501));
      await eventually("the replay is delivered", () => observation.events.length === 5_000);
      await stream.write(countedUpTo(7_000, 5_001));
      await eventually("the new events are delivered", () => observation.events.length >= 7_000);

      expect(versionsOf(observation.events)).toEqual(wholeNumbers(1, 7_000));
    });

    test("delivers large events whole, and in their turn", async (streams) => {
      const stream = await streams.openStream("a");
      const observation = new Observation(stream.watch());
      const text = "x".repeat(150_000);
      for (const number of wholeNumbers(1, 12)) {
        await stream.write(number % 3 === 0 ? { type: "Large", data: { number, text } } : counted(number));
      }
      await eventually("the last event is delivered", () => observation.events.at(-1)?.version === 12);

      expect(numbersOf(observation.events)).toEqual(wholeNumbers(1, 12));
      expect(
        observation.events.every((event) => event.version % 3 !== 0 || (event.data as { text: string }).text === text),
      ).toBe(true);
    });

    test("gives every subscriber events of its own, which it may change", async (streams) => {
      const stream = await streams.openStream("a");
      const spoilers = [new Observation(stream.watch(), spoil), new Observation(stream.watch(), spoil)];
      const observation = new Observation(stream.watch());
      await stream.write(countedUpTo(3));
      await eventually("all have all events", () => [...spoilers, observation].every((one) => one.events.length === 3));

      expect(numbersOf(observation.events)).toEqual([1, 2, 3]);
      expect(numbersOf(await collect(stream.read()))).toEqual([1, 2, 3]);
    });

    test("lets a subscriber write in answer to an event", async (streams) => {
      const [questions, answers] = [await streams.openStream("questions"), await streams.openStream("answers")];
      const writes: Promise<unknown>[] = [];
      const asked = new Observation(questions.watch(), (event) => writes.push(answers.write(counted(event.version))));
      const answered = new Observation(answers.watch());
      await questions.write(countedUpTo(20));
      await eventually("all answers are delivered", () => answered.events.length === 20);
      await Promise.all(writes);

      expect(numbersOf(answered.events)).toEqual(versionsOf(asked.events));
    });
  });
}
