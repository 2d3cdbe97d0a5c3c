import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { type ConsumerDefinition, consume, dropConsumer, parked, TerminalError } from "../../../src/consumers/index.js";
import { collecting } from "./support/collecting.js";
import { listOf, numbered, STORES, writeToStreams } from "./support/stores.js";

describe.each(STORES)("a start over %s", (_, open) => {
  test.each([
    ["beginning", [0, 1, 2, 3]],
    ["end", [3]],
    [2, [2, 3]],
    [0, [0, 1, 2, 3]],
  ] as const)("from %s handles what comes after it", async (startFrom, expected) => {
    await using streams = await open();
    await writeToStreams(streams, 3);
    const handled: unknown[] = [];
    await using consumer = await consume(streams, collecting(handled, { startFrom }));
    await (await streams.openStream("a")).write(numbered(3));
    await consumer.whenProcessed(4);
    expect(handled).toEqual(expected);
  });

  test.each(["handle", "transact"])("of an object of a class calls its %s", async (kind) => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    class Collector {
      readonly name = "all";
      readonly startFrom = "beginning";
      readonly #handled: unknown[] = [];
      get handled(): readonly unknown[] {
        return this.#handled;
      }
      async take({ data }: StoredEvent): Promise<void> {
        this.#handled.push(data);
      }
    }
    class Handling extends Collector {
      handle(event: StoredEvent): Promise<void> {
        return this.take(event);
      }
    }
    class Transacting extends Collector {
      transact(event: StoredEvent): Promise<void> {
        return this.take(event);
      }
    }
    const collector = kind === "handle" ? new Handling() : new Transacting();
    await using consumer = await consume(streams, collector);
    await consumer.whenProcessed(2);
    expect(collector.handled).toEqual([0, 1]);
  });

  test("with a new restart begins again, once for each text", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const handled: unknown[] = [];
    for (const restart of [undefined, "fixed", "fixed", "again"]) {
      await using consumer = await consume(streams, collecting(handled, restart === undefined ? {} : { restart }));
      await consumer.whenProcessed(2);
    }
    expect(handled).toEqual([0, 1, 0, 1, 0, 1]);
  });

  test("with a new restart forgets what is parked, and may begin at the end", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const handled: unknown[] = [];
    const failing = { handle: () => Promise.reject(new TerminalError("broken")) };
    const first = await consume(streams, collecting([], failing as Partial<ConsumerDefinition>));
    await first.whenProcessed(2);
    await first.stop();
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);

    await using consumer = await consume(streams, collecting(handled, { restart: "skip them", startFrom: "end" }));
    expect(await listOf(parked(streams, "all"))).toEqual([]);
    const position = await writeToStreams(streams, 1, 2);
    await consumer.whenProcessed(position);
    expect(handled).toEqual([2]);
    expect(await consumer.lag()).toMatchObject({ parked: 0 });
  });

  test("from the end misses nothing from its registration on, while others write", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    let isWriting = true;
    const writing = (async () => {
      for (let number = 1; isWriting; number += 1) {
        await a.write(numbered(number));
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const headNow = async () => (await streams.openStream("@all")).version;
    await expect.poll(headNow).toBeGreaterThan(2);

    const before = await headNow();
    const handled: number[] = [];
    await using consumer = await consume(streams, collecting(handled, { startFrom: "end" }));
    const after = await headNow();
    await expect.poll(() => handled.length).toBeGreaterThan(2);
    isWriting = false;
    await writing;
    const last = await headNow();
    await consumer.whenProcessed(last);
    const [first = 0] = handled;
    expect(first).toBeGreaterThan(before);
    expect(first).toBeLessThanOrEqual(after + 1);
    expect(handled).toEqual(Array.from({ length: last - first + 1 }, (_event, index) => first + index));
  });

  test("hands over a deletion where its type is wanted, and no event of the library else", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(numbered(1));
    await streams.deleteStream("a");
    const { position } = await (await streams.openStream("b")).write(numbered(2));
    const [all, deletions]: string[][] = [[], []] as const;
    const noting = (name: string, types: string[]) => ({
      name,
      handle: async ({ type, streamId }: StoredEvent) => void types.push(`${type} of ${streamId}`),
    });
    await using first = await consume(streams, collecting([], noting("all", all)));
    const wanted = { ...noting("deletions", deletions), types: ["@deleted"] };
    await using second = await consume(streams, collecting([], wanted));
    await first.whenProcessed(position);
    await second.whenProcessed(position);
    expect(all).toEqual(["Numbered of b"]);
    expect(deletions).toEqual(["@deleted of a"]);
  });

  test("hands over what its own transactions write, too", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1, 3);
    const handled: unknown[] = [];
    await using _consumer = await consume(streams, {
      name: "countdown",
      startFrom: "beginning",
      transact: async ({ data }, tx) => {
        handled.push(data);
        if ((data as number) > 0) await tx.write("s-0", numbered((data as number) - 1));
      },
    });
    await expect.poll(() => handled).toEqual([3, 2, 1, 0]);
  });

  test("hands over only what types and filter let through", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([
      { type: "A", data: { n: 1 } },
      { type: "B", data: { n: 2 } },
      { type: "A", data: { n: 3 } },
    ]);
    const handled: unknown[] = [];
    await using consumer = await consume(
      streams,
      collecting(handled, { types: ["A"], filter: [{ field: "data.n", op: ">", value: 1 }] }),
    );
    await consumer.whenProcessed(3);
    expect(handled).toEqual([{ n: 3 }]);
  });

  test("behind the last position is refused, and nothing is registered", async () => {
    await using streams = await open();
    await writeToStreams(streams, 3);
    const started = consume(streams, collecting([], { startFrom: 7 }));
    await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "startFrom" });
    expect(await dropConsumer(streams, "all")).toBe(false);
  });
});
