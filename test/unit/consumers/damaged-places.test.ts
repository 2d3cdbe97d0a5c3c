import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { consume, dropConsumer, dropParked, parked, retryParked, TerminalError } from "../../../src/consumers/index.js";
import { collecting } from "./support/collecting.js";
import { overwrite } from "./support/lease-records.js";
import { listOf, STORES, type Store, writeToStreams } from "./support/stores.js";

const KEY = "mail/0000000000000001";
const CORRUPT = { code: "STORAGE_CORRUPT", message: expect.stringContaining(`"${KEY}" of "@parked"`) };

/** Has a consumer park the first event, and something damage its place. */
async function withDamagedPlace(open: () => Promise<Store>): Promise<Store> {
  const streams = await open();
  await writeToStreams(streams, 2);
  await using mail = await consume(streams, {
    name: "mail",
    startFrom: "beginning",
    handle: async ({ data }: StoredEvent) => {
      if (data === 0) throw new TerminalError("no address");
    },
  });
  await mail.whenProcessed(2);
  await overwrite(streams, "@parked", KEY, { streamId: 42, error: { no: "text" } });
  return streams;
}

describe.each(STORES)("a damaged place of a parked event over %s", (_, open) => {
  test("is named by what lists and retries, and can be given up", async () => {
    await using streams = await withDamagedPlace(open);
    await expect(listOf(parked(streams, "mail"))).rejects.toMatchObject(CORRUPT);
    await expect(retryParked(streams, "mail")).rejects.toMatchObject(CORRUPT);
    expect(await dropParked(streams, "mail", { position: 1 })).toBe(true);
    expect(await listOf(parked(streams, "mail"))).toEqual([]);
  });

  test("ends its consumer, which does not know what has to wait, and no other", async () => {
    await using streams = await withDamagedPlace(open);
    const handled: unknown[] = [];
    await using other = await consume(streams, collecting(handled, { name: "other" }));
    await using mail = await consume(streams, collecting([], { name: "mail" }));
    await expect(mail.ended).rejects.toMatchObject(CORRUPT);
    await other.whenProcessed(await writeToStreams(streams, 2, 2));
    expect(handled).toEqual([0, 1, 2, 3]);
  });

  test("is forgotten by a restart, and dropped with the consumer", async () => {
    await using streams = await withDamagedPlace(open);
    const handled: unknown[] = [];
    const again = await consume(streams, collecting(handled, { name: "mail", restart: "repaired" }));
    await again.whenProcessed(2);
    expect(handled).toEqual([0, 1]);
    await again.stop();
    await overwrite(streams, "@parked", KEY, { streamId: 42 });
    expect(await dropConsumer(streams, "mail")).toBe(true);
    expect(await dropParked(streams, "mail", { position: 1 })).toBe(false);
  });
});
