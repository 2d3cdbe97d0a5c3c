import fc from "fast-check";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type CandidateEvent, isStreamError, type StoredEvent, type WriteOptions } from "../../../protocols/index.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import {
  HOSTILE_VALUES,
  hostileText,
  hostileValue,
  hostileVersion,
  isSameValue,
  made,
  throwing,
} from "../support/hostile-values.js";
import { StoreWatchdog } from "../support/store-watchdog.js";

type Make = fc.Arbitrary<() => unknown>;

/** Either something ordinary or something hostile, so that not every case fails at the first check. */
const orDefault = (hostile: Make, usual: unknown): Make =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(() => usual) }, { weight: 1, arbitrary: hostile });

/** What is no event at all, or throws when it is looked at. */
const HOSTILE_CANDIDATES: readonly (() => unknown)[] = [
  ...[null, 1, "event", [null], [[]], () => 1].map((value) => () => value),
  () => new Proxy({}, { get: throwing }),
  () => [{ type: "Usual", data: 1 }, new Proxy({}, { get: throwing })],
];

const fields = fc.record({
  type: orDefault(fc.oneof(made(hostileText), hostileValue), "Usual"),
  data: hostileValue,
  metadata: orDefault(hostileValue, null),
  idempotencyKey: orDefault(fc.oneof(made(hostileText), hostileValue), undefined),
});

const candidate = fc.oneof(
  {
    weight: 9,
    arbitrary: fields.map(
      (makers) => () => Object.fromEntries(Object.entries(makers).map(([name, make]) => [name, make()])),
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_CANDIDATES) },
) as fc.Arbitrary<() => CandidateEvent>;

const options = fc.oneof(
  { weight: 7, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ expectedVersion: hostileVersion }) as fc.Arbitrary<WriteOptions> },
);

function expectSame(stored: StoredEvent | undefined, written: CandidateEvent): void {
  const { type, data, metadata = null, idempotencyKey } = written;
  expect(stored).toBeDefined();
  expect([stored?.type, stored?.id]).toEqual([type, idempotencyKey ?? expect.any(String)]);
  expect(isSameValue(stored?.data, data) && isSameValue(stored?.metadata, metadata)).toBe(true);
}

faultTest("R20 a hostile event comes back exactly or is refused", { quick: 500, soak: 20_000 }, async (laboratory) => {
  const { rounds, seed, count } = laboratory;
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  const driver = DRIVER_NAMES[seed % DRIVER_NAMES.length] as DriverName;
  await using streams = await sqliteStreamFactory(path, { driver });
  await using reading = await sqliteStreamFactory(path, { driver });
  await using watchdog = await StoreWatchdog.open(path, DRIVERS[driver]);
  const stream = await streams.openStream("s");
  const readBack = await reading.openStream("s");

  const property = fc.asyncProperty(candidate, options, async (make, given) => {
    const written = make();
    const before = await watchdog.count("s");
    let outcome: { readonly written: number; readonly version: number };
    try {
      outcome = await stream.write(written, given);
    } catch (error) {
      expect(isStreamError(error) ? error.code : String(error)).toMatch(/^(INVALID_(EVENT|ARGUMENT)|\w+_CONFLICT)$/);
      expect(await watchdog.count("s")).toEqual(before);
      return count("events refused");
    }
    expect((await watchdog.count("s")).all).toBe(before.all + outcome.written);
    for await (const stored of readBack.read({ after: outcome.version - 1, limit: 1 })) expectSame(stored, written);
    count("events stored", outcome.written);
  });
  const known = HOSTILE_VALUES.map((make) => (): unknown => ({ type: "Usual", data: make() })).concat(
    HOSTILE_CANDIDATES,
  );
  const examples = known.map((make): [() => CandidateEvent, WriteOptions] => [make as () => CandidateEvent, {}]);
  await fc.assert(property, { numRuns: rounds, seed, examples });

  const states = fc.asyncProperty(hostileValue, async (make) => {
    const state = make();
    try {
      await stream.snapshot(state);
    } catch (error) {
      expect(isStreamError(error) ? error.code : String(error)).toBe("INVALID_ARGUMENT");
      return count("states refused");
    }
    expect(isSameValue((await readBack.loadSnapshot())?.state, state)).toBe(true);
    count("states stored");
  });
  const knownStates = HOSTILE_VALUES.map((make): [() => unknown] => [make]);
  await fc.assert(states, { numRuns: rounds >> 2, seed, examples: knownStates });
  expect(await watchdog.findings()).toEqual([]);
});
