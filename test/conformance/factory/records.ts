import type {
  JsonObject,
  ListRecordsOptions,
  Records,
  StreamFactory,
  TransactionalStreamFactory,
} from "../../../protocols/index.js";
import { MAX_LISTED_RECORDS, MAX_RECORD_BYTES, MAX_RECORD_KEY_LENGTH } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { TRANSACTIONS } from "../support/capabilities.js";
import { eachCase } from "../support/each-case.js";
import { failureOf } from "../support/failure-of.js";
import { ROUND_TRIP_VALUES } from "../support/round-trip-values.js";
import { isStrictlyRising, wholeNumbers } from "../support/sample-events.js";
import { ChangedMyMind, patient, putRecord, recordIn } from "../support/transactions.js";

export function describeRecords({ describe, testWith, expect }: Suite<StreamFactory>): void {
  const testTransaction = (title: string, body: (streams: TransactionalStreamFactory) => Promise<void>): void =>
    testWith(TRANSACTIONS, title, (streams) => body(patient(streams)));

  describe("records, where the store has transactions", () => {
    testTransaction("are found by space and key, and are null where there are none", async (streams) => {
      await streams.transaction(async ({ records }) => {
        expect(await records.get("s", "k")).toBe(null);
        const revision = await records.put("s", "k", { n: 1 });
        expect(await records.get("s", "k")).toStrictEqual({ key: "k", value: { n: 1 }, revision });
        for (const [space, key] of [
          ["s", "K"],
          ["S", "k"],
          ["sk", ""],
          ["s", "k "],
        ] as const) {
          if (key !== "") expect(await records.get(space, key)).toBe(null);
        }
      });
      expect(await recordIn(streams, "s", "k")).toMatchObject({ value: { n: 1 } });
    });

    testTransaction("have revisions that grow with every change, and never come again", async (streams) => {
      const revisions = [await putRecord(streams, "s", "k"), await putRecord(streams, "s", "k")];
      revisions.push(await putRecord(streams, "other", "k"));
      await streams.transaction(({ records }) => records.delete("s", "k"));
      revisions.push(await putRecord(streams, "s", "k"));
      await streams.transaction(async ({ records }) => {
        await records.delete("s", "k");
        await records.delete("other", "k");
      });
      revisions.push(await putRecord(streams, "s", "k"));

      expect(isStrictlyRising(revisions)).toBe(true);
      expect((revisions[0] as number) > 0).toBe(true);
      expect((await recordIn(streams, "s", "k"))?.revision).toBe(revisions.at(-1));
    });

    testTransaction("that a transaction changed are as before when it is undone", async (streams) => {
      const revision = await putRecord(streams, "s", "changed", { n: 1 });
      await putRecord(streams, "s", "deleted", { n: 1 });
      const undone = streams.transaction(async ({ records }) => {
        await records.put("s", "changed", { n: 2 });
        await records.delete("s", "deleted");
        await records.put("s", "new", {});
        throw new ChangedMyMind();
      });
      await failureOf(undone);

      expect(await recordIn(streams, "s", "changed")).toEqual({ key: "changed", value: { n: 1 }, revision });
      const listed = await streams.transaction(({ records }) => records.list("s"));
      expect(listed.map(({ key }) => key)).toEqual(["changed", "deleted"]);
      expect((await putRecord(streams, "s", "new")) > revision).toBe(true);
    });

    testTransaction("are stored at the revision that is expected only", async (streams) => {
      const revision = await putRecord(streams, "s", "k");
      const calls: readonly (readonly [(records: Records) => Promise<unknown>, string, number])[] = [
        [(records) => records.put("s", "k", {}, 0), "k", revision],
        [(records) => records.put("s", "k", {}, revision + 1), "k", revision],
        [(records) => records.put("s", "new", {}, revision), "new", 0],
        [(records) => records.delete("s", "k", revision + 1), "k", revision],
        [(records) => records.delete("s", "k", 0), "k", revision],
        [(records) => records.delete("s", "new", revision), "new", 0],
      ];
      for (const [call, key, found] of calls) {
        expect(await failureOf(streams.transaction(({ records }) => call(records)))).toMatchObject({
          name: "RecordConflictError",
          code: "RECORD_CONFLICT",
          space: "s",
          key,
          revision: found,
          retryable: false,
        });
      }
      expect((await recordIn(streams, "s", "k"))?.revision).toBe(revision);

      await streams.transaction(async ({ records }) => {
        await records.put("s", "new", {}, 0);
        const next = await records.put("s", "k", {}, revision);
        expect((await records.get("s", "k"))?.revision).toBe(next);
        await records.delete("s", "k", next);
        expect(await records.get("s", "k")).toBe(null);
      });
    });

    testTransaction("that are not there may be deleted, unless a revision is expected", async (streams) => {
      await streams.transaction(async ({ records }) => {
        await records.delete("s", "k");
        await records.delete("s", "k", 0);
        await records.delete("s", "k", "any");
      });
      expect(await recordIn(streams, "s", "k")).toBe(null);
    });

    testTransaction("come back equal, and belong to whoever got them", async (streams) => {
      for (const [name, stored] of ROUND_TRIP_VALUES.flatMap(([, values]) => values)) {
        const isTooLarge = stored instanceof Uint8Array || JSON.stringify(stored).length > MAX_RECORD_BYTES / 2;
        // An adapter may write records by JSON.stringify, which makes 0 of -0.
        if (isTooLarge || name.includes("minus zero")) continue;
        const value = { stored } as JsonObject;
        await putRecord(streams, "s", "k", value);
        const found = await recordIn(streams, "s", "k");
        expect(found?.value).toStrictEqual(value);
      }
      const mine = { list: [1] };
      await streams.transaction(async ({ records }) => {
        const put = records.put("s", "k", mine);
        mine.list.push(2);
        await put;
        const found = await records.get("s", "k");
        if (found !== null) (found.value.list as number[]).push(3);
        expect((await records.get("s", "k"))?.value).toEqual({ list: [1] });
      });
    });
  });

  describe("a list of records", () => {
    const names = ["a", "aa", "ab", "b", "\u00e9", "\uff5e", "🚀", "🚀a", "Z", "_", "a%", "a_"];
    // Code points in ascending order: UTF-16 units would put the rocket before the full-width tilde.
    const inOrder = ["Z", "_", "a", "a%", "a_", "aa", "ab", "b", "\u00e9", "\uff5e", "🚀", "🚀a"];
    // The JSON texts of these have another order, since the quotes around them and what is escaped count there.
    const besideQuotes = ["a", "a\0", "a\t", "a b", "a!", 'a"', "a#", "aA", "a\\"];

    const listed = (records: Records, options?: ListRecordsOptions): Promise<string[]> =>
      records.list("s", options).then((found) => found.map(({ key }) => key));

    testTransaction("is in code-point order, with what the transaction has changed", async (streams) => {
      await streams.transaction(async ({ records }) => {
        for (const name of names.slice(0, 6)) await records.put("s", name, { name });
        await records.put("s", "gone", {});
        await records.put("other", "x", {});
      });
      await streams.transaction(async ({ records }) => {
        for (const name of names.slice(6)) await records.put("s", name, { name });
        await records.delete("s", "gone");
        expect(await listed(records)).toEqual(inOrder);
        const [first] = await records.list("s");
        expect(first).toMatchObject({ key: "Z", value: { name: "Z" } });
      });
      expect(await streams.transaction(({ records }) => listed(records))).toEqual(inOrder);
      expect(await streams.transaction(({ records }) => records.list("missing"))).toEqual([]);
    });

    testTransaction("may begin after a key, have a prefix and a limit", async (streams) => {
      await streams.transaction(async ({ records }) => {
        for (const name of names) await records.put("s", name, {});
        const cases: readonly (readonly [ListRecordsOptions, readonly string[]])[] = [
          [{ after: "aa" }, ["ab", "b", "\u00e9", "\uff5e", "🚀", "🚀a"]],
          [{ after: "\uff5e" }, ["🚀", "🚀a"]],
          [{ after: "aaa", limit: 1 }, ["ab"]],
          [{ after: "" }, inOrder],
          [{ prefix: "a" }, ["a", "a%", "a_", "aa", "ab"]],
          [{ prefix: "a_" }, ["a_"]],
          [{ prefix: "🚀" }, ["🚀", "🚀a"]],
          [{ prefix: "" }, inOrder],
          [{ prefix: "a", after: "a_", limit: 1 }, ["aa"]],
          [{ prefix: "a", after: "b" }, []],
          [{ limit: 2 }, ["Z", "_"]],
        ];
        for (const [options, expected] of cases) expect(await listed(records, options)).toEqual(expected);
      });
    });

    testTransaction("is complete when it is read page by page, whatever characters the keys have", async (streams) => {
      await streams.transaction(async ({ records }) => {
        for (const name of besideQuotes.toReversed()) await records.put("s", name, {});
        const found: string[] = [];
        for (let page = await listed(records, { limit: 2 }); page.length > 0; ) {
          found.push(...page);
          page = await listed(records, { after: page.at(-1) as string, limit: 2 });
        }
        expect(found).toEqual(besideQuotes);
      });
    });

    testTransaction("has as many as the limit at most", async (streams) => {
      await streams.transaction(
        async ({ records }) => {
          for (const number of wholeNumbers(1, MAX_LISTED_RECORDS + 1)) await records.put("s", `k-${number}`, {});
          expect((await records.list("s")).length).toBe(MAX_LISTED_RECORDS);
        },
        { timeoutMs: 20_000 },
      );
    });
  });

  describe("a record that cannot be", () => {
    const long = "x".repeat(MAX_RECORD_KEY_LENGTH + 1);
    const refused: readonly (readonly [string, (records: Records) => Promise<unknown>, string])[] = [
      ["an empty space", (records) => records.get("", "k"), "space"],
      ["a space that is no text", (records) => records.get(1 as never, "k"), "space"],
      ["a reserved space", (records) => records.put("@mine", "k", {}), "space"],
      ["a list of a reserved space", (records) => records.list("@mine"), "space"],
      ["a long space", (records) => records.get(long, "k"), "space"],
      ["an empty key", (records) => records.put("s", "", {}), "key"],
      ["a long key", (records) => records.delete("s", long), "key"],
      ["a key with a lone surrogate", (records) => records.get("s", "\ud800"), "key"],
      ["a value that is null", (records) => records.put("s", "k", null as never), "value"],
      ["a value that is a list", (records) => records.put("s", "k", [] as never), "value"],
      ["a value with a Date", (records) => records.put("s", "k", { at: new Date() } as never), "value"],
      ["a value with undefined", (records) => records.put("s", "k", { at: undefined } as never), "value"],
      ["a value that is too large", (records) => records.put("s", "k", sized(MAX_RECORD_BYTES + 1)), "value"],
      ["a revision below 0", (records) => records.put("s", "k", {}, -1), "expected"],
      ["a revision that is a text", (records) => records.delete("s", "k", "exists" as never), "expected"],
      ["a list of none", (records) => records.list("s", { limit: 0 }), "limit"],
      ["a list of too many", (records) => records.list("s", { limit: MAX_LISTED_RECORDS + 1 }), "limit"],
      ["a list after what is no text", (records) => records.list("s", { after: 1 as never }), "after"],
      ["a misspelt option", (records) => records.list("s", { from: "a" } as never), "from"],
    ];
    testTransaction("is refused by the argument that is wrong", async (streams) => {
      await eachCase(refused, async ([, call, argument]) => {
        expect(await failureOf(streams.transaction(({ records }) => call(records)))).toMatchObject({
          code: "INVALID_ARGUMENT",
          argument,
        });
      });
    });

    testTransaction("is not one that keeps to the limits exactly", async (streams) => {
      const longest = long.slice(1);
      const value = sized(MAX_RECORD_BYTES);
      await putRecord(streams, longest, longest, value);

      expect((await recordIn(streams, longest, longest))?.value).toEqual(value);
    });
  });
}

/** A value that takes so many bytes as JSON. */
function sized(bytes: number): JsonObject {
  return { text: "x".repeat(bytes - '{"text":""}'.length) };
}
