import { describe, expect, test } from "vitest";
import { type IndexProgress, openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent, EventFilter, ReadOptions, StreamFactory } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { collect } from "../../conformance/support/collect.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const INDEXES = ["type", "data.courseId", "metadata.correlationId"] as const;
const RARE: EventFilter = [{ field: "type", op: "=", value: "Rare" }];

/** Events of two streams in turn, so that positions and versions differ. */
async function fill(streams: StreamFactory, count: number, make: (number: number) => CandidateEvent): Promise<void> {
  const events = Array.from({ length: count }, (_, number) => make(number));
  const half = count / 2;
  for (const [streamId, part] of [
    ["a", events.slice(0, half)],
    ["b", events.slice(half)],
    ["a", events.slice(half)],
  ] as const) {
    await (await streams.openStream(streamId)).write(part);
  }
}

function enrolment(number: number): CandidateEvent {
  return {
    type: number % 500 === 7 ? "Rare" : `Common${number % 2}`,
    data: { courseId: `course-${number % 100}`, number },
    metadata: { correlationId: number % 3 },
  };
}

async function numbersOf(streams: StreamFactory, streamId: string, options: ReadOptions): Promise<number[]> {
  const stream = await streams.openStream(streamId);
  return (await collect(stream.read(options))).map(({ position }) => position);
}

describe.each(DRIVER_NAMES)("the indexes of a store, over %s", (driver) => {
  const withSQL = async <T>(path: string, name: DriverName, sql: string): Promise<T[]> => {
    const connection = await DRIVERS[name].open(path, "existing");
    const rows = await connection.all<T>(sql);
    await connection.close();
    return rows;
  };
  const namesIn = async (path: string): Promise<string[]> => {
    const sql = "SELECT name FROM sqlite_schema WHERE name LIKE 'es\\_index\\_%' ESCAPE '\\' ORDER BY name";
    return (await withSQL<{ name: string }>(path, driver, sql)).map(({ name }) => name);
  };

  test("are built and dropped as the option names them, and left alone where nothing changes", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const open = async (indexes: (typeof INDEXES)[number][] | undefined): Promise<IndexProgress[]> => {
      const told: IndexProgress[] = [];
      await using streams = await sqliteStreamFactory(path, { driver, indexes, onProgress: (step) => told.push(step) });
      await fill(streams, 2, enrolment);
      expect((await streams.verify()).problems).toEqual([]);
      return told;
    };

    expect(await open(undefined)).toEqual([]);
    expect(await open(["type", "data.courseId"])).toEqual([
      { index: "type", state: "building" },
      { index: "type", state: "built" },
      { index: "data.courseId", state: "building" },
      { index: "data.courseId", state: "built" },
    ]);
    expect(await namesIn(path)).toHaveLength(4);
    expect(await open(["data.courseId", "type"])).toEqual([]);
    expect(await open(["metadata.correlationId", "type"])).toEqual([
      { index: "data.courseId", state: "dropped" },
      { index: "metadata.correlationId", state: "building" },
      { index: "metadata.correlationId", state: "built" },
    ]);
    expect(await open(undefined)).toHaveLength(2);
    expect(await namesIn(path)).toEqual([]);
  });

  test.each<[string, EventFilter]>([
    ["a type", RARE],
    ["a value in data", [{ field: "data.courseId", op: "=", value: "course-7" }]],
    [
      "several values, some of them twice",
      [{ field: "data.courseId", op: "in", value: ["course-7", "course-9", "course-7", 1] }],
    ],
    ["zero", [{ field: "metadata.correlationId", op: "=", value: 0 }]],
    ["no event", [{ field: "type", op: "=", value: "None" }]],
    ["a value of another type", [{ field: "type", op: "=", value: 7 }]],
    ["no value", [{ field: "type", op: "in", value: [] }]],
    ["a further clause", [...RARE, { field: "data.number", op: ">=", value: 1_000 }]],
    [
      "a further clause that refuses nearly all",
      [
        { field: "metadata.correlationId", op: "=", value: 1 },
        { field: "data.number", op: "=", value: 2_998 },
      ],
    ],
    ["two indexed fields", [{ field: "metadata.correlationId", op: "in", value: [0, 1] }, ...RARE]],
  ])("find the same events as a store without them, for %s", async (_, filter) => {
    await using indexed = await sqliteStreamFactory(":memory:", { driver, indexes: INDEXES });
    await using plain = await sqliteStreamFactory(":memory:", { driver });
    for (const streams of [indexed, plain]) await fill(streams, 6_000, enrolment);

    for (const streamId of ["@all", "a", "b"]) {
      for (const direction of ["forward", "backward"] as const) {
        for (const options of [{}, { limit: 3 }, { after: 20, upTo: 4_000 }, { after: 2_000 }]) {
          const query = { ...options, direction, filter };
          expect(await numbersOf(indexed, streamId, query)).toEqual(await numbersOf(plain, streamId, query));
        }
      }
    }
  });

  test("let a read take as many statements as it has pages, however many events there are", async () => {
    await using folder = await createTempDir();
    const { driver: recording, calls } = recordingDriver(DRIVERS[driver]);
    const path = folder.file("store.db");
    await using streams = createStreamFactory(await openSQLiteBackend(path, { indexes: INDEXES }, recording));
    await fill(streams, 60_000, enrolment);
    for (const streamId of ["@all", "a"]) {
      for (const direction of ["forward", "backward"] as const) {
        const stream = await streams.openStream(streamId);
        calls.length = 0;
        expect(await collect(stream.read({ filter: RARE, direction, limit: 50 }))).toHaveLength(50);
        const reads = calls.filter(({ sql }) => sql.includes("group_concat"));
        expect(reads).toHaveLength(1);
        const [{ sql, parameters }] = reads as [(typeof reads)[0]];
        const plan = await (async () => {
          const connection = await DRIVERS[driver].open(path, "readonly");
          const rows = await connection.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
          await connection.close();
          return rows.map(({ detail }) => detail);
        })();
        expect(plan.filter((detail) => /SCAN e\b|SCAN es_events/.test(detail))).toEqual([]);
        const searched =
          streamId === "@all"
            ? /INDEX es_index_all_type \(type=\? AND rowid>\? AND rowid<\?\)/
            : /INDEX es_index_stream_type \(stream=\? AND type=\? AND version>\? AND version<\?\)/;
        expect(plan).toContainEqual(expect.stringMatching(searched));
      }
    }
  });

  test("find events in a watch's replay", async () => {
    await using streams = await sqliteStreamFactory(":memory:", { driver, indexes: INDEXES });
    await fill(streams, 2_000, enrolment);
    const stream = await streams.openStream("@all");
    const found: number[] = [];
    for await (const event of stream.watch({ after: 0, filter: RARE })) {
      found.push(event.position);
      if (found.length === 6) break;
    }
    expect(found).toEqual(await numbersOf(streams, "@all", { filter: RARE }));
  });

  test("tell long values apart that begin alike, also those with an astral character at the cut", async () => {
    await using streams = await sqliteStreamFactory(":memory:", { driver, indexes: ["data.text"] });
    const texts = ["x", "xy", "\u{1F600}", "\u{1F600}y"].map((end) => "a".repeat(254) + end);
    const stream = await streams.openStream("a");
    await stream.write(texts.map((text) => ({ type: "T", data: { text } })));
    for (const [index, value] of texts.entries()) {
      const filter: EventFilter = [{ field: "data.text", op: "=", value }];
      expect(await numbersOf(streams, "@all", { filter })).toEqual([index + 1]);
    }
  });

  test.each([
    "it's",
    "x'); DROP TABLE es_events; --",
    "''",
    "a b",
    "$",
    "?1",
    "Ä\u{1F600}",
    "_",
    "-",
    "CASE",
    "a%\u2028",
  ])("take any key that JSON does not escape: %j", async (key) => {
    await using folder = await createTempDir();
    const options = {
      driver,
      indexes: [`data.${key}`, `data.${key}x`, "data.A", "data.a", "data.b.c", "data.b_2ec"],
    } as const;
    await using streams = await sqliteStreamFactory(folder.file("store.db"), options);
    const stream = await streams.openStream("a");
    await stream.write([1, 2].map((value) => ({ type: "T", data: { [key]: value, A: value, a: -value } })));
    for (const field of [`data.${key}`, "data.A"] as const) {
      expect(await numbersOf(streams, "a", { filter: [{ field, op: "=", value: 2 }] })).toEqual([2]);
    }
    expect(await numbersOf(streams, "a", { filter: [{ field: "data.a", op: "=", value: -1 }] })).toEqual([1]);
    expect((await streams.verify()).problems).toEqual([]);
  });

  test("may be dropped by another process, and reads go on without them", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using streams = await sqliteStreamFactory(path, { driver, indexes: INDEXES });
    await fill(streams, 2_000, enrolment);
    const found = await numbersOf(streams, "@all", { filter: RARE });
    expect(found.length).toBeGreaterThan(0);

    await (await sqliteStreamFactory(path, { driver }))[Symbol.asyncDispose]();
    for (const streamId of ["@all", "a"]) {
      const filter = [...RARE, { field: "data.courseId", op: "=", value: "course-7" }] as const;
      expect((await numbersOf(streams, streamId, { filter })).length).toBeGreaterThan(0);
    }
    expect(await numbersOf(streams, "@all", { filter: RARE })).toEqual(found);
  });

  test("are used by a store that is read only if they are there, and not missed if they are not", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using streams = await sqliteStreamFactory(path, { driver, indexes: ["type"] });
      await fill(streams, 2_000, enrolment);
    }
    await using streams = await sqliteStreamFactory(path, { driver, indexes: INDEXES, mode: "readonly" });
    const expected = await numbersOf(streams, "@all", { filter: RARE });
    expect(expected).toHaveLength(6);
    const filter: EventFilter = [{ field: "data.courseId", op: "=", value: "course-7" }];
    expect(await numbersOf(streams, "@all", { filter })).toHaveLength(30);
    expect(await namesIn(path)).toHaveLength(2);
  });

  test("are in a backup", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver, indexes: INDEXES });
    await fill(streams, 200, enrolment);
    await streams.backup(folder.file("copy.db"), { tables: "none" });

    const told: IndexProgress[] = [];
    const options = { driver, indexes: INDEXES, onProgress: (step: IndexProgress) => told.push(step) };
    await using copy = await sqliteStreamFactory(folder.file("copy.db"), options);
    expect(told).toEqual([]);
    expect((await copy.verify()).problems).toEqual([]);
    expect(await numbersOf(copy, "@all", { filter: RARE })).toEqual([8]);
  });

  test.each(["building", "built", "dropped"])("end the opening with what onProgress throws: %s", async (at) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using _first = await sqliteStreamFactory(path, { driver, indexes: at === "dropped" ? ["type"] : [] });
    const thrown = new RangeError("not wanted any more");
    const onProgress = ({ state }: IndexProgress) => {
      if (state === at) throw thrown;
    };
    const indexes = at === "dropped" ? [] : (["type"] as const);
    await expect(sqliteStreamFactory(path, { driver, indexes, onProgress })).rejects.toBe(thrown);

    await using streams = await sqliteStreamFactory(path, { driver, indexes });
    expect((await streams.verify()).problems).toEqual([]);
  });

  test.each([
    "CREATE INDEX es_index_all_type ON es_events (timestamp)",
    "CREATE INDEX es_index_all_type ON es_events (type) WHERE position > 3",
  ])("of another program's making are reported, and replaced when the store is opened: %s", async (sql) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await (await sqliteStreamFactory(path, { driver }))[Symbol.asyncDispose]();
    {
      await using streams = await sqliteStreamFactory(path, { driver });
      await fill(streams, 2_000, enrolment);
      await withSQL(path, driver, sql);
      expect((await streams.verify()).problems).toMatchObject([{ kind: "schema" }]);
    }
    {
      await using reader = await sqliteStreamFactory(path, { driver, indexes: ["type"], mode: "readonly" });
      expect(await numbersOf(reader, "@all", { filter: RARE })).toHaveLength(6);
    }
    await using streams = await sqliteStreamFactory(path, { driver, indexes: ["type"] });
    expect(await namesIn(path)).toEqual(["es_index_all_type", "es_index_stream_type"]);
    expect((await streams.verify()).problems).toEqual([]);
    expect(await numbersOf(streams, "@all", { filter: RARE })).toHaveLength(6);
  });
});

test.each([
  "CREATE INDEX es_index_all__5b ON es_events (type)",
  "CREATE INDEX es_index_all_data_2ea ON es_events (type)",
  'CREATE INDEX "es_index_""" ON es_events (type)',
])("an index of another program under the prefix is left for verify to report: %s", async (sql) => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await (await sqliteStreamFactory(path))[Symbol.asyncDispose]();
  const connection = await DRIVERS.sqlite3.open(path, "existing");
  await connection.exec(sql);
  await connection.close();
  await using streams = await sqliteStreamFactory(path, { indexes: ["type"] });
  expect((await streams.verify()).problems).toMatchObject([{ kind: "schema" }]);
});

describe("the options of indexes", () => {
  test.each([
    "type",
    null,
    [1],
    [undefined],
    ["data"],
    ["timestamp"],
    ["id"],
    ["data.a[0]"],
    ['data.a"b'],
    ["data.a\\b"],
    ["data.a\u0000"],
    ["data.\ud800"],
    [`data.${"x".repeat(1_024)}`],
    ["type", "type"],
    Array.from({ length: 17 }, (_, index) => `data.${index}`),
    Object.assign([], { length: 1 }),
  ])("are refused, and nothing is opened: %j", async (indexes) => {
    await expect(sqliteStreamFactory(":memory:", { indexes: indexes as never })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "indexes",
    });
  });

  test("refuse an onProgress that is no function", async () => {
    await expect(sqliteStreamFactory(":memory:", { onProgress: 1 as never })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "onProgress",
    });
  });
});
