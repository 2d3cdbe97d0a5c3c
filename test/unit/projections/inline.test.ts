import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql } from "../../../index.js";
import { documents, type Projection, readDocument, runProjections } from "../../../src/projections/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { balances, type Deposited, deposited } from "./support/stores.js";

const INLINE = { mode: "inline" } as const;

describe("an inline projection", () => {
  test("has each write as soon as it is acknowledged, whichever call it is", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    await using _ = await runProjections(streams, [balances()], INLINE);
    const balance = async () =>
      (await streams.query<{ balance: number }>(sql`SELECT balance FROM balances`))[0]?.balance;
    const a = await streams.openStream("a");
    await a.write([deposited(1), { type: "Other", data: null }]);
    expect(await balance()).toBe(1);
    await streams.writeAll([
      { streamId: "a", events: deposited(2) },
      { streamId: "b", events: { type: "Other", data: null } },
    ]);
    expect(await balance()).toBe(3);
    await streams.transaction(async (tx) => {
      await tx.write("a", deposited(4));
      await tx.write("b", { type: "Other", data: null });
    });
    expect(await balance()).toBe(7);
    await a.write({ type: "Other", data: null });
    expect((await streams.verify()).problems).toEqual([]);
  });

  test("takes first what processes have written that do not know it", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await using other = await sqliteStreamFactory(folder.file("store.db"));
    await using _ = await runProjections(streams, [balances()], INLINE);
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await (await other.openStream("b")).write([deposited(10), deposited(20)]);
    await a.write(deposited(2));
    expect(await streams.query(sql`SELECT * FROM balances ORDER BY id`)).toEqual([
      { id: "a", balance: 3 },
      { id: "b", balance: 30 },
    ]);
  });

  test("fails the write that it cannot project, and that one alone", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    await using _ = await runProjections(streams, [balances()], INLINE);
    const writes = Array.from({ length: 64 }, async (_write, index) =>
      (await streams.openStream(`s-${index}`)).write(deposited(index === 40 ? -1 : 1)),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter(({ status }) => status === "rejected")).toMatchObject([
      { reason: { message: "negative -1" } },
    ]);
    expect((await streams.openStream("s-40")).version).toBe(0);
    expect(await streams.query(sql`SELECT count(*) AS n, sum(balance) AS total FROM balances`)).toEqual([
      { n: 63, total: 63 },
    ]);
    await expect(
      streams.transaction(async (tx) => {
        await tx.write("s-1", deposited(5));
        await tx.write("s-2", deposited(-5));
      }),
    ).rejects.toThrow("negative -5");
    expect((await streams.openStream("s-1")).version).toBe(1);
  });

  test("fails the write with a statement that it did not wait for", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const careless: Projection<Deposited> = {
      ...balances(),
      project: async (_, { sql: db }) => void db.run(sql`INSERT INTO nowhere VALUES (1)`).catch(() => undefined),
    };
    await using _ = await runProjections(streams, [careless], INLINE);
    const a = await streams.openStream("a");
    await expect(a.write(deposited(1))).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    const writing = streams.transaction((tx) => tx.write("a", deposited(1)));
    await expect(writing).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("that takes too long ends with the transaction, and holds nobody up", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const endless: Projection<Deposited> = { ...balances(), project: () => new Promise(() => undefined) };
    {
      await using _ = await runProjections(streams, [endless], INLINE);
      const writing = streams.transaction((tx) => tx.write("a", deposited(1)), { timeoutMs: 20 });
      await expect(writing).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    }
    expect((await (await streams.openStream("a")).write(deposited(1))).version).toBe(1);
  });

  test("of documents has them in the transaction, and a deletion too", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const counts = documents<number, { type: string; data: unknown }>({
      name: "counts",
      types: ["Deposited", "@deleted"],
      evolve: (count) => (count ?? 0) + 1,
    });
    await using _ = await runProjections(streams, [counts], INLINE);
    await (await streams.openStream("a")).write([deposited(1), deposited(2)]);
    expect(await readDocument(streams, "counts", "a")).toBe(2);
    await streams.deleteStream("a");
    expect(await readDocument(streams, "counts", "a")).toBe(null);
  });
});
