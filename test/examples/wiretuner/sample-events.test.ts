import { from, map, type Observable, timer } from "rxjs";
import { concatMap, take, toArray } from "rxjs/operators";
import { TestScheduler } from "rxjs/testing";
import { expect, test } from "vitest";
import { sampleEvents } from "../../../examples/wiretuner/index.js";

interface Input {
  readonly eventType: string;
  readonly undoGroupId?: string;
  readonly pathId?: string;
  readonly index?: number;
  readonly x: number;
}

const move = (x: number, undoGroupId = "drag-1"): Input => ({ eventType: "MoveObjectEvent", undoGroupId, x });

/** Runs in virtual time, and returns what the operator let through. */
function sampled(input: () => Observable<Input>, options: Parameters<typeof sampleEvents<Input>>[0] = {}): Input[] {
  const result: Input[] = [];
  new TestScheduler(() => undefined).run(({ flush }) => {
    input()
      .pipe(sampleEvents<Input>(options))
      .subscribe((event) => result.push(event));
    flush();
  });
  return result;
}

/** A drag at 100 Hz. */
const drag = (count: number): Observable<Input> =>
  timer(0, 10).pipe(
    take(count),
    map((tick) => move(tick)),
  );

/** Events with pauses before them, in milliseconds. */
const paced = (events: readonly (readonly [afterMs: number, event: Input])[]): Observable<Input> =>
  from(events).pipe(concatMap(([afterMs, event]) => timer(afterMs).pipe(map(() => event))));

test("2 s of drag at 100 Hz are 40 events, and the last one; the first and the last place are exact", () => {
  const events = sampled(() => drag(200));
  expect(events).toHaveLength(41);
  expect(events.slice(0, 40).map(({ x }) => x)).toEqual(Array.from({ length: 40 }, (_, index) => index * 5));
  expect(events.at(-1)?.x).toBe(199);
});

test("a last event that is due anyway does not come twice", () => {
  const events = sampled(() => drag(201));
  expect(events).toHaveLength(41);
  expect(events.at(-1)?.x).toBe(200);
});

test("a gesture ends after an interval without events, before the input does", () => {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
    const values = { a: move(1), b: move(2), c: move(3), d: move(4) };
    // The last of the three comes 50 ms after it was given.
    const input = cold("a 9ms b 9ms c 4s d", values);
    expectObservable(input.pipe(sampleEvents<Input>())).toBe("a 69ms c 3950ms d", values);
  });
});

test("another kind of event ends a gesture, and comes after its last place", () => {
  const pause = (x: number): readonly [number, Input] => [10, { eventType: "DeleteObjectEvent", x }];
  const events = sampled(() => paced([[0, move(1)], [10, move(2)], pause(3), pause(4), [10, move(5)]]));
  expect(events.map(({ x }) => x)).toEqual([1, 2, 3, 4, 5]);
});

test("two gestures that follow each other at once keep their first and last places", () => {
  const events = sampled(() =>
    paced([
      [0, move(1)],
      [10, move(2)],
      [10, move(3, "drag-2")],
      [10, move(4, "drag-2")],
    ]),
  );
  expect(events.map(({ x }) => x)).toEqual([1, 2, 3, 4]);
});

test.each(["of the event", "of a draft"])(
  "each path that a gesture drags has its first and its last place: path %s",
  (where) => {
    const dragged = (tick: number) => {
      const path = { pathId: tick % 2 === 0 ? "a" : "b", x: tick };
      return { ...move(tick), ...(where === "of a draft" ? { fields: path } : path) };
    };
    const events = sampled(() => timer(0, 10).pipe(take(200), map(dragged)));
    const places = (remainder: number) => events.map(({ x }) => x).filter((x) => x % 2 === remainder);
    for (const remainder of [0, 1]) {
      expect(places(remainder)).toEqual([...places(remainder)].sort((a, b) => a - b));
      expect(places(remainder)[0]).toBe(remainder);
      expect(places(remainder).at(-1)).toBe(198 + remainder);
      expect(places(remainder).length).toBeLessThanOrEqual(41);
    }
  },
);

test("each anchor that is dragged out has its last place, also without a pause before the next one", () => {
  const dragged = (tick: number): Input => ({
    ...move(tick),
    eventType: "AddAnchorEvent",
    pathId: "a",
    index: Math.floor(tick / 10),
  });
  const events = sampled(() => timer(0, 10).pipe(take(30), map(dragged)));
  const lastPlaces = [0, 1, 2].map((index) => events.findLast((event) => event.index === index)?.x);
  expect(lastPlaces).toEqual([9, 19, 29]);
});

test("pauses in a drag let no more events through, and what is held comes in the pause", () => {
  const report = (index: number): readonly [number, Input] => [index % 3 === 0 ? 70 : 10, move(index)];
  const reports = Array.from({ length: 66 }, (_, index) => report(index));
  const durationMs = reports.reduce((sum, [afterMs]) => sum + afterMs, 0);
  expect(durationMs).toBeLessThanOrEqual(2_000);
  const events = sampled(() => paced(reports));
  expect(events.length).toBeLessThanOrEqual(41);
  expect([events[0]?.x, events.at(-1)?.x]).toEqual([0, 65]);
  const places = sampled(() =>
    paced([
      [0, move(1)],
      [10, move(2)],
      [3_000, move(3)],
      [10, move(4)],
    ]),
  );
  expect(places.map(({ x }) => x)).toEqual([1, 2, 3, 4]);
});

test("events of other types all come through at once", () => {
  const events = sampled(() =>
    timer(0, 1).pipe(
      take(30),
      map((x) => ({ eventType: "CreatePathEvent", x })),
    ),
  );
  expect(events).toHaveLength(30);
});

test.each(["AddAnchorEvent", "ModifyAnchorEvent", "MoveObjectEvent", "ViewportPanEvent", "ViewportZoomEvent"])(
  "%s is sampled",
  (eventType) => {
    expect(sampled(() => drag(100).pipe(map((event) => ({ ...event, eventType }))))).toHaveLength(21);
  },
);

test("the interval and what is sampled can be set", () => {
  const isSampled = ({ eventType }: Input): boolean => eventType === "Scroll";
  const scrolls = () => drag(100).pipe(map((event) => ({ ...event, eventType: "Scroll" })));
  expect(sampled(scrolls, { isSampled, intervalMs: 100 })).toHaveLength(11);
  expect(sampled(() => drag(100), { isSampled })).toHaveLength(100);
});

test("options that are none, and an interval that is none, are refused", () => {
  expect(() => sampleEvents(null as never)).toThrow(new TypeError("options must be an object, got null."));
  for (const intervalMs of [-1, Number.NaN]) {
    expect(() => sampleEvents({ intervalMs })).toThrow(
      new RangeError(`intervalMs must be 0 or more, got ${intervalMs}.`),
    );
  }
});

test("an input that fails gives its last place first", () => {
  const seen: (number | string)[] = [];
  new TestScheduler(() => undefined).run(({ cold, flush }) => {
    cold("ab#", { a: move(1), b: move(2) }, new Error("unplugged"))
      .pipe(sampleEvents<Input>())
      .subscribe({ next: ({ x }) => seen.push(x), error: ({ message }) => seen.push(message) });
    flush();
  });
  expect(seen).toEqual([1, 2, "unplugged"]);
});

test("who unsubscribes gets nothing more", () => {
  const seen: number[] = [];
  new TestScheduler(() => undefined).run(({ flush }) => {
    drag(100)
      .pipe(sampleEvents<Input>(), take(3), toArray())
      .subscribe((events) => seen.push(...events.map(({ x }) => x)));
    flush();
  });
  expect(seen).toEqual([0, 5, 10]);
});
