import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoreContents } from "../../../protocols/index.js";
import { copyStore } from "../../../src/copy/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { counted, countedUpTo } from "../../conformance/support/sample-events.js";
import { overriding } from "../../support/overriding.js";
import { createTempDir } from "../../support/temp-dir.js";
import { contentsOf, fillRichly, type Streams } from "./support/rich-store.js";

async function fill(streams: Streams, streamId: string, events: number): Promise<void> {
  await using stream = await streams.openStream(streamId);
  await stream.write(countedUpTo(events));
}

/** Copies until so many events are there, and gives up. */
async function copyPart(from: Streams, to: Streams, events: number): Promise<void> {
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ copiedEvents }: { copiedEvents: number }): void => {
    if (copiedEvents >= events) controller.abort(reason);
  };
  await expect(copyStore(from, to, { onProgress, signal: controller.signal })).rejects.toBe(reason);
}

test("a copy that was aborted goes on where it was", async () => {
  await using from = await sqliteStreamFactory(":memory:");
  await using to = await sqliteStreamFactory(":memory:");
  await fillRichly(from);
  await fill(from, "many", 3_000);
  await copyPart(from, to, 1_000);

  const told: number[] = [];
  const report = await copyStore(from, to, { onProgress: ({ copiedEvents }) => told.push(copiedEvents) });
  expect(told[0]).toBeGreaterThan(1_000);
  expect(report.copiedEvents).toBeLessThan(report.events);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

test("until it is complete, an opened copy refuses everything else, and then nothing", async () => {
  await using folder = await createTempDir();
  const path = folder.file("copy.db");
  await using from = memoryStreamFactory();
  await fill(from, "a", 2_000);
  {
    await using to = await sqliteStreamFactory(path);
    await copyPart(from, to, 1_000);
  }
  const refused = {
    code: "STORAGE_COPY_UNFINISHED",
    message: expect.stringMatching(/copy\.db: it is a copy of memory .* up to position 1000\. Call copyStore again/),
  };
  {
    await using readonly = await sqliteStreamFactory(path, { mode: "readonly" });
    await expect(readonly.openStream("a")).rejects.toMatchObject(refused);
    await using target = memoryStreamFactory();
    await expect(copyStore(readonly, target)).rejects.toMatchObject({ code: "STORAGE_COPY_UNFINISHED" });
  }
  await using to = await sqliteStreamFactory(path);
  await expect(to.openStream("a")).rejects.toMatchObject(refused);
  await expect(to.writeAll([{ streamId: "a", events: [counted(1)] }])).rejects.toMatchObject(refused);
  await expect(to.transaction(async () => undefined)).rejects.toMatchObject(refused);
  await expect(to.listStreams()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
  await expect(to.setStreamMetadata("a", {})).rejects.toMatchObject(refused);

  await copyStore(from, to);
  await using stream = await to.openStream("a");
  expect(await stream.write(counted(2_001))).toMatchObject({ version: 2_001 });
});

test("a copy that ended between its records is sound, and goes on", async () => {
  const storage = new MemoryStorageHandle();
  let isBroken = true;
  const breaking = overriding<MemoryStorageHandle>(storage, {
    exportContents: (work) =>
      storage.exportContents((contents) =>
        work(
          overriding<StoreContents>(contents, {
            async *read(part, after) {
              for await (const page of contents.read(part, after)) {
                yield page;
                if (isBroken && part === "records") throw new Error("the source is gone");
              }
            },
          }),
        ),
      ),
  });
  await using from = createStreamFactory({ storage: breaking, notifier: new MemoryNotifier(storage) });
  await using to = await sqliteStreamFactory(":memory:");
  await from.transaction(async ({ records }) => {
    for (let count = 1; count <= 2_000; count += 1) await records.put("s", `${count}`, { count });
  });

  await expect(copyStore(from, to)).rejects.toThrow("the source is gone");
  expect(await to.verify()).toMatchObject({ problems: [] });
  isBroken = false;
  expect(await copyStore(from, to)).toMatchObject({ records: 2_000 });
  expect(await to.verify()).toMatchObject({ problems: [] });
});

test("a complete copy is brought up to date: what was written, pruned, deleted, forgotten and changed since", async () => {
  await using from = memoryStreamFactory();
  await using to = await sqliteStreamFactory(":memory:");
  await fillRichly(from);
  await fill(from, "long", 6_000);
  await copyStore(from, to);

  await fill(from, "new", 10);
  await from.pruneStream("long", { before: 5_500 });
  await from.pruneStream("pruned", { before: 30, forgetKeys: true });
  await from.deleteStream("plain");
  await using stream = await from.openStream("\uffff");
  await stream.snapshot({ changed: true }, { version: 2 });
  await stream.snapshot({ other: true }, { version: 3, keep: 1 });
  await from.transaction(async ({ records }) => {
    await records.put("space", "changed", { again: true });
    await records.delete("space plain", "plain");
    await records.put("space", "a new one", {});
  });
  const before = await copyStore(from, to);
  expect(before.copiedEvents).toBe(11);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
  expect(await to.verify()).toMatchObject({ problems: [] });

  expect(await copyStore(from, to)).toMatchObject({ copiedEvents: 0 });
});

test("what is pruned while it is copied is not in the copy, nor in one that goes on later", async () => {
  await using from = await sqliteStreamFactory(":memory:");
  await using to = await sqliteStreamFactory(":memory:");
  await fill(from, "a", 3_000);
  await copyPart(from, to, 1_000);
  await fill(from, "a", 0);
  await from.pruneStream("a", { before: 2_500 });
  await copyStore(from, to);

  expect(await to.describeStream("a")).toMatchObject({ firstVersion: 2_500, eventCount: 501 });
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
  expect(await to.verify()).toMatchObject({ problems: [] });
});

test("a copy goes on when its last event was removed from the source", async () => {
  await using from = memoryStreamFactory();
  await using to = memoryStreamFactory();
  await fill(from, "a", 5);
  await copyStore(from, to);
  await using stream = await from.openStream("a");
  await stream.write(counted(6));
  await from.pruneStream("a", { before: 6 });

  await copyStore(from, to);
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

test("writers of the source go on, and the copy is what it was at one moment", async () => {
  await using from = memoryStreamFactory();
  await using to = await sqliteStreamFactory(":memory:");
  await fill(from, "a", 5_000);
  let isCopying = true;
  const writing = (async () => {
    await using stream = await from.openStream("a");
    for (let count = 0; isCopying; count += 1) {
      // The record and the event are stored together.
      await from.transaction(async (tx) => {
        const { version } = await tx.write("a", counted(count));
        await tx.records.put("state", "version", { version });
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return stream.version;
  })();
  const report = await copyStore(from, to);
  isCopying = false;
  await writing;

  expect(report.events).toBeGreaterThan(5_000);
  const record = await to.transaction(({ records }) => records.get("state", "version"));
  expect(record?.value).toEqual({ version: report.events });
  expect(await to.describeStream("a")).toMatchObject({ version: report.events });
});

test("disposing of either store ends the copy", async () => {
  for (const which of ["from", "to"] as const) {
    const stores = { from: await sqliteStreamFactory(":memory:"), to: memoryStreamFactory() };
    await fill(stores.from, "a", 3_000);
    let disposing: PromiseLike<void> | undefined;
    const onProgress = (): void => {
      disposing ??= stores[which][Symbol.asyncDispose]();
    };
    await expect(copyStore(stores.from, stores.to, { onProgress })).rejects.toMatchObject({ code: "STREAM_CLOSED" });
    await disposing;
    for (const store of Object.values(stores)) await store[Symbol.asyncDispose]();
  }
});
