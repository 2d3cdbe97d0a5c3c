import { ALL_STREAM, type StreamFactory, type StreamWrite, type WriteAllOptions } from "../../../protocols/index.js";
import {
  MAX_CONDITION_CLAUSES,
  MAX_CONDITION_FILTERS,
  MAX_CONDITIONS,
  MAX_UNIT_EVENTS,
  MAX_UNIT_STREAMS,
} from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { ATOMIC_WRITES } from "../support/capabilities.js";
import { eachCase } from "../support/each-case.js";
import { failureOf } from "../support/failure-of.js";
import { counted } from "../support/sample-events.js";
import { allEventsOf } from "../support/transactions.js";

const CLAUSE = { field: "type", op: "=", value: "A" };
const WRITES = [{ streamId: "a", events: counted(1) }];

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

const streamsNamed = (count: number): StreamWrite[] =>
  Array.from({ length: count }, (_, index) => ({ streamId: `s-${index}` }));

/** What is wrong, the writes, the options, and what the error has. */
const REFUSED: readonly (readonly [string, unknown, unknown, object])[] = [
  ["writes that are no list", { streamId: "a" }, {}, { argument: "writes" }],
  ["a write that is no object", ["a"], {}, { argument: "writes" }],
  ["a write that is null", [null], {}, { argument: "writes" }],
  ["a misspelt field of a write", [{ streamId: "a", expectedversion: 1 }], {}, { argument: "expectedversion" }],
  ["a stream without a name", [{ streamId: "" }], {}, { argument: "streamId" }],
  ["a reserved stream", [{ streamId: "@mine" }], {}, { argument: "streamId" }],
  ["@all", [{ streamId: ALL_STREAM, events: counted(1) }], {}, { code: "READ_ONLY_STREAM", streamId: ALL_STREAM }],
  ["a check of @all", [{ streamId: ALL_STREAM }], {}, { code: "READ_ONLY_STREAM" }],
  ["a version that is none", [{ streamId: "a", expectedVersion: -1 }], {}, { argument: "expectedVersion" }],
  [
    "an event that cannot be stored",
    [{ streamId: "a", events: [counted(1), { type: "A", data: 1n }] }],
    {},
    { eventIndex: 1 },
  ],
  ["a stream that is named twice", [...WRITES, { streamId: "a" }], {}, { argument: "writes" }],
  ["too many streams", streamsNamed(MAX_UNIT_STREAMS + 1), {}, { argument: "writes" }],
  [
    "too many events",
    [
      { streamId: "a", events: new Array(MAX_UNIT_EVENTS) },
      { streamId: "b", events: [counted(1)] },
    ],
    {},
    { argument: "writes" },
  ],
  ["options that are no object", WRITES, null, { argument: "options" }],
  ["a misspelt option", WRITES, { condition: [] }, { argument: "condition" }],
  ["a signal that is none", WRITES, { signal: 1 }, { argument: "signal" }],
  ["a condition that is null", WRITES, { conditions: null }, { argument: "options" }],
  ["a condition without a filter", WRITES, { conditions: {} }, { code: "INVALID_FILTER" }],
  [
    "a condition with null for a filter",
    WRITES,
    { conditions: { failIfEventsMatch: null } },
    { code: "INVALID_FILTER" },
  ],
  [
    "a condition with a text for a filter",
    WRITES,
    { conditions: { failIfEventsMatch: "A" } },
    { code: "INVALID_FILTER" },
  ],
  [
    "an unknown operator in a condition",
    WRITES,
    { conditions: { failIfEventsMatch: [CLAUSE, { ...CLAUSE, op: "is" }] } },
    { code: "INVALID_FILTER", clauseIndex: 1 },
  ],
  ["a misspelt field of a condition", WRITES, { conditions: { failIfEventsMatch: [], from: 1 } }, { argument: "from" }],
  ["a position that is none", WRITES, { conditions: { failIfEventsMatch: [], after: -1 } }, { argument: "after" }],
  [
    "too many conditions",
    WRITES,
    { conditions: times(MAX_CONDITIONS + 1, { failIfEventsMatch: [] }) },
    { argument: "conditions" },
  ],
  [
    "too many filters of a condition",
    WRITES,
    { conditions: { failIfEventsMatch: times(MAX_CONDITION_FILTERS + 1, [CLAUSE]) } },
    { argument: "failIfEventsMatch" },
  ],
  [
    "too many clauses of a filter",
    WRITES,
    { conditions: { failIfEventsMatch: [[CLAUSE], times(MAX_CONDITION_CLAUSES + 1, CLAUSE)] } },
    { argument: "failIfEventsMatch" },
  ],
];

export function describeWriteAllArguments({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("a write to several streams that cannot be", () => {
    testWith(ATOMIC_WRITES, "is refused, and stores nothing", async (streams) => {
      await eachCase(REFUSED, async ([, writes, options, fields]) => {
        const error = await failureOf(streams.writeAll(writes as StreamWrite[], options as WriteAllOptions));

        const code = "argument" in fields ? { code: "INVALID_ARGUMENT" } : {};
        expect(error).toMatchObject({ ...code, ...fields });
        expect(await allEventsOf(streams)).toEqual([]);
      });
    });

    testWith(ATOMIC_WRITES, "is not one that keeps to the limits exactly", async (streams) => {
      const filter = times(MAX_CONDITION_CLAUSES, CLAUSE);
      const condition = { failIfEventsMatch: times(MAX_CONDITION_FILTERS, filter) };
      const options = { conditions: times(MAX_CONDITIONS, condition) } as WriteAllOptions;

      const results = await streams.writeAll([...streamsNamed(MAX_UNIT_STREAMS - 1), ...WRITES], options);
      expect(results.length).toBe(MAX_UNIT_STREAMS);
      expect(results.at(-1)).toMatchObject({ version: 1, written: 1 });
    });
  });
}
