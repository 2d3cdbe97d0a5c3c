import { expect } from "vitest";
import { sql } from "../../../index.js";
import { type Projection, runProjections, whenProcessed } from "../../../projections.js";
import type { AcknowledgingWriterConfig } from "../fixtures/acknowledging-writer.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type EitherStore, openStoreAt, type StoreAddress } from "../support/store-address.js";

const BACKENDS = backendsHere();

const WRITERS = 4;
const EVENTS_PER_WRITER = 150;
const EVENTS_BEFORE = 1_000;

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
    const now = await countRows(streams);
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
  }
  return reads;
}

for (const backend of BACKENDS) {
  faultTest(
    `R61 readers over ${backend.name} see all rows of one version or the other, while the next is built under writers and swapped`,
    { quick: 1, soak: 9 },
    async ({ rounds, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const before = Array.from({ length: EVENTS_BEFORE }, (_, index) => ({ type: "Counted", data: index }));
        const { position } = await (await streams.openStream("before")).write(before);
        await using _old = await runProjections(streams, [rows(1)]);
        await whenProcessed(streams, "seen", position);

        const config: AcknowledgingWriterConfig = { address };
        const writers = Array.from({ length: WRITERS }, () =>
          startFixture("acknowledging-writer.ts", { args: [JSON.stringify(config)] }),
        );
        try {
          await Promise.all(writers.map((writer) => writer.ready()));
          const reading = new AbortController();
          const reads = readAgainAndAgain(address, EVENTS_BEFORE, reading.signal);
          for (const writer of writers) writer.say(String(EVENTS_PER_WRITER));
          await using next = await runProjections(streams, [rows(2)]);
          await Promise.all(writers.map((writer) => writer.waitFor(() => writer.lines.includes("done"))));
          const last = (await streams.openStream("@all")).version;
          await expect
            .poll(() => next.status()[0], { timeout: 60_000 })
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
