import { afterEach, describe, expect, test, vi } from "vitest";
import { sql, name as sqlName } from "../../../index.js";
import { PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { dropProjection, type Projection, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { viewOf } from "../../../src/view/store-view.js";
import { Gate } from "../../conformance/support/transactions.js";
import { overwrite, recordOf } from "../consumers/support/lease-records.js";
import { STORES, type Store } from "../consumers/support/stores.js";
import { balances, type Deposited, deposited, SQL_STORES } from "./support/stores.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Renewed three times as often. */
const LEASE = { leaseMs: 300 };

afterEach(() => {
  vi.restoreAllMocks();
});

function setAhead(clock: { now(): number }, byMs: number): void {
  const now = clock.now.bind(clock);
  vi.spyOn(clock, "now").mockImplementation(() => now() + byMs);
}

describe.each(SQL_STORES)("versions of a projection over %s", (_, open) => {
  test("show the first from its registration on, before it has any event", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    const broken = { ...balances(), project: () => Promise.reject(new Error("not yet")) };
    const states: string[] = [];
    await using runner = await runProjections(streams, [broken], { onStatus: ({ state }) => states.push(state) });
    expect(await streams.query(sql`SELECT * FROM balances`)).toEqual([]);
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    expect(states).toEqual(["building", "failed"]);
    expect(runner.status()).toMatchObject([{ name: "balances", version: 1, position: 0, head: 1, parked: 0 }]);
  });

  test("never have a table of another projection, and say whose it is", async () => {
    await using streams = await open();
    const { position } = await (await streams.openStream("a")).write(deposited(1));
    const first = await runProjections(streams, [balances()]);
    await whenProcessed(streams, "balances", position);
    const others = (version: number, plainName: string): Projection<Deposited> => ({
      name: "others",
      version,
      tables: async ({ sql: db, table }) =>
        void (await db.run(sql`CREATE TABLE IF NOT EXISTS ${table(plainName)} (amount REAL NOT NULL)`)),
      project: async (events, { sql: db, table }) => {
        for (const { data } of events) await db.run(sql`INSERT INTO ${table(plainName)} VALUES (${data.amount})`);
      },
    });
    const reason = /[Pp]rojection "others" in \S+ cannot have a table "balances": projection "balances" has one/;
    const refused = { code: "STORAGE_FAILED", message: expect.stringMatching(reason) };
    await expect(runProjections(streams, [others(1, "balances")])).rejects.toMatchObject(refused);

    await using _second = await runProjections(streams, [others(1, "others")]);
    await using third = await runProjections(streams, [others(2, "balances")], { onError: "park" });
    await expect.poll(() => third.status()[0]?.state).toBe("failed");
    // No event is to blame for it.
    expect(third.status()[0]).toMatchObject({ parked: 0, error: { type: "", message: refused.message } });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 1 }]);

    await first[Symbol.asyncDispose]();
    await dropProjection(streams, "balances");
    await expect.poll(() => third.status()[0]?.state).toBe("live");
    expect(await streams.query(sql`SELECT amount FROM balances`)).toEqual([{ amount: 1 }]);
  });

  test("leave the views of the application and of other projections as they are", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    await streams.transaction((tx) => tx.sql.run(sql`CREATE VIEW balances AS SELECT 42 AS answer`));
    await expect(runProjections(streams, [balances()])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(await streams.query(sql`SELECT answer FROM balances`)).toEqual([{ answer: 42 }]);
    await streams.transaction((tx) => tx.sql.run(sql`DROP VIEW balances`));

    await using _first = await runProjections(streams, [balances()]);
    await whenProcessed(streams, "balances", 1);
    const other = { ...balances(2, 10), name: "others" };
    await expect(runProjections(streams, [other])).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 1 }]);
  });

  /** What readers see is beyond the end, as after a restore of an older copy of the events. @returns the end */
  async function goBack(streams: Store, beyond: number): Promise<number> {
    const { position } = await (await streams.openStream("a")).write(deposited(1));
    const first = await runProjections(streams, [balances()]);
    await whenProcessed(streams, "balances", position);
    await first[Symbol.asyncDispose]();
    await overwrite(streams, PROJECTIONS_SPACE, "balances@1", { position: position + beyond });
    return position;
  }

  test("say that the store went back behind what readers see, and are shown once somebody has them rebuilt", async () => {
    await using streams = await open();
    const position = await goBack(streams, 5);
    const shown = () => streams.query(sql`SELECT balance FROM balances`);
    await using second = await runProjections(streams, [balances(2, 10)]);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    expect(second.status()).toMatchObject([{ position, head: position, error: { streamId: "@all", type: "" } }]);
    const message = `version 1, which readers see, has ${position + 5} as its checkpoint: the store went back`;
    expect(second.status()[0]?.error?.message).toContain(message);
    expect(await shown()).toEqual([{ balance: 1 }]);

    await second.rebuild("balances");
    expect(await shown()).toEqual([{ balance: 10 }]);
    await expect.poll(() => second.status()).toMatchObject([{ state: "live", position }]);
    expect(await streams.query(sql`SELECT balance FROM balances__1`)).toEqual([{ balance: 1 }]);
  });

  test("are shown when the same is rebuilt after the store went back", async () => {
    await using streams = await open();
    const position = await goBack(streams, 5);
    await using runner = await runProjections(streams, [balances(1, 10)]);
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 1 }]);
    await runner.rebuild("balances");
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 10 }]);
    await expect.poll(() => runner.status()).toMatchObject([{ state: "live", position }]);
  });

  test("go on by themselves once the store has as much again as readers see", async () => {
    await using streams = await open();
    await goBack(streams, 1);
    await using second = await runProjections(streams, [balances(2, 10)]);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    await (await streams.openStream("a")).write(deposited(2));
    await expect.poll(() => streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 30 }]);
  });

  test("are not shown while they have less than the one before, which went on after they had read all", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await using _first = await runProjections(streams, [balances()], { mode: "inline" });
    await a.write(deposited(1));
    const hasRead = new Gate();
    const mayGoOn = new Gate();
    const view = viewOf(streams, {
      afterRead: async (events) => {
        hasRead.open();
        await mayGoOn.opened;
        return { events };
      },
    });
    const shown: unknown[] = [];
    const second = balances(2);
    const looking: Projection<Deposited> = {
      ...second,
      async project(events, context) {
        if (events.some(({ data }) => data.amount === 2)) {
          shown.push(...(await context.sql.all(sql`SELECT balance FROM balances`)));
        }
        await second.project(events, context);
      },
    };
    await using runner = await runProjections(view, [looking]);
    await hasRead.opened;
    const { position } = await a.write(deposited(2));
    mayGoOn.open();
    await expect.poll(() => runner.status()).toMatchObject([{ state: "live", position }]);
    expect(shown).toEqual([{ balance: 3 }]);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
    expect(await streams.query(sql`SELECT balance FROM balances__2`)).toEqual([{ balance: 3 }]);
  });

  test("keep the tables of a former one for 24 hours", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    for (const version of [1, 2]) {
      await using runner = await runProjections(streams, [balances(version, version)]);
      await whenProcessed(streams, "balances", 1);
      await expect.poll(() => runner.status()[0]?.state).toBe("live");
    }
    const restartAfter = async (ms: number) => {
      const nowMs = Date.now() + ms;
      const clock = vi.spyOn(Date, "now").mockReturnValue(nowMs);
      await using runner = await runProjections(streams, [balances(2, 2)]);
      await expect.poll(() => runner.status()[0]?.state).toBe("live");
      clock.mockRestore();
      return streams.query(sql`SELECT balance FROM balances__1`).catch((error: unknown) => error);
    };
    expect(await restartAfter(23 * HOUR_MS)).toEqual([{ balance: 1 }]);
    expect(await restartAfter(24 * HOUR_MS)).toMatchObject({ code: "STORAGE_FAILED" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 2 }]);
  });

  const formerBalance = (streams: Store) => streams.query(sql`SELECT balance FROM balances__1`);

  test("keep the tables of a former one that a process runs, although a clock jumps a day ahead", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await using former = await runProjections(streams, [balances(1)], LEASE);
    await using runner = await runProjections(streams, [balances(2, 2)], LEASE);
    await expect.poll(() => runner.status()[0]?.state).toBe("live");
    setAhead(Date, DAY_MS);
    const renewals = new Set<unknown>();
    const untilMs = async () => (await recordOf(streams, PROJECTIONS_SPACE, "balances@2"))?.untilMs;
    await expect.poll(async () => renewals.add(await untilMs()).size, { timeout: 10_000 }).toBeGreaterThan(6);
    await a.write(deposited(1));
    await expect.poll(() => formerBalance(streams)).toEqual([{ balance: 2 }]);
    await former[Symbol.asyncDispose]();
    await expect.poll(() => formerBalance(streams).catch(({ code }) => code)).toBe("STORAGE_FAILED");
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 4 }]);
  });

  test.each([
    ["behind", -DAY_MS],
    ["ahead", DAY_MS],
  ])("drop the tables of a former one whose process was killed, and whose clock was %s", async (_, aheadMs) => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    for (const version of [1, 2]) {
      await using runner = await runProjections(streams, [balances(version)]);
      await expect.poll(() => runner.status()[0]?.state).toBe("live");
    }
    setAhead(Date, DAY_MS);
    const lease = { owner: "dead", untilMs: Date.now() + aheadMs, leaseMs: HOUR_MS };
    await overwrite(streams, PROJECTIONS_SPACE, "balances@1", lease);
    await using runner = await runProjections(streams, [balances(2)], LEASE);
    await expect.poll(() => runner.status()[0]?.state).toBe("live");
    expect(await formerBalance(streams)).toEqual([{ balance: 1 }]);
    setAhead(performance, HOUR_MS);
    await expect.poll(() => formerBalance(streams).catch(({ code }) => code)).toBe("STORAGE_FAILED");
  });

  test("have tables with the names that the projection gives them, at most 48 characters long", async () => {
    await using streams = await open();
    const longest = "t".repeat(48);
    const tables = (plain: string): Projection => ({
      name: "p",
      tables: async ({ sql: db, table }) => void (await db.run(sql`CREATE TABLE ${table(plain)} (n INTEGER)`)),
      project: async () => undefined,
    });
    for (const wrong of [`${longest}t`, "my-table", ""]) {
      const started = runProjections(streams, [tables(wrong)]);
      await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "table" });
    }
    await using _ = await runProjections(streams, [tables(longest)]);
    expect(await streams.query(sql`SELECT n FROM ${sqlName(longest)}`)).toEqual([]);
  });

  test("have tables of their own, however long the name and the version are", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    const longest = "t".repeat(48);
    const versions = [1_764_374_400_000, 20_261_128_120_001, 20_261_128_120_002];
    const longNamed = (version: number): Projection => ({
      name: "p",
      version,
      tables: async ({ sql: db, table }) => void (await db.run(sql`CREATE TABLE ${table(longest)} (n BIGINT)`)),
      project: async (events, { sql: db, table }) => {
        for (const _event of events) await db.run(sql`INSERT INTO ${table(longest)} VALUES (${version})`);
      },
    });
    const shown = () => streams.query(sql`SELECT CAST(n AS TEXT) AS n FROM ${sqlName(longest)}`);
    // What a drop leaves would be in the way of the second time.
    for (const _time of ["first", "second"]) {
      for (const version of versions) {
        await using runner = await runProjections(streams, [longNamed(version)]);
        await expect.poll(() => runner.status()[0]?.state).toBe("live");
        expect(await shown()).toEqual([{ n: String(version) }]);
        await runner.rebuild("p");
        expect(await shown()).toEqual([{ n: String(version) }]);
      }
      expect(await dropProjection(streams, "p")).toBe(true);
    }
  });
});

describe.each(STORES)("the records of a projection over %s", (_, open) => {
  /** Sums up in a record. */
  const sums = (version: number): Projection<Deposited> => ({
    name: "sums",
    version,
    types: ["Deposited"],
    async project(events, { records }) {
      const found = await records.get("sums", "all");
      const before = (found?.value.sum as number | undefined) ?? 0;
      const sum = events.reduce((total, { data }) => total + data.amount * version, before);
      await records.put("sums", "all", { sum });
      seen.push([version, sum]);
    },
  });
  const seen: [number, number][] = [];

  const ofApplication = (streams: Store) => streams.transaction((tx) => tx.records.get("sums", "all"));

  test("are those of its version, and neither another's nor the application's", async () => {
    await using streams = await open();
    seen.length = 0;
    const a = await streams.openStream("a");
    await streams.transaction((tx) => tx.records.put("sums", "all", { sum: 100 }));
    await a.write([deposited(1), deposited(2)]);
    await using _first = await runProjections(streams, [sums(1)]);
    await whenProcessed(streams, "sums", 2);
    await using second = await runProjections(streams, [sums(2)]);
    await expect.poll(() => second.status()[0]?.state).toBe("live");
    await a.write(deposited(4));
    await expect.poll(() => seen.length).toBe(4);
    expect(seen.slice(0, 2)).toEqual([
      [1, 3],
      [2, 6],
    ]);
    expect([...seen.slice(2)].sort()).toEqual([
      [1, 7],
      [2, 14],
    ]);
    await second.rebuild("sums");
    expect(seen.at(-1)).toEqual([2, 14]);
    expect((await ofApplication(streams))?.value).toEqual({ sum: 100 });
  });
});
