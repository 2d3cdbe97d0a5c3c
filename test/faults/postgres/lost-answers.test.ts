import { expect, test, vi } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM, isStreamError, type TransactionalStreamFactory } from "../../../protocols/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { CuttingProxy } from "../support/cutting-proxy.js";

const WRITERS = 8;
const WRITES = 40;
const CUT_INTERVAL_MS = 60;
/** On a busy machine sessions take about as long to open as the next cut is away. */
const MAX_CUTS = 80;

vi.setConfig({ testTimeout: 240_000 });

if (NO_POSTGRES === null) {
  const server = sharedServer();

  /** Writes numbers while connections are cut, and says what was acknowledged and what was not stored. */
  const writeWhileCut = async (write: (streams: TransactionalStreamFactory, id: string) => Promise<unknown>) => {
    const { port, url } = await server().then((started) => ({ port: started.port, url: started.url() }));
    await using proxy = await CuttingProxy.start(port);
    const schemas = ownSchemas();
    await using direct = await postgresStreamFactory(url, schemas);
    await using streams = await postgresStreamFactory(proxy.url, schemas);
    const stored: string[] = [];
    const refused: string[] = [];
    const cutting = setInterval(() => {
      if (proxy.cuts < MAX_CUTS) proxy.cut();
    }, CUT_INTERVAL_MS);
    const writeAll = async (writer: number): Promise<void> => {
      for (const number of wholeNumbers(1, WRITES)) {
        const id = `${writer}-${number}`;
        try {
          await write(streams, id);
          stored.push(id);
        } catch (error) {
          // Anything else, an unknown outcome included, fails the test.
          if (!isStreamError(error, "STORAGE_UNAVAILABLE")) throw error;
          refused.push(id);
        }
      }
    };
    try {
      await Promise.all(wholeNumbers(1, WRITERS).map(writeAll));
    } finally {
      clearInterval(cutting);
    }
    const events = await eventsOf(await direct.openStream(ALL_STREAM));
    const found = events.map(({ data }) => (data as { readonly id: string }).id);
    return { stored, refused, found, events, cuts: proxy.cuts };
  };

  const check = ({ stored, refused, found, events, cuts }: Awaited<ReturnType<typeof writeWhileCut>>): void => {
    expect(cuts).toBeGreaterThan(0);
    expect(stored.length + refused.length).toBe(WRITERS * WRITES);
    // What was acknowledged is there once, and what was reported as not stored never turns up.
    expect([...found].sort()).toEqual([...stored].sort());
    expect(events.map(({ position }) => position)).toEqual(wholeNumbers(1, events.length));
    for (const writer of wholeNumbers(1, WRITERS)) {
      const own = found.filter((id) => id.startsWith(`${writer}-`)).map((id) => Number(id.split("-")[1]));
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  };

  test("answers to appends that are lost with their connections are settled, and never guessed", async () => {
    check(
      await writeWhileCut(async (streams, id) => {
        const [writer] = id.split("-");
        await using stream = await streams.openStream(`writer-${writer}`);
        await stream.write({ type: "Written", data: { id } });
      }),
    );
  });

  test("answers to commits of transactions that are lost are settled, and never guessed", async () => {
    check(
      await writeWhileCut((streams, id) =>
        streams.transaction(async (tx) => {
          await tx.write("one", { type: "Written", data: { id } });
          await tx.records.put("written", id, { id });
        }),
      ),
    );
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
