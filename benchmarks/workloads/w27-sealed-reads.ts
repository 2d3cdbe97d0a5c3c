import { join } from "node:path";
import type { StreamFactory } from "async-streams";
import { event } from "async-streams/events";
import { type KeyStore, protectPersonalData, sqliteKeyStore } from "async-streams/privacy";
import { median } from "../statistics.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";

const EVENTS = { small: 20_000, full: 1_000_000 };
const READS = { small: 9, full: 5 };
const PERSONS = 1_000;
const BATCH_EVENTS = 1_000;

type Data = { readonly customerId: string; readonly email: string | null; readonly name: string | null };

const TYPES = { Registered: event<Data>().personal("data.customerId", ["email", "name"]) };

/** What wraps keys costs nothing here: each key is looked up once. */
const WRAPPING = {
  wrap: async (key: Uint8Array) => Uint8Array.from(key),
  unwrap: async (wrapped: Uint8Array) => Uint8Array.from(wrapped),
};

export const sealedReads: Workload = {
  id: "W27",
  title: "1,000,000 events with two fields of 1,000 persons are read, sealed and as plain text (small: 20,000)",
  figures: [
    { name: "sealed more", unit: "us", goal: { kind: "at most", value: 4 } },
    { name: "lookups of a key", unit: "", goal: { kind: "at most", value: 1 } },
    { name: "plain", unit: "events/s" },
    { name: "sealed", unit: "events/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  async run(context) {
    const { size, folder } = context;
    const events = EVENTS[size];
    const plain = await openFactory(context, join(folder, "plain.db"));
    await using keys = counting(await sqliteKeyStore(join(folder, "keys.db"), WRAPPING));
    const sealed = protectPersonalData(await openFactory(context, join(folder, "sealed.db")), TYPES, keys, {
      keyTtlMs: 3_600_000,
    });
    for (const store of [plain, sealed]) await fill(store, events);
    const [plainMs, sealedMs] = await readTimesMs(plain, sealed, events, READS[size]);
    await plain[Symbol.asyncDispose]();
    await sealed[Symbol.asyncDispose]();
    return {
      "sealed more": ((sealedMs - plainMs) / events) * 1_000,
      "lookups of a key": keys.mostLookups(),
      plain: (events / plainMs) * 1_000,
      sealed: (events / sealedMs) * 1_000,
    };
  },
};

interface CountedKeys extends KeyStore {
  /** How often the key that was asked for most was asked for. */
  mostLookups(): number;
}

function counting(keys: KeyStore): CountedKeys {
  const lookups = new Map<string, number>();
  return {
    async get(subject, create) {
      lookups.set(subject, (lookups.get(subject) ?? 0) + 1);
      return keys.get(subject, create);
    },
    destroy: (subject) => keys.destroy(subject),
    mostLookups: () => Math.max(...lookups.values()),
    [Symbol.asyncDispose]: () => keys[Symbol.asyncDispose](),
  };
}

async function fill(store: StreamFactory, events: number): Promise<void> {
  await using stream = await store.openStream("customers");
  for (let first = 0; first < events; first += BATCH_EVENTS) {
    await stream.write(
      Array.from({ length: Math.min(BATCH_EVENTS, events - first) }, (_, index) => {
        const customerId = `customer-${(first + index) % PERSONS}`;
        return { type: "Registered", data: { customerId, email: `${customerId}@example.org`, name: "Ada Lovelace" } };
      }),
    );
  }
}

/** Reads both in turns, so that a slow moment is the same for both. @returns the median of each */
async function readTimesMs(
  plain: StreamFactory,
  sealed: StreamFactory,
  events: number,
  reads: number,
): Promise<readonly [plain: number, sealed: number]> {
  const timesMs: [number[], number[]] = [[], []];
  for (let read = 0; read < reads; read += 1) {
    timesMs[0].push(await readMs(plain, events));
    timesMs[1].push(await readMs(sealed, events));
  }
  return [median(timesMs[0]), median(timesMs[1])];
}

async function readMs(store: StreamFactory, events: number): Promise<number> {
  await using stream = await store.openStream("customers");
  const beganMs = performance.now();
  let count = 0;
  for await (const { data } of stream.read()) {
    if (typeof (data as Data).email !== "string") throw new Error("a field was not opened");
    count += 1;
  }
  if (count !== events) throw new Error(`read ${count} events of ${events}`);
  return performance.now() - beganMs;
}
