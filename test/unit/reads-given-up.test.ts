import { expect, test, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import { openPostgresBackend } from "../../adapters/postgres/index.js";
import { openSQLiteBackend } from "../../adapters/sqlite/index.js";
import type { ReadQuery, StorageHandle } from "../../protocols/index.js";
import { FIRST_PAGE_EVENTS } from "../../src/limits.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { viewOf } from "../../src/view/store-view.js";
import { overriding } from "../support/overriding.js";
import { NO_POSTGRES, THROWAWAY } from "../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../support/postgres-stores.js";
import { createTempDir } from "../support/temp-dir.js";

/** A store in memory whose pages wait, as behind other reads, until they are let through. */
function openWithWaitingPages() {
  const storage = new MemoryStorageHandle();
  const asked: ReadQuery[] = [];
  let letThrough = (): void => undefined;
  let gate: Promise<void> | undefined;
  const readPage: StorageHandle["readPage"] = async (query) => {
    asked.push(query);
    await gate;
    query.signal?.throwIfAborted();
    return storage.readPage(query);
  };
  const transact: MemoryStorageHandle["transact"] = (work, options) =>
    storage.transact((session) => {
      const readInSession: typeof session.readPage = async (query) => {
        asked.push(query);
        await gate;
        return session.readPage(query);
      };
      return work(overriding(session, { readPage: readInSession }));
    }, options);
  const hold = (): void => {
    gate = new Promise((resolve) => {
      letThrough = resolve;
    });
  };
  const streams = createStreamFactory({
    storage: overriding(storage, { readPage, transact }),
    notifier: new MemoryNotifier(storage),
  });
  return { streams, asked, hold, letThrough: () => letThrough() };
}

const event = { type: "T", data: 1 };

test("a watch that ends takes back the page that it waits for", async () => {
  const { streams, asked, hold, letThrough } = openWithWaitingPages();
  await using _ = streams;
  const stream = await streams.openStream("a");
  await stream.write(event);
  hold();
  const heard = vi.fn();
  const subscription = stream.watch({ after: 0 }).subscribe({ next: heard, error: heard });
  const iterator = stream.watch({ after: 0 })[Symbol.asyncIterator]();
  const next = iterator.next();
  await vi.waitFor(() => expect(asked).toHaveLength(2));

  subscription.unsubscribe();
  await iterator.return?.();

  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([true, true]);
  letThrough();
  expect(await next).toEqual({ value: undefined, done: true });
  expect(heard).not.toHaveBeenCalled();
});

test("a read takes back the page that it waits for when its signal is aborted", async () => {
  const { streams, asked, hold, letThrough } = openWithWaitingPages();
  await using _ = streams;
  const stream = await streams.openStream("a");
  await stream.write(event);
  hold();
  const controller = new AbortController();
  const next = stream.read({ signal: controller.signal })[Symbol.asyncIterator]().next();
  await vi.waitFor(() => expect(asked).toHaveLength(1));

  controller.abort(new Error("on purpose"));
  expect(asked[0]?.signal?.aborted).toBe(true);
  letThrough();

  await expect(next).rejects.toThrow("on purpose");
});

test("a read takes back the page that was fetched ahead, and that it waits for, when its signal is aborted", async () => {
  const { streams, asked, hold, letThrough } = openWithWaitingPages();
  await using _ = streams;
  const stream = await streams.openStream("a");
  await stream.write(Array.from({ length: 2_000 }, () => event));
  const controller = new AbortController();
  const reading = stream.read({ signal: controller.signal })[Symbol.asyncIterator]();
  await reading.next();
  hold();
  for (let version = 2; version <= FIRST_PAGE_EVENTS; version += 1) await reading.next();
  const next = reading.next();
  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([false, false]);

  controller.abort(new Error("on purpose"));
  expect(asked[1]?.signal?.aborted).toBe(true);
  letThrough();

  await expect(next).rejects.toThrow("on purpose");
});

test("a read takes back the page that was fetched ahead when its signal is aborted while the hooks are at another", async () => {
  const { streams, asked, hold, letThrough } = openWithWaitingPages();
  let open = (): void => undefined;
  let opening: Promise<void> | undefined;
  await using view = viewOf(streams, {
    afterRead: async (events) => {
      await opening;
      return { events };
    },
  });
  const stream = await view.openStream("a");
  await stream.write(Array.from({ length: 2_000 }, () => event));
  const controller = new AbortController();
  const reading = stream.read({ signal: controller.signal })[Symbol.asyncIterator]();
  for (let version = 1; version <= FIRST_PAGE_EVENTS; version += 1) await reading.next();
  opening = new Promise((resolve) => {
    open = resolve;
  });
  hold();
  const next = reading.next();
  await vi.waitFor(() => expect(asked).toHaveLength(3));

  controller.abort(new Error("on purpose"));
  expect(asked[2]?.signal?.aborted).toBe(true);
  letThrough();
  open();

  await expect(next).rejects.toThrow("on purpose");
});

test("a read that is left takes back the page that it has fetched ahead", async () => {
  const { streams, asked, hold, letThrough } = openWithWaitingPages();
  await using _ = streams;
  const stream = await streams.openStream("a");
  await stream.write(Array.from({ length: 2_000 }, () => event));
  for await (const _event of stream.read()) {
    if (asked.length === 1) hold();
    else break;
  }

  expect(asked.map(({ signal }) => signal?.aborted)).toEqual([undefined, true]);
  letThrough();
});

test("a read inside a transaction passes on no signal, which would end a call of the transaction", async () => {
  const { streams, asked, hold, letThrough } = openWithWaitingPages();
  await using _ = streams;
  const controller = new AbortController();
  hold();
  const { position } = await streams.transaction(async (tx) => {
    const reading = tx.read("a", { signal: controller.signal })[Symbol.asyncIterator]().next();
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    controller.abort();
    letThrough();
    await expect(reading).rejects.toBe(controller.signal.reason);
    return tx.write("a", event);
  });
  expect(position).toBe(1);
  expect(asked.map(({ signal }) => signal)).toEqual([undefined]);
});

/** Asks for pages that find one connection, and gives them up with a reason that looks like a failure of the store. */
async function expectGivenUp(storage: StorageHandle): Promise<void> {
  const reason = Object.assign(new Error("on purpose"), { code: "SQLITE_CORRUPT" });
  const controller = new AbortController();
  const query: ReadQuery = { streamId: "a", after: 0, limit: 1, direction: "forward", signal: controller.signal };
  const pages = Array.from({ length: 20 }, () => storage.readPage(query));
  controller.abort(reason);
  const [, ...waiting] = await Promise.allSettled(pages);
  expect(waiting).toEqual(waiting.map(() => ({ status: "rejected", reason })));
  expect(await storage.readPage({ ...query, signal: undefined })).toMatchObject({ events: [], head: 0 });
  expect(await storage.append({ streamId: "a", events: [], expectedVersion: "any" })).toMatchObject({ version: 0 });
  await storage[Symbol.asyncDispose]();
}

test.each([":memory:", "a.db"])("%s reads no page that was given up before its turn", async (name) => {
  await using folder = await createTempDir();
  const path = name === ":memory:" ? name : folder.file(name);
  const { storage, notifier } = await openSQLiteBackend(path, { readPoolSize: 1 });
  await notifier[Symbol.asyncDispose]();
  await expectGivenUp(storage);
});

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  test.each([undefined, "replica"])("PostgreSQL reads no page that was given up before its turn (%s)", async (kind) => {
    const url = (await server()).url();
    const options = { ...ownSchemas(), readPoolSize: 1, durability: "normal", ...(kind && { replica: url }) } as const;
    const { storage, notifier } = await openPostgresBackend(url, options);
    await notifier[Symbol.asyncDispose]();
    await expectGivenUp(storage);
  });
}
