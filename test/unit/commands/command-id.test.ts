import { describe, expect, test } from "vitest";
import { handle } from "../../../src/commands/index.js";
import { event, typed } from "../../../src/events/index.js";
import { FIRST_COMMAND_READ_EVENTS } from "../../../src/limits.js";
import { listOf, STORES } from "../consumers/support/stores.js";
import { type Account, type AccountEvent, account, deposited, opened, withdraw, withdrawn } from "./support/account.js";
import { countingStore } from "./support/counting-store.js";

const neverDecide = (): never => {
  throw new Error("it was decided already");
};

describe.each(STORES)("a command with an id over %s", (_, open) => {
  test("is not decided again: the answer is what is stored", async () => {
    await using streams = await open();
    await handle(streams, account, "a", () => deposited(40));
    const command = () => handle(streams, account, "a", withdraw(30), { commandId: "w" });
    const first = await command();
    await handle(streams, account, "a", () => deposited(1));
    const again = await handle(streams, account, "a", neverDecide, { commandId: "w" });

    expect(first.state.balance).toBe(10);
    expect(first.events).toEqual([{ ...withdrawn(30), idempotencyKey: "w/0" }]);
    expect(again).toEqual({ ...first, written: 0 });
  });

  test.each([1, 16, 17, 18, 300])("is found whole, with %i events", async (count) => {
    await using streams = await open();
    const events = Array.from({ length: count }, (__, index) => deposited(index));
    const command = (decide: () => AccountEvent[]) => handle(streams, account, "a", decide, { commandId: "many" });
    const first = await command(() => events);
    const atTheEnd = await command(neverDecide);
    await handle(streams, account, "a", () => [opened, opened], { commandId: "many/0" });
    const inTheMiddle = await command(neverDecide);

    expect(atTheEnd).toEqual({ ...first, written: 0 });
    expect(inTheMiddle).toEqual(atTheEnd);
  });

  test("ids that begin alike are different commands", async () => {
    await using streams = await open();
    await handle(streams, account, "a", () => [deposited(1), deposited(2)], { commandId: "c" });
    const other = await handle(streams, account, "a", () => deposited(3), { commandId: "c/0" });
    const third = await handle(streams, account, "a", () => deposited(4), { commandId: "c/" });

    expect([other.written, third.written]).toEqual([1, 1]);
    expect((await handle(streams, account, "a", neverDecide, { commandId: "c" })).events).toHaveLength(2);
  });

  test("sent twice at once it is stored once", async () => {
    await using streams = await open();
    await handle(streams, account, "a", () => deposited(100));
    const commands = Array.from({ length: 16 }, () => handle(streams, account, "a", withdraw(30), { commandId: "w" }));
    const results = await Promise.all(commands);

    expect(results.filter(({ written }) => written === 1)).toHaveLength(1);
    expect(new Set(results.map(({ version, state }) => `${version} ${state.balance}`))).toEqual(new Set(["2 70"]));
  });

  test("stored by another caller between the look-up and the decision it is not decided on its own events", async () => {
    await using streams = await open();
    await handle(streams, account, "a", () => deposited(40));
    let twin: Promise<unknown> | undefined;
    let decisions = 0;
    const decide = async (state: Account) => {
      decisions += 1;
      twin ??= handle(streams, account, "a", withdraw(30), { commandId: "w" });
      await twin;
      if (decisions === 1) await handle(streams, account, "a", () => deposited(0));
      return [...withdraw(30)(state), withdrawn(0)];
    };
    const result = await handle(streams, account, "a", decide, { commandId: "w" });

    expect(result).toMatchObject({ version: 2, written: 0, state: { balance: 10 } });
    expect(decisions).toBe(1);
  });

  test("with other events for the same id it is a conflict, and nothing is stored", async () => {
    await using streams = await open();
    let isFirst = true;
    const decide = async () => {
      if (isFirst) {
        isFirst = false;
        await handle(streams, account, "a", () => deposited(1), { commandId: "c" });
      }
      return deposited(2);
    };
    await expect(handle(streams, account, "a", decide, { commandId: "c" })).rejects.toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
      idempotencyKey: "c/0",
    });

    expect(await listOf((await streams.openStream("a")).read())).toHaveLength(1);
  });

  test("without events it leaves no trace, and is decided again", async () => {
    await using streams = await open();
    await handle(streams, account, "a", withdraw(1), { commandId: "w" });
    await handle(streams, account, "a", () => deposited(1));

    expect(await handle(streams, account, "a", withdraw(1), { commandId: "w" })).toMatchObject({ written: 1 });
  });

  test("is found in what is left of a pruned stream", async () => {
    await using streams = await open();
    for (const commandId of ["one", "two", "three"]) {
      await handle(streams, account, "a", () => deposited(1), { commandId });
    }
    const counted = { ...account, snapshot: { every: 1 } };
    await handle(streams, counted, "a", () => deposited(1), { commandId: "four" });
    await expect
      .poll(() => streams.openStream("a").then((a) => a.loadSnapshot({ projection: "account@1" })))
      .not.toBeNull();
    await streams.pruneStream("a", { before: 3 });

    const three = await handle(streams, counted, "a", neverDecide, { commandId: "three" });
    expect(three).toMatchObject({ version: 3, written: 0 });
    // Of a removed command only the keys are left: it is decided again, and nothing is stored of what that comes to.
    const one = await handle(streams, counted, "a", () => deposited(2), { commandId: "one" });
    expect(one).toEqual({
      version: 1,
      position: 1,
      written: 0,
      state: { ...account.initial(), balance: 4 },
      events: [],
    });
    expect((await streams.openStream("a")).version).toBe(4);
  });
});

test("for a command with an id little is read of what others have written after it", async () => {
  const { streams, counted, queries } = countingStore();
  await handle(streams, account, "a", () => [deposited(1), deposited(2)], { commandId: "c" });
  await handle(streams, account, "a", () => Array.from({ length: 1_000 }, () => deposited(1)));
  await counted(() => handle(streams, account, "a", neverDecide, { commandId: "c" }));

  const behindItsFirst = queries.filter(({ after }) => after > 0);
  expect(behindItsFirst.map(({ limit }) => limit)).toEqual([FIRST_COMMAND_READ_EVENTS]);
});

test("a command that is stored is read once, also through a catalogue", async () => {
  const { streams, counted } = countingStore();
  await handle(streams, account, "a", () => [deposited(1), deposited(2)], { commandId: "c" });
  const view = typed(streams, { Deposited: event<{ amount: number }>() });
  const reads = async (store: typeof streams) =>
    (await counted(() => handle(store, account, "a", neverDecide, { commandId: "c" }))).readPage;
  expect(await reads(view)).toBe(await reads(streams));
});
