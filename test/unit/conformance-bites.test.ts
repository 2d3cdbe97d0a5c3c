import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import type {
  AdministrableStorage,
  MaintainableStreamFactory,
  Notifier,
  StorageHandle,
  StreamBackend,
  VerifyReport,
} from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../conformance/index.js";
import { BROKEN_ADMINISTRATION, BROKEN_RETENTION } from "../support/broken-administration.js";
import { BROKEN_APPENDS } from "../support/broken-appends.js";
import { BROKEN_NOTIFIERS } from "../support/broken-notifier.js";
import { BROKEN_READS } from "../support/broken-reads.js";
import { BROKEN_SNAPSHOTS } from "../support/broken-snapshots.js";
import { BROKEN_STREAMS, withStreams } from "../support/broken-streams.js";
import { BROKEN_TRANSACTIONS } from "../support/broken-transactions.js";
import { CollectingRunner, type RunOutcome } from "../support/collecting-runner.js";
import { overriding } from "../support/overriding.js";
import { atomicStorage, plainStorage } from "../support/plain-storage.js";
import { openUnusualBackend } from "../support/unusual-backend.js";

// The suite is only worth as much as what it finds. Each fault here must be found, by name, and where there is no
// fault nothing must be found.

interface Faults {
  readonly breakStorage?: (storage: AdministrableStorage) => StorageHandle;
  readonly breakNotifier?: (notifier: Notifier) => Notifier;
}

function openBackend({ breakStorage, breakNotifier }: Faults = {}): StreamBackend {
  const storage = new MemoryStorageHandle();
  const notifier = new MemoryNotifier(storage);
  return { storage: breakStorage?.(storage) ?? storage, notifier: breakNotifier?.(notifier) ?? notifier };
}

const SOUND: VerifyReport = { ok: true, checkedEvents: 0, applicationTables: 0, problems: [] };

/** A store that has the methods of maintenance which it is then given. */
function maintainable(): MaintainableStreamFactory {
  return createStreamFactory(openBackend()) as MaintainableStreamFactory;
}

// What never happens in a broken store need not be waited for as long as what may happen late in one that works.
const IMPATIENT = { name: "a broken store", patienceMs: 500 };

async function storageOutcome(faults: Faults, group: string): Promise<RunOutcome> {
  const runner = new CollectingRunner();
  describeStorageHandle({ ...IMPATIENT, ...bound(runner), open: async () => openBackend(faults).storage });
  return runner.run(group);
}

async function notifierOutcome(faults: Faults, group: string): Promise<RunOutcome> {
  const runner = new CollectingRunner();
  describeNotifier({ ...IMPATIENT, ...bound(runner), open: async () => openBackend(faults) });
  return runner.run(group);
}

function bound({ describe, test, expect }: CollectingRunner): Pick<CollectingRunner, "describe" | "test" | "expect"> {
  return { describe, test, expect };
}

describe("the conformance suite", () => {
  const faultless: readonly (readonly [string, () => StreamBackend])[] = [
    ["in the store in memory", openBackend],
    ["in a store that does all that the contract allows", () => openUnusualBackend({ tells: "events" })],
    [
      "in a store whose notifier says only that there are events",
      () => openUnusualBackend({ tells: "only that there are some" }),
    ],
    [
      "in a store that has the methods of the two protocols, and no more",
      () => openBackend({ breakStorage: plainStorage }),
    ],
    ["in a store that has atomic appends and no transactions", () => openBackend({ breakStorage: atomicStorage })],
  ];
  for (const [where, open] of faultless) {
    test(`finds nothing ${where}, also when its tests run side by side`, async () => {
      const runner = new CollectingRunner(30_000);
      const options = { name: "a faultless store", patienceMs: 20_000, ...bound(runner) };
      describeStorageHandle({ ...options, open: async () => open().storage });
      describeNotifier({ ...options, open: async () => open() });
      describeStreamFactory({ ...options, open: async () => createStreamFactory(open()) });
      const { passed, failed } = await runner.run();

      expect(failed).toEqual([]);
      expect(passed.length).toBeGreaterThan(500);
    }, 120_000);
  }

  test.each<[string, () => StreamBackend, readonly string[], readonly string[]]>([
    ["transactions and no SQL", openBackend, ["atomic appends", "listed records"], ["maintenance", "tables"]],
    [
      "atomic appends and no transactions",
      () => openBackend({ breakStorage: atomicStorage }),
      ["transactions", "shared transactions", "listed records", "copying", "administration", "counted snapshots"],
      ["maintenance", "transactions", "tables", "administration"],
    ],
  ])("says what it did not test of a store with %s", async (_, open, ofStorage, ofStreams) => {
    const leftOut: (readonly string[])[] = [];
    const runner = new CollectingRunner();
    const options = { ...IMPATIENT, ...bound(runner), onLeftOut: (names: readonly string[]) => leftOut.push(names) };
    describeStorageHandle({ ...options, open: async () => open().storage });
    describeStreamFactory({ ...options, open: async () => createStreamFactory(open()) });
    await runner.run("the storage handle of a broken store");
    await runner.run("the streams of a broken store");

    expect(leftOut.map((names) => [...names].sort())).toEqual([[...ofStorage].sort(), [...ofStreams].sort()]);
  });

  for (const { fault, group, found, breakStorage } of [...BROKEN_APPENDS, ...BROKEN_READS, ...BROKEN_SNAPSHOTS]) {
    test(`finds a storage handle that ${fault}`, async () => {
      expect((await storageOutcome({ breakStorage }, group)).failed).toContain(found);
    });
  }

  for (const { fault, group, found, breakStorage } of [...BROKEN_TRANSACTIONS, ...BROKEN_ADMINISTRATION]) {
    test(`finds a storage handle that ${fault}`, async () => {
      expect((await storageOutcome({ breakStorage }, group)).failed).toContain(found);
    });
  }

  for (const { fault, group, found, breakNotifier } of BROKEN_NOTIFIERS) {
    test(`finds a notifier that ${fault}`, async () => {
      expect((await notifierOutcome({ breakNotifier }, group)).failed).toContain(found);
    });
  }

  test("finds in the streams a notifier that tells nothing", async () => {
    const breakNotifier = (notifier: Notifier): Notifier =>
      overriding(notifier, { subscribe: () => ({ unsubscribe: () => undefined }) });
    const runner = new CollectingRunner();
    const open = async () => createStreamFactory(openBackend({ breakNotifier }));
    describeStreamFactory({ ...IMPATIENT, ...bound(runner), open });
    const { failed } = await runner.run("watch");

    expect(failed).toContain(
      "delivers what was written before and what is written after, each event once and in order",
    );
  });

  test.each<[string, Partial<MaintainableStreamFactory>, string]>([
    ["announces a half of maintenance", { verify: async () => SOUND }, "checks every event that was written"],
    [
      "verifies without looking",
      {
        verify: async () => SOUND,
        backup: async (path) => ({ path: `${path}`, events: 6, position: 6, tables: [] }),
      },
      "checks every event that was written",
    ],
  ])("finds a store that %s", async (_, methods, found) => {
    const runner = new CollectingRunner();
    const open = async () => overriding<MaintainableStreamFactory>(maintainable(), methods);
    describeStreamFactory({ ...IMPATIENT, ...bound(runner), open });

    expect((await runner.run("maintenance, where the store has it")).failed).toContain(found);
  });

  for (const { fault, group, found, breakStorage } of BROKEN_RETENTION) {
    test(`finds in the streams a storage handle that ${fault}`, async () => {
      const runner = new CollectingRunner();
      const open = async () => createStreamFactory(openBackend({ breakStorage }));
      describeStreamFactory({ ...IMPATIENT, ...bound(runner), open });

      expect((await runner.run(group)).failed).toContain(found);
    });
  }

  for (const { fault, group, found, breakStream } of BROKEN_STREAMS) {
    test(`finds a stream that ${fault}`, async () => {
      const runner = new CollectingRunner();
      const open = async () => withStreams(createStreamFactory(openBackend()), breakStream);
      describeStreamFactory({ ...IMPATIENT, ...bound(runner), open });

      expect((await runner.run(group)).failed).toContain(found);
    });
  }
});
