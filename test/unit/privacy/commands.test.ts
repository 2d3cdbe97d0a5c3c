import { describe, expect, test } from "vitest";
import type { CandidateEvent } from "../../../index.js";
import { type Fold, handle, handleQuery, loadQuery, loadState, stateCache } from "../../../src/commands/index.js";
import { typed } from "../../../src/events/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { STORES } from "../consumers/support/stores.js";
import { customerTypes, dataOf, readAll, registered } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

interface Registration {
  readonly type: string;
  readonly data: { readonly email: string | null };
}

/** All mail addresses of a stream, or of what a query finds. */
const emails: Fold<readonly (string | null)[], Registration> = {
  name: "emails",
  initial: () => [],
  evolve: (state, { data }) => [...state, data.email],
};

const register = (email: string) => registered("ada", email) as CandidateEvent<Registration>;
const neverDecide = (): never => {
  throw new Error("it was decided already");
};

describe.each(STORES)("commands on personal data over %s", (_, open) => {
  async function setUp() {
    const base = await open();
    const sealed = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
    return {
      base,
      sealed,
      streams: typed(sealed, customerTypes),
      [Symbol.asyncDispose]: () => base[Symbol.asyncDispose](),
    };
  }

  test("are decided and answered with open data, also when they are sent again, and stored sealed", async () => {
    await using store = await setUp();
    const { streams } = store;
    const first = await handle(streams, emails, "a", () => register("ada@example.org"), { commandId: "c" });
    const again = await handle(streams, emails, "a", neverDecide, { commandId: "c" });

    expect(first).toMatchObject({ written: 1, state: ["ada@example.org"], events: [register("ada@example.org")] });
    expect(again).toEqual({ ...first, written: 0 });
    expect(JSON.stringify(dataOf(await readAll(store.base, "a")))).not.toContain("@example.org");
  });

  test("that are sent often at once are stored once: each seals to the same bytes", async () => {
    await using store = await setUp();
    const command = () => handle(store.streams, emails, "a", () => register("ada@example.org"), { commandId: "c" });
    const written = (await Promise.all([command(), command(), command()])).map((result) => result.written);

    expect(written.sort()).toEqual([0, 0, 1]);
    expect(await readAll(store.base, "a")).toHaveLength(1);
  });

  test("of a person who is forgotten are answered with nulls when they are sent again, and new ones are refused", async () => {
    await using store = await setUp();
    const { streams } = store;
    const query = [{ field: "type", op: "=", value: "Registered" }] as const;
    const inQuery = (email: string) =>
      handleQuery(streams, emails, query, () => [{ streamId: "b", events: register(email) }]);
    await handle(streams, emails, "a", () => register("ada@example.org"), { commandId: "c" });
    await inQuery("query@example.org");
    await store.sealed.forget("ada");

    expect(await handle(streams, emails, "a", neverDecide, { commandId: "c" })).toMatchObject({
      written: 0,
      state: [null],
      events: [{ data: { customerId: "ada", email: null } }],
    });
    expect((await loadState(streams, emails, "a")).state).toEqual([null]);
    expect((await loadQuery(streams, emails, query)).state).toEqual([null, null]);
    const forgotten = { code: "SUBJECT_FORGOTTEN" };
    const another = handle(streams, emails, "a", () => register("new@example.org"), { commandId: "d" });
    await expect(another).rejects.toMatchObject(forgotten);
    await expect(inQuery("new@example.org")).rejects.toMatchObject(forgotten);
    expect(await readAll(store.base, "a")).toHaveLength(1);
  });

  test("fold nulls once a person is forgotten, although a cache has the state from before", async () => {
    await using store = await setUp();
    const { streams } = store;
    const options = { cache: stateCache() };
    await handle(streams, emails, "a", () => register("ada@example.org"), options);
    expect((await loadState(streams, emails, "a", options)).state).toEqual(["ada@example.org"]);
    await store.sealed.forget("ada");

    expect(await loadState(streams, emails, "a", options)).toEqual({ state: [null], version: 1 });
    const grace = () => registered("grace", "grace@example.org") as CandidateEvent<Registration>;
    expect((await handle(streams, emails, "a", grace, options)).state).toEqual([null, "grace@example.org"]);
  });

  test("keep no state that was decided on while a person was forgotten", async () => {
    await using store = await setUp();
    const { streams } = store;
    const options = { cache: stateCache() };
    await handle(streams, emails, "a", () => register("ada@example.org"), options);
    const grace = registered("grace", "grace@example.org") as CandidateEvent<Registration>;
    const decideMeanwhile = async () => {
      await store.sealed.forget("ada");
      await loadState(streams, emails, "a", options);
      return grace;
    };
    await handle(streams, emails, "a", decideMeanwhile, options);

    expect((await loadState(streams, emails, "a", options)).state).toEqual([null, "grace@example.org"]);
  });

  test.each([
    ["without a cache", {}],
    ["with a cache", { cache: stateCache() }],
  ])("decide anew on nulls when a person was forgotten meanwhile, %s", async (_title, options) => {
    await using store = await setUp();
    const { streams } = store;
    await handle(streams, emails, "a", () => register("ada@example.org"), options);
    const grace = registered("grace", "grace@example.org") as CandidateEvent<Registration>;
    const seen: (readonly (string | null)[])[] = [];
    const decide = async (state: readonly (string | null)[]) => {
      seen.push(state);
      if (seen.length > 1) return grace;
      await using other = await streams.openStream("a");
      await other.write(grace);
      await store.sealed.forget("ada");
      return grace;
    };
    const again = [null, "grace@example.org"];
    const { state } = await handle(streams, emails, "a", decide, options);

    expect(seen).toEqual([["ada@example.org"], again]);
    expect(state).toEqual([...again, "grace@example.org"]);
    expect((await loadState(streams, emails, "a", options)).state).toEqual(state);
  });
});
