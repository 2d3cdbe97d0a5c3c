import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sql } from "../../../index.js";
import { type Projection, runProjections, whenProcessed } from "../../../projections.js";
import type { NodeProcess } from "../../support/node-process.js";
import type { AcknowledgingWriterConfig } from "../fixtures/acknowledging-writer.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type EitherStore, openStoreAt, type StoreAddress } from "../support/store-address.js";

const BACKENDS = backendsHere();

const WRITERS = 4;
/** How many events each writes before it is asked whether there is time for more. */
const EVENTS_A_TURN = 150;
/** A soak run has a minute of writes. */
const WRITING_MS = { quick: 0, soak: 60_000 };
const LIVE_WITHIN_MS = { quick: 60_000, soak: 300_000 };
const EVENTS_BEFORE = { quick: 1_000, soak: 50_000 };
const EVENTS_A_WRITE = 1_000;
const READ_EVERY_MS = 5;

/** One row for each event. The second version keeps more of it. */
const rows = (version: 1 | 2): Projection => ({
  name: "seen",
  version,
  async tables({ sql: db, table }) {
    await (version === 1
      ? db.run(sql`CREATE TABLE ${table("seen")} (position INTEGER PRIMARY KEY)`)
      : db.run(sql`CREATE TABLE ${table("seen")} (position INTEGER PRIMARY KEY, stream TEXT NOT NULL)`));
  },
  async project(events, { sql: db, table }) {
    for (const { position, streamId } of events) {
      await (version === 1
        ? db.run(sql`INSERT INTO ${table("seen")} VALUES (${position})`)
        : db.run(sql`INSERT INTO ${table("seen")} VALUES (${position}, ${streamId})`));
    }
  },
});

const countRows = async (streams: EitherStore): Promise<number> =>
  (await streams.query<{ n: number }>(sql`SELECT count(*) AS n FROM seen`))[0]?.n ?? 0;

/** Counts the rows again and again: they never become fewer. @returns how often it did */
async function readAgainAndAgain(address: StoreAddress, fewest: number, signal: AbortSignal): Promise<number> {
  await using streams = await openStoreAt(address);
  let reads = 0;
  for (let before = fewest; !signal.aborted; reads += 1) {
    const next = delay(READ_EVERY_MS);
    const now = await countRows(streams);
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
    await next;
  }
  return reads;
}

/** Has a writer write for so long, and at least one turn. */
async function writeFor(writer: NodeProcess, writingMs: number): Promise<void> {
  const beganMs = performance.now();
  do {
    const linesBefore = writer.lines.length;
    writer.say(String(EVENTS_A_TURN));
    await writer.waitFor(() => writer.lines.length > linesBefore && writer.lines.at(-1) === "done");
  } while (performance.now() - beganMs < writingMs);
}

for (const backend of BACKENDS) {
  faultTest(
    `R61 readers over ${backend.name} see all rows of one version or the other, while the next is built under writers and swapped`,
    { quick: 1, soak: 1 },
    async ({ rounds, size, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const written = Array.from({ length: EVENTS_A_WRITE }, (_, index) => ({ type: "Counted", data: index }));
        const before = await streams.openStream("before");
        while (before.version < EVENTS_BEFORE[size]) await before.write(written);
        await using _old = await runProjections(streams, [rows(1)]);
        await whenProcessed(streams, "seen", before.version, { timeoutMs: LIVE_WITHIN_MS[size] });

        const config: AcknowledgingWriterConfig = { address };
        const writers = Array.from({ length: WRITERS }, () =>
          startFixture("acknowledging-writer.ts", { args: [JSON.stringify(config)] }),
        );
        try {
          await Promise.all(writers.map((writer) => writer.ready()));
          const reading = new AbortController();
          const reads = readAgainAndAgain(address, before.version, reading.signal);
          const writing = Promise.all(writers.map((writer) => writeFor(writer, WRITING_MS[size])));
          await using next = await runProjections(streams, [rows(2)]);
          await writing;
          const last = (await streams.openStream("@all")).version;
          await expect
            .poll(() => next.status()[0], { timeout: LIVE_WITHIN_MS[size] })
            .toMatchObject({ state: "live", position: last });
          reading.abort();
          count("reads", await reads);
          count("events", last);
          const stored = await streams.query<{ position: number; stream: string }>(
            sql`SELECT * FROM seen ORDER BY position`,
          );
          const events: { position: number; stream: string }[] = [];
          for await (const { position, streamId } of (await streams.openStream("@all")).read()) {
            events.push({ position, stream: streamId });
          }
          expect(stored).toEqual(events);
        } finally {
          for (const writer of writers) await writer.kill();
        }
      }
    },
  );
}
