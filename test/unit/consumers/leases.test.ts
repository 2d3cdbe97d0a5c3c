import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { type StoredEvent, TransactionError } from "../../../index.js";
import { CONSUMER_GROUPS_SPACE, CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { type ConsumerDefinition, consume, parked, retryParked, TerminalError } from "../../../src/consumers/index.js";
import { storeAccessOf } from "../../../src/transaction/store-access.js";
import { viewOf } from "../../../src/view/store-view.js";
import { inRecords, overwrite } from "./support/lease-records.js";
import { listOf, numbered, STORES, writeToStreams } from "./support/stores.js";

const A_DAY_MS = 86_400_000;
const LEASE_MS = 100;

/** A process that is suspended. */
function standStill(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

/** Resolves with the next message of a kind. */
function nextMessage(kind: string): Promise<void> {
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      if ((message as { kind: string }).kind !== kind) return;
      unsubscribe("async-streams:consumer", listener);
      resolve();
    };
    subscribe("async-streams:consumer", listener);
  });
}

describe.each(STORES)("the leases of a consumer over %s", (_, open) => {
  test.each([1, 2])(
    "of a process that is gone end, although its clock was a day ahead, with partitions: %i",
    async (partitions) => {
      await using streams = await open();
      const handled: unknown[] = [];
      const start = () =>
        consume(
          streams,
          { name: "all", startFrom: "beginning", handle: async ({ data }: StoredEvent) => void handled.push(data) },
          { leaseMs: LEASE_MS, partitions },
        );
      await (await start()).stop();
      const untilMs = Date.now() + A_DAY_MS;
      await overwrite(streams, CONSUMER_GROUPS_SPACE, "all", { members: { gone: { untilMs, leaseMs: LEASE_MS } } });
      for (let index = 0; index < partitions; index += 1) {
        await overwrite(streams, CONSUMERS_SPACE, `all/${index}`, { owner: "gone", untilMs });
      }
      const position = await writeToStreams(streams, 4);

      await using heir = await start();
      await heir.whenProcessed(position);
      expect([...handled].sort()).toEqual([0, 1, 2, 3]);
    },
  );

  test("that another owner had meanwhile are taken back where its record says, not at their own old place", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([numbered(1), numbered(2)]);
    const handled: [string, unknown][] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const start = (owner: string, leaseMs: number) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data }: StoredEvent) => {
            handled.push([owner, data]);
            if (owner === "first" && data === 2) await held;
          },
        },
        { leaseMs, checkpointEvery: { events: 1 } },
      );
    // It does not renew its lease for a long time, and the other has little patience.
    await using first = await start("first", 60_000);
    await expect.poll(() => handled.length).toBe(2);
    const second = await start("second", 50);
    await a.write([numbered(3), numbered(4)]);
    await second.whenProcessed(4);
    await second.stop();

    release();
    // It looks at the records.
    await retryParked(streams, "all");
    await a.write(numbered(5));
    await first.whenProcessed(5);
    expect(handled).toEqual([
      ["first", 1],
      ["first", 2],
      ["second", 2],
      ["second", 3],
      ["second", 4],
      ["first", 5],
    ]);
  });

  test("that were lost meanwhile leave the attempt that they end uncounted", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(numbered(1));
    const attempts: [string, number][] = [];
    const fail: (() => void)[] = [];
    const start = (owner: string, leaseMs: number) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: (_event, { attempt }) => {
            attempts.push([owner, attempt]);
            if (attempts.length > 2) return Promise.resolve();
            return new Promise((_, reject) => fail.push(() => reject(new Error("broken"))));
          },
        },
        { leaseMs, retry: { attempts: 2, minDelayMs: 0, maxDelayMs: 0 } },
      );
    // It does not renew its lease for a long time, and the other has little patience.
    await using first = await start("first", 60_000);
    await expect.poll(() => attempts.length).toBe(1);
    await using second = await start("second", 50);
    await expect.poll(() => attempts.length).toBe(2);
    fail[0]?.();
    await first.stop();
    fail[1]?.();
    await second.whenProcessed(1);
    expect(attempts).toEqual([
      ["first", 1],
      ["second", 1],
      ["second", 2],
    ]);
    expect(await listOf(parked(streams, "all"))).toEqual([]);
  });

  test.each([true, false])(
    "are looked at again between the read of a parked event and its attempt, with a loss that was noticed: %s",
    async (isNoticed) => {
      await using streams = await open();
      let afterRead = async (): Promise<void> => undefined;
      const view = viewOf(streams, {
        afterRead: async (events) => {
          await afterRead();
          return { events };
        },
      });
      let isBroken = true;
      const tokens: number[] = [];
      await using consumer = await consume(
        view,
        {
          name: "all",
          startFrom: "beginning",
          handle: async (_event, { fencingToken }) => {
            tokens.push(fencingToken);
            if (isBroken) throw new TerminalError("broken");
          },
        },
        { leaseMs: LEASE_MS },
      );
      await consumer.whenProcessed((await (await streams.openStream("a")).write(numbered(1))).position);
      isBroken = false;
      const lost = nextMessage("lease lost");
      afterRead = async () => {
        afterRead = async () => undefined;
        await overwrite(streams, CONSUMERS_SPACE, "all/0", { owner: "gone", untilMs: Date.now() + LEASE_MS });
        if (isNoticed) await lost;
        else standStill(LEASE_MS);
      };
      await retryParked(streams, "all");

      await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
      // Only the owner of the partition has tried it: this process once it had taken it back.
      expect(tokens.length).toBe(2);
      expect(tokens[1]).toBeGreaterThan(tokens[0] as number);
    },
  );

  test.each([true, false])(
    "are looked at again where an event is read again before it is retried, with a loss that was noticed: %s",
    async (isNoticed) => {
      await using streams = await open();
      let generation = 0;
      let afterRead = async (): Promise<void> => undefined;
      const view = viewOf(streams, {
        heldGeneration: () => generation,
        afterRead: async (events) => {
          await afterRead();
          return { events };
        },
      });
      const lost = nextMessage("lease lost");
      const tokens: number[] = [];
      await using consumer = await consume(
        view,
        {
          name: "all",
          startFrom: "beginning",
          handle: async (_event, { fencingToken }) => {
            tokens.push(fencingToken);
            if (tokens.length > 1) return;
            generation += 1;
            afterRead = async () => {
              afterRead = async () => undefined;
              await overwrite(streams, CONSUMERS_SPACE, "all/0", { owner: "gone", untilMs: Date.now() + LEASE_MS });
              if (isNoticed) await lost;
              else standStill(LEASE_MS);
            };
            throw new Error("broken");
          },
        },
        { leaseMs: LEASE_MS, retry: { minDelayMs: 0, maxDelayMs: 0 } },
      );
      await consumer.whenProcessed((await (await streams.openStream("a")).write(numbered(1))).position);
      // Only the owner of the partition has tried it: this process once it had taken it back.
      expect(tokens.length).toBe(2);
      expect(tokens[1]).toBeGreaterThan(tokens[0] as number);
    },
  );

  test.each(["handle", "transact"] as const)(
    "are kept with %s when the process was suspended in a transaction of the consumer, whose time is over",
    async (mode) => {
      await using streams = await open();
      const attempts: number[] = [];
      const failures: unknown[] = [];
      await using consumer = await consume(
        streams,
        {
          name: "all",
          types: ["Numbered"],
          startFrom: "beginning",
          [mode]: async (_event: StoredEvent, ...context: { attempt: number }[]) => {
            attempts.push(context.at(-1)?.attempt ?? 0);
          },
        } as ConsumerDefinition,
        { leaseMs: LEASE_MS, checkpointEvery: { events: 1 }, onError: ({ error }) => failures.push(error) },
      );
      const { storage } = storeAccessOf(streams, "test");
      const transact = storage.transact.bind(storage);
      let calls = 0;
      let lates = 0;
      storage.transact = (work, options) => {
        calls += 1;
        if (calls % 2 === 0) return transact(work, options);
        lates += 1;
        return Promise.reject(new TransactionError("TRANSACTION_TIMEOUT", "took longer than timeoutMs"));
      };
      const a = await streams.openStream("a");
      for (let number = 1; number <= 3; number += 1) {
        await consumer.whenProcessed((await a.write(numbered(number))).position);
      }
      const before = lates;
      // A renewal meets it too.
      await expect.poll(() => lates).toBeGreaterThan(before + 2);
      await consumer.whenProcessed((await a.write(numbered(4))).position);
      storage.transact = transact;
      expect(attempts).toEqual([1, 1, 1, 1]);
      expect(failures).toEqual([]);
    },
  );

  test("and what comes of its events are told on a diagnostics channel", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([numbered(1), numbered(2), numbered(3)]);
    const messages: Record<string, unknown>[] = [];
    const listener = (message: unknown): void => void messages.push(message as Record<string, unknown>);
    subscribe("async-streams:consumer", listener);
    try {
      await using consumer = await consume(
        streams,
        {
          name: "told",
          startFrom: "beginning",
          handle: async ({ data }: StoredEvent, { attempt }) => {
            if (data === 2 && attempt === 1) throw new Error("not yet");
            if (data === 3) throw new TerminalError("never");
          },
        },
        { retry: { minDelayMs: 0, maxDelayMs: 0 } },
      );
      await consumer.whenProcessed(3);
      await overwrite(streams, CONSUMERS_SPACE, "told/0", { owner: "another", untilMs: Date.now() + A_DAY_MS });
      await retryParked(streams, "told");
      await expect.poll(() => messages.at(-1)?.kind).toBe("lease lost");
    } finally {
      unsubscribe("async-streams:consumer", listener);
    }
    expect(messages.every(({ consumer }) => consumer === "told")).toBe(true);
    const [durationMs, fencingToken] = [expect.any(Number), expect.any(Number)];
    expect(messages).toMatchObject([
      { kind: "lease taken", partition: 0, fencingToken },
      { kind: "handled", event: { data: 1 }, attempt: 1, durationMs },
      { kind: "failed", event: { data: 2 }, attempt: 1, durationMs },
      { kind: "handled", event: { data: 2 }, attempt: 2, durationMs },
      { kind: "failed", event: { data: 3 }, attempt: 1, durationMs },
      { kind: "parked", event: { data: 3 }, error: "never" },
      { kind: "lease lost", partition: 0 },
    ]);
  });

  test("are given back by a stop, with the checkpoint", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 4);
    const consumer = await consume(
      streams,
      { name: "all", startFrom: "beginning", handle: async () => undefined },
      { partitions: 2 },
    );
    await consumer.whenProcessed(position);
    await consumer.stop();
    const rows = await inRecords(streams, (records) => records.list(CONSUMERS_SPACE));
    expect(rows.map(({ value }) => value)).toMatchObject([
      { owner: null, position },
      { owner: null, position },
    ]);
  });
});
