import { AssertionError } from "node:assert";
import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import type { Fold } from "../../../src/commands/index.js";
import { given } from "../../../testing.js";
import {
  type Account,
  type AccountEvent,
  account,
  deposited,
  opened,
  withdraw,
  withdrawn,
} from "../commands/support/account.js";

const refuse = (): never => {
  throw new RangeError("not enough money");
};

const push = (state: { list: number[] }) => {
  state.list.push(1);
  return state;
};

/** The failure of a test that is wrong. */
async function failureOf(wrong: () => unknown): Promise<AssertionError> {
  const error: unknown = await Promise.resolve()
    .then(wrong)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AssertionError);
  return error as AssertionError;
}

describe("given", () => {
  test("passes what is right", async () => {
    given(account, opened, deposited(100)).thenState({ balance: 100, owner: "ada" });
    const decided = given(account, deposited(100)).when(withdraw(30));
    await decided.thenEvents(withdrawn(30));
    await decided.thenState({ balance: 70, owner: null });
    await given(account, deposited(1)).when(withdraw(30)).thenNothing();
    await given(account)
      .when(async () => opened)
      .thenEvents(opened);
    await given(account).when(refuse).thenThrows();
    await given(account).when(refuse).thenThrows(RangeError);
    await given(account)
      .when(refuse)
      .thenThrows(/enough/);
    await given(account)
      .when(refuse)
      .thenThrows((error) => error instanceof Error);
  });

  test("fails what is wrong, with what was expected and what was got", async () => {
    const decided = given(account, deposited(100)).when(withdraw(30));
    const ofEvents = await failureOf(() => decided.thenEvents(withdrawn(31)));
    expect(ofEvents.actual).toEqual([withdrawn(30)]);
    expect(ofEvents.expected).toEqual([withdrawn(31)]);
    expect(ofEvents.message).toMatch(/amount: 30[\s\S]*amount: 31/);
    expect((await failureOf(() => decided.thenEvents())).message).toMatch(/Withdrawn/);
    expect((await failureOf(() => decided.thenNothing())).message).toMatch(/no event, got .*Withdrawn/s);
    expect((await failureOf(() => decided.thenState({ balance: 1, owner: null }))).actual).toEqual({
      balance: 70,
      owner: null,
    });
    expect((await failureOf(() => decided.thenThrows())).message).toMatch(/an error, got .*Withdrawn/s);
    expect((await failureOf(() => given(account, opened).thenState({ balance: 0, owner: "bob" }))).actual).toEqual({
      balance: 0,
      owner: "ada",
    });
  });

  test("finds a pattern in a message however often the pattern is used", async () => {
    const pattern = /./gu;
    for (let use = 0; use < 3; use += 1) await given(account).when(refuse).thenThrows(pattern);
  });

  test("an error where events are expected fails with that error as its cause", async () => {
    for (const wrong of [
      () => given(account).when(refuse).thenEvents(),
      () => given(account).when(refuse).thenNothing(),
      () => given(account).when(refuse).thenState({ balance: 0, owner: null }),
      () => given(account).when(refuse).thenThrows(SyntaxError),
      () =>
        given(account)
          .when(refuse)
          .thenThrows(/something else/),
      () =>
        given(account)
          .when(refuse)
          .thenThrows(() => false),
    ]) {
      expect((await failureOf(wrong)).cause).toBeInstanceOf(RangeError);
    }
  });

  test("compares metadata where the expected event has some", async () => {
    const decide = () => ({ ...deposited(1), metadata: { by: "ada" } });
    await given(account).when(decide).thenEvents(deposited(1));
    await given(account)
      .when(decide)
      .thenEvents({ ...deposited(1), metadata: { by: "ada" } });
    await failureOf(() =>
      given(account)
        .when(decide)
        .thenEvents({ ...deposited(1), metadata: { by: "bob" } }),
    );
    await failureOf(() =>
      given(account)
        .when(() => deposited(1))
        .thenEvents({ ...deposited(1), metadata: { by: "bob" } }),
    );
  });

  test("awaited by itself it calls nothing", async () => {
    let calls = 0;
    const counting: Fold<number, AccountEvent> = { name: "n", initial: () => ++calls, evolve: () => ++calls };
    await given(counting, opened);
    await given(counting, opened).when(() => {
      calls += 1;
      return opened;
    });
    expect(calls).toBe(0);
  });

  test("decides once, however often its outcome is looked at", async () => {
    let decisions = 0;
    const decided = given(account).when(() => {
      decisions += 1;
      return opened;
    });
    await decided.thenEvents(opened);
    await decided.thenState({ balance: 0, owner: "ada" });
    expect(decisions).toBe(1);
  });

  test.each([
    ["a fold", (state: { list: number[] }) => push(state), () => []],
    ["a decision", (state: { list: number[] }) => state, (state: { list: number[] }) => push(state)],
    [
      "a decision, in a map,",
      () => ({ map: new Map([[1, 1]]) }),
      (state: { map: Map<number, number> }) => state.map.set(1, 2),
    ],
    ["a decision, in a set,", () => ({ set: new Set([1]) }), (state: { set: Set<number> }) => state.set.clear()],
    ["a decision, in a date,", () => ({ at: new Date(0) }), (state: { at: Date }) => state.at.setUTCHours(7)],
    ["a fold, in the time of an event,", (_: unknown, event: StoredEvent) => event.timestamp.setTime(0), () => []],
  ])("%s that changes its state fails, even where an error is expected", async (_, evolve, decide) => {
    const changing = { name: "changing", initial: () => ({ list: [] }), evolve } as unknown as Fold<
      Account,
      AccountEvent
    >;
    const outcome = given(changing, opened).when(decide as never);
    for (const wrong of [() => outcome.thenNothing(), () => outcome.thenThrows()]) {
      expect((await failureOf(wrong)).message).toMatch(/changed a state/);
    }
  });

  test("a fold that changes an event fails", async () => {
    const changing: Fold<Account, AccountEvent> = {
      ...account,
      evolve: (state, event) => {
        (event.data as { owner: string }).owner = "bob";
        return state;
      },
    };
    expect((await failureOf(() => given(changing, opened).thenState({ balance: 0, owner: null }))).message).toMatch(
      /"account"/,
    );
  });

  test.each([
    ["undefined", { amount: undefined }, /data\.amount: undefined/],
    ["a Date", { amount: 1, at: new Date(0) }, /data\.at: an instance of Date/],
    ["NaN", { amount: Number.NaN }, /data\.amount: NaN/],
  ])("an event with %s in it fails, whether it is given, decided or expected", async (_, data, message) => {
    const bad = { type: "Deposited", data } as unknown as AccountEvent;
    for (const wrong of [
      () => given(account, bad).thenState({ balance: 0, owner: null }),
      () =>
        given(account)
          .when(() => bad)
          .thenNothing(),
      () =>
        given(account)
          .when(() => [])
          .thenEvents(bad),
    ]) {
      expect((await failureOf(wrong)).message).toMatch(message);
    }
  });

  test.each([
    ["a type of the library", { type: "@note", data: 1 }, /types that begin with "@" are reserved/],
    ["a field that no event has", { type: "Opened", data: 1, meta: {} }, /meta of event 0/],
    ["a key that is too long", { type: "Opened", data: 1, idempotencyKey: "k".repeat(2_000) }, /2000 characters/],
  ])("a decided event with %s fails, as no store takes it", async (_, event, message) => {
    const outcome = given(account).when(() => event as never);
    for (const wrong of [() => outcome.thenEvents(event as never), () => outcome.thenThrows()]) {
      expect((await failureOf(wrong)).message).toMatch(message);
    }
  });

  test.each([undefined, null, 5, "Opened"])(
    "a decision that is %s fails, as handle does not take it",
    async (decision) => {
      const outcome = given(account).when(() => decision as never);
      for (const wrong of [() => outcome.thenNothing(), () => outcome.thenThrows()]) {
        expect((await failureOf(wrong)).message).toMatch(/has to return an event or a list of events/);
      }
    },
  );

  test("events are numbered, and have ids and times that are always the same", () => {
    const kept: Fold<unknown[], AccountEvent> = {
      name: "kept",
      initial: () => [],
      evolve: (list, event) => [...list, event],
    };
    const stored = (version: number, event: AccountEvent) => ({
      ...event,
      id: `00000000-0000-7000-8000-00000000000${version}`,
      streamId: "test",
      version,
      position: version,
      timestamp: new Date(Date.UTC(2000, 0, 1) + version),
      metadata: null,
    });
    given(kept, opened, deposited(1)).thenState([stored(1, opened), stored(2, deposited(1))]);
  });

  test("bytes are kept, and events of the library are not folded", () => {
    type Photo = { type: "Taken"; data: Uint8Array };
    const photos: Fold<Uint8Array[], Photo> = {
      name: "p",
      initial: () => [],
      evolve: (list, { data }) => [...list, data],
    };
    given(photos, { type: "Taken", data: new Uint8Array([1, 2]) }, { type: "@note", data: null } as never).thenState([
      new Uint8Array([1, 2]),
    ]);
  });
});
