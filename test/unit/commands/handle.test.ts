import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { CandidateEvent } from "../../../index.js";
import { handle, handleQuery, loadState, stateCache } from "../../../src/commands/index.js";
import { event, typed } from "../../../src/events/index.js";
import { listOf, STORES } from "../consumers/support/stores.js";
import { type Account, account, deposited, opened, withdraw, withdrawn } from "./support/account.js";

describe.each(STORES)("handle over %s", (_, open) => {
  test("writes what is decided on the state, and returns the state with it", async () => {
    await using streams = await open();
    const first = await handle(streams, account, "a", () => [opened, deposited(100)]);
    const second = await handle(streams, account, "a", withdraw(30));

    expect(first).toEqual({
      version: 2,
      position: 2,
      written: 2,
      state: { balance: 100, owner: "ada" },
      events: [opened, deposited(100)],
    });
    expect(second).toEqual({
      version: 3,
      position: 3,
      written: 1,
      state: { balance: 70, owner: "ada" },
      events: [withdrawn(30)],
    });
  });

  test("folds the events as they were stored", async () => {
    await using streams = await open();
    const seen = {
      ...account,
      name: "seen",
      initial: () => [] as unknown[],
      evolve: (s: unknown[], e: unknown) => [...s, e],
    };
    const { state } = await handle(streams, seen, "a", () => [opened, deposited(1)]);

    expect(state).toEqual(await listOf((await streams.openStream("a")).read()));
  });

  test("a decision without events writes nothing", async () => {
    await using streams = await open();
    expect(await handle(streams, account, "a", withdraw(1))).toMatchObject({
      version: 0,
      position: 0,
      written: 0,
      events: [],
    });
    await handle(streams, account, "other", () => opened);
    await handle(streams, account, "a", () => opened);
    const refused = await handle(streams, account, "a", withdraw(1));

    expect(refused).toMatchObject({ version: 1, position: 2, written: 0, state: { balance: 0 }, events: [] });
    expect((await streams.openStream("a")).version).toBe(1);
  });

  test("decides again on what another writer has stored in between", async () => {
    await using streams = await open();
    await handle(streams, account, "a", () => deposited(100));
    const decidedOn: number[] = [];
    const { state } = await handle(streams, account, "a", async (before) => {
      decidedOn.push(before.balance);
      if (decidedOn.length < 3) await (await streams.openStream("a")).write(withdrawn(10));
      return withdraw(50)(before);
    });

    expect(decidedOn).toEqual([100, 90, 80]);
    expect(state.balance).toBe(30);
  });

  test("decides on the empty stream as well", async () => {
    await using streams = await open();
    let isFirst = true;
    const { version } = await handle(streams, account, "a", async ({ owner }) => {
      if (isFirst) await (await streams.openStream("a")).write(opened);
      isFirst = false;
      return owner === null ? opened : deposited(1);
    });

    expect(version).toBe(2);
    expect((await loadState(streams, account, "a")).state).toEqual({ owner: "ada", balance: 1 });
  });

  test.each([
    [3, { attempts: 3 }],
    [5, {}],
  ])("throws the last conflict after so many attempts: %i with %j", async (attempts, options) => {
    await using streams = await open();
    let decisions = 0;
    const command = handle(
      streams,
      account,
      "a",
      async () => {
        decisions += 1;
        await (await streams.openStream("a")).write(deposited(1));
        return withdrawn(1);
      },
      options,
    );

    const last = { expectedVersion: attempts - 1, actualVersion: attempts };
    await expect(command).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT", ...last });
    expect(decisions).toBe(attempts);
  });

  test("throws at once what the decision throws, a conflict of its own too", async () => {
    await using streams = await open();
    const other = await streams.openStream("other");
    let decisions = 0;
    const conflicting = handle(streams, account, "a", async () => {
      decisions += 1;
      await other.write(opened, { expectedVersion: 7 });
      return [];
    });
    await expect(conflicting).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT", streamId: "other" });
    await expect(handle(streams, account, "a", () => Promise.reject(new RangeError("too much")))).rejects.toThrow(
      RangeError,
    );

    expect(decisions).toBe(1);
  });

  test("16 callers of one stream lose no command, with as many attempts as they have by default", async () => {
    await using streams = await open();
    const cache = stateCache();
    const commands = Array.from({ length: 64 }, (__, index) =>
      handle(streams, account, "a", () => deposited(1), index % 2 === 0 ? { cache } : {}),
    );
    const versions = (await Promise.all(commands)).map(({ version }) => version);

    expect(versions.sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (__, index) => index + 1));
  });

  test("lays the metadata of the command below that of its events", async () => {
    await using streams = await open();
    const decided = { ...deposited(1), metadata: { causationId: "of the event" } };
    const metadata = { correlationId: "c", causationId: "of the command", userId: undefined };
    const { events } = await handle(streams, account, "a", () => [decided, deposited(2)], { metadata });
    const stored = await listOf((await streams.openStream("a")).read());

    const expected = [
      { correlationId: "c", causationId: "of the event" },
      { correlationId: "c", causationId: "of the command" },
    ];
    expect(stored.map((event) => event.metadata)).toEqual(expected);
    expect(events.map((event) => event.metadata)).toEqual(expected);
  });

  test("a signal ends it before the write", async () => {
    await using streams = await open();
    const stopping = new AbortController();
    const decide = (state: Account) => {
      stopping.abort(new Error("enough"));
      return [...withdraw(0)(state)];
    };
    await expect(handle(streams, account, "a", decide, { signal: stopping.signal })).rejects.toThrow("enough");
    await expect(handle(streams, account, "a", decide, { signal: AbortSignal.abort("before") })).rejects.toBe("before");
    await expect(loadState(streams, account, "a", { signal: AbortSignal.abort("before") })).rejects.toBe("before");

    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("a signal ends it while it decides at once, also where there is nothing to write", async () => {
    await using streams = await open();
    const filter = [{ field: "type", op: "=", value: "Opened" }] as const;
    for (const call of [
      (decide: () => [], signal: AbortSignal) => handle(streams, account, "a", decide, { signal }),
      (decide: () => [], signal: AbortSignal) => handleQuery(streams, account, filter, decide, { signal }),
    ]) {
      const stopping = new AbortController();
      const decide = (): [] => {
        stopping.abort("enough");
        return [];
      };
      await expect(call(decide, stopping.signal)).rejects.toBe("enough");
    }
  });

  test("a signal ends it while it decides, and what is decided later is not written", async () => {
    await using streams = await open();
    const filter = [{ field: "type", op: "=", value: "Opened" }] as const;
    for (const call of [
      (decide: () => Promise<[]>, signal: AbortSignal) => handle(streams, account, "a", decide, { signal }),
      (decide: () => Promise<[]>, signal: AbortSignal) => handleQuery(streams, account, filter, decide, { signal }),
    ]) {
      const stopping = new AbortController();
      const reason = new Error("enough");
      const decide = () => {
        stopping.abort(reason);
        return new Promise<[]>(() => undefined);
      };
      await expect(call(decide, stopping.signal)).rejects.toBe(reason);
    }
    expect(await handle(streams, account, "a", () => opened)).toMatchObject({ version: 1, position: 1 });
  });
});

describe("handle over a catalogue that skips what it does not have", () => {
  const types = { Opened: event<{ owner: string }>(), Deposited: event<{ amount: number }>() };

  test("decides behind an event that it does not see, with a cache and without", async () => {
    await using streams = memoryStreamFactory();
    const view = typed(streams, types, { unknown: "skip" });
    await using raw = await streams.openStream("a");
    const cache = stateCache();
    await handle(view, account, "a", () => deposited(1), { cache });
    await raw.write({ type: "Audited", data: null });

    expect(await handle(view, account, "a", () => deposited(1), { cache })).toMatchObject({ version: 3 });
    let audits = 0;
    const decide = async () => {
      audits += 1;
      if (audits === 1) await raw.write({ type: "Audited", data: null });
      return deposited(1);
    };
    expect(await handle(view, account, "a", decide)).toMatchObject({ version: 5, state: { balance: 3 } });
    expect(audits).toBe(2);
  });

  test("decides once behind an event that it does not see, with a warm cache and a single attempt", async () => {
    await using streams = memoryStreamFactory();
    const view = typed(streams, types, { unknown: "skip" });
    await using raw = await streams.openStream("a");
    const options = { cache: stateCache(), attempts: 1 };
    await handle(view, account, "a", () => deposited(1), options);
    await raw.write({ type: "Audited", data: null });

    expect(await loadState(view, account, "a", { cache: options.cache })).toMatchObject({
      version: 2,
      state: { balance: 1 },
    });
    const seen: number[] = [];
    const decide = ({ balance }: Account) => {
      seen.push(balance);
      return deposited(1);
    };
    expect(await handle(view, account, "a", decide, options)).toMatchObject({ version: 3, state: { balance: 2 } });
    expect(seen).toEqual([1]);
  });

  test("decides once on many streams at the same time, each behind an event that it does not see", async () => {
    await using streams = memoryStreamFactory();
    const view = typed(streams, types, { unknown: "skip" });
    const options = { cache: stateCache(), attempts: 1 };
    const ids = Array.from({ length: 32 }, (_, index) => `s-${index}`);
    const all = () => Promise.all(ids.map((id) => handle(view, account, id, () => deposited(1), options)));
    for (let round = 0; round < 4; round += 1) await all();
    await streams.writeAll(ids.map((streamId) => ({ streamId, events: { type: "Audited", data: null } })));

    const versions = (await all()).map(({ version }) => version);
    expect(versions).toEqual(ids.map(() => 6));
    expect((await all()).map(({ state }) => state.balance)).toEqual(ids.map(() => 6));
  });

  test("gives the place of the stream where nothing is decided, also behind an event that it does not see", async () => {
    await using streams = memoryStreamFactory();
    const view = typed(streams, types, { unknown: "skip" });
    await handle(view, account, "a", () => deposited(1));
    await using raw = await streams.openStream("a");
    const { version, position } = await raw.write({ type: "Audited", data: null });

    expect(await handle(view, account, "a", () => [])).toMatchObject({ version, position, written: 0 });
  });

  test("does not decide a stored command again, even where the catalogue hides its events", async () => {
    await using streams = memoryStreamFactory();
    const view = typed(streams, types, { unknown: "skip" });
    const audited = { type: "Audited", data: null };
    await using raw = await streams.openStream("a");
    const keyed = (index: number, event: CandidateEvent) => ({ ...event, idempotencyKey: `c/${index}` });
    const { version, position } = await raw.write([keyed(0, audited), keyed(1, deposited(5)), keyed(2, audited)]);
    await raw.write(deposited(1));

    const neverDecide = () => expect.fail("it was decided again");
    expect(await handle(view, account, "a", neverDecide, { commandId: "c" })).toEqual({
      version,
      position,
      written: 0,
      state: { ...account.initial(), balance: 5 },
      events: [keyed(1, deposited(5))],
    });
  });
});
