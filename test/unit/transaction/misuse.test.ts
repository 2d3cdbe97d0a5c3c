import { setImmediate as nextTurn } from "node:timers/promises";
import { firstValueFrom } from "rxjs";
import { describe, expect, test } from "vitest";
import {
  MemoryNotifier,
  MemoryStorageHandle,
  type MemoryStreamFactory,
  memoryStreamFactory,
} from "../../../adapters/memory/index.js";
import {
  applyRetention,
  createStreamFactory,
  type SQLiteStreamFactory,
  sql,
  sqliteStreamFactory,
  type Transaction,
} from "../../../index.js";
import { migrate } from "../../../src/migrations/migrate.js";
import { createTempDir } from "../../support/temp-dir.js";

const EVENT = { type: "A", data: null };
const MISUSE = { name: "TransactionError", code: "TRANSACTION_MISUSE" };

/** A call of a service that knows of no transaction, several functions deep. */
type Call = (streams: MemoryStreamFactory) => Promise<() => Promise<unknown>>;

async function deepBelow(call: () => Promise<unknown>): Promise<unknown> {
  await nextTurn();
  return (async () => call())();
}

const CALLS: readonly (readonly [string, RegExp, Call])[] = [
  [
    "stream.write",
    /stream\.write on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return () => stream.write(EVENT);
    },
  ],
  [
    "stream.read",
    /stream\.read on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return async () => {
        for await (const _ of stream.read()) break;
      };
    },
  ],
  [
    "stream.watch, iterated",
    /stream\.watch on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return async () => {
        for await (const _ of stream.watch({ after: 0 })) break;
      };
    },
  ],
  [
    "stream.watch, subscribed to",
    /stream\.watch on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return () => firstValueFrom(stream.watch({ after: 0 }));
    },
  ],
  [
    "stream.metrics",
    /stream\.metrics on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return () => stream.metrics();
    },
  ],
  [
    "stream.snapshot",
    /stream\.snapshot on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return () => stream.snapshot(1);
    },
  ],
  [
    "stream.loadSnapshot",
    /stream\.loadSnapshot on "a"/,
    async (streams) => {
      const stream = await streams.openStream("a");
      return () => stream.loadSnapshot();
    },
  ],
  ["openStream", /openStream on "a"/, async (streams) => () => streams.openStream("a")],
  ["transaction", /Cannot call transaction in memory/, async (streams) => () => streams.transaction(async () => 1)],
  ["writeAll", /Cannot call writeAll in memory/, async (streams) => () => streams.writeAll([{ streamId: "a" }])],
  ["query", /Cannot call query in memory/, async (streams) => () => streams.query(sql`SELECT 1`)],
  ["listStreams", /Cannot call listStreams in memory/, async (streams) => () => iterate(streams.listStreams())],
  ["describeStream", /describeStream on "a"/, async (streams) => () => streams.describeStream("a")],
  ["setStreamMetadata", /setStreamMetadata on "a"/, async (streams) => () => streams.setStreamMetadata("a", {})],
  ["pruneStream", /pruneStream on "a"/, async (streams) => () => streams.pruneStream("a", { before: 1 })],
  ["deleteStream", /deleteStream on "a"/, async (streams) => () => streams.deleteStream("a")],
  ["reclaim", /Cannot call reclaim in memory/, async (streams) => () => streams.reclaim()],
  [
    "applyRetention",
    /Cannot call applyRetention in memory/,
    async (streams) => () => iterate(applyRetention(streams, [{ prefix: "", maxEvents: 1 }])),
  ],
  ["migrate", /Cannot call migrate in memory/, async (streams) => () => migrate(streams, [])],
  ["the factory's disposal", /the disposal of the factory/, async (streams) => () => streams[Symbol.asyncDispose]()],
];

async function iterate(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items) break;
}

/** As long as the time of a test: a call that is not refused at once would not be refused in time. */
const LONG = { timeoutMs: 60_000 };

describe("where misuse is looked for", () => {
  test.each(CALLS)("%s inside a callback is refused at once, and the store goes on", async (_, message, prepare) => {
    await using streams = memoryStreamFactory({ findMisuse: true });
    const call = await prepare(streams);
    const misused = streams.transaction(async (tx) => {
      await tx.write("b", EVENT);
      await deepBelow(call);
    }, LONG);

    await expect(misused).rejects.toMatchObject({ ...MISUSE, message: expect.stringMatching(message) });
    expect((await streams.openStream("b")).version).toBe(0);
    expect(await streams.transaction((tx) => tx.write("b", EVENT))).toMatchObject({ version: 1 });
  });

  describe.each([":memory:", "a file"])("over SQLite in %s", (place) => {
    test.each<[string, (streams: SQLiteStreamFactory, copy: string) => Promise<unknown>]>([
      ["verify", (streams) => streams.verify()],
      ["backup", (streams, copy) => streams.backup(copy)],
    ])("%s is refused too, and works later", async (name, call) => {
      await using folder = await createTempDir();
      const path = place === ":memory:" ? place : folder.file("store.db");
      await using streams = await sqliteStreamFactory(path, { findMisuse: true });
      const misused = streams.transaction(() => deepBelow(() => call(streams, folder.file("copy.db"))), LONG);

      await expect(misused).rejects.toMatchObject({ ...MISUSE, message: expect.stringContaining(`call ${name} in`) });
      expect(await call(streams, folder.file("copy.db"))).toMatchObject(
        name === "verify" ? { ok: true } : { events: 0 },
      );
    });

    test("a disposal that is refused leaves the store as it was", async () => {
      await using folder = await createTempDir();
      const path = place === ":memory:" ? place : folder.file("store.db");
      await using streams = await sqliteStreamFactory(path, { findMisuse: true });
      await expect(streams.transaction(() => streams[Symbol.asyncDispose]())).rejects.toMatchObject(MISUSE);

      expect(await streams.verify()).toMatchObject({ ok: true });
    });
  });

  test("it dooms the transaction, even if its error is caught", async () => {
    await using streams = memoryStreamFactory({ findMisuse: true });
    const stream = await streams.openStream("a");
    const misused = streams.transaction(async (tx) => {
      await tx.write("b", EVENT);
      await stream.write(EVENT).catch(() => undefined);
    });

    await expect(misused).rejects.toMatchObject(MISUSE);
    expect((await streams.openStream("b")).version).toBe(0);
  });

  test("what a callback leaves running may call the factory once the transaction has ended", async () => {
    await using streams = memoryStreamFactory({ findMisuse: true });
    const stream = await streams.openStream("a");
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let late: Promise<unknown> | undefined;
    await streams.transaction(async () => {
      late = ended.then(() => stream.write(EVENT));
    });
    end();

    expect(await late).toMatchObject({ version: 1 });
  });

  test("the same holds when the transaction took too long", async () => {
    await using streams = memoryStreamFactory({ findMisuse: true });
    const stream = await streams.openStream("a");
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let late: Promise<unknown> | undefined;
    const stuck = streams.transaction(
      () => {
        late = ended.then(() => stream.write(EVENT));
        return late;
      },
      { timeoutMs: 20 },
    );
    await expect(stuck).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    end();

    expect(await late).toMatchObject({ version: 1 });
  });

  test("calls outside are none of it, also while the transaction runs", async () => {
    await using streams = memoryStreamFactory({ findMisuse: true });
    const stream = await streams.openStream("a");
    const running = streams.transaction(async () => nextTurn());

    expect(await Promise.all([stream.write(EVENT), running])).toMatchObject([{ version: 1 }, undefined]);
  });

  test("another factory may be called", async () => {
    await using streams = memoryStreamFactory({ findMisuse: true });
    await using others = memoryStreamFactory({ findMisuse: true });

    expect(await streams.transaction(() => others.transaction(async () => "inner"))).toBe("inner");
  });
});

describe("where misuse is not looked for", () => {
  const timesOut = async (call: Call) => {
    await using streams = memoryStreamFactory({ findMisuse: false });
    const inside = await call(streams);
    const failure = streams.transaction(() => inside(), { timeoutMs: 30 }).catch((error: unknown) => error);
    const error = (await failure) as Error & { readonly code: string };
    expect(await streams.transaction(async () => "goes on")).toBe("goes on");
    expect(error.code).toBe("TRANSACTION_TIMEOUT");
    return error.message;
  };

  test("the time limit ends the transaction, and names the write that waited", async () => {
    const message = await timesOut(async (streams) => {
      const stream = await streams.openStream("a");
      return () => stream.write(EVENT);
    });

    expect(message).toMatch(
      /^The transaction in memory took longer than timeoutMs \(30 ms\) and was rolled back\. Every writer waits for it/,
    );
    expect(message).toMatch(
      /Meanwhile stream\.write on "a" has waited for 0\.\d s, and goes on now that the transaction has ended; if it was awaited inside, use tx\.write\.$/,
    );
  });

  test("and it names a transaction inside the transaction, and not the outer one", async () => {
    const message = await timesOut(async (streams) => () => streams.transaction(async () => 1));

    expect(message.match(/transaction has waited/g)?.length).toBe(1);
    expect(message).toMatch(/use the callback's tx\.$/);
  });

  test("and it names a write to several streams", async () => {
    const message = await timesOut(
      async (streams) => () => streams.writeAll([{ streamId: "a", events: EVENT }, { streamId: "b" }]),
    );

    expect(message).toContain('writeAll (write to stream "a" and 1 other) has waited');
  });

  test("and it names a read of a store that cannot read meanwhile", async () => {
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    class OneConnection extends MemoryStorageHandle {
      override async readPage(query: Parameters<MemoryStorageHandle["readPage"]>[0]) {
        await ended;
        return super.readPage(query);
      }
    }
    const storage = new OneConnection();
    await using streams = createStreamFactory({ storage, notifier: new MemoryNotifier(storage), findMisuse: false });
    const stream = await streams.openStream("a");
    const stuck = streams.transaction(
      async () => {
        for await (const _ of stream.read()) break;
      },
      { timeoutMs: 30 },
    );

    await expect(stuck).rejects.toMatchObject({
      code: "TRANSACTION_TIMEOUT",
      message: expect.stringMatching(/stream\.read on "a" has waited/),
    });
    end();
  });

  test("and it names an administrative call, and a check of the store", async () => {
    const removing = await timesOut(async (streams) => {
      await (await streams.openStream("a")).write([EVENT, EVENT]);
      return () => streams.pruneStream("a", { before: 2 });
    });
    expect(removing).toContain('pruneStream on "a" has waited');
    await using streams = await sqliteStreamFactory(":memory:", { findMisuse: false });
    const stuck = streams.transaction(() => streams.verify(), { timeoutMs: 30 });

    await expect(stuck).rejects.toMatchObject({ message: expect.stringContaining("verify has waited") });
  });

  test("it does not name what has ended", async () => {
    const message = await timesOut(async (streams) => {
      const stream = await streams.openStream("a");
      return async () => {
        await stream.metrics();
        await new Promise(() => undefined);
      };
    });

    expect(message).not.toContain("Meanwhile");
  });
});

describe("calls that nobody awaits", () => {
  const unhandledDuring = async (work: () => Promise<void>): Promise<unknown[]> => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown): void => void unhandled.push(error);
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", listener);
    try {
      await work();
      for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    } finally {
      process.off("unhandledRejection", listener);
      for (const other of others) process.on("unhandledRejection", other);
    }
    return unhandled;
  };

  test("fail the transaction, and not the process", async () => {
    await using streams = memoryStreamFactory();
    const unhandled = await unhandledDuring(async () => {
      const failing = streams.transaction(async (tx) => {
        void tx.write("a", EVENT, { expectedVersion: 7 });
        void tx.write("a", { type: "", data: null });
        void tx.records.put("@mine", "k", {});
        void tx.sql.run(sql`SELECT 1`);
        void tx.require({ failIfEventsMatch: null as never });
        void tx.version("");
      });
      await expect(failing).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT" });
    });

    expect(unhandled).toEqual([]);
  });

  test("after a rollback are refused silently: the caller knows of the failure", async () => {
    await using streams = memoryStreamFactory();
    const unhandled = await unhandledDuring(async () => {
      let late: Transaction | undefined;
      const failing = streams.transaction(async (tx) => {
        late = tx;
        throw new Error("fails on purpose");
      });
      await expect(failing).rejects.toThrow("fails on purpose");
      void late?.write("a", EVENT);
    });

    expect(unhandled).toEqual([]);
  });

  test("after a commit are reported: their change is lost", async () => {
    await using streams = memoryStreamFactory();
    const unhandled = await unhandledDuring(async () => {
      let late: Transaction | undefined;
      await streams.transaction(async (tx) => {
        late = tx;
      });
      void late?.write("a", EVENT);
    });

    expect(unhandled).toMatchObject([
      {
        ...MISUSE,
        message:
          'Cannot write to stream "a" in memory: the transaction has ended. Nothing was changed; await every call of tx ' +
          "inside the callback.",
      },
    ]);
  });
});

test("findMisuse is true or false", () => {
  expect(() => memoryStreamFactory({ findMisuse: "yes" as never })).toThrow(
    /Invalid findMisuse: expected true or false/,
  );
});
