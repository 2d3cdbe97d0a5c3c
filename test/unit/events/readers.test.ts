import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { StoredEvent } from "../../../index.js";
import { type Fold, handle, loadState } from "../../../src/commands/index.js";
import { consume, parked, retryParked } from "../../../src/consumers/index.js";
import { type EventOf, event, typed } from "../../../src/events/index.js";
import {
  documents,
  type ProjectionStatus,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { listOf, STORES } from "../consumers/support/stores.js";
import { ALL_AS_3, dataOf, type OpenedV3, RELEASES, readAs3, release, writeAs, writeAsEach } from "./support/owners.js";

/** For a condition on a busy machine. */
const PATIENT = { timeout: 10_000 };

const collecting = (name: string, seen: unknown[]) => ({
  name,
  project: async (events: readonly StoredEvent[]) => void seen.push(...dataOf(events)),
});

const reader = (seen: unknown[]) => ({
  name: "reader",
  startFrom: "beginning" as const,
  handle: async ({ data }: StoredEvent) => void seen.push(data),
});

describe.each(STORES)("events of three releases, over %s", (_store, open) => {
  test("come at the version of the last to projections and consumers, whoever writes them", async () => {
    await using streams = await open();
    const newest = release(streams, 3);
    const seen = { behind: [] as unknown[], inline: [] as unknown[], handled: [] as unknown[] };
    await using _behind = await runProjections(newest, [collecting("behind", seen.behind)]);
    await using _inline = await runProjections(newest, [collecting("inside", seen.inline)], { mode: "inline" });
    await using consumer = await consume(newest, reader(seen.handled));
    const position = await writeAsEach(streams);
    await consumer.whenProcessed(position);
    for (const name of ["behind", "inside"]) await whenProcessed(streams, name, position);
    expect(seen).toEqual({ behind: ALL_AS_3, inline: ALL_AS_3, handled: ALL_AS_3 });
  });

  test("come at that version when they are tried again after they were parked", async () => {
    await using streams = await open();
    const handled: unknown[] = [];
    let isBroken = true;
    await using consumer = await consume(
      release(streams, 3),
      {
        name: "reader",
        startFrom: "beginning",
        transact: async ({ data }) => {
          if (isBroken) throw new Error("broken");
          handled.push(data);
        },
      },
      { retry: { attempts: 1 } },
    );
    const position = await writeAsEach(streams);
    await consumer.whenProcessed(position);
    expect((await listOf(parked(streams, "reader"))).length).toBe(3);
    isBroken = false;
    // Through the store as well as through its view.
    expect(await retryParked(streams, "reader")).toBe(3);
    await vi.waitFor(() => expect(handled).toEqual(ALL_AS_3), PATIENT);
  });

  test("fold into documents in the transaction of the write", async () => {
    await using streams = await open();
    const newest = release(streams, 3);
    const owners = documents<readonly string[], OpenedV3>({
      name: "owners",
      evolve: (document, { data }) => [...(document ?? []), ...data.owners],
    });
    await using _ = await runProjections(newest, [owners], { mode: "inline" });
    await writeAs(streams, 1, "ada");
    await writeAs(streams, 2, "bob");
    expect(await readDocument(streams, "owners", "a")).toEqual(["ada", "bob"]);
  });

  test("fold into a state, and those of a command with them as the schema returned them", async () => {
    await using streams = await open();
    const types = { ...RELEASES[3], Named: event(z.object({ name: z.string().trim() })) };
    const store = typed(streams, types);
    const names: Fold<readonly string[], EventOf<typeof types>> = {
      name: "names",
      initial: () => [],
      evolve: (state, each) => [...state, ...(each.type === "Opened" ? each.data.owners : [each.data.name])],
    };
    await writeAsEach(streams);
    expect(await loadState(store, names, "a")).toMatchObject({ state: ["ada", "bob", "eve"], version: 3 });
    const handled = await handle(store, names, "a", () => ({ type: "Named", data: { name: " fay " } }));
    expect(handled.state).toEqual(["ada", "bob", "eve", "fay"]);
  });

  test("written by a consumer of a view go through its catalogue", async () => {
    await using streams = await open();
    const failures: unknown[] = [];
    await using consumer = await consume(
      release(streams, 2),
      {
        name: "writer",
        startFrom: "beginning",
        transact: async ({ streamId }, tx) => {
          if (streamId === "a") await tx.write("b", { type: "Opened", data: { owner: "bob", currency: "EUR" } });
          if (streamId === "c") await tx.write("b", { type: "Opend", data: null });
        },
      },
      { retry: { attempts: 1 }, onError: ({ error }) => failures.push(error) },
    );
    await writeAs(streams, 1, "ada");
    const position = await writeAs(streams, 1, "eve", "c");
    await consumer.whenProcessed(position);
    const [copy] = await listOf((await streams.openStream("b")).read());
    expect(copy).toMatchObject({ data: { owner: "bob", currency: "EUR" }, metadata: { schemaVersion: 2 } });
    expect(failures).toMatchObject([{ code: "INVALID_EVENT", path: "type" }]);
  });

  test("stop a consumer of an older release at the first that it does not know, and the next one goes on there", async () => {
    await using streams = await open();
    const [old, young]: unknown[][] = [[], []] as const;
    await writeAs(streams, 1, "ada");
    await writeAs(streams, 2, "bob");
    await using stopping = await consume(release(streams, 2), reader(old), { checkpointEvery: { events: 1 } });
    const position = await writeAs(streams, 3, "eve");
    await writeAs(streams, 2, "dan");
    await expect(stopping.ended).rejects.toMatchObject({ code: "EVENT_VERSION", position });
    expect(old).toEqual([
      { owner: "ada", currency: "EUR" },
      { owner: "bob", currency: "EUR" },
    ]);
    expect(await stopping.lag()).toMatchObject({ events: 2, parked: 0 });
    await using next = await consume(release(streams, 3), reader(young));
    await next.whenProcessed(position + 1);
    expect(young).toEqual([readAs3("eve"), readAs3("dan")]);
  });

  test("stop a projection of an older release with the position, and one that knows them takes it over", async () => {
    await using streams = await open();
    const [old, young]: unknown[][] = [[], []] as const;
    const statuses: ProjectionStatus[] = [];
    await using _old = await runProjections(release(streams, 2), [collecting("owners", old)], {
      onStatus: (status) => statuses.push(status),
    });
    await writeAs(streams, 1, "ada");
    await writeAs(streams, 2, "bob");
    const position = await writeAs(streams, 3, "eve");
    await writeAs(streams, 2, "dan");
    const place = { position, streamId: "a", type: "Opened", message: expect.stringContaining("version 3") };
    const failed = { state: "failed", parked: 0, error: place };
    await vi.waitFor(() => expect(statuses.at(-1)).toMatchObject(failed), PATIENT);
    expect(old).toEqual([
      { owner: "ada", currency: "EUR" },
      { owner: "bob", currency: "EUR" },
    ]);
    await using _young = await runProjections(release(streams, 3), [collecting("owners", young)]);
    await whenProcessed(streams, "owners", position + 1);
    expect(young).toEqual([readAs3("eve"), readAs3("dan")]);
  });

  test("hold up no write of an older release that has an inline projection: the next that knows them catches up", async () => {
    await using streams = await open();
    const [old, young]: unknown[][] = [[], []] as const;
    const inline = { mode: "inline" } as const;
    {
      await using _old = await runProjections(release(streams, 2), [collecting("owners", old)], inline);
      await writeAs(streams, 3, "eve");
      await writeAs(streams, 2, "dan");
    }
    expect(old).toEqual([]);
    await using _young = await runProjections(release(streams, 3), [collecting("owners", young)], inline);
    const position = await writeAs(streams, 3, "fay");
    await whenProcessed(streams, "owners", position);
    expect(young).toEqual([readAs3("eve"), readAs3("dan"), readAs3("fay")]);
  });

  test("share a commit with others, of which one that the catalogue refuses fails alone", async () => {
    await using streams = await open();
    const newest = release(streams, 3);
    const written = [1, 2, 3, 4].map((number) =>
      newest.transaction(async (tx) => {
        await tx.write("a", { type: "Opened", data: readAs3(`${number}`) });
        if (number === 2) await tx.write("a", { type: "Opend", data: null });
      }),
    );
    const results = await Promise.allSettled(written);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
    expect(dataOf(await listOf((await newest.openStream("a")).read()))).toEqual(["1", "3", "4"].map(readAs3));
  });
});
