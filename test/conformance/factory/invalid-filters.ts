import type { EventFilter, StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect } from "../support/collect.js";
import { eachCase } from "../support/each-case.js";
import { failureOf } from "../support/failure-of.js";
import { TOO_LARGE_FILTERS } from "../support/filter-limits.js";
import { Observation } from "../support/observation.js";
import { countedUpTo, numbersOf } from "../support/sample-events.js";

const TYPE = { field: "type", op: "=", value: "T" };

/** What is no filter, and which clause is at fault. */
const NO_FILTERS: readonly (readonly [string, unknown, number])[] = [
  ["one clause instead of a list", TYPE, -1],
  ["a text", "type = 'T'", -1],
  ["null", null, -1],
  ["a clause that is null", [null], 0],
  ["a clause that is a text", [TYPE, "type = 'T'"], 1],
  ["an unknown field", [{ field: "payload", op: "=", value: 1 }], 0],
  ["a field in another case", [{ field: "Type", op: "=", value: "T" }], 0],
  ["a field that looks like SQL", [TYPE, { field: "type = '' OR 1=1 --", op: "=", value: 1 }], 1],
  ["no field", [{ op: "=", value: 1 }], 0],
  ["data without a path", [{ field: "data", op: "=", value: 1 }], 0],
  ["an empty path", [{ field: "data.", op: "=", value: 1 }], 0],
  ["a path with an empty key", [{ field: "metadata.a..b", op: "=", value: 1 }], 0],
  ["a path with an index in brackets", [{ field: "data.items[0].x", op: "=", value: 1 }], 0],
  ["a path with a key in brackets", [{ field: "metadata['a']", op: "=", value: 1 }], 0],
  ["a path with a lone surrogate", [TYPE, { field: "data.\ud800", op: "!=", value: 2 }], 1],
  ["a path below a field that has none", [{ field: "type.name", op: "=", value: 1 }], 0],
  ["an unknown operator", [TYPE, TYPE, { field: "type", op: "~", value: "T" }], 2],
  ["an operator that looks like SQL", [{ field: "type", op: "= '' OR 1 =", value: "T" }], 0],
  ["an operator that objects inherit", [{ field: "type", op: "constructor", value: "T" }], 0],
  ["no operator", [{ field: "type", value: "T" }], 0],
  ["no value", [{ field: "type", op: "=" }], 0],
  ["an object for a value", [{ field: "data.a", op: "=", value: {} }], 0],
  ["a list for one value", [{ field: "data.a", op: "=", value: ["a"] }], 0],
  ["one value for a list", [{ field: "type", op: "in", value: "T" }], 0],
  ["a list with a bad value", [{ field: "type", op: "in", value: ["T", undefined] }], 0],
  ["NaN for a value", [{ field: "data.a", op: ">", value: Number.NaN }], 0],
  ["a BigInt for a value", [{ field: "data.a", op: "=", value: 1n }], 0],
  ["a number for a pattern", [{ field: "type", op: "like", value: 1 }], 0],
  ["null for a prefix", [{ field: "type", op: "prefix", value: null }], 0],
  ["a time that is none", [{ field: "timestamp", op: ">", value: "yesterday" }], 0],
  ["a Date that is none", [{ field: "timestamp", op: ">", value: new Date(Number.NaN) }], 0],
  ["a number for a time", [{ field: "timestamp", op: ">", value: 0 }], 0],
  ["an unknown key", [TYPE, { ...TYPE, not: true }], 1],
  ["a misspelt key", [{ field: "type", op: "=", valeu: "T" }], 0],
  ["a Date for a field of the data", [{ field: "data.at", op: ">", value: new Date(0) }], 0],
];

export function describeInvalidFilters({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("a filter that is none", () => {
    test("is refused in read and in watch", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      await eachCase([...NO_FILTERS, ...TOO_LARGE_FILTERS], async ([, value, clauseIndex]) => {
        const filter = value as EventFilter;
        const watch = stream.watch({ filter, after: 0 });
        const observation = new Observation(watch);
        await eventually("the observable reports the error", () => observation.hasEnded);

        const errors = [
          await failureOf(collect(stream.read({ filter }))),
          await failureOf(collect(watch)),
          ...observation.errors,
        ];
        expect(errors.length).toBe(3);
        for (const error of errors) {
          expect(error).toMatchObject({ name: "InvalidFilterError", code: "INVALID_FILTER", clauseIndex });
        }
        expect(numbersOf(await collect(stream.read()))).toEqual([1, 2, 3]);
      });
    });

    const messageFor = async (streams: StreamFactory, clause: object): Promise<string> => {
      const stream = await streams.openStream("a");
      const error = await failureOf(collect(stream.read({ filter: [clause] as unknown as EventFilter })));
      return (error as Error).message;
    };

    const FORMS = [
      ["data.items[0].x", "data.items.x"],
      ["data['a b'].c", "data.a b.c"],
      ["metadata[0]", "metadata.key"],
    ] as const;
    test("is refused with a message that says how a path is written", async (streams) => {
      await eachCase(FORMS, async ([field, form]) => {
        const message = await messageFor(streams, { field, op: "=", value: 1 });

        expect(message.includes(`such as "${form}"`)).toBe(true);
        expect(message.includes("cannot name an element of an array")).toBe(true);
      });
    });

    const ADVICE = [
      ["a misspelt key", { field: "type", op: "=", valeu: "T" }, 'unknown key "valeu" (did you mean "value"?)'],
      ["an object of fields", { type: "T" }, "a clause has field, op, value"],
      [
        "a field in another case",
        { field: "Type", op: "=", value: "T" },
        'unknown field "Type" (did you mean "type"?)',
      ],
      [
        "an operator of JavaScript",
        { field: "type", op: "==", value: "T" },
        'unknown operator "==" (did you mean "="?)',
      ],
      [
        "a Date for a field of the data",
        { field: "data.at", op: "<", value: new Date(0) },
        'only "timestamp" is compared with a Date',
      ],
      [
        "a list for one value",
        { field: "type", op: "=", value: ["T", "U"] },
        '"=" takes one value, got an array; "in" takes a list',
      ],
      [
        "a list for one time",
        { field: "timestamp", op: "=", value: [new Date(0)] },
        '"=" takes one value, got an array; "in" takes a list',
      ],
    ] as const;
    test("is refused with a message that says what to write instead", async (streams) => {
      await eachCase(ADVICE, async ([, clause, advice]) => {
        const message = await messageFor(streams, clause);
        expect(message.includes(advice) ? advice : message).toBe(advice);
      });
    });

    test("not for a key that is undefined", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(1));
      const filter = [{ ...TYPE, field: "version", value: 1, not: undefined }] as unknown as EventFilter;

      expect(numbersOf(await collect(stream.read({ filter })))).toEqual([1]);
    });
  });
}
