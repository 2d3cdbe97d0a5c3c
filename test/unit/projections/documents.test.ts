import { describe, expect, test } from "vitest";
import { documents, readDocument, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { holdTransaction, patient } from "../../conformance/support/transactions.js";
import { STORES, type Store } from "../consumers/support/stores.js";
import { FILE_STORES } from "./support/stores.js";

type Tagged = { type: "Tagged" | "Untagged" | "Closed"; data: { tags: string[] } };
const tagged = (...tags: string[]): Tagged => ({ type: "Tagged", data: { tags } });
const untagged = (...tags: string[]): Tagged => ({ type: "Untagged", data: { tags } });

const DEFINITION = {
  name: "tags",
  evolve: (count: number | null, { type }: { type: string }): number | null => {
    if (type === "Closed") return null;
    return (count ?? 0) + (type === "Tagged" ? 1 : -1);
  },
};

async function project(streams: Store, definition: Partial<Parameters<typeof documents<number, Tagged>>[0]>) {
  const runner = await runProjections(streams, [documents<number, Tagged>({ ...DEFINITION, ...definition })]);
  await whenProcessed(streams, "tags", (await streams.openStream("@all")).version);
  return runner;
}

describe.each(STORES)("documents over %s", (_, open) => {
  test("are one for each stream, unless an event says which, or that it is for none", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([tagged("red", "blue"), tagged("red", "red"), tagged(), untagged("blue")]);
    await using _ = await project(streams, {
      key: ({ data: { tags } }) => (tags.length === 0 ? null : tags),
    });
    const found = ["red", "blue", "a"].map((key) => readDocument(streams, "tags", key));
    expect(await Promise.all(found)).toEqual([2, 0, null]);
  });

  test("are deleted by null, and begin again after it", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    const closed: Tagged = { type: "Closed", data: { tags: [] } };
    await a.write([tagged(), tagged(), closed]);
    await b.write([tagged(), closed, tagged()]);
    await using _ = await project(streams, {});
    expect(await readDocument(streams, "tags", "a")).toBe(null);
    expect(await readDocument(streams, "tags", "b")).toBe(1);
    const { position } = await b.write(closed);
    await whenProcessed(streams, "tags", position);
    expect(await readDocument(streams, "tags", "b")).toBe(null);
  });

  test("are made of the events that types and filter let through, and of none of the library's own", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([tagged("red"), untagged("red"), tagged("blue"), tagged("red")]);
    await b.write(tagged("red"));
    await streams.deleteStream("b");
    await using _ = await project(streams, {
      types: ["Tagged", "Untagged"],
      filter: [{ field: "version", op: ">", value: 1 }],
      key: () => "all",
    });
    expect(await readDocument(streams, "tags", "all")).toBe(1);
    await using _every = await runProjections(streams, [
      documents<string[], Tagged>({
        name: "every",
        key: () => "all",
        evolve: (types, { type }) => [...(types ?? []), type],
      }),
    ]);
    await whenProcessed(streams, "every", (await streams.openStream("@all")).version);
    expect(await readDocument(streams, "every", "all")).toEqual(["Tagged", "Untagged", "Tagged", "Tagged"]);
  });

  test("have keys that can be read", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([tagged("red"), tagged(""), tagged("x".repeat(1_025)), tagged("\ud800"), tagged("red")]);
    const byTag = documents<number, Tagged>({ ...DEFINITION, key: ({ data: { tags } }) => tags });
    await using runner = await runProjections(streams, [byTag], { onError: "park" });
    await whenProcessed(streams, "tags", 5);
    expect(await readDocument(streams, "tags", "red")).toBe(2);
    expect(runner.status()).toMatchObject([{ parked: 3 }]);
  });

  test.each([
    ["a number", 5, "got 5"],
    ["a promise", Promise.resolve("a"), "got an instance of Promise"],
  ])("say so where a key is %s", async (_, key, got) => {
    await using streams = await open();
    await (await streams.openStream("a")).write(tagged());
    await using runner = await runProjections(streams, [
      documents<number, Tagged>({ ...DEFINITION, key: () => key as never }),
    ]);
    await expect
      .poll(() => runner.status()[0]?.error?.message)
      .toContain(`Invalid key: expected a non-empty string, ${got}`);
  });

  test("say so where evolve returns a promise", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(tagged());
    const evolve = () => Promise.reject(new Error("never seen")) as never;
    await using runner = await runProjections(streams, [documents<number, Tagged>({ ...DEFINITION, evolve })]);
    await expect
      .poll(() => runner.status()[0]?.error?.message)
      .toContain("Invalid evolve: it returned a promise, and the next event needs the state at once");
  });

  test("are there for every stream, whatever its id", async () => {
    await using streams = await open();
    // PostgreSQL keeps no NUL in a text, and has no index of such long ones.
    const ids = [
      "\0",
      "a\0b",
      String.fromCodePoint(...Array.from({ length: 1_024 }, (_, index) => 0x4e00 + index * 19)),
    ];
    for (const id of ids) await (await streams.openStream(id)).write([tagged(), tagged()]);
    await using runner = await project(streams, {});
    for (const id of ids) expect(await readDocument(streams, "tags", id)).toBe(2);
    await runner.rebuild("tags");
    for (const id of ids) expect(await readDocument(streams, "tags", id)).toBe(2);
    for (const id of ids) await (await streams.openStream(id)).write({ type: "Closed", data: { tags: [] } });
    await whenProcessed(streams, "tags", (await streams.openStream("@all")).version);
    for (const id of ids) expect(await readDocument(streams, "tags", id)).toBe(null);
  });

  test("keep every number, and are refused where JSON would change them", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([tagged("zero"), tagged("none"), tagged("zero")]);
    const numbers = documents<number, Tagged>({
      name: "tags",
      key: ({ data: { tags } }) => tags,
      evolve: (_, { data: { tags } }) => (tags[0] === "zero" ? -0 : Number.NaN),
    });
    await using runner = await runProjections(streams, [numbers], { onError: "park" });
    await whenProcessed(streams, "tags", 3);
    expect(await readDocument(streams, "tags", "zero")).toBe(-0);
    expect(await readDocument(streams, "tags", "none")).toBe(null);
    expect(runner.status()).toMatchObject([{ parked: 1 }]);
  });

  test("of a name that nobody has registered are null", async () => {
    await using streams = await open();
    expect(await readDocument(streams, "nothing", "a")).toBe(null);
  });
});

describe.each(FILE_STORES)("readDocument over %s", (_, open) => {
  test("waits for no transaction, and reads the version that is live", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([tagged(), tagged()]);
    await using _first = await project(streams, {});
    const held = holdTransaction(patient(streams), (tx) => tx.write("b", tagged()));
    await held.hasBegun;
    const found = ["a", "b", "c"].map((key) => readDocument(streams, "tags", key));
    expect(await Promise.all(found)).toEqual([2, null, null]);
    held.finish();
    await held.result;

    await using second = await project(streams, { version: 2, evolve: (count) => (count ?? 0) + 100 });
    await expect.poll(() => second.status()[0]?.state).toBe("live");
    expect(await readDocument(streams, "tags", "a")).toBe(200);
    await second.rebuild("tags");
    expect(await readDocument(streams, "tags", "a")).toBe(200);
  });
});
