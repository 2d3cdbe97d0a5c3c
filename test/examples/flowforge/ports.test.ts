import { expect, onTestFinished, test, vi } from "vitest";
import { createDbContext } from "../../../examples/flowforge/index.js";
import { describeBackends, withDb } from "./support/backends.js";

describeBackends("the ports", (backend) => {
  test("append numbers the events of an aggregate, and load gives all that is known of them", () =>
    withDb(backend, async ({ eventStore }) => {
      const aggregateId = "workflow:my-workflow-123";
      const first = await eventStore.append({
        aggregateId,
        eventType: "WorkflowCreated",
        payload: { name: "Data Processing Pipeline", steps: [1, { a: null }] },
        metadata: { userId: "john.doe", source: "ui" },
      });
      const second = await eventStore.append({
        aggregateId,
        eventType: "WorkflowRenamed",
        payload: { name: "Pipeline" },
        metadata: { causationId: first.id, schemaVersion: 2 },
      });
      await eventStore.append({ aggregateId: "workflow:other", eventType: "WorkflowCreated", payload: {} });
      expect(first).toEqual({
        id: expect.any(String),
        aggregateType: "workflow",
        aggregateId,
        eventType: "WorkflowCreated",
        eventVersion: 1,
        seq: 1,
        txId: expect.any(String),
        causedByEventId: null,
        payload: { name: "Data Processing Pipeline", steps: [1, { a: null }] },
        metadata: { userId: "john.doe", source: "ui" },
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(second).toMatchObject({ seq: 2, eventVersion: 2, causedByEventId: first.id });
      expect(second.txId).not.toBe(first.txId);
      expect(await eventStore.load({ aggregateId })).toEqual([first, second]);
      expect(await eventStore.load({ aggregateId, afterSeq: 1 })).toEqual([second]);
      expect(await eventStore.load({ aggregateId, limit: 1 })).toEqual([first]);
      expect(await eventStore.load({ aggregateId: "workflow:none" })).toEqual([]);
    }));

  test("there is nothing after the last event, nor after a number that none has: no reason to warn", () =>
    withDb(backend, async ({ eventStore }) => {
      const warned = vi.spyOn(process, "emitWarning");
      onTestFinished(() => warned.mockRestore());
      const aggregateId = "workflow:1";
      await eventStore.append({ aggregateId, eventType: "TestEvent", payload: {} });
      for (const afterSeq of [1, 2, Number.MAX_SAFE_INTEGER]) {
        expect(await eventStore.load({ aggregateId, afterSeq })).toEqual([]);
      }
      expect(await eventStore.load({ aggregateId: "workflow:none", afterSeq: 1 })).toEqual([]);
      expect(warned).not.toHaveBeenCalled();
    }));

  test("an id without a colon has the type default", () =>
    withDb(backend, async ({ eventStore }) => {
      const event = await eventStore.append({ aggregateId: "123", eventType: "TestEvent", payload: { value: 42 } });
      expect(event).toMatchObject({ aggregateType: "default", aggregateId: "123", seq: 1, metadata: null });
      expect(await eventStore.append({ aggregateId: "a:b:c", eventType: "TestEvent", payload: {} })).toMatchObject({
        aggregateType: "a",
        aggregateId: "a:b:c",
      });
    }));

  test("the events of a transaction share its id, and a shared one can be given", () =>
    withDb(backend, async ({ eventStore, tx }) => {
      const append = (aggregateId: string, metadata?: Record<string, unknown>) =>
        eventStore.append({ aggregateId, eventType: "TestEvent", payload: {}, metadata });
      const [a, b] = await tx.runInTransaction(async () => [await append("test:a"), await append("test:b")]);
      expect(b?.txId).toBe(a?.txId);
      expect((await append("test:a", { tx_id: "import-7" })).txId).toBe("import-7");
      expect((await append("test:b", { transactionId: "import-7" })).txId).toBe("import-7");
      const ofBoth = [
        ...(await eventStore.load({ aggregateId: "test:a" })),
        ...(await eventStore.load({ aggregateId: "test:b" })),
      ];
      expect(ofBoth.map(({ txId }) => txId)).toEqual([a?.txId, "import-7", a?.txId, "import-7"]);
    }));

  test("twenty appends at once get twenty numbers", () =>
    withDb(backend, async ({ eventStore }) => {
      const events = await Promise.all(
        Array.from({ length: 20 }, (_, value) =>
          eventStore.append({ aggregateId: "test:1", eventType: "TestEvent", payload: { value } }),
        ),
      );
      expect(events.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, at) => at + 1),
      );
    }));

  test("appends at once in one transaction get one number after the other", () =>
    withDb(backend, async ({ eventStore, tx }) => {
      const append = (value: number) =>
        eventStore.append({ aggregateId: "test:1", eventType: "TestEvent", payload: { value } });
      const events = await tx.runInTransaction(() => Promise.all([1, 2, 3].map(append)));
      expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(await eventStore.load({ aggregateId: "test:1" })).toEqual(events);
    }));

  test("what is under way when its transaction fails is not stored", () =>
    withDb(backend, async ({ eventStore, projectionStore, tx }) => {
      const aggregateId = "test:1";
      const late: Promise<unknown>[] = [];
      const start = (call: Promise<unknown>) => late.push(call.catch(() => undefined));
      const work = tx.runInTransaction(async () => {
        for (let value = 0; value < 5; value += 1) {
          start(eventStore.append({ aggregateId, eventType: "TestEvent", payload: { value } }));
          start(projectionStore.upsert({ table: "workflows", rows: [{ id: `${value}`, name: "x" }] }));
        }
        await late[0];
        throw new Error("no");
      });
      await expect(work).rejects.toThrow("no");
      await Promise.all(late);
      expect(await eventStore.load({ aggregateId })).toEqual([]);
      expect(await projectionStore.query({ sql: "SELECT * FROM workflows" })).toEqual([]);
    }));

  test("the table events has the log, for SQL", () =>
    withDb(backend, async ({ eventStore, projectionStore }) => {
      const event = await eventStore.append({ aggregateId: "run:1", eventType: "RunStarted", payload: { a: 1 } });
      expect(
        await projectionStore.query({ sql: "SELECT * FROM events WHERE aggregate_type = ?", params: ["run"] }),
      ).toEqual([
        {
          id: event.id,
          aggregate_type: "run",
          aggregate_id: "run:1",
          event_type: "RunStarted",
          event_version: 1,
          seq: 1,
          tx_id: event.txId,
          caused_by_event_id: null,
          payload_json: '{"a":1}',
          metadata_json: null,
          created_at: event.createdAt,
        },
      ]);
    }));

  test("a transaction is stored as a whole, and what it has written it sees", () =>
    withDb(backend, async ({ eventStore, projectionStore, blobs, tx }) => {
      const work = async () => {
        await eventStore.append({ aggregateId: "workflow:1", eventType: "WorkflowCreated", payload: {} });
        await projectionStore.upsert({ table: "workflows", rows: [{ id: "workflow:1", name: "One" }] });
        await blobs.put({ key: "a/b", data: Buffer.from("bytes") });
        await eventStore.saveSnapshot({ aggregateId: "workflow:1", lastSeq: 1, state: { name: "One" } });
      };
      const seen = async () => ({
        events: (await eventStore.load({ aggregateId: "workflow:1" })).length,
        rows: (await projectionStore.query({ sql: "SELECT id FROM workflows" })).length,
        blob: (await blobs.stat({ key: "a/b" }))?.size,
        snapshot: (await eventStore.latestSnapshot({ aggregateId: "workflow:1" }))?.state,
      });
      const failure = tx.runInTransaction(async () => {
        await work();
        expect(await seen()).toEqual({ events: 1, rows: 1, blob: 5, snapshot: { name: "One" } });
        throw new Error("in the middle");
      });
      await expect(failure).rejects.toThrow("in the middle");
      expect(await seen()).toEqual({ events: 0, rows: 0, blob: undefined, snapshot: undefined });
      expect(await tx.runInTransaction(async () => tx.runInTransaction(async () => work().then(() => "done")))).toBe(
        "done",
      );
      expect(await seen()).toEqual({ events: 1, rows: 1, blob: 5, snapshot: { name: "One" } });
    }));

  test("a statement that is refused fails its transaction, also where the error is caught: what was confirmed is not lost", () =>
    withDb(backend, async ({ eventStore, projectionStore, blobs, tx }) => {
      const aggregateId = "test:1";
      const refused = [
        () => projectionStore.query({ sql: "SELECT * FROM nowhere" }),
        () => projectionStore.query({ sql: "SELEC 1" }),
        () => projectionStore.query({ sql: "PRAGMA user_version = 7" }),
        () => projectionStore.query({ sql: "INSERT INTO principals (id) VALUES ('without a kind')" }),
        () => projectionStore.upsert({ table: "principals", rows: [{ id: "without a kind" }] }),
        () => projectionStore.truncate({ table: "nowhere" }),
      ];
      for (const call of refused) {
        const caught: unknown[] = [];
        const work = tx.runInTransaction(async () => {
          await eventStore.append({ aggregateId, eventType: "TestEvent", payload: {} });
          await call().catch((error) => caught.push(error));
        });
        const error = await work.catch((thrown: unknown) => thrown);
        expect(caught).toEqual([error]);
        expect(await eventStore.load({ aggregateId })).toEqual([]);
      }
      // What the port refuses by itself, the database has not seen.
      await tx.runInTransaction(async () => {
        await eventStore.append({ aggregateId, eventType: "TestEvent", payload: {} });
        const tooLarge = projectionStore.query({ sql: "SELECT 9007199254740993 AS number" });
        await expect(tooLarge).rejects.toMatchObject({ code: "QUERY_FAILED" });
        await expect(projectionStore.truncate({ table: "events" })).rejects.toThrow("follows from the events");
        await expect(blobs.put({ key: "/outside", data: Uint8Array.of(1) })).rejects.toThrow();
      });
      expect(await eventStore.load({ aggregateId })).toHaveLength(1);
    }));

  test("upsert inserts rows and changes the columns that it is given", () =>
    withDb(backend, async ({ projectionStore }) => {
      const createdAt = new Date(0).toISOString();
      const run = {
        id: "run-123",
        workflow_version_id: "wfv-456",
        trigger: "manual",
        status: "queued",
        created_at: createdAt,
      };
      await projectionStore.upsert({ table: "runs", rows: [run, { ...run, id: "run-124" }] });
      await projectionStore.upsert({
        table: "runs",
        rows: [
          { ...run, status: "running", input_manifest_json: { files: ["a.csv"] } },
          { ...run, id: "run-125" },
          run,
        ],
      });
      const rows = await projectionStore.query({
        sql: "SELECT id, status, input_manifest_json AS input, created_at FROM runs ORDER BY id",
      });
      expect(rows).toEqual([
        { id: "run-123", status: "queued", input: '{"files":["a.csv"]}', created_at: createdAt },
        { id: "run-124", status: "queued", input: null, created_at: createdAt },
        { id: "run-125", status: "queued", input: null, created_at: createdAt },
      ]);
      await projectionStore.upsert({ table: "runs", rows: [] });
      await projectionStore.truncate({ table: "runs" });
      expect(await projectionStore.query({ sql: "SELECT count(*) AS count FROM runs" })).toEqual([{ count: 0 }]);
    }));

  test("upsert changes some columns of rows that are there, and a new row needs all that its table requires", () =>
    withDb(backend, async ({ projectionStore }) => {
      const run = { workflow_version_id: "wfv-456", trigger: "manual", status: "queued", created_at: "2026-11-28" };
      const ids = ["run-1", "run-2"];
      await projectionStore.upsert({ table: "runs", rows: ids.map((id) => ({ id, ...run })) });
      const running = ids.map((id) => ({ id, status: "running" }));
      await projectionStore.upsert({ table: "runs", rows: [...running, { id: "run-2" }] });
      const sql = "SELECT id, workflow_version_id, trigger, status, created_at FROM runs ORDER BY id";
      const changed = running.map((row) => ({ ...run, ...row }));
      expect(await projectionStore.query({ sql })).toEqual(changed);
      const rows = [
        { id: "run-1", status: "failed" },
        { id: "run-3", status: "failed" },
      ];
      await expect(projectionStore.upsert({ table: "runs", rows })).rejects.toThrow();
      expect(await projectionStore.query({ sql })).toEqual(changed);
    }));

  test("a query neither begins nor ends a transaction, nor changes settings: what follows is as if it had not been", () =>
    withDb(backend, async ({ eventStore, projectionStore, tx }) => {
      const event = { eventType: "TestEvent", payload: {} };
      const begins = ["BEGIN", "/* of mine */ BEGIN TRANSACTION", "SELECT 1; BEGIN"];
      const others = ["COMMIT", "ROLLBACK", "VACUUM", "ATTACH ':memory:' AS other", "PRAGMA user_version = 7"];
      for (const sql of [...begins, ...others]) {
        await expect(projectionStore.query({ sql })).rejects.toThrow();
        await eventStore.append({ aggregateId: "test:1", ...event });
      }
      expect(await eventStore.load({ aggregateId: "test:1" })).toHaveLength(begins.length + others.length);
      const committing = tx.runInTransaction(async () => {
        await eventStore.append({ aggregateId: "test:2", ...event });
        await projectionStore.query({ sql: "COMMIT" });
      });
      await expect(committing).rejects.toThrow();
      expect(await eventStore.load({ aggregateId: "test:2" })).toEqual([]);
    }));

  test("a bad row leaves none of its neighbours, and bad names are refused", () =>
    withDb(backend, async ({ projectionStore }) => {
      const rows = [
        { id: "1", workflow_id: "w", version: 1, status: "draft" },
        { id: "2", workflow_id: "w", version: 2, status: "no such status" },
      ];
      await expect(projectionStore.upsert({ table: "workflow_versions", rows })).rejects.toThrow();
      expect(await projectionStore.query({ sql: "SELECT * FROM workflow_versions" })).toEqual([]);
      const withoutKey = [{ id: null, name: "x" }];
      await expect(projectionStore.upsert({ table: "workflows", rows: withoutKey })).rejects.toThrow();
      expect(await projectionStore.query({ sql: "SELECT * FROM workflows" })).toEqual([]);
      const refused = { code: "TABLE_NOT_ALLOWED" };
      for (const table of ["runs; DROP TABLE runs", "1runs", "", "events", "Snapshots", "datasets", "nowhere"]) {
        await expect(projectionStore.upsert({ table, rows: [{ id: "1" }] })).rejects.toMatchObject(refused);
      }
      for (const table of ["runs; DROP TABLE runs", "events", "joins"]) {
        await expect(projectionStore.truncate({ table })).rejects.toMatchObject(refused);
      }
      const columns = [{ 'id") VALUES (1); --': 1 }];
      await expect(projectionStore.upsert({ table: "runs", rows: columns })).rejects.toMatchObject(refused);
      // The rows of a query are objects, and would not have it.
      await projectionStore.query({ sql: 'CREATE TABLE odd (id TEXT PRIMARY KEY, "__proto__" TEXT)' });
      const lost = [JSON.parse('{ "id": "1", "__proto__": "a" }')];
      await expect(projectionStore.upsert({ table: "odd", rows: lost })).rejects.toMatchObject(refused);
      expect(await projectionStore.query({ sql: "SELECT id FROM odd" })).toEqual([]);
    }));

  test("tables of the store are neither written nor emptied by their names", () =>
    withDb(backend, async ({ eventStore, projectionStore, blobs }) => {
      const event = { aggregateId: "a", eventType: "DatasetPublished", payload: { id: "moons", name: "Moons" } };
      const stored = await eventStore.append(event);
      await blobs.put({ key: "a", data: Uint8Array.of(1) });
      const refused = { code: "TABLE_NOT_ALLOWED" };
      const tables = ["es_streams", "ES_Snapshots", "async_streams_blobs", "datasets__1", "sqlite_sequence"];
      for (const table of tables) {
        const rows = [{ id: 1, name: "b" }];
        await expect(projectionStore.upsert({ table, rows })).rejects.toMatchObject(refused);
        await expect(projectionStore.truncate({ table })).rejects.toMatchObject(refused);
      }
      expect(await eventStore.load({ aggregateId: "a" })).toEqual([stored]);
      expect(await projectionStore.query({ sql: "SELECT name FROM datasets" })).toEqual([{ name: "Moons" }]);
      expect(await blobs.stat({ key: "a" })).toMatchObject({ size: 1 });
    }));

  test("what would not come back as it is is refused, and nothing is stored", () =>
    withDb(backend, async ({ eventStore, projectionStore, blobs }) => {
      const refused = { code: "INVALID_ARGUMENT" };
      const event = { aggregateId: "test:1", eventType: "TestEvent", payload: {} };
      const cycle: Record<string, unknown> = {};
      cycle.a = [cycle];
      const bad: readonly object[] = [
        ...[{ payload: cycle }, { metadata: cycle }],
        ...["", "@all", "a\ud800", "a".repeat(1_025), undefined].flatMap((text) => [
          { aggregateId: text },
          { eventType: text },
        ]),
        ...[null, [], "x", undefined].map((payload) => ({ payload })),
        ...[undefined, Number.NaN, new Date(), 1n, () => 1, [{ a: undefined }]].map((a) => ({ payload: { a } })),
        ...[null, { a: Number.NaN }, { schemaVersion: 2.5 }, { schemaVersion: 0 }].map((metadata) => ({ metadata })),
      ];
      for (const fields of bad) {
        await expect(eventStore.append({ ...event, ...fields })).rejects.toMatchObject(refused);
      }
      for (const afterSeq of [-1, 0.5]) {
        await expect(eventStore.load({ aggregateId: "test:1", afterSeq })).rejects.toMatchObject(refused);
      }
      for (const args of [{}, { aggregateId: 5 }, { aggregateId: "test:1", limit: -1 }] as never[]) {
        await expect(eventStore.load(args)).rejects.toMatchObject(refused);
      }
      for (const aggregateId of [5, undefined] as never[]) {
        await expect(eventStore.latestSnapshot({ aggregateId })).rejects.toMatchObject(refused);
      }
      for (const rows of [undefined, 5, [5], [{}], [null]] as never[]) {
        await expect(projectionStore.upsert({ table: "runs", rows })).rejects.toMatchObject(refused);
      }
      for (const key of ["", "/a", "a/../b", "..", "a\0", "a\ud800", "a".repeat(1_025), 5, undefined] as never[]) {
        await expect(blobs.put({ key, data: Uint8Array.of(1) })).rejects.toMatchObject(refused);
        await expect(blobs.get({ key })).rejects.toMatchObject(refused);
        await expect(blobs.stat({ key })).rejects.toMatchObject(refused);
      }
      for (const contentType of ["", " a/b", "a\nb", 5] as never[]) {
        await expect(blobs.put({ key: "a", data: Uint8Array.of(1), contentType })).rejects.toMatchObject(refused);
      }
      await expect(blobs.put({ key: "a", data: "text" as never })).rejects.toMatchObject(refused);
      expect(await eventStore.load({ aggregateId: "test:1" })).toEqual([]);
      expect(await blobs.get({ key: "a" })).toBeNull();
    }));

  test("a call without its arguments, or with others, is refused with what it takes", () =>
    withDb(backend, async ({ eventStore, projectionStore, tx, blobs, windowQueries }) => {
      const refused = (message: string) => ({ code: "INVALID_ARGUMENT", message: expect.stringContaining(message) });
      for (const args of [undefined, null, 5, "x"] as never[]) {
        const calls = [
          ...[() => eventStore.append(args), () => eventStore.load(args), () => eventStore.saveSnapshot(args)],
          ...[() => eventStore.latestSnapshot(args), () => projectionStore.query(args)],
          ...[() => projectionStore.upsert(args), () => projectionStore.truncate(args)],
          ...[() => blobs.put(args), () => blobs.get(args), () => blobs.stat(args), () => windowQueries.query(args)],
        ];
        for (const call of calls) await expect(call()).rejects.toMatchObject(refused("must be an object, not "));
        await expect(tx.runInTransaction(args)).rejects.toMatchObject(refused("fn must be a function, not "));
      }
      for (const { query } of [projectionStore, windowQueries]) {
        await expect(query({ sql: 5 as never })).rejects.toMatchObject(refused("sql must be a string, not 5"));
        for (const params of [5, null] as never[]) {
          await expect(query({ sql: "SELECT 1", params })).rejects.toMatchObject(
            refused("params must be an array, not "),
          );
        }
      }
    }));

  test("the main process runs any statement", () =>
    withDb(backend, async ({ projectionStore }) => {
      await projectionStore.query({ sql: "CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT)" });
      await projectionStore.query({ sql: "INSERT INTO notes VALUES (?, ?)", params: ["1", "one"] });
      await projectionStore.upsert({ table: "notes", rows: [{ id: "1", body: "two" }] });
      expect(await projectionStore.query({ sql: "SELECT * FROM notes" })).toEqual([{ id: "1", body: "two" }]);
      await expect(projectionStore.query({ sql: "SELECT * FROM nowhere" })).rejects.toThrow();
    }));

  test("the snapshot of the later event is kept, and it must be of an event that is there", () =>
    withDb(backend, async ({ eventStore }) => {
      const aggregateId = "workflow:1";
      expect(await eventStore.latestSnapshot({ aggregateId })).toBeNull();
      for (let value = 0; value < 3; value += 1)
        await eventStore.append({ aggregateId, eventType: "Counted", payload: { value } });
      await eventStore.saveSnapshot({ aggregateId, lastSeq: 2, state: { total: 2 } });
      await eventStore.saveSnapshot({ aggregateId, lastSeq: 1, state: { total: 1 } });
      expect(await eventStore.latestSnapshot({ aggregateId })).toEqual({
        aggregateId,
        lastSeq: 2,
        state: { total: 2 },
        createdAt: expect.any(String),
      });
      for (const lastSeq of [0, 4, 1.5]) {
        const saved = eventStore.saveSnapshot({ aggregateId, lastSeq, state: {} });
        await expect(saved).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      }
      for (const state of [null, undefined, [], { total: Number.NaN }, { at: new Date(0) }] as never[]) {
        const saved = eventStore.saveSnapshot({ aggregateId, lastSeq: 3, state });
        await expect(saved).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      }
      expect(await eventStore.latestSnapshot({ aggregateId })).toMatchObject({ lastSeq: 2 });
    }));

  test("blobs keep bytes and type", () =>
    withDb(backend, async ({ blobs }) => {
      const data = Buffer.from([0, 255, 1, 254]);
      await blobs.put({ key: "artifacts/1", data, contentType: "image/png" });
      await blobs.put({ key: "artifacts/2", data: Buffer.alloc(0) });
      expect(await blobs.get({ key: "artifacts/1" })).toEqual({ data, contentType: "image/png" });
      expect(await blobs.stat({ key: "artifacts/1" })).toEqual({ size: 4, contentType: "image/png" });
      expect(await blobs.get({ key: "artifacts/2" })).toEqual({
        data: Buffer.alloc(0),
        contentType: "application/octet-stream",
      });
      await blobs.put({ key: "artifacts/1", data: Buffer.from("x"), contentType: "text/plain" });
      expect(await blobs.get({ key: "artifacts/1" })).toEqual({ data: Buffer.from("x"), contentType: "text/plain" });
      expect([await blobs.get({ key: "none" }), await blobs.stat({ key: "none" })]).toEqual([null, null]);
    }));

  test("datasets and joins follow from the events", () =>
    withDb(backend, async ({ eventStore, projectionStore }) => {
      const publish = (eventType: string, payload: Record<string, unknown>) =>
        eventStore.append({ aggregateId: "dataset:moons", eventType, payload });
      await publish("DatasetPublished", {
        id: "moons",
        name: "Moons",
        locationUri: "a.json",
        format: "json",
        stats: { rows: 1 },
      });
      await publish("DatasetPublished", {
        id: "moons",
        name: "Moons",
        locationUri: "b.json",
        format: "json",
        stats: { rows: 2 },
      });
      await publish("DatasetPublished", { id: "stars", name: "Stars" });
      await publish("DatasetRemoved", { id: "stars" });
      await publish("JoinDefined", {
        id: "j",
        name: "Moons of planets",
        leftDatasetId: "moons",
        rightDatasetId: "planets",
        joinType: "inner",
        onExpr: "planet",
      });
      const datasets = await projectionStore.query({ sql: "SELECT id, location_uri, stats_json FROM datasets" });
      expect(datasets).toEqual([{ id: "moons", location_uri: "b.json", stats_json: '{"rows":2}' }]);
      expect(await projectionStore.query({ sql: "SELECT left_dataset_id, on_expr FROM joins" })).toEqual([
        { left_dataset_id: "moons", on_expr: "planet" },
      ]);
    }));

  test("an event whose row the derived table refuses is not stored", () =>
    withDb(backend, async ({ eventStore, projectionStore }) => {
      const aggregateId = "dataset:moons";
      for (const payload of [{ name: "Moons" }, { id: "moons" }]) {
        await expect(eventStore.append({ aggregateId, eventType: "DatasetPublished", payload })).rejects.toThrow();
      }
      expect(await projectionStore.query({ sql: "SELECT * FROM datasets" })).toEqual([]);
      expect(await eventStore.load({ aggregateId })).toEqual([]);
    }));

  test("what is stored is there when the database is opened again", () =>
    withDb(backend, async (first, path) => {
      await first.eventStore.append({ aggregateId: "test:1", eventType: "TestEvent", payload: { value: 1 } });
      const stored = await first.eventStore.load({ aggregateId: "test:1" });
      await first.close();
      const second = await createDbContext({ path, backend });
      expect(await second.eventStore.load({ aggregateId: "test:1" })).toEqual(stored);
      expect(
        await second.eventStore.append({ aggregateId: "test:1", eventType: "TestEvent", payload: {} }),
      ).toMatchObject({ seq: 2 });
      await second.close();
    }));
});
