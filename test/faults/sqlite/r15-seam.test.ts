import { expect, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../../adapters/memory/index.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/sqlite-stream-factory.js";
import type { StoredEvent, Stream, StreamBackend, StreamFactory } from "../../../protocols/index.js";
import { matchesFilter } from "../../../src/filter/compile-filter.js";
import { parseFilter } from "../../../src/filter/parse-filter.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { delayedBackend } from "../support/delayed-backend.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { beginWatch, type RandomWatch } from "../support/random-watch.js";
import { turns } from "../support/turns.js";

const STREAM_IDS = ["a", "b", "@all"];
const WRITERS = 3;
const PATIENCE = { timeout: 20_000, interval: 1 };

async function writeSome({ integer }: Laboratory, streams: StreamFactory, writer: number): Promise<void> {
  const handles = [await streams.openStream("a"), await streams.openStream("b")];
  for (let write = integer(3, 12); write > 0; write -= 1) {
    const events = Array.from({ length: integer(1, 5) }, (_, index) => ({
      type: (write + index) % 2 === 1 ? "Odd" : "Even",
      data: { writer, write, index },
    }));
    await (handles[integer(0, 1)] as Stream).write(events);
    await turns(integer(0, 10));
  }
}

async function watchSome(laboratory: Laboratory, streams: StreamFactory): Promise<RandomWatch> {
  const { integer } = laboratory;
  await turns(integer(0, 60));
  return beginWatch(laboratory, await streams.openStream(STREAM_IDS[integer(0, 2)] as string));
}

async function expectedOf({ stream, after, filter, leavesAfter }: RandomWatch): Promise<StoredEvent[]> {
  const clauses = parseFilter(filter);
  const expected: StoredEvent[] = [];
  for await (const event of stream.read({ after })) if (matchesFilter(event, clauses)) expected.push(event);
  return expected.slice(0, leavesAfter);
}

/** Writers, and watchers that come while they write. Each of them has to get all that is behind its place, once. */
async function meet(laboratory: Laboratory, one: StreamFactory, other: StreamFactory): Promise<void> {
  const { integer, count } = laboratory;
  await writeSome(laboratory, one, 0);
  const written = Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => writeSome(laboratory, writer % 2 === 0 ? one : other, writer)),
  );
  const watches = await Promise.all(
    Array.from({ length: integer(2, 5) }, (_, index) => watchSome(laboratory, index % 2 === 0 ? one : other)),
  );
  await written;
  for (const watch of watches) {
    const expected = await expectedOf(watch);
    await vi.waitFor(() => expect(watch.seen.length).toBeGreaterThanOrEqual(expected.length), PATIENCE);
    // What would come twice comes now.
    await turns(20);
    expect(watch.seen).toEqual(expected);
    count("events watched", expected.length);
    await watch.stream[Symbol.asyncDispose]();
    await watch.ended;
  }
  count("watches", watches.length);
}

faultTest("R15 a watch goes from replay to live without a seam", { quick: 80, soak: 1_000 }, async (laboratory) => {
  const { rounds } = laboratory;
  await using folder = await createTempDir();
  for (let round = 0; round < rounds; round += 1) {
    const backends: StreamBackend[] = [];
    if (round % 5 === 0) {
      // Two on one file: what the one writes, the other learns by polling.
      const path = folder.file(`${round}.db`);
      const options = { driver: DRIVER_NAMES[(round / 5) % 2], pollIntervalMs: 1 };
      for (let side = 0; side < 2; side += 1) backends.push(await openSQLiteBackend(path, options));
    } else {
      const storage = new MemoryStorageHandle();
      backends.push({ storage, notifier: new MemoryNotifier(storage) });
    }
    const factories = backends.map((backend) => createStreamFactory(delayedBackend(backend, laboratory)));
    await meet(laboratory, factories[0] as StreamFactory, factories.at(-1) as StreamFactory);
    for (const factory of factories) await factory[Symbol.asyncDispose]();
  }
});
