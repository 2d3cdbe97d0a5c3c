import fc from "fast-check";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type EventFilter, isStreamError, type StoredEvent, type Stream } from "../../../protocols/index.js";
import { matchesFilter } from "../../../src/filter/compile-filter.js";
import { parseFilter } from "../../../src/filter/parse-filter.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { hostileText } from "../support/hostile-values.js";
import { StoreWatchdog } from "../support/store-watchdog.js";

const texts = fc.record({ streamId: hostileText, type: hostileText, key: hostileText, projection: hostileText });

const field = fc.oneof(
  fc.constantFrom("type", "streamId", "data.text", "metadata.text"),
  hostileText.map((path) => `data.${path}`),
  hostileText,
);
const clause = fc.record({
  field,
  op: fc.oneof({ weight: 9, arbitrary: fc.constantFrom("=", "!=", "<", ">=", "like", "prefix") }, hostileText),
  value: fc.oneof(hostileText, hostileText, fc.integer(), fc.constant(null)),
});
const filter = fc.oneof(
  { weight: 3, arbitrary: clause.map((one) => [one]) },
  fc.array(clause, { maxLength: 3 }),
  fc.record({ field, op: fc.constant("in"), value: fc.array(hostileText, { maxLength: 3 }) }).map((one) => [one]),
) as fc.Arbitrary<EventFilter>;

/** What the call comes to, where the only failure with an excuse is a refusal that says what is wrong. */
async function orRefused<T>(call: () => Promise<T>): Promise<T | "refused"> {
  try {
    return await call();
  } catch (error) {
    expect(isStreamError(error) ? error.code : String(error)).toMatch(/^INVALID_|^READ_ONLY_STREAM$|_CONFLICT$/);
    return "refused";
  }
}

async function read(stream: Stream, given?: EventFilter): Promise<StoredEvent[]> {
  const found: StoredEvent[] = [];
  for await (const event of stream.read({ filter: given })) found.push(event);
  return found;
}

faultTest("R21 no text that is handed in becomes SQL", { quick: 300, soak: 7_000 }, async (laboratory) => {
  const { rounds, seed, count } = laboratory;
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  const driver = DRIVER_NAMES[seed % DRIVER_NAMES.length] as DriverName;
  await using streams = await sqliteStreamFactory(path, { driver });
  await using watchdog = await StoreWatchdog.open(path, DRIVERS[driver]);

  const property = fc.asyncProperty(texts, filter, async ({ streamId, type, key, projection }, given) => {
    const before = await watchdog.count(streamId);
    const stream = await orRefused(() => streams.openStream(streamId));
    if (stream === "refused") return count("names refused");
    const data = { text: type, [key]: streamId };
    const event = { type, data, metadata: { text: key }, idempotencyKey: key };
    const outcome = await orRefused(() => stream.write(event));
    const written = outcome === "refused" ? 0 : outcome.written;
    expect(await watchdog.count(streamId)).toEqual({ all: before.all + written, inStream: before.inStream + written });

    const stored = await read(stream);
    if (written === 1) expect(stored.at(-1)).toMatchObject({ streamId, type, id: key, data, metadata: { text: key } });
    const matching = await orRefused(() => read(stream, given));
    if (matching !== "refused") {
      const clauses = parseFilter(given);
      expect(matching).toEqual(stored.filter((one) => matchesFilter(one, clauses)));
    }
    if ((await orRefused(() => stream.snapshot(data, { projection }))) !== "refused") {
      expect(await stream.loadSnapshot({ projection })).toMatchObject({ streamId, projection, state: data });
    }
    await stream[Symbol.asyncDispose]();
    count("events stored", written);
    count(matching === "refused" ? "filters refused" : "filters applied");
  });
  await fc.assert(property, { numRuns: rounds, seed });
  expect(await watchdog.findings()).toEqual([]);
});
