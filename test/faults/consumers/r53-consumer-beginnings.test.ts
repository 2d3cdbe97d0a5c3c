import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { consume, parked } from "../../../src/consumers/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import { recordOf } from "../../unit/consumers/support/lease-records.js";
import { listOf } from "../../unit/consumers/support/stores.js";
import type { AcknowledgingWriterConfig } from "../fixtures/acknowledging-writer.js";
import type { RetryingConfig } from "../fixtures/retrying-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { openStoreAt } from "../support/store-address.js";

const BACKENDS = backendsHere();

const EVENTS_BESIDE = 400;
/** So many are stored before the consumer begins. */
const EVENTS_BEFORE = 50;
/** The record keeps the place of the registration for as long as the test looks. */
const SELDOM = { events: 1_000_000, ms: 600_000 };
const PATIENCE = { timeout: 40_000, interval: 20 };

for (const backend of BACKENDS) {
  faultTest(
    `R53 a consumer over ${backend.name} that begins at the end misses no event, while another process appends in a loop`,
    { quick: 1, soak: 35 },
    async ({ rounds, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const config: AcknowledgingWriterConfig = { address };
        await using writer = startFixture("acknowledging-writer.ts", { args: [JSON.stringify(config)] });
        await writer.ready();
        writer.say(String(EVENTS_BESIDE));
        const begun = integer(1, EVENTS_BEFORE);
        await writer.waitFor(() => writer.lines.length > begun);

        const all = await streams.openStream("@all");
        const before = all.version;
        const seen: number[] = [];
        await using _ = await consume(
          streams,
          { name: "late", startFrom: "end", handle: async ({ position }) => void seen.push(position) },
          { checkpointEvery: SELDOM },
        );
        const registered = Number((await recordOf(streams, CONSUMERS_SPACE, "late/0"))?.position);
        const after = (await streams.openStream("@all")).version;
        await writer.waitFor(() => writer.lines.includes("done"));
        const last = (await streams.openStream("@all")).version;
        await expect.poll(() => seen.at(-1) ?? last, PATIENCE).toBe(last);
        expect(registered).toBeGreaterThanOrEqual(before);
        expect(registered).toBeLessThanOrEqual(after);
        expect(seen).toEqual(Array.from({ length: last - registered }, (_event, index) => registered + 1 + index));
        count("events handled", seen.length);
        count("events passed over", registered);
      }
    },
  );
}

/** So many streams, with so many events each. */
const PARKED = { streams: 4, events: 5 };

for (const backend of BACKENDS) {
  faultTest(
    `R53 what two processes release at the same time over ${backend.name} is handled by one at a time, once and in order`,
    { quick: 2, soak: 60 },
    async ({ rounds, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using folder = await createTempDir();
        await using created = await backend.createAddress();
        const config: RetryingConfig = { address: created.address, logPath: folder.file("handled.log") };
        await using streams = await openStoreAt(created.address);
        for (let stream = 0; stream < PARKED.streams; stream += 1) {
          const events = Array.from({ length: PARKED.events }, (_, index) => ({ type: "Numbered", data: index }));
          await (await streams.openStream(`s-${stream}`)).write(events);
        }
        const start = () => startFixture("retrying-process.ts", { args: [JSON.stringify(config)] });
        await using one = start();
        await using other = start();
        await Promise.all([one.ready(), other.ready()]);
        const parkedNow = async () => (await listOf(parked(streams, "shared"))).length;
        await expect.poll(parkedNow, PATIENCE).toBe(PARKED.streams * PARKED.events);

        for (const process of [one, other]) {
          process.say("repair");
          await process.waitFor(() => process.lines.includes("repaired"));
        }
        // The second call of each meets what the first ones have released.
        for (const process of [one, other, one, other]) process.say("retry");
        const answers = (process: NodeProcess) => process.lines.filter((line) => line.startsWith("released "));
        await Promise.all([one, other].map((process) => process.waitFor(() => answers(process).length === 2)));
        await expect.poll(parkedNow, PATIENCE).toBe(0);
        await expect
          .poll(() => notesIn(config.logPath).then(({ length }) => length), PATIENCE)
          .toBeGreaterThanOrEqual(2 * PARKED.streams * PARKED.events);
        expectOneAtATime(await notesIn(config.logPath));
        count("events released", PARKED.streams * PARKED.events);
      }
    },
  );
}

async function notesIn(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}

/** Each event has ended before another of its stream begins, and begins once. */
function expectOneAtATime(notes: readonly string[]): void {
  const ofStreams = new Map<string, string[]>();
  for (const note of notes) {
    const [kind = "", streamId = "", version] = note.split(" ");
    ofStreams.set(streamId, [...(ofStreams.get(streamId) ?? []), `${kind} ${version}`]);
  }
  expect(ofStreams.size).toBe(PARKED.streams);
  const once = Array.from({ length: PARKED.events }, (_, index) => [`begin ${index + 1}`, `end ${index + 1}`]).flat();
  for (const found of ofStreams.values()) expect(found).toEqual(once);
}
