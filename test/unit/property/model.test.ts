import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError, type ReadOptions, type StreamFactory, type WriteOptions } from "../../../protocols/index.js";

const streamId = fc.constantFrom("a", "b", "c");
const event = fc.record(
  {
    type: fc.constantFrom("A", "B"),
    data: fc.oneof(fc.jsonValue(), fc.uint8Array({ maxLength: 4 })),
    idempotencyKey: fc.constantFrom("k1", "k2", "k3", "k4"),
  },
  { requiredKeys: ["type", "data"] },
);
const place = fc.option(fc.nat(12), { nil: undefined });
const options = {
  write: fc.record({ expectedVersion: fc.oneof(fc.nat(6), fc.constantFrom("any", "exists")) }, { requiredKeys: [] }),
  read: fc.record({
    after: place,
    upTo: place,
    limit: place,
    direction: fc.constantFrom("forward", "backward", undefined),
  }),
};

type Operation = (streams: StreamFactory) => Promise<unknown>;

const write = fc.tuple(streamId, fc.array(event, { maxLength: 4 }), options.write).map(
  ([id, events, given]): Operation =>
    async (streams) => {
      return (await streams.openStream(id)).write(events, given as WriteOptions);
    },
);

const read = fc.tuple(fc.oneof(streamId, fc.constant("@all")), options.read).map(
  ([id, given]): Operation =>
    async (streams) => {
      const found: unknown[] = [];
      for await (const { version, position, type, data, metadata, streamId: of } of (await streams.openStream(id)).read(
        given as ReadOptions,
      )) {
        found.push([of, version, position, type, data, metadata]);
      }
      return found;
    },
);

const snapshot = fc.tuple(streamId, fc.jsonValue(), place).map(
  ([id, state, version]): Operation =>
    async (streams) => {
      const stream = await streams.openStream(id);
      await stream.snapshot(state, { version });
      const { timestamp: _, ...loaded } = (await stream.loadSnapshot()) ?? { timestamp: null };
      return loaded;
    },
);

const metrics = streamId.map(
  (id): Operation =>
    async (streams) => {
      const { currentVersion, eventCount } = await (await streams.openStream(id)).metrics();
      return { currentVersion, eventCount };
    },
);

/** What an operation comes to: its result, or the code of its error. */
async function outcomeOf(operation: Operation, streams: StreamFactory): Promise<unknown> {
  try {
    return await operation(streams);
  } catch (error) {
    if (isStreamError(error)) return error.code;
    throw error;
  }
}

test("SQLite does what the store in memory does, whatever is asked of it", async () => {
  const operations = fc.array(fc.oneof(write, write, read, snapshot, metrics), { minLength: 1, maxLength: 40 });
  const property = fc.asyncProperty(operations, async (asked) => {
    await using memory = memoryStreamFactory();
    await using sqlite = await sqliteStreamFactory(":memory:");
    for (const operation of asked) {
      expect(await outcomeOf(operation, sqlite)).toEqual(await outcomeOf(operation, memory));
    }
  });
  await fc.assert(property, { numRuns: 150 });
});

test("appends that are made at once come to what they come to one by one", async () => {
  const property = fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 30 }), async (asked) => {
    await using memory = memoryStreamFactory();
    await using sqlite = await sqliteStreamFactory(":memory:");
    for (const id of ["a", "b", "c"]) await sqlite.openStream(id);
    const outcomes = await Promise.all(asked.map((operation) => outcomeOf(operation, sqlite)));
    for (const [index, operation] of asked.entries()) {
      expect(outcomes[index]).toEqual(await outcomeOf(operation, memory));
    }
  });
  await fc.assert(property, { numRuns: 150 });
});
