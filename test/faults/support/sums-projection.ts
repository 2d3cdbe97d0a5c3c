import { expect } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import type { Projection } from "../../../projections.js";
import { PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { modelStoreOf } from "../../../src/projections/model-store.js";
import type { EitherStore } from "./store-address.js";

type Deposited = { type: "Deposited"; data: { amount: number } };

const STREAMS = 20;

/** Sums up the deposits of each stream in the table `sums`: an event that counts twice, or not at all, shows in it. */
export function sumsProjection(version: number): Projection<Deposited> {
  return {
    name: "sums",
    version,
    types: ["Deposited"],
    async tables({ sql: db, table }) {
      await db.run(sql`CREATE TABLE ${table("sums")} (id TEXT PRIMARY KEY, n INTEGER NOT NULL)`);
    },
    async project(events, { sql: db, table }) {
      for (const { streamId, data } of events) {
        await db.run(sql`
          INSERT INTO ${table("sums")} AS own VALUES (${streamId}, ${data.amount})
          ON CONFLICT (id) DO UPDATE SET n = own.n + excluded.n`);
      }
    },
  };
}

/** Deposits the amount in each of so many streams. @returns the position of the last event */
export async function deposit(streams: EitherStore, amount: number, count = STREAMS): Promise<number> {
  const writes = Array.from({ length: count }, (_, index) => ({
    streamId: `s-${index}`,
    events: { type: "Deposited", data: { amount } },
  }));
  return (await streams.writeAll(writes)).at(-1)?.position ?? 0;
}

/** What the table has to hold. */
export async function sumsOfEvents(streams: EitherStore): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  await using all = await streams.openStream<Deposited>("@all");
  for await (const { streamId, data } of all.read()) sums[streamId] = (sums[streamId] ?? 0) + data.amount;
  return sums;
}

/** What readers see in the table. */
export async function sumsOfTable(streams: EitherStore): Promise<Record<string, number>> {
  const rows = await streams.query<{ id: string; n: number }>(sql`SELECT id, n FROM sums`);
  return Object.fromEntries(rows.map(({ id, n }) => [id, n]));
}

/** The sums of the events up to the checkpoint of a version, which only grows. */
export class SumsSoFar {
  readonly #streams: EitherStore;
  readonly #byVersion = new Map<number, { position: number; sums: Record<string, number> }>();

  constructor(streams: EitherStore) {
    this.#streams = streams;
  }

  /**
   * Expects that the table of the version has the events up to its checkpoint, each once, and nothing behind it.
   *
   * @returns the checkpoint
   */
  async expectInTable(version: number): Promise<number> {
    const { position, rows } = await modelStoreOf(this.#streams, undefined, "test").run("test", 30_000, async (tx) => {
      const found = await tx.records.get(PROJECTIONS_SPACE, `sums@${version}`);
      if (found === null) return { position: 0, rows: [] };
      return {
        position: found.value.position as number,
        rows: await tx.sql.all<{ id: string; n: number }>(rawSQL(`SELECT id, n FROM sums__${version}`)),
      };
    });
    expect(Object.fromEntries(rows.map(({ id, n }) => [id, n]))).toEqual(await this.#upTo(version, position));
    return position;
  }

  async #upTo(version: number, position: number): Promise<Record<string, number>> {
    const before = this.#byVersion.get(version) ?? { position: 0, sums: {} };
    const sums = { ...before.sums };
    await using all = await this.#streams.openStream<Deposited>("@all");
    for await (const { streamId, data } of all.read({ after: before.position, upTo: position })) {
      sums[streamId] = (sums[streamId] ?? 0) + data.amount;
    }
    this.#byVersion.set(version, { position, sums });
    return sums;
  }
}
