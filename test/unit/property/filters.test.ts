import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type {
  CandidateEvent,
  EventFilter,
  FilterClause,
  FilterValue,
  Stream,
  StreamFactory,
} from "../../../protocols/index.js";

// Thousands of reads: seconds here, and minutes on a machine that is busy.
vi.setConfig({ testTimeout: 240_000 });

const text = fc.oneof(
  fc.constantFrom("", "a", "A", "ab", "a%b", "a_b", "[a]*?", "é", "\u{1F600}x", 'q"\\', "a\0b", "0", "-0"),
  fc.string(),
  fc.string({ unit: "grapheme" }),
);
const scalar = fc.oneof(
  text,
  fc.constantFrom(0, -0, -0, 0, -0, 1, 1e21, 2 ** 53 + 2),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const object = fc.record({ a: scalar, b: fc.record({ c: scalar }) }, { requiredKeys: [] });
const type = fc.oneof(
  fc.constantFrom("A", "Ab", "a%", "a*", "[x]", "a[b", "[a]*?", "x\0y", "x\0", "öß", "äöü", "\u{1F600}"),
  text.filter((value) => value !== "" && !value.startsWith("@")),
);

const key = fc.oneof(
  fc.constantFrom("a", "a%", "key\0", "ö", "0b", "01234567-89ab-7cde-8f01-23456789abcd"),
  fc.uuid(),
  text.filter((value) => value !== ""),
);

const event: fc.Arbitrary<CandidateEvent> = fc.record(
  {
    type,
    data: fc.oneof(object, object, scalar, fc.array(scalar), fc.uint8Array({ maxLength: 4 })),
    metadata: object,
    idempotencyKey: key,
  },
  { requiredKeys: ["type", "data"] },
);

const STREAM_IDS = ["[a]", "b\0ä"] as const;

const FIELDS = [
  "id",
  "type",
  "streamId",
  "version",
  "position",
  "data.a",
  "data.b.c",
  "metadata.a",
  "metadata.b.c",
] as const;

/** What a field holds in the events, so that clauses are about values that are there. */
function valuesOf(field: (typeof FIELDS)[number], events: readonly CandidateEvent[]): FilterValue[] {
  if (field === "streamId") return [...STREAM_IDS];
  if (field === "id") return events.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
  if (field === "version" || field === "position") return [1, events.length, events.length + 1];
  const values = events.map((candidate) =>
    field.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], candidate),
  );
  return values.filter((value) => value === null || ["string", "number", "boolean"].includes(typeof value)) as never;
}

/** The value itself, or one beside it. */
function nearTo(value: FilterValue): fc.Arbitrary<FilterValue> {
  if (typeof value === "number") return fc.constantFrom(value, value, -value, value + 1, value - 0.5, `${value}`);
  if (typeof value === "string")
    return fc.constantFrom(value, value, `${value}a`, value.toUpperCase(), Number(value) || 0);
  return fc.constantFrom(value, null, !value, 0, "");
}

const codePoints = (value: FilterValue): string[] => [...String(value)];

/** The beginning of a value, or nearly. */
function prefixOf(value: FilterValue): fc.Arbitrary<string> {
  const start = fc.nat(4).map((length) => codePoints(value).slice(0, length).join(""));
  return fc.oneof(
    fc.constant(String(value)),
    start,
    start,
    start.map((prefix) => `${prefix}%`),
  );
}

/** A pattern made of a value: each of its characters as it stands (escaped where it must be), or covered by a wildcard. */
function patternOf(value: FilterValue): fc.Arbitrary<string> {
  const characters = codePoints(value).map((character) => {
    const literal = ["%", "_", "\\"].includes(character) ? `\\${character}` : character;
    return fc.oneof({ arbitrary: fc.constant(literal), weight: 5 }, fc.constantFrom("_", "%", "", character));
  });
  const pattern = fc.tuple(...characters).map((parts) => parts.join(""));
  return fc.oneof(
    pattern,
    pattern,
    pattern.map((parts) => `%${parts}%`),
    text,
  );
}

function clauseOn(events: readonly CandidateEvent[]): fc.Arbitrary<FilterClause> {
  const field = fc.constantFrom(...FIELDS);
  const textField = fc.oneof(fc.constant("type" as const), fc.constant("type" as const), field);
  return fc.oneof(
    clause(events, field, COMPARISONS, nearTo),
    clause(events, field, ["in"], (value) => fc.array(nearTo(value), { maxLength: 4 })),
    clause(events, textField, ["prefix"], prefixOf),
    clause(events, textField, ["like"], patternOf),
  );
}

const COMPARISONS = ["=", "=", "=", "!=", "<", "<=", ">", ">="] as const;

function clause(
  events: readonly CandidateEvent[],
  field: fc.Arbitrary<(typeof FIELDS)[number]>,
  ops: readonly FilterClause["op"][],
  operandFrom: (value: FilterValue) => fc.Arbitrary<FilterClause["value"]>,
): fc.Arbitrary<FilterClause> {
  return field.chain((name) => {
    const there = valuesOf(name, events);
    const value = there.length === 0 ? scalar : fc.oneof({ arbitrary: fc.constantFrom(...there), weight: 6 }, scalar);
    const operand = value.chain(operandFrom);
    return fc.record({
      field: fc.constant(name),
      op: fc.constantFrom(...ops),
      value: operand,
    }) as fc.Arbitrary<FilterClause>;
  });
}

const eventsAndFilters = fc
  .uniqueArray(event, { minLength: 1, maxLength: 12, selector: ({ idempotencyKey }) => idempotencyKey ?? Symbol() })
  .chain((events) => {
    const filter = fc.oneof(
      { arbitrary: clauseOn(events).map((clause) => [clause]), weight: 3 },
      fc.array(clauseOn(events), { minLength: 2, maxLength: 3 }),
    );
    return fc.tuple(fc.constant(events), fc.array(filter, { minLength: 1, maxLength: 16 }));
  });

/** The positions that a filter finds. Ids that the store has made differ from store to store, and are left out. */
async function positions(
  stream: Stream,
  filter: EventFilter,
  events: readonly CandidateEvent[],
  direction: "forward" | "backward" = "forward",
): Promise<number[]> {
  const isOnId = filter.some(({ field }) => field === "id");
  const hasKey = (position: number) => events[(position - 1) % events.length]?.idempotencyKey !== undefined;
  const found: number[] = [];
  for await (const { position } of stream.read({ filter, direction })) {
    if (!isOnId || hasKey(position)) found.push(position);
  }
  return found;
}

async function fill(streams: StreamFactory, events: readonly CandidateEvent[]): Promise<readonly [Stream, Stream]> {
  const stream = await streams.openStream(STREAM_IDS[0]);
  await stream.write(events);
  await (await streams.openStream(STREAM_IDS[1])).write(events);
  return [stream, await streams.openStream("@all")];
}

test("a filter means the same in SQLite as in memory", async () => {
  const property = fc.asyncProperty(eventsAndFilters, async ([events, tried]) => {
    await using memory = memoryStreamFactory();
    await using sqlite = await sqliteStreamFactory(":memory:");
    const [inMemory, allInMemory] = await fill(memory, events);
    const [inSQLite, allInSQLite] = await fill(sqlite, events);
    for (const filter of tried) {
      expect(await positions(inSQLite, filter, events)).toEqual(await positions(inMemory, filter, events));
      expect(await positions(allInSQLite, filter, events)).toEqual(await positions(allInMemory, filter, events));
    }
  });
  await fc.assert(property, { numRuns: 100 });
});

test("a filter finds the same with indexes as without", async () => {
  const indexes = ["type", "streamId", "data.a", "data.b.c", "metadata.a", "metadata.b.c"] as const;
  const property = fc.asyncProperty(eventsAndFilters, async ([events, tried]) => {
    await using memory = memoryStreamFactory();
    await using sqlite = await sqliteStreamFactory(":memory:", { indexes });
    const [inMemory, allInMemory] = await fill(memory, events);
    const [inSQLite, allInSQLite] = await fill(sqlite, events);
    for (const filter of tried) {
      for (const direction of ["forward", "backward"] as const) {
        expect(await positions(inSQLite, filter, events, direction)).toEqual(
          await positions(inMemory, filter, events, direction),
        );
        expect(await positions(allInSQLite, filter, events, direction)).toEqual(
          await positions(allInMemory, filter, events, direction),
        );
      }
    }
  });
  await fc.assert(property, { numRuns: 60 });
});
