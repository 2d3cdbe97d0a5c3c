import { lastValueFrom } from "rxjs";
import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { projectToMemory } from "../../../src/projections/index.js";
import { STORES } from "../consumers/support/stores.js";

type Deposited = { type: "Deposited"; data: { amount: number } };
const deposited = (amount: number): Deposited => ({ type: "Deposited", data: { amount } });

const definition = {
  name: "total",
  types: ["Deposited"],
  initial: () => 0,
  evolve: (sum: number, { data }: { data: { amount: number } }) => sum + data.amount,
} as const;

describe.each(STORES)("a read model in memory over %s", (_store, open) => {
  test("has what was stored, and follows", async () => {
    await using streams = await open();
    const a = await streams.openStream<Deposited>("a");
    await a.write([deposited(1), deposited(2)]);
    await using total = await projectToMemory<number, Deposited>(streams, definition);
    expect([total.state, total.position]).toEqual([3, 2]);
    const seen: number[] = [];
    total.changes.subscribe((state) => seen.push(state));
    await a.write([deposited(3), deposited(4)]);
    const { position } = await (await streams.openStream("b")).write({ type: "Other", data: null });
    await total.whenProcessed(position);
    await expect(total.whenProcessed(position + 1, { timeoutMs: 20 })).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(seen).toEqual([6, 10]);
    expect(total.state).toBe(10);
  });

  test("begins at its snapshot, unless that is of another version", async () => {
    await using streams = await open();
    const a = await streams.openStream<Deposited>("a");
    await a.write([1, 2, 3].map(deposited));
    let calls = 0;
    const counting = {
      ...definition,
      snapshotEvery: 2,
      evolve: (sum: number, event: { data: { amount: number } }) => {
        calls += 1;
        return definition.evolve(sum, event);
      },
    };
    {
      await using _ = await projectToMemory<number, Deposited>(streams, counting);
    }
    calls = 0;
    {
      await using total = await projectToMemory<number, Deposited>(streams, counting);
      expect([total.state, calls]).toEqual([6, 0]);
    }
    await using other = await projectToMemory<number, Deposited>(streams, { ...counting, version: 2 });
    expect([other.state, calls]).toEqual([6, 3]);
  });

  test("is made of the events that types and filter let through, and of none of the library's own", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([1, 2, 3].map(deposited));
    await a.write({ type: "Other", data: { amount: 10 } });
    await b.write(deposited(4));
    await streams.deleteStream("b");
    const filter = [{ field: "data.amount", op: ">", value: 1 }] as const;
    await using some = await projectToMemory<number, Deposited>(streams, { ...definition, filter });
    const initial = (): string[] => [];
    const evolve = (types: string[], { type }: { type: string }) => [...types, type];
    await using every = await projectToMemory(streams, { name: "types", initial, evolve });
    expect(some.state).toBe(5);
    expect(every.state).toEqual(["Deposited", "Deposited", "Deposited", "Other"]);
  });
});

test("the changes of a read model in memory fail with what evolve throws, and its state stays the last one", async () => {
  await using streams = memoryStreamFactory();
  const evolve = (sum: number, { data }: { data: { amount: number } }) => {
    if (data.amount < 0) throw new Error("below zero");
    return definition.evolve(sum, { data });
  };
  await using total = await projectToMemory<number, Deposited>(streams, { ...definition, evolve });
  const failure = lastValueFrom(total.changes);
  await (await streams.openStream("a")).write([deposited(1), deposited(-1), deposited(2)]);
  await expect(failure).rejects.toThrow("below zero");
  expect([total.state, total.position]).toEqual([1, 1]);
});

test("a read model in memory refuses what makes no sense", async () => {
  await using streams = memoryStreamFactory();
  for (const wrong of [{ name: "" }, { evolve: undefined }, { snapshotEvery: 0 }, { type: ["A"] }]) {
    const started = projectToMemory(streams, { ...definition, ...wrong } as never);
    await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  }
});
