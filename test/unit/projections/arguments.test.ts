import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { TransactionalStreamFactory } from "../../../index.js";
import {
  documents,
  dropProjection,
  MAX_PROJECTION_NAME_LENGTH,
  MAX_PROJECTIONS,
  type ProjectionOptions,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { plainStorage } from "../../support/plain-storage.js";

const project = async (): Promise<void> => undefined;
const many = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `p${index}`, project }));
const longest = "x".repeat(48);

test.each<readonly [string, unknown, object, string]>([
  ["no list", { name: "p", project }, {}, "projections"],
  ["no projection", [null], {}, "projections"],
  ["no name", [{ project }], {}, "name"],
  ["an empty name", [{ name: "", project }], {}, "name"],
  ["a name with a dash", [{ name: "my-orders", project }], {}, "name"],
  ["a name of 49 characters", [{ name: `${longest}x`, project }], {}, "name"],
  ["the same name twice", [...many(2), ...many(1)], {}, "projections"],
  ["more than 100 projections", many(101), {}, "projections"],
  ["version 0", [{ name: "p", version: 0, project }], {}, "version"],
  ["half a version", [{ name: "p", version: 1.5, project }], {}, "version"],
  ["nothing to project with", [{ name: "p" }], {}, "project"],
  ["tables that are no function", [{ name: "p", project, tables: [] }], {}, "tables"],
  ["a misspelt field", [{ name: "p", project, table: project }], {}, "tables"],
  ["types that are no list", [{ name: "p", project, types: "Deposited" }], {}, "types: expected a list"],
  ["a type that is no string", [{ name: "p", project, types: [5] }], {}, "types: expected strings, got 5"],
  [
    "a filter of a field that there is not",
    [{ name: "p", project, filter: [{ field: "datum", op: "=", value: 1 }] }],
    {},
    "filter",
  ],
  ["an unknown mode", many(1), { mode: "ahead" }, "mode"],
  ["an unknown end of errors", many(1), { onError: "skip" }, "onError"],
  ["batches of no events", many(1), { batchSize: 0 }, "batchSize"],
  ["batches of 2,049 events", many(1), { batchSize: 2_049 }, "batchSize"],
  ["no lease", many(1), { leaseMs: 0 }, "leaseMs"],
  ["a listener that is no function", many(1), { onStatus: "log" }, "onStatus"],
  ["a misspelt option", many(1), { batchsize: 10 }, "batchSize"],
  ["no store", many(1), { store: {} }, "store"],
])("projections are refused with %s", async (_name, projections, options, message) => {
  await using streams = memoryStreamFactory();
  const started = runProjections(streams, projections as never, options as ProjectionOptions);
  await expect(started).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
  await expect(started).rejects.toThrow(message);
});

test.each<readonly [string, (store: TransactionalStreamFactory) => Promise<unknown>]>([
  ["run projections", (store) => runProjections(memoryStreamFactory(), many(1), { store })],
  ["drop a projection", (store) => dropProjection(memoryStreamFactory(), "p0", { store })],
  ["read a document", (store) => readDocument(store, "p0", "a")],
  ["wait for a projection", (store) => whenProcessed(store, "p0", 1)],
])("who cannot %s in what is no store is told so", async (attempt, call) => {
  const refused = { code: "INVALID_ARGUMENT", argument: "store", message: expect.stringContaining(attempt) };
  await expect(call({} as never)).rejects.toMatchObject(refused);
});

test("100 projections run together, and a name may have 48 characters", async () => {
  expect([MAX_PROJECTIONS, MAX_PROJECTION_NAME_LENGTH]).toEqual([100, 48]);
  await using streams = memoryStreamFactory();
  const projections = [...many(99), { name: longest, project }];
  await using runner = await runProjections(streams, projections, { batchSize: 2_048 });
  const { position } = await (await streams.openStream("a")).write({ type: "A", data: null });
  await whenProcessed(streams, longest, position);
  expect(runner.status()).toHaveLength(100);
});

test("a signal that is aborted already starts nothing, and one that is aborted later stops the runner", async () => {
  await using streams = memoryStreamFactory();
  const reason = new Error("changed my mind");
  await expect(runProjections(streams, many(1), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await dropProjection(streams, "p0")).toBe(false);

  const controller = new AbortController();
  await using runner = await runProjections(streams, many(1), { signal: controller.signal });
  controller.abort();
  await expect.poll(() => runner.status()[0]?.state).toBe("stopped");
  expect(await dropProjection(streams, "p0")).toBe(true);
});

test("a signal that is aborted while projections are registered starts nothing", async () => {
  await using streams = memoryStreamFactory();
  const controller = new AbortController();
  const reason = new Error("changed my mind");
  const tables = async (): Promise<void> => controller.abort(reason);
  const started = runProjections(streams, [{ name: "p", project, tables }], { signal: controller.signal });
  await expect(started).rejects.toBe(reason);
  expect(await dropProjection(streams, "p")).toBe(true);
});

test("a rebuild is refused for what the runner does not have, and with what makes no sense", async () => {
  await using streams = memoryStreamFactory();
  await using runner = await runProjections(streams, many(1));
  const invalid = { code: "INVALID_ARGUMENT", message: expect.stringMatching(/^Cannot rebuild a projection/) };
  await expect(runner.rebuild("other")).rejects.toMatchObject({ ...invalid, argument: "name" });
  await expect(runner.rebuild("p0", { missing: "ignore" as "skip" })).rejects.toMatchObject(invalid);
  await expect(runner.rebuild("p0", { mising: "skip" } as object)).rejects.toMatchObject(invalid);
  const reason = new Error("changed my mind");
  await expect(runner.rebuild("p0", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test("a rebuild is refused to a process whose version readers do not see any more", async () => {
  await using streams = memoryStreamFactory();
  await using former = await runProjections(streams, [{ name: "p", project }]);
  await using later = await runProjections(streams, [{ name: "p", version: 2, project }]);
  await expect.poll(() => later.status()[0]?.state).toBe("live");
  await expect(former.rebuild("p")).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(
      /^Cannot rebuild a projection.* "p" is live in version 2, and this process has version 1/,
    ),
  });
});

test.each<readonly [string, (streams: TransactionalStreamFactory) => Promise<unknown>]>([
  ["readDocument", (streams) => readDocument(streams, "my-orders", "a")],
  ["readDocument", (streams) => readDocument(streams, "orders", "")],
  ["readDocument", (streams) => readDocument({} as typeof streams, "orders", "a")],
  ["dropProjection", (streams) => dropProjection(streams, "my-orders")],
  ["dropProjection", (streams) => dropProjection(streams, "orders", { stores: streams } as object)],
  ["dropProjection", (streams) => dropProjection(streams, "orders", null as never)],
  ["runProjections", (streams) => runProjections(streams, [], null as never)],
  ["documents", async () => documents({ name: "orders" } as never)],
  ["documents", async () => documents({ name: "orders", evolve: () => 1, keys: () => "a" } as never)],
  ["documents", async () => documents(undefined as never)],
  ["whenProcessed", (streams) => whenProcessed(streams, "my-orders", 1)],
  ["whenProcessed", (streams) => whenProcessed(streams, "orders", undefined as never, { timeoutMs: 0 })],
  ["whenProcessed", (streams) => whenProcessed(streams, "orders", -1)],
  ["whenProcessed", (streams) => whenProcessed(streams, "orders", 1, { timeoutMs: -1 })],
  ["whenProcessed", (streams) => whenProcessed(streams, "orders", 1, { timeout: 5 } as object)],
])("%s refuses what makes no sense", async (_name, call) => {
  await using streams = memoryStreamFactory();
  await expect(call(streams)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("who waits for the whole result of a write is told what was attempted, and what is wanted", async () => {
  await using streams = memoryStreamFactory();
  const result = await (await streams.openStream("a")).write({ type: "A", data: null });
  await expect(whenProcessed(streams, "orders", result as never)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "position",
    message: expect.stringMatching(
      /^Cannot wait for "orders" in memory: invalid position: .* "position" of a write's result, got an object\.$/,
    ),
  });
});

test("a store without transactions has no read models of its own, and those elsewhere follow it", async () => {
  const storage = new MemoryStorageHandle(Date.now);
  await using streams = createStreamFactory({ storage: plainStorage(storage), notifier: new MemoryNotifier(storage) });
  await expect(runProjections(streams, many(1))).rejects.toMatchObject({ code: "STORAGE_UNSUPPORTED" });

  await using models = memoryStreamFactory();
  const counts = documents<number, { type: string; data: unknown }>({
    name: "counts",
    evolve: (count) => (count ?? 0) + 1,
  });
  await using _ = await runProjections(streams, [counts], { store: models });
  const { position } = await (await streams.openStream("a")).write({ type: "A", data: null });
  await whenProcessed(models, "counts", position);
  expect(await readDocument(models, "counts", "a")).toBe(1);
});
