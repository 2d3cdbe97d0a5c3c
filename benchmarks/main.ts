import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SQLiteOptions, type Stream, sqliteStreamFactory } from "async-streams";
import { openFloor } from "./floor.js";
import { formatTable, median, type Row } from "./report.js";

// Usage: npm run bench -- [rounds]. Each round runs every workload on the floor and on the library, one after the other.
const ROUNDS = Number(process.argv[2] ?? 3);
const SEQUENTIAL_APPENDS = 2_000;
const BATCHES = 50;
const BATCH_EVENTS = 1_000;
const APPENDERS = 64;
const APPENDS_EACH = 200;

const event = {
  type: "Deposited",
  data: { amount: 100, currency: "EUR", note: "x".repeat(40) },
  metadata: { user: "u1" },
};

interface Subject {
  append(streamId: string, count: number, version: number): Promise<void>;
  readAll(streamId: string): Promise<number>;
  close(): Promise<void>;
}

async function openLibrary(path: string, durability: NonNullable<SQLiteOptions["durability"]>): Promise<Subject> {
  const streams = await sqliteStreamFactory(path, { durability });
  const handles = new Map<string, Promise<Stream>>();
  const handleOn = (streamId: string): Promise<Stream> => {
    const handle = handles.get(streamId) ?? streams.openStream(streamId);
    handles.set(streamId, handle);
    return handle;
  };
  return {
    async append(streamId, count, version) {
      const stream = await handleOn(streamId);
      await stream.write(
        Array.from({ length: count }, () => event),
        { expectedVersion: version },
      );
    },
    async readAll(streamId) {
      let count = 0;
      for await (const _ of (await handleOn(streamId)).read()) count += 1;
      return count;
    },
    close: async () => streams[Symbol.asyncDispose](),
  };
}

const WORKLOADS: Readonly<Record<string, (subject: Subject) => Promise<number>>> = {
  "one append after the other": async (subject) => {
    for (let version = 0; version < SEQUENTIAL_APPENDS; version += 1) await subject.append("one", 1, version);
    return SEQUENTIAL_APPENDS;
  },
  "batches of 1,000": async (subject) => {
    for (let batch = 0; batch < BATCHES; batch += 1) await subject.append("batch", BATCH_EVENTS, batch * BATCH_EVENTS);
    return BATCHES * BATCH_EVENTS;
  },
  "64 appenders at once": async (subject) => {
    const appenders = Array.from({ length: APPENDERS }, async (_, appender) => {
      for (let version = 0; version < APPENDS_EACH; version += 1) await subject.append(`many-${appender}`, 1, version);
    });
    await Promise.all(appenders);
    return APPENDERS * APPENDS_EACH;
  },
  "read a stream": async (subject) => subject.readAll("batch"),
};

async function measure(open: (path: string) => Promise<Subject>): Promise<Map<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), "async-streams-bench-"));
  const subject = await open(join(folder, "bench.db"));
  const rates = new Map<string, number>();
  for (const [name, workload] of Object.entries(WORKLOADS)) {
    const beganMs = performance.now();
    const events = await workload(subject);
    rates.set(name, (events / (performance.now() - beganMs)) * 1_000);
  }
  await subject.close();
  await rm(folder, { recursive: true, force: true });
  return rates;
}

for (const durability of ["normal", "full"] as const) {
  const rounds: { floor: Map<string, number>; library: Map<string, number> }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const floor = await measure((path) => openFloor(path, durability, event));
    rounds.push({ floor, library: await measure((path) => openLibrary(path, durability)) });
  }
  const rows = Object.keys(WORKLOADS).map((workload): Row => {
    const rates = rounds.map(({ floor, library }) => ({
      floor: floor.get(workload) ?? 0,
      library: library.get(workload) ?? 0,
    }));
    return {
      workload,
      floor: median(rates.map(({ floor }) => floor)),
      library: median(rates.map(({ library }) => library)),
      ratio: median(rates.map(({ floor, library }) => library / floor)),
    };
  });
  console.log(`\ndurability "${durability}", events a second, medians of ${ROUNDS} rounds\n${formatTable(rows)}`);
}
