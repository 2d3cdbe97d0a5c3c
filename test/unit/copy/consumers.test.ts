import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../protocols/index.js";
import { type ConsumerDefinition, consume, parked, TerminalError } from "../../../src/consumers/index.js";
import { copyStore } from "../../../src/copy/index.js";
import { counted, countedUpTo } from "../../conformance/support/sample-events.js";
import { itemsOf } from "./support/rich-store.js";

test("a consumer goes on at its place in the copy, and whoever runs it on the source holds up nobody there", async () => {
  await using from = memoryStreamFactory();
  await using to = await sqliteStreamFactory(":memory:");
  const handled: [string, string, number][] = [];
  const consumer = (where: string): ConsumerDefinition => ({
    name: "mail",
    startFrom: "beginning",
    handle: async ({ streamId, version }: StoredEvent) => {
      if (streamId === "bad" && where === "source") throw new TerminalError("not this one");
      handled.push([where, streamId, version]);
    },
  });
  await (await from.openStream("bad")).write(counted(1));
  await (await from.openStream("good")).write(countedUpTo(5));
  await using _ = await consume(from, consumer("source"), { checkpointEvery: { events: 1 } });
  await expect.poll(() => handled.length).toBe(5);

  await expect.poll(async () => (await parkedStreams(from)).length).toBe(1);
  await expect.poll(() => checkpointOf(from)).toBe(6);
  await copyStore(from, to);
  await using _there = await consume(to, consumer("copy"));
  await (await to.openStream("good")).write(counted(6));
  await expect.poll(() => handled.filter(([where]) => where === "copy")).toEqual([["copy", "good", 6]]);
  expect(await parkedStreams(to)).toEqual(["bad"]);
});

type Streams = Parameters<typeof parked>[0];

async function parkedStreams(streams: Streams): Promise<string[]> {
  const found: string[] = [];
  for await (const { streamId } of parked(streams, "mail")) found.push(streamId);
  return found;
}

async function checkpointOf(streams: object): Promise<unknown> {
  const records = await itemsOf(streams, "records");
  const [partition] = records.filter(({ space }) => space === "@consumers");
  return partition === undefined ? undefined : (JSON.parse(partition.value) as { position: number }).position;
}
