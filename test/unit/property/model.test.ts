import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import {
  type AdministrableStreamFactory,
  type DeleteOptions,
  isStreamError,
  type ReadOptions,
  type Stream,
  type StreamInfo,
  type WriteOptions,
} from "../../../protocols/index.js";
import { overriding } from "../../support/overriding.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ReusedSchemas, sharedServer } from "../../support/postgres-stores.js";

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

type Operation = (streams: AdministrableStreamFactory) => Promise<unknown>;

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
      const stream = await streams.openStream(id);
      const readAll: Operation = async () => {
        for await (const { version, position, type, data, metadata, streamId: of } of stream.read(
          given as ReadOptions,
        )) {
          found.push([of, version, position, type, data, metadata]);
        }
      };
      // What came before an error counts: a backward read fails only when it gets to what was removed.
      return [await outcomeOf(readAll, streams), found];
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

const prune = fc.tuple(streamId, fc.nat(14), fc.boolean()).map(
  ([id, before, forgetKeys]): Operation =>
    (streams) =>
      streams.pruneStream(id, { before, forgetKeys }),
);

const deletion = fc.tuple(streamId, fc.record({ expectedVersion: fc.nat(8) }, { requiredKeys: [] })).map(
  ([id, given]): Operation =>
    (streams) =>
      streams.deleteStream(id, given as DeleteOptions),
);

const setMetadata = fc.tuple(streamId, fc.constantFrom({ owner: "ada" }, { owner: "bob" }, null)).map(
  ([id, metadata]): Operation =>
    async (streams) => {
      const { revision } = await streams.setStreamMetadata(id, metadata);
      return revision > 0;
    },
);

const list = fc.record({ after: fc.constantFrom("", "a"), deleted: fc.boolean(), limit: fc.constantFrom(2, 9) }).map(
  (given): Operation =>
    async (streams) => {
      const found: unknown[] = [];
      for await (const info of streams.listStreams(given)) found.push(knownOf(info));
      return found;
    },
);

/** All but the clock and the count of changed records, which also grows with what is undone. */
function knownOf({ lastTimestamp, metadataRevision, ...info }: StreamInfo): unknown {
  return { ...info, hasTime: lastTimestamp !== null, hasRevision: metadataRevision > 0 };
}

/** What an operation comes to: its result, or the code of its error. */
async function outcomeOf(operation: Operation, streams: AdministrableStreamFactory): Promise<unknown> {
  try {
    return await operation(streams);
  } catch (error) {
    if (isStreamError(error)) return error.code;
    throw error;
  }
}

interface CheckedStore {
  readonly streams: AdministrableStreamFactory;
  readonly dispose: () => Promise<void>;
}

/** What is held to the store in memory, and how many times: a server takes longer. */
const STORES: [string, number, () => Promise<CheckedStore>][] = [
  [
    "SQLite",
    75,
    async () => {
      const streams = await sqliteStreamFactory(":memory:");
      return { streams, dispose: () => streams[Symbol.asyncDispose]() };
    },
  ],
];
if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const reused = new ReusedSchemas(server);
  STORES.push([
    "PostgreSQL",
    12,
    async () => {
      const { schemas, giveBack } = reused.take();
      const streams = await postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
      const dispose = async () => {
        await streams[Symbol.asyncDispose]();
        await giveBack[Symbol.asyncDispose]();
      };
      return { streams, dispose };
    },
  ]);
}

test.each(STORES)("%s does what the store in memory does, whatever is asked of it", async (_, numRuns, open) => {
  const administration = fc.oneof(prune, prune, list, setMetadata, deletion);
  const operation = fc.oneof(write, write, write, read, read, snapshot, metrics, administration);
  const operations = fc.array(operation, { minLength: 1, maxLength: 60, size: "max" });
  const property = fc.asyncProperty(operations, async (asked) => {
    await using memory = memoryStreamFactory();
    const { streams, dispose } = await open();
    try {
      for (const operation of asked) {
        expect(await outcomeOf(operation, streams)).toEqual(await outcomeOf(operation, memory));
      }
    } finally {
      await dispose();
    }
  });
  await fc.assert(property, { numRuns });
});

test.each(STORES)(
  "appends to %s that are made at once come to what they come to one by one",
  async (_, numRuns, open) => {
    const property = fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 30 }), async (asked) => {
      await using memory = memoryStreamFactory();
      const { streams, dispose } = await open();
      try {
        // Opened before, since a server may answer in another order.
        const handles = new Map<string, Stream>();
        for (const id of ["a", "b", "c"]) handles.set(id, await streams.openStream(id));
        const openStream = async (id: string) => handles.get(id) as Stream;
        const opened = overriding<AdministrableStreamFactory>(streams, { openStream: openStream as never });
        const outcomes = await Promise.all(asked.map((operation) => outcomeOf(operation, opened)));
        for (const [index, operation] of asked.entries()) {
          expect(outcomes[index]).toEqual(await outcomeOf(operation, memory));
        }
      } finally {
        await dispose();
      }
    });
    await fc.assert(property, { numRuns });
  },
);
