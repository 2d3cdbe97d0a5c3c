import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import type { CandidateEvent, EventFilter, Stream, StreamFactory } from "../../protocols/index.js";

const text = fc.oneof(
  fc.constantFrom("", "a", "A", "ab", "a%b", "a_b", "[a]*?", "é", "\u{1F600}", 'q"\\', "a\0b"),
  fc.string(),
);
const scalar = fc.oneof(
  text,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const json = fc.oneof(
  scalar,
  fc.record({ a: scalar, b: fc.record({ c: scalar }) }, { requiredKeys: [] }),
  fc.array(scalar),
);
const type = fc.oneof(
  fc.constantFrom("A", "B", "Ab", "a%", "x\0y"),
  text.filter((value) => value !== ""),
);

const event: fc.Arbitrary<CandidateEvent> = fc.record(
  {
    type,
    data: fc.oneof(json, fc.uint8Array({ maxLength: 4 })),
    metadata: fc.record({ a: scalar, b: fc.record({ c: scalar }) }, { requiredKeys: [] }),
  },
  { requiredKeys: ["type", "data"] },
);

const field = fc.constantFrom(
  "type",
  "streamId",
  "version",
  "position",
  "data.a",
  "data.b.c",
  "metadata.a",
  "metadata.b.c",
);
const clause = fc.oneof(
  fc.record({ field, op: fc.constantFrom("=", "!=", "<", "<=", ">", ">="), value: scalar }),
  fc.record({ field, op: fc.constant("in"), value: fc.array(scalar, { maxLength: 4 }) }),
  fc.record({ field, op: fc.constantFrom("like", "prefix"), value: text }),
);

async function versions(stream: Stream, filter: EventFilter): Promise<number[]> {
  const found: number[] = [];
  for await (const { position } of stream.read({ filter })) found.push(position);
  return found;
}

async function fill(streams: StreamFactory, events: readonly CandidateEvent[]): Promise<readonly [Stream, Stream]> {
  const stream = await streams.openStream("a");
  await stream.write(events);
  await (await streams.openStream("b")).write(events);
  return [stream, await streams.openStream("@all")];
}

test("a filter means the same in SQLite as in memory", async () => {
  const filters = fc.array(fc.array(clause, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 8 });
  const property = fc.asyncProperty(
    fc.array(event, { minLength: 1, maxLength: 12 }),
    filters,
    async (events, tried) => {
      await using memory = memoryStreamFactory();
      await using sqlite = await sqliteStreamFactory(":memory:");
      const [inMemory, allInMemory] = await fill(memory, events);
      const [inSQLite, allInSQLite] = await fill(sqlite, events);
      for (const filter of tried as EventFilter[]) {
        expect(await versions(inSQLite, filter)).toEqual(await versions(inMemory, filter));
        expect(await versions(allInSQLite, filter)).toEqual(await versions(allInMemory, filter));
      }
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
