import { describe, expect, test, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { CandidateEvent, EventFilter, StreamWrite } from "../../../index.js";
import { type Fold, handleQuery, loadQuery } from "../../../src/commands/index.js";
import { event, typed } from "../../../src/events/index.js";
import { streamContextOf } from "../../../src/stream/context-access.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { plainStorage } from "../../support/plain-storage.js";
import { listOf, STORES } from "../consumers/support/stores.js";

type CourseEvent =
  | { type: "Opened"; data: { course: string; seats: number } }
  | { type: "Subscribed"; data: { course: string; student: string } };

interface Course {
  readonly seats: number;
  readonly students: readonly string[];
}

const course: Omit<Fold<Course, CourseEvent>, "snapshot"> = {
  name: "course",
  initial: () => ({ seats: 0, students: [] }),
  evolve: (state, { type, data }) =>
    type === "Opened" ? { ...state, seats: data.seats } : { ...state, students: [...state.students, data.student] },
};

const courseIs = (id: string): EventFilter => [{ field: "data.course", op: "=", value: id }];
const studentIs = (student: string): EventFilter => [{ field: "data.student", op: "=", value: student }];
const opening = (id: string, seats: number): CourseEvent => ({ type: "Opened", data: { course: id, seats } });
const subscribe =
  (id: string, student: string) =>
  ({ seats, students }: Course): readonly StreamWrite<CourseEvent>[] =>
    students.length >= seats
      ? []
      : [{ streamId: `student-${student}`, events: { type: "Subscribed", data: { course: id, student } } }];

describe.each(STORES)("over %s", (_, open) => {
  test("loadQuery folds what one of several filters finds, each event once and in order", async () => {
    await using streams = await open();
    await streams.writeAll([
      { streamId: "course-1", events: opening("1", 2) },
      { streamId: "course-2", events: opening("2", 3) },
    ]);
    const write = (student: string, id: string) =>
      streams.writeAll([{ streamId: student, events: { type: "Subscribed", data: { course: id, student } } }]);
    for (const [student, id] of [
      ["ada", "1"],
      ["bob", "2"],
      ["cleo", "1"],
      ["ada", "2"],
    ] as const)
      await write(student, id);
    const { position } = (await write("last", "3"))[0] ?? { position: 0 };

    expect(await loadQuery(streams, course, [courseIs("1"), studentIs("ada")])).toEqual({
      state: { seats: 2, students: ["ada", "cleo", "ada"] },
      position,
    });
    expect((await loadQuery(streams, course, courseIs("2"))).state.students).toEqual(["bob", "ada"]);
    expect((await loadQuery(streams, course, [])).state.students).toHaveLength(5);
    expect(await loadQuery(streams, course, courseIs("9"))).toEqual({ state: { seats: 0, students: [] }, position });
    await expect(loadQuery(streams, course, [], { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
    await expect(loadQuery(streams, course, [{ field: "wrong" as "type", op: "=", value: 1 }])).rejects.toMatchObject({
      code: "INVALID_FILTER",
    });
  });

  test("loadQuery folds no events of the library, which count for its position", async () => {
    await using streams = await open();
    await streams.writeAll([
      { streamId: "course-1", events: opening("1", 2) },
      { streamId: "course-2", events: opening("2", 3) },
    ]);
    await streams.deleteStream("course-1");
    const { version: position } = await streams.openStream("@all");
    const types: Omit<Fold<readonly string[], CourseEvent>, "snapshot"> = {
      name: "types",
      initial: () => [],
      evolve: (all, { type }) => [...all, type],
    };
    expect(await loadQuery(streams, types, [])).toEqual({ state: ["Opened"], position });
    expect(await listOf((await streams.openStream("@all")).read())).toMatchObject([{}, { type: "@deleted", position }]);
  });

  test("loadQuery answers as of one position, whatever is written while it reads", async () => {
    await using streams = await open();
    await using stream = await streams.openStream("course-1");
    const subscribed = (student: string): CourseEvent => ({ type: "Subscribed", data: { course: "1", student } });
    await stream.write(Array.from({ length: 1_500 }, (__, index) => subscribed(`s${index}`)));
    const { storage } = streamContextOf(streams);
    const readPage = storage.readPage.bind(storage);
    vi.spyOn(storage, "readPage").mockImplementationOnce(async (query) => {
      const page = await readPage(query);
      await stream.write(subscribed("late"));
      return page;
    });

    const { state, position } = await loadQuery(streams, course, courseIs("1"));
    expect([state.students.length, position]).toEqual([1_500, 1_500]);
    const conditions = { failIfEventsMatch: courseIs("1"), after: position };
    await expect(streams.writeAll([{ streamId: "b", events: opening("1", 1) }], { conditions })).rejects.toMatchObject({
      code: "CONDITION_FAILED",
      position: 1_501,
    });
  });

  test("handleQuery decides on what the query finds, and writes only if it still finds the same", async () => {
    await using streams = await open();
    await streams.writeAll([{ streamId: "course-1", events: opening("1", 3) }]);
    const students = Array.from({ length: 12 }, (__, index) => `s${index}`);
    const outcomes = await Promise.all(
      students.map((student) => handleQuery(streams, course, courseIs("1"), subscribe("1", student), { attempts: 20 })),
    );

    expect(outcomes.filter(({ results }) => results.length === 1)).toHaveLength(3);
    expect((await loadQuery(streams, course, courseIs("1"))).state.students).toHaveLength(3);
  });

  test("an event that the query does not find is no conflict; the last conflict is thrown after so many attempts", async () => {
    await using streams = await open();
    await streams.writeAll([{ streamId: "course-1", events: opening("1", 9) }]);
    const decideBeside = (id: string) => {
      const decidedOn: number[] = [];
      const decide = async (state: Course) => {
        decidedOn.push(state.students.length);
        const student = `beside-${decidedOn.length}`;
        await streams.writeAll([{ streamId: student, events: { type: "Subscribed", data: { course: id, student } } }]);
        return subscribe("1", "ada")(state);
      };
      return { decide, decidedOn };
    };
    const other = decideBeside("2");
    await handleQuery(streams, course, courseIs("1"), other.decide);
    expect(other.decidedOn).toEqual([0]);
    const same = decideBeside("1");
    await expect(handleQuery(streams, course, courseIs("1"), same.decide, { attempts: 2 })).rejects.toMatchObject({
      code: "CONDITION_FAILED",
    });
    expect(same.decidedOn).toEqual([1, 2]);
    const byDefault = decideBeside("1");
    await expect(handleQuery(streams, course, courseIs("1"), byDefault.decide)).rejects.toMatchObject({
      code: "CONDITION_FAILED",
    });
    expect(byDefault.decidedOn).toHaveLength(5);
  });

  test("a conflict of an expected version begins it anew, what decide throws does not", async () => {
    await using streams = await open();
    let decisions = 0;
    const decide = async () => {
      decisions += 1;
      if (decisions === 1) await streams.writeAll([{ streamId: "student-ada", events: opening("2", 1) }]);
      return [{ streamId: "student-ada", expectedVersion: decisions - 1, events: opening("1", 1) }];
    };
    expect((await handleQuery(streams, course, courseIs("1"), decide)).results).toMatchObject([
      { version: 2, written: 1 },
    ]);
    expect(decisions).toBe(2);
    await expect(handleQuery(streams, course, [], () => Promise.reject(new RangeError("no")))).rejects.toThrow(
      RangeError,
    );
  });

  test("numbers the events of a command through, with its metadata, and decides it once", async () => {
    await using streams = await open();
    const decide = () => [
      { streamId: "a", events: [opening("1", 1), opening("1", 2)] },
      { streamId: "check", expectedVersion: 0 },
      { streamId: "b", events: opening("1", 3) },
    ];
    const options = { commandId: "c", metadata: { correlationId: "r" } };
    const first = await handleQuery(streams, course, courseIs("1"), decide, options);
    const stored = await listOf((await streams.openStream("@all")).read());
    expect(stored.map(({ id, metadata }) => [id, metadata?.correlationId])).toEqual([
      ["c/0", "r"],
      ["c/1", "r"],
      ["c/2", "r"],
    ]);
    expect(first.results.map(({ version, written }) => [version, written])).toEqual([
      [2, 2],
      [0, 0],
      [1, 1],
    ]);

    const never = () => {
      throw new Error("it was decided already");
    };
    const again = await handleQuery(streams, course, courseIs("1"), never, options);
    expect(again).toEqual({
      state: { seats: 3, students: [] },
      results: [first.results[0], first.results[2]].map((result) => ({ ...result, written: 0 })),
    });
    // Where the query does not find the command, the keys do.
    const unseen = await handleQuery(streams, course, courseIs("9"), decide, options);
    expect(unseen.results.map(({ written }) => written)).toEqual([0, 0, 0]);
    const other = () => [{ streamId: "a", events: opening("1", 9) }];
    await expect(handleQuery(streams, course, courseIs("9"), other, options)).rejects.toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
    });
  });

  test("a command with an id that is sent often at once is stored once, and all have one answer", async () => {
    await using streams = await open();
    await streams.writeAll([{ streamId: "course-1", events: opening("1", 1) }]);
    const command = () =>
      handleQuery(streams, course, courseIs("1"), subscribe("1", "ada"), { commandId: "c", attempts: 20 });
    const outcomes = await Promise.all(Array.from({ length: 12 }, command));

    expect(outcomes.map(({ results }) => results.map(({ written }) => written)).sort()).toEqual([
      ...Array.from({ length: 11 }, () => [0]),
      [1],
    ]);
    const answers = outcomes.map(({ results }) => results.map(({ version, position }) => `${version} ${position}`));
    expect(new Set(answers.flat())).toEqual(new Set(["1 2"]));
    expect((await loadQuery(streams, course, courseIs("1"))).state.students).toEqual(["ada"]);
  });

  test("an empty list writes nothing, and something that is no write is refused", async () => {
    await using streams = await open();
    expect(await handleQuery(streams, course, [], () => [])).toEqual({
      state: { seats: 0, students: [] },
      results: [],
    });
    const events = undefined as unknown as CandidateEvent<CourseEvent>;
    for (const decide of [() => [null as never], () => [{ streamId: 7 as never, events }]]) {
      await expect(handleQuery(streams, course, [], decide)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });
});

test("a store that writes to one stream at a time takes no command over a query", async () => {
  const memory = new MemoryStorageHandle();
  await using streams = createStreamFactory({ storage: plainStorage(memory), notifier: new MemoryNotifier(memory) });
  await expect(handleQuery(streams as never, course, [], () => [])).rejects.toMatchObject({
    code: "STORAGE_UNSUPPORTED",
  });
  expect(await loadQuery(streams, course, [])).toEqual({ state: { seats: 0, students: [] }, position: 0 });
});

test("a command that the query finds is not decided again, even where a catalogue hides its events", async () => {
  await using streams = memoryStreamFactory();
  const options = { commandId: "c", attempts: 1 };
  const decided = await handleQuery(
    streams,
    course,
    courseIs("1"),
    () => [{ streamId: "s", events: opening("1", 2) }],
    options,
  );
  const view = typed(streams, { Subscribed: event<{ course: string; student: string }>() }, { unknown: "skip" });
  const neverDecide = () => expect.fail("it was decided again");
  const again = await handleQuery(view, course, courseIs("1"), neverDecide, options);
  expect(again.results).toEqual(decided.results.map((result) => ({ ...result, written: 0 })));
});

test("a command that is decided again behind a catalogue looks for its events only in what has come since", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("course-1");
  await stream.write(opening("1", 2));
  const { storage } = streamContextOf(streams);
  const readPage = vi.spyOn(storage, "readPage");
  const view = typed(streams, { Opened: event<{ course: string; seats: number }>() }, { unknown: "skip" });
  let decisions = 0;
  const decide = async () => {
    decisions += 1;
    if (decisions === 1) await stream.write(opening("1", 3));
    return [{ streamId: "course-1", events: opening("1", 4) }];
  };
  await handleQuery(view, course, courseIs("1"), decide, { commandId: "c" });
  const looks = readPage.mock.calls.filter(([{ filter }]) => filter?.some(({ field }) => field === "id"));
  expect(looks.map(([{ after }]) => after)).toEqual([0, 1]);
  expect(decisions).toBe(2);
});
