import { describe, expect, test } from "vitest";
import { sql } from "../../../index.js";
import { documents, type Projection, readDocument, runProjections } from "../../../src/projections/index.js";
import { STORES, type Store } from "../consumers/support/stores.js";
import { type Deposited, deposited, SQL_STORES } from "./support/stores.js";

const INLINE = { mode: "inline" } as const;
const OTHER = { type: "Other", data: null };
const ids = Array.from({ length: 64 }, (_, index) => `s-${index}`);

/** Sums up the deposits of each stream, and notes the streams of each batch. It fails at an amount. */
function sums(name: string, batches: string[][], failsAt = -1): Projection<Deposited> {
  const projection = documents<number, Deposited>({
    name,
    types: ["Deposited"],
    evolve: (sum, { data }) => (sum ?? 0) + data.amount,
  });
  return {
    ...projection,
    async project(events, context) {
      batches.push(events.map(({ streamId }) => streamId));
      await projection.project(events, context);
      if (events.some(({ data }) => data.amount === failsAt)) throw new Error(`cannot take ${failsAt}`);
    },
  };
}

const handlesOf = (streams: Store) => Promise.all(ids.map((id) => streams.openStream(id)));
const sumsOf = (streams: Store, name: string) => Promise.all(ids.map((id) => readDocument<number>(streams, name, id)));

describe.each(STORES)("writes that wait for the same transaction, over %s, with an inline projection", (_, open) => {
  test("are projected at once, in order", async () => {
    await using streams = await open();
    const batches: string[][] = [];
    await using _ = await runProjections(streams, [sums("sums", batches)], INLINE);
    const handles = await handlesOf(streams);
    const results = await Promise.all(handles.map((handle) => handle.write([deposited(1), OTHER, deposited(2)])));

    expect(batches).toEqual([ids.flatMap((id) => [id, id])]);
    expect(results.map(({ position, version }) => [position, version])).toEqual(ids.map((_, n) => [n * 3 + 3, 3]));
    expect(await sumsOf(streams, "sums")).toEqual(ids.map(() => 3));
  });

  test("fail alone: of 64, the one that cannot be projected", async () => {
    await using streams = await open();
    const batches: string[][] = [];
    await using _ = await runProjections(streams, [sums("sums", batches, 99)], INLINE);
    const handles = await handlesOf(streams);
    const writes = handles.map((handle, index) => handle.write(deposited(index === 40 ? 99 : 1)));
    const settled = await Promise.allSettled(writes);

    const failed = settled.flatMap((outcome, index) =>
      outcome.status === "rejected" ? [[index, outcome.reason]] : [],
    );
    expect(failed).toEqual([[40, new Error("cannot take 99")]]);
    expect(batches).toEqual([ids, ...ids.map((id) => [id])]);
    expect(await sumsOf(streams, "sums")).toEqual(ids.map((_, index) => (index === 40 ? null : 1)));
    expect((await streams.openStream("s-40")).version).toBe(0);
    // Nothing is remembered of what was undone.
    expect(await Promise.all(handles.map((handle) => handle.write(deposited(1))))).toHaveLength(64);
    expect((await streams.openStream("s-40")).version).toBe(1);
    expect((await streams.openStream("s-41")).version).toBe(2);
    expect((await streams.openStream("@all")).version).toBe(127);
    expect((await sumsOf(streams, "sums")).slice(40, 42)).toEqual([1, 2]);
  });

  test("are not tried alone because of a version conflict or a retry among them", async () => {
    await using streams = await open();
    const batches: string[][] = [];
    await using _ = await runProjections(streams, [sums("sums", batches)], INLINE);
    const handles = await handlesOf(streams);
    const keyed = { ...deposited(5), idempotencyKey: "key" };
    await handles[7]?.write(keyed, { expectedVersion: 0 });
    batches.length = 0;
    const outcomes = await Promise.allSettled(
      handles.map((handle, index) => {
        if (index === 3) return handle.write(deposited(1), { expectedVersion: 8 });
        return index === 7 ? handle.write(keyed, { expectedVersion: 0 }) : handle.write(deposited(1));
      }),
    );

    expect(outcomes[3]).toMatchObject({ reason: { code: "CONCURRENCY_CONFLICT" } });
    expect(outcomes[7]).toMatchObject({ value: { version: 1, position: 1, written: 0 } });
    const stored = ids.filter((_, index) => index !== 3 && index !== 7);
    expect(batches).toEqual([stored]);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(63);
    expect((await sumsOf(streams, "sums")).slice(2, 9)).toEqual([1, null, 1, 1, 1, 5, 1]);
  });

  test("leave nothing of a failed one in a projection that could take it", async () => {
    await using streams = await open();
    const projections = [sums("first", []), sums("second", [], 99), sums("third", [])];
    await using _ = await runProjections(streams, projections, INLINE);
    const handles = await handlesOf(streams);
    const writes = handles.map((handle, index) => handle.write(deposited(index === 9 ? 99 : 1)));
    const settled = await Promise.allSettled(writes);

    expect(settled.flatMap(({ status }, index) => (status === "rejected" ? [index] : []))).toEqual([9]);
    const expected = ids.map((_, index) => (index === 9 ? null : 1));
    for (const name of ["first", "second", "third"]) expect(await sumsOf(streams, name)).toEqual(expected);
  });

  test("keep their order with other calls, and with those that are tried alone", async () => {
    await using streams = await open();
    await using _ = await runProjections(streams, [sums("sums", [], 99)], INLINE);
    const a = await streams.openStream("a");
    const numbered = (amount: number) => a.write(deposited(amount));
    const settled = await Promise.allSettled([
      numbered(1),
      a.write(OTHER),
      numbered(2),
      streams.transaction((tx) => tx.write("a", OTHER)),
      numbered(3),
      numbered(99),
      numbered(4),
      streams.writeAll([{ streamId: "a", events: OTHER }]),
      numbered(5),
    ]);
    const types: unknown[] = [];
    for await (const { type, data } of a.read())
      types.push(type === "Other" ? type : (data as { amount: number }).amount);

    expect(settled.flatMap(({ status }, index) => (status === "rejected" ? [index] : []))).toEqual([5]);
    expect(types).toEqual([1, "Other", 2, "Other", 3, 4, "Other", 5]);
    expect(await readDocument(streams, "sums", "a")).toBe(15);
  });

  test("come before or after the deletion of a stream, as they were called", async () => {
    await using streams = await open();
    await using _ = await runProjections(streams, [sums("sums", [])], INLINE);
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write(deposited(1));
    const [first, , last] = await Promise.allSettled([
      b.write(deposited(1)),
      streams.deleteStream("a", { force: true }),
      a.write(deposited(2)),
    ]);

    expect(first).toMatchObject({ status: "fulfilled" });
    expect(last).toMatchObject({ reason: { code: "STREAM_DELETED" } });
  });

  test("are cancelled alone until the transaction begins", async () => {
    await using streams = await open();
    const batches: string[][] = [];
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    await using _ = await runProjections(streams, [sums("sums", batches)], INLINE);
    const [a, b, c] = [await streams.openStream("a"), await streams.openStream("b"), await streams.openStream("c")];
    const before = streams.transaction(() => ended);
    const [cancelled, kept] = [new AbortController(), new AbortController()];
    const writes = [
      a.write(deposited(1)),
      b.write(deposited(1), { signal: cancelled.signal }),
      c.write(deposited(1), { signal: kept.signal }),
    ];
    cancelled.abort(new Error("not any more"));
    end();
    const [, second, third] = await Promise.allSettled(writes);
    await before;
    kept.abort();

    expect(second).toMatchObject({ reason: { message: "not any more" } });
    expect(third).toMatchObject({ value: { version: 1 } });
    expect(batches).toEqual([["a", "c"]]);
  });

  test("are as few as one transaction takes", async () => {
    await using streams = await open();
    const batches: string[][] = [];
    await using _ = await runProjections(streams, [sums("sums", batches)], INLINE);
    const handles = await handlesOf(streams);
    await Promise.all(handles.flatMap((handle) => [handle.write(deposited(1)), handle.write(deposited(1))]));
    expect(batches.map(({ length }) => length)).toEqual([64, 64]);

    batches.length = 0;
    const many = Array.from({ length: 600 }, () => deposited(1));
    const large = { type: "Deposited", data: { amount: 1, text: "x".repeat(900_000) } };
    await Promise.all(handles.slice(0, 4).map((handle, index) => handle.write(index < 2 ? many : large)));
    expect(batches.map(({ length }) => length)).toEqual([600, 600, 1, 1]);
  });
});

describe.each(SQL_STORES)("writes that wait for the same transaction, over %s, with tables", (_, open) => {
  /** Accounts, and a projection with a deferred reference to them. */
  async function openWithEntries() {
    const streams = await open();
    await streams.transaction(async ({ sql: db }) => {
      await db.run(sql`CREATE TABLE accounts (id TEXT PRIMARY KEY)`);
      await db.run(sql`INSERT INTO accounts VALUES ('s-1'), ('s-2'), ('s-4')`);
    });
    const entries: Projection<Deposited> = {
      name: "entries",
      types: ["Deposited"],
      async tables({ sql: db, table }) {
        await db.run(sql`
          CREATE TABLE ${table("entries")} (
            account TEXT REFERENCES accounts (id) DEFERRABLE INITIALLY DEFERRED, amount INTEGER NOT NULL
          )`);
      },
      async project(events, { sql: db, table }) {
        for (const { streamId, data } of events) {
          await db.run(sql`INSERT INTO ${table("entries")} VALUES (${streamId}, ${data.amount})`);
          if (data.amount === 5) await db.run(sql`INSERT INTO accounts VALUES (${streamId})`);
        }
      },
    };
    const runner = await runProjections(streams, [entries], INLINE);
    return {
      streams,
      async [Symbol.asyncDispose]() {
        await runner[Symbol.asyncDispose]();
        await streams[Symbol.asyncDispose]();
      },
    };
  }

  test("fail alone at a deferred foreign key", async () => {
    await using store = await openWithEntries();
    const { streams } = store;
    const handles = (await handlesOf(streams)).slice(1, 6);
    const writes = handles.map((handle, index) => handle.write(deposited(index + 1)));
    const settled = await Promise.allSettled(writes);

    expect(settled.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true]);
    expect(settled[2]).toMatchObject({ reason: { code: "STORAGE_FAILED" } });
    const rows = await streams.query(sql`SELECT account, amount FROM entries ORDER BY amount`);
    expect(rows).toEqual([1, 2, 4, 5].map((amount) => ({ account: `s-${amount}`, amount })));
    expect((await streams.openStream("s-3")).version).toBe(0);
  });

  test("come before later calls when they are tried alone", async () => {
    await using store = await openWithEntries();
    const { streams } = store;
    const [bad, good] = [await streams.openStream("s-3"), await streams.openStream("s-1")];
    const calls = [
      bad.write(deposited(3)),
      good.write(deposited(1)),
      streams.writeAll([
        { streamId: "s-1", events: [deposited(2)] },
        { streamId: "s-2", events: [deposited(4)] },
      ]),
      good.write(deposited(6)),
      streams.transaction((tx) => tx.write("s-1", deposited(7))),
      good.write(deposited(8)),
    ];
    const settled = await Promise.allSettled(calls);

    expect(settled.map(({ status }) => status === "fulfilled")).toEqual([false, true, true, true, true, true]);
    const amounts: number[] = [];
    for await (const { data } of good.read()) amounts.push((data as Deposited["data"]).amount);
    expect(amounts).toEqual([1, 2, 6, 7, 8]);
    const rows = await streams.query(sql`SELECT amount FROM entries WHERE account = 's-1' ORDER BY amount`);
    expect(rows.map(({ amount }) => amount)).toEqual(amounts);
  });
});
