import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import {
  handle,
  handleQuery,
  loadQuery,
  loadState,
  MAX_ATTEMPTS,
  MAX_COMMAND_ID_LENGTH,
  stateCache,
} from "../../../src/commands/index.js";
import { revoked } from "../../support/revoked.js";
import { account, deposited, opened } from "./support/account.js";

const wrong = (value: unknown) => value as never;

/** A fold, what is wrong with it, and what the error says. */
const FOLDS: [string, unknown, string, RegExp][] = [
  ["no fold", undefined, "fold", /expected \{ name, initial, evolve \}, got undefined/],
  ["no name", { ...account, name: undefined }, "fold.name", /expected a non-empty string, got undefined/],
  ["an empty name", { ...account, name: "" }, "fold.name", /got ""/],
  ["a name that is too long for a snapshot", { ...account, name: "n".repeat(1_024) }, "fold.name", /1026 characters/],
  ["version 0", { ...account, version: 0 }, "fold.version", /1 or more, got 0/],
  ["no initial", { ...account, initial: undefined }, "fold.initial", /expected a function, got undefined/],
  ["no evolve", { ...account, evolve: "evolve" }, "fold.evolve", /expected a function, got "evolve"/],
  ["no object as snapshot", { ...account, snapshot: 5 }, "fold.snapshot", /expected \{ every \}, got 5/],
  ["every 0", { ...account, snapshot: { every: 0 } }, "fold.snapshot.every", /1 or more, got 0/],
  ["every 1.5", { ...account, snapshot: { every: 1.5 } }, "fold.snapshot.every", /got 1\.5/],
  ["keep 0", { ...account, snapshot: { every: 1, keep: 0 } }, "fold.snapshot.keep", /got 0/],
  ["a misspelt policy", { ...account, snapshot: { every: 1, keeps: 1 } }, "keeps", /did you mean "keep"/],
];

const OPTIONS: [string, unknown, string, RegExp][] = [
  ["attempts 0", { attempts: 0 }, "attempts", /from 1 to 10000, got 0/],
  ["attempts 2.5", { attempts: 2.5 }, "attempts", /got 2\.5/],
  ["too many attempts", { attempts: MAX_ATTEMPTS + 1 }, "attempts", /got 10001/],
  ["attempts as text", { attempts: "5" }, "attempts", /got "5"/],
  ["an empty commandId", { commandId: "" }, "commandId", /non-empty string/],
  [
    "a commandId that is too long",
    { commandId: "c".repeat(MAX_COMMAND_ID_LENGTH + 1) },
    "commandId",
    /1018 characters/,
  ],
  ["a commandId with a lone surrogate", { commandId: "\ud800" }, "commandId", /surrogate/],
  ["metadata that is no object", { metadata: "c" }, "metadata", /object of strings, got "c"/],
  ["metadata that is null", { metadata: null }, "metadata", /got null/],
  ["metadata with a number", { metadata: { userId: 7 } }, "metadata.userId", /expected a string, got 7/],
  ["no signal", { signal: {} }, "signal", /AbortSignal/],
  ["an unknown option", { comandId: "c" }, "comandId", /did you mean "commandId"/],
];

const HANDLE = await memoryStreamFactory().openStream("a");

describe("an invalid argument is refused with what was got, and nothing is stored", () => {
  test.each(FOLDS)("a fold with %s", async (_, fold, argument, message) => {
    await using streams = memoryStreamFactory();
    for (const call of [
      loadState(streams, wrong(fold), "a"),
      handle(streams, wrong(fold), "a", () => opened),
      ...(argument === "keeps" || argument.includes("snapshot") ? [] : [loadQuery(streams, wrong(fold), [])]),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument,
        message: expect.stringMatching(message),
      });
    }
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test.each([
    ["initial", { ...account, initial: async () => account.initial() }],
    ["evolve", { ...account, evolve: () => Promise.reject(new Error("never seen")) }],
  ])("a fold with an asynchronous %s", async (name, fold) => {
    await using streams = memoryStreamFactory();
    const a = await streams.openStream("a");
    await a.write(opened);
    const decide = () => expect.fail("decided on a promise");
    const everything = [{ field: "version", op: ">", value: 0 }] as const;
    for (const call of [
      loadState(streams, wrong(fold), "a"),
      loadState(streams, wrong(fold), "a", { cache: stateCache() }),
      loadQuery(streams, wrong(fold), everything),
      handle(streams, wrong(fold), "a", decide),
      handleQuery(streams, wrong(fold), everything, decide),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: `fold.${name}`,
        message: expect.stringContaining("it returned a promise"),
      });
    }
    expect((await a.metrics()).currentVersion).toBe(1);
  });

  test.each(OPTIONS)("%s", async (_, options, argument, message) => {
    await using streams = memoryStreamFactory();
    const expected = { code: "INVALID_ARGUMENT", argument, message: expect.stringMatching(message) };
    await expect(handle(streams, account, "a", () => opened, wrong(options))).rejects.toMatchObject(expected);
    await expect(
      handleQuery(streams, account, [], () => [{ streamId: "a", events: opened }], wrong(options)),
    ).rejects.toMatchObject(expected);
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test.each([
    ["nothing", undefined, /expected a store, got undefined/],
    ["null", null, /expected a store, got null/],
    ["an object that is no store", {}, /expected a store, got an object/],
    ["a stream handle", HANDLE, /expected a store, got a stream handle/],
  ])("%s as the store", async (_, streams, message) => {
    for (const call of [
      loadState(wrong(streams), account, "a"),
      loadQuery(wrong(streams), account, []),
      handle(wrong(streams), account, "a", () => opened),
      handleQuery(wrong(streams), account, [], () => [{ streamId: "a", events: opened }]),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "streams",
        message: expect.stringMatching(message),
      });
    }
  });

  test.each([
    ["nothing", undefined, /an event or a list of events, \[\] for none; got undefined/],
    ["null", null, /got null/],
    ["a text", "Opened", /got "Opened"/],
    ["an object that is no event", { kind: "Opened" }, /got an object without "type"/],
    ["a Date", new Date(0), /got an instance of Date/],
    ["an object that cannot be looked at", revoked(), /got an object that cannot be looked at/],
    ["a list that cannot be looked at", revoked([]), /got an object that cannot be looked at/],
    ["a function", () => opened, /got a function/],
    ["a function that cannot be looked at", revoked(() => opened), /got a function/],
  ])("a decision that is %s, with the command and the store", async (_, decision, reason) => {
    await using streams = memoryStreamFactory();
    await expect(handle(streams, account, "a", () => wrong(decision))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "decide",
      message: expect.stringMatching(
        new RegExp(`^Cannot handle a command on stream "a" in memory: .*${reason.source}`),
      ),
    });
    await expect(handleQuery(streams, account, [], () => wrong(decision))).rejects.toMatchObject({
      argument: "decide",
      message: expect.stringMatching(/^Cannot handle a command on a query in memory: /),
    });
  });

  test("a decision on a query whose write has what is no event, with its place", async () => {
    await using streams = memoryStreamFactory();
    const writes = [{ streamId: "a", events: opened }, wrong({ streamId: "b", events: { data: 1 } })];
    await expect(handleQuery(streams, account, [], () => writes)).rejects.toMatchObject({
      argument: "decide",
      message: expect.stringContaining("events of write 1 has to be an event or a list of events, [] for none; got an"),
    });
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("a decision with something that is no event, or a wrong one, is the error of the write", async () => {
    await using streams = memoryStreamFactory();
    for (const options of [{}, { commandId: "c", metadata: { correlationId: "c" } }]) {
      const unreadable = [revoked(), revoked(() => opened)];
      for (const event of [
        undefined,
        "Opened",
        ...unreadable,
        { type: "Opened" },
        { ...deposited(1), metadata: "text" },
      ]) {
        const command = handle(streams, account, "a", () => wrong([opened, event]), options);
        await expect(command).rejects.toMatchObject({ code: "INVALID_EVENT", eventIndex: 1 });
      }
    }
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("an event with a key of its own in a command with an id", async () => {
    await using streams = memoryStreamFactory();
    const decided = [opened, { ...deposited(1), idempotencyKey: "mine" }];
    await expect(handle(streams, account, "a", () => decided, { commandId: "c" })).rejects.toMatchObject({
      argument: "decide",
      message: expect.stringMatching(/event 1 has the idempotencyKey "mine"; commandId gives the keys/),
    });
    expect(await handle(streams, account, "a", () => decided)).toMatchObject({ written: 2 });
    expect(await handle(streams, account, "a", () => decided.slice(1))).toMatchObject({ version: 2, written: 0 });
  });

  test("the first of several: a fold and a stream's id that were swapped", async () => {
    await using streams = memoryStreamFactory();
    const fold = /a stream: invalid fold: expected \{ name, initial, evolve \}, got "a"\.$/;
    for (const call of [
      handle(streams, wrong("a"), wrong(account), () => opened, wrong({ attempt: 1 })),
      loadState(streams, wrong("a"), wrong(account), wrong({ upTo: 1 })),
    ])
      await expect(call).rejects.toMatchObject({ argument: "fold", message: expect.stringMatching(fold) });
    const id = /a stream: invalid streamId: expected a non-empty string, got a function\.$/;
    const decide = wrong(() => opened);
    await expect(handle(streams, account, decide, wrong("a"))).rejects.toMatchObject({
      argument: "streamId",
      message: expect.stringMatching(id),
    });
  });

  test("other arguments", async () => {
    await using streams = memoryStreamFactory();
    const refused = async (call: Promise<unknown>, argument: string, message: RegExp) =>
      expect(call).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument,
        message: expect.stringMatching(message),
      });
    await refused(loadState(streams, account, "@all"), "streamId", /loadQuery/);
    await refused(
      handle(streams, account, "@all", () => opened),
      "streamId",
      /no single stream/,
    );
    await refused(
      handle(streams, account, wrong(7), () => opened),
      "streamId",
      /got 7/,
    );
    // No message can have it as JSON.
    const id = wrong(7n);
    await refused(
      handle(streams, account, id, () => opened),
      "streamId",
      /^Cannot handle a command on a stream: .* got a BigInt/,
    );
    await refused(loadState(streams, account, id), "streamId", /^Cannot load the state of a stream: .* got a BigInt/);
    await refused(handle(streams, account, "a", wrong(undefined)), "decide", /expected a function, got undefined/);
    await refused(handle(streams, account, "a", wrong("d")), "decide", /got "d"/);
    await refused(
      handle(streams, account, "a", () => opened, { cache: wrong(new Map()) }),
      "cache",
      /stateCache\(\)/,
    );
    await refused(loadState(streams, account, "a", { cache: wrong({ clear() {} }) }), "cache", /stateCache\(\)/);
    await refused(loadState(streams, account, "a", { atVersion: -1 }), "atVersion", /got -1/);
    await refused(loadState(streams, account, "a", wrong({ upTo: 1 })), "upTo", /no such option/);
    await refused(loadQuery(streams, account, [], wrong({ upTo: 1 })), "upTo", /no such option/);
    for (const maxEntries of [0, 1.5, 2_000_000, "5"]) {
      expect(() => stateCache(wrong({ maxEntries }))).toThrow(
        /Invalid maxEntries: expected a whole number from 1 to 1000000/,
      );
    }
  });
});
