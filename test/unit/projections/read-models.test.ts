import { expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql } from "../../../index.js";
import {
  documents,
  dropProjection,
  type ReadModelStore,
  readDocument,
  runProjections,
  sqliteReadModels,
  whenProcessed,
} from "../../../projections.js";
import { PROJECTIONS_ELSEWHERE_SPACE, PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { stopClock } from "../../support/stopped-clock.js";
import { createTempDir } from "../../support/temp-dir.js";
import { countCalls } from "../consumers/support/counted-calls.js";
import { overwrite } from "../consumers/support/lease-records.js";
import { SQL_STORES } from "./support/stores.js";

const A_DAY_MS = 86_400_000;
const counted = { type: "Counted", data: null };
const counts = documents<number, { type: string; data: unknown }>({
  name: "counts",
  evolve: (count) => (count ?? 0) + 1,
});

test("read models in a file of their own follow the event store, which knows how far they are", async () => {
  await using folder = await createTempDir();
  await using streams = await sqliteStreamFactory(folder.file("events.db"));
  await using models = await sqliteReadModels(folder.file("models.db"));
  const a = await streams.openStream("a");
  await a.write([counted, counted]);
  const runner = await runProjections(streams, [counts], { store: models });
  await whenProcessed(models, "counts", 2);
  expect(await models.query(sql`SELECT * FROM counts`)).toEqual([{ key: "a", document: "2" }]);
  expect(await readDocument(models, "counts", "a")).toBe(2);
  expect(await streams.query(sql`SELECT name FROM sqlite_master WHERE name LIKE 'counts%'`)).toEqual([]);
  await runner[Symbol.asyncDispose]();

  const { position } = await a.write([counted, counted]);
  const prune = () => streams.pruneStream("a", { before: 4 });
  await expect(prune()).rejects.toMatchObject({ code: "EVENTS_NEEDED", neededBy: ["projection counts@1"] });
  await using again = await runProjections(streams, [counts], { store: models });
  await whenProcessed(models, "counts", position);
  await expect
    .poll(() => prune().catch((error: unknown) => error), { timeout: 5_000 })
    .toMatchObject({ firstVersion: 4 });
  await again[Symbol.asyncDispose]();
  await a.write([counted, counted]);
  await expect(streams.pruneStream("a", { before: 6 })).rejects.toMatchObject({ code: "EVENTS_NEEDED" });
  expect(await dropProjection(streams, "counts", { store: models })).toBe(true);
  expect(await streams.pruneStream("a", { before: 6 })).toMatchObject({ firstVersion: 6 });
});

test.each(["rebuilt", "of a new version"])(
  "read models elsewhere that are %s keep no events for those before",
  async (kind) => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("events.db"));
    await using models = await sqliteReadModels(folder.file("models.db"));
    const a = await streams.openStream("a");
    const options = { store: models, leaseMs: 300 };
    await a.write([counted, counted]);
    const first = await runProjections(streams, [counts], options);
    await whenProcessed(models, "counts", 2);
    if (kind === "rebuilt") await first.rebuild("counts");
    await first[Symbol.asyncDispose]();
    await using second = await runProjections(
      streams,
      [kind === "rebuilt" ? counts : { ...counts, version: 2 }],
      options,
    );
    await expect.poll(() => second.status()[0]?.state).toBe("live");
    const { position } = await a.write([counted, counted]);
    await whenProcessed(models, "counts", position);
    await expect
      .poll(() => streams.pruneStream("a", { before: 4 }).catch((error: unknown) => error), { timeout: 5_000 })
      .toMatchObject({ firstVersion: 4 });
  },
);

test("positions of a former read model elsewhere whose tables were dropped keep no events", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  await using models = await sqliteReadModels(":memory:");
  await (await streams.openStream("a")).write([counted, counted]);
  const run = (version: number) => runProjections(streams, [{ ...counts, version }], { store: models });
  for (const version of [1, 2]) {
    await using runner = await run(version);
    await expect.poll(() => runner.status()[0]?.state).toBe("live");
  }
  const nowMs = Date.now() + A_DAY_MS;
  const clock = vi.spyOn(Date, "now").mockReturnValue(nowMs);
  const second = await run(2);
  await expect.poll(() => models.query(sql`SELECT * FROM counts__1`).catch(({ code }) => code)).toBe("STORAGE_FAILED");
  await second[Symbol.asyncDispose]();
  clock.mockRestore();
  // What the former one had copied last, where no later one has run since it ended.
  await overwrite(streams, PROJECTIONS_ELSEWHERE_SPACE, "counts@1", { position: 0 });

  await using _again = await run(2);
  await expect
    .poll(() => streams.pruneStream("a", { before: 2 }).catch((error: unknown) => error), { timeout: 5_000 })
    .toMatchObject({ firstVersion: 2 });
});

test("a read model elsewhere leaves that of its name in the event store as it is, and either may go", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  await using models = await sqliteReadModels(":memory:");
  const a = await streams.openStream("a");
  const elsewhere = await runProjections(streams, [counts], { store: models });
  await whenProcessed(models, "counts", (await a.write(counted)).position);
  // Its position is known to the event store.
  await elsewhere[Symbol.asyncDispose]();

  const here = await runProjections(streams, [counts]);
  await whenProcessed(streams, "counts", (await a.write(counted)).position);
  expect(await readDocument(streams, "counts", "a")).toBe(2);
  await here[Symbol.asyncDispose]();

  const again = await runProjections(streams, [counts], { store: models });
  await whenProcessed(models, "counts", (await a.write(counted)).position);
  await again[Symbol.asyncDispose]();
  expect(await dropProjection(streams, "counts", { store: models })).toBe(true);
  await using _here = await runProjections(streams, [counts]);
  await whenProcessed(streams, "counts", (await a.write(counted)).position);
  expect(await readDocument(streams, "counts", "a")).toBe(4);
});

test.each(["runs", "is dropped"])(
  "positions of a read model elsewhere that an earlier library stored keep no events once it %s",
  async (fate) => {
    await using streams = await sqliteStreamFactory(":memory:");
    await using models = await sqliteReadModels(":memory:");
    const a = await streams.openStream("a");
    const { position } = await a.write([counted, counted]);
    const first = await runProjections(streams, [counts], { store: models });
    await whenProcessed(models, "counts", position);
    await first[Symbol.asyncDispose]();
    await overwrite(streams, PROJECTIONS_SPACE, "counts@1", { position: 0 });
    await expect(streams.pruneStream("a", { before: 2 })).rejects.toMatchObject({ code: "EVENTS_NEEDED" });
    if (fate === "is dropped") expect(await dropProjection(streams, "counts", { store: models })).toBe(true);
    await using _again = fate === "runs" ? await runProjections(streams, [counts], { store: models }) : undefined;
    await expect
      .poll(() => streams.pruneStream("a", { before: 2 }).catch((error: unknown) => error), { timeout: 5_000 })
      .toMatchObject({ firstVersion: 2 });
  },
);

test("the event store learns once a second how far read models elsewhere are, however many batches there are", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  await using models = await sqliteReadModels(":memory:");
  const a = await streams.openStream("a");
  await using _ = await runProjections(streams, [counts], { store: models });
  await whenProcessed(models, "counts", (await a.write(counted)).position);
  const calls = countCalls(streams);
  using clock = stopClock();
  for (let batch = 0; batch < 50; batch += 1) {
    await whenProcessed(models, "counts", (await a.write(counted)).position);
  }
  expect(calls.transact).toBeLessThanOrEqual(1);
  clock.advance(1_000);
  await whenProcessed(models, "counts", (await a.write(counted)).position);
  await expect.poll(() => calls.transact).toBeGreaterThan(0);
});

test("read models in any store with transactions keep their checkpoints there", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  await using database = await sqliteStreamFactory(":memory:");
  const store: ReadModelStore = { transaction: (work) => database.transaction((tx) => work(tx)) };
  await (await streams.openStream("a")).write([counted, counted]);
  {
    await using _ = await runProjections(streams, [counts], { store });
    await whenProcessed(store, "counts", 2);
  }
  expect(await readDocument(store, "counts", "a")).toBe(2);
  expect(await dropProjection(streams, "counts", { store })).toBe(true);
  expect(await database.query(sql`SELECT name FROM sqlite_master WHERE name LIKE 'counts%'`)).toEqual([]);
});

test("documents in a store without tables are records, also where an object only hands on its transactions", async () => {
  await using database = memoryStreamFactory();
  await using streams = memoryStreamFactory();
  const { position } = await (await streams.openStream("a")).write([counted, counted]);
  const store: ReadModelStore = { transaction: (work) => database.transaction((tx) => work(tx)) };
  await using runner = await runProjections(streams, [counts], { store });
  await whenProcessed(store, "counts", position);
  expect(await readDocument(store, "counts", "a")).toBe(2);
  await runner.rebuild("counts");
  expect(await readDocument(store, "counts", "a")).toBe(2);
  await runner[Symbol.asyncDispose]();
  expect(await dropProjection(streams, "counts", { store })).toBe(true);
});

test("read models that are ahead of the event store say so, and change nothing", async () => {
  await using folder = await createTempDir();
  await using models = await sqliteReadModels(folder.file("models.db"));
  {
    await using streams = await sqliteStreamFactory(folder.file("events.db"));
    const a = await streams.openStream("a");
    await a.write(counted);
    await streams.backup(folder.file("older.db"));
    const { position } = await a.write([counted, counted]);
    await using _ = await runProjections(streams, [counts], { store: models });
    await whenProcessed(models, "counts", position);
  }
  await using older = await sqliteStreamFactory(folder.file("older.db"));
  await using runner = await runProjections(older, [counts], { store: models });
  await expect.poll(() => runner.status()[0]?.state, { timeout: 20_000 }).toBe("failed");
  expect(runner.status()).toMatchObject([{ error: { position: 3, streamId: "@all", type: "" } }]);
  expect(runner.status()[0]?.error?.message).toMatch(
    /has 3 as its checkpoint, and the last position is 1: the store went back/,
  );
  expect(await readDocument(models, "counts", "a")).toBe(3);
});

test.each(SQL_STORES)(
  "a batch that waited while another process took the lease changes nothing, and its runner stands by, over %s",
  async (_, open) => {
    await using streams = await sqliteStreamFactory(":memory:");
    await using database = await open();
    const direct: ReadModelStore = { transaction: (work) => database.transaction((tx) => work(tx)) };
    let isHeldUp = false;
    const waiting: (() => void)[] = [];
    const slow: ReadModelStore = {
      transaction: async (work) => {
        if (isHeldUp) await new Promise<void>((resolve) => waiting.push(resolve));
        return direct.transaction(work);
      },
    };
    const a = await streams.openStream("a");
    const { position: first } = await a.write(counted);
    await using paused = await runProjections(streams, [counts], { store: slow, leaseMs: 200 });
    await whenProcessed(direct, "counts", first);

    isHeldUp = true;
    const { position: second } = await a.write(counted);
    await expect.poll(() => waiting.length).toBe(1);
    await using successor = await runProjections(streams, [counts], { store: direct, leaseMs: 60_000 });
    await whenProcessed(direct, "counts", second, { timeoutMs: 20_000 });
    expect(successor.status()).toMatchObject([{ state: "live" }]);

    isHeldUp = false;
    for (const goOn of waiting.splice(0)) goOn();
    await expect.poll(() => paused.status()[0]?.state, { timeout: 20_000 }).toBe("standby");
    const { position: third } = await a.write(counted);
    await whenProcessed(direct, "counts", third);
    expect(await readDocument(direct, "counts", "a")).toBe(3);
  },
);

test("inline projections are refused elsewhere", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  await using models = await sqliteReadModels(":memory:");
  const started = runProjections(streams, [counts], { store: models, mode: "inline" });
  await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "mode" });
});
