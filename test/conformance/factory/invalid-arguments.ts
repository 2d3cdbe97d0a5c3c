import type {
  CandidateEvent,
  EventFilter,
  ReadOptions,
  Stream,
  StreamFactory,
  WatchOptions,
} from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect } from "../support/collect.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo } from "../support/sample-events.js";

const NO_PLACES: readonly unknown[] = [-1, 1.5, Number.NaN, -0.5, 2 ** 53, "1", null, true, 1n, {}];

export function describeInvalidArguments({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  /** Calls with arguments that the type checker would not let pass. */
  type Call = (stream: Stream, value: unknown) => Promise<unknown>;
  const rejecting: readonly (readonly [string, string, Call])[] = [
    ["after of a read", "after", (stream, after) => collect(stream.read({ after } as ReadOptions))],
    ["upTo of a read", "upTo", (stream, upTo) => collect(stream.read({ upTo } as ReadOptions))],
    ["limit of a read", "limit", (stream, limit) => collect(stream.read({ limit } as ReadOptions))],
    ["after of a watch", "after", (stream, after) => collect(stream.watch({ after } as WatchOptions))],
    ["version of a snapshot", "version", (stream, version) => stream.snapshot(1, { version: version as number })],
    ["atOrBefore", "atOrBefore", (stream, atOrBefore) => stream.loadSnapshot({ atOrBefore: atOrBefore as number })],
  ];

  describe("an argument that is none", () => {
    for (const [what, argument, call] of rejecting) {
      test(`is refused: ${what}`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(3));

        for (const value of NO_PLACES) {
          expect(await failureOf(call(stream, value))).toMatchObject({
            name: "InvalidArgumentError",
            code: "INVALID_ARGUMENT",
            argument,
          });
        }
      });
    }

    test("is refused: the expected version, and nothing is stored", async (streams) => {
      const stream = await streams.openStream("a");
      for (const expectedVersion of [...NO_PLACES, "none", "", "0", "ANY"]) {
        const error = await failureOf(stream.write(counted(1), { expectedVersion: expectedVersion as number }));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "expectedVersion" });
      }
      expect((await stream.metrics()).eventCount).toBe(0);
    });

    test("is refused: an option that there is not, such as one that is misspelt, and nothing is stored", async (streams) => {
      const stream = await streams.openStream("a");
      const expectedVerison = { expectedVerison: 5 } as object;
      const calls: readonly (() => Promise<unknown>)[] = [
        () => stream.write(counted(1), expectedVerison),
        () => collect(stream.read(expectedVerison)),
        () => collect(stream.watch(expectedVerison)),
        () => stream.snapshot(1, expectedVerison),
        () => stream.loadSnapshot(expectedVerison),
      ];
      for (const call of calls) {
        const error = await failureOf(call());
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "expectedVerison" });
      }
      expect((await stream.metrics()).eventCount).toBe(0);
    });

    test("is refused before those that follow it: an event that is none, before an option that there is not", async (streams) => {
      const stream = await streams.openStream("a");
      const error = await failureOf(stream.write("A" as unknown as CandidateEvent, { n: 1 } as object));
      expect(error).toMatchObject({ name: "InvalidEventError", code: "INVALID_EVENT", eventIndex: 0 });
      expect((error as Error).message.includes('expected an object with "type" and "data", got "A"')).toBe(true);
    });

    test("is refused: the direction of a read", async (streams) => {
      const stream = await streams.openStream("a");
      for (const direction of ["up", "", null, 1]) {
        const error = await failureOf(collect(stream.read({ direction } as unknown as ReadOptions)));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "direction" });
      }
    });

    test("is refused: a signal", async (streams) => {
      const stream = await streams.openStream("a");
      const signal = "abort" as unknown as AbortSignal;
      const calls = [
        stream.write(counted(1), { signal }),
        collect(stream.read({ signal })),
        collect(stream.watch({ signal })),
      ];
      const { errors } = await outcomesOf<unknown>(calls);
      expect(errors.length).toBe(3);
      for (const error of errors) expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "signal" });
    });

    test("is refused: the projection of a snapshot", async (streams) => {
      const stream = await streams.openStream("a");
      for (const projection of ["", "x".repeat(1_025), "\ud800", null, 1] as string[]) {
        const calls = [stream.snapshot(1, { projection }), stream.loadSnapshot({ projection })];
        const { errors } = await outcomesOf<unknown>(calls);
        expect(errors.length).toBe(2);
        for (const error of errors) expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "projection" });
      }
    });

    test("is refused with a message that says what was attempted, and on which stream", async (streams) => {
      const stream = await streams.openStream("account-42");
      const filter = [{ field: "nothing" }] as unknown as EventFilter;
      const calls = [
        ["Cannot write to", stream.write(counted(1), { expectedVersion: -1 })],
        ["Cannot read", collect(stream.read({ after: -1 }))],
        ["Cannot read", collect(stream.read({ filter }))],
        ["Cannot watch", collect(stream.watch({ after: -1 }))],
        ["Cannot watch", collect(stream.watch({ filter }))],
        ["Cannot save a snapshot of", stream.snapshot(Number.NaN)],
        ["Cannot save a snapshot of", stream.snapshot(1, { version: 1 })],
        ["Cannot load a snapshot of", stream.loadSnapshot({ atOrBefore: -1 })],
      ] as const;
      const messages = await Promise.all(calls.map(async ([, call]) => ((await failureOf(call)) as Error).message));

      const begins = messages.map((message) => message.slice(0, message.indexOf(' stream "account-42"')));
      expect(begins).toEqual(calls.map(([attempt]) => attempt));
    });

    test("of read or watch is reported when they are iterated or subscribed, and not thrown by the call", async (streams) => {
      const stream = await streams.openStream("a");
      stream.read({ after: -1 });
      const watch = stream.watch({ after: -1 });
      const observation = new Observation(watch);
      await eventually("the observable reports the error", () => observation.hasEnded);

      expect(observation.errors.map((error) => (error as { readonly code?: unknown }).code)).toEqual([
        "INVALID_ARGUMENT",
      ]);
      expect(observation.completions).toBe(0);
      expect(await failureOf(collect(watch))).toMatchObject({ code: "INVALID_ARGUMENT", argument: "after" });
    });
  });
}
