import { existsSync } from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { expect, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { ALL_STREAM, type CandidateEvent, type StoredEvent, type StreamFactory } from "../../../protocols/index.js";
import { acknowledgedPosition } from "../../support/acknowledged.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import type { Laboratory } from "./fault-test.js";
import { readContents, type WholeContents } from "./whole-contents.js";

/** A store and what stands beside it. */
export const ENDINGS = ["", "-wal", "-shm", "-head"] as const;

const STREAMS = 6;
const LARGE_CHARACTERS = 40_000;
const RECORD_TIMEOUT_MS = 30_000;

/** A store as a crash leaves it, and what was in it. */
export interface CrashedStore {
  readonly path: string;
  readonly contents: WholeContents;
  /** The same store at earlier moments: once closed, and once with its log. */
  readonly olderPaths: readonly string[];
  /** The last event. */
  readonly last: StoredEvent;
}

/**
 * Makes a store of every kind of content: some of it in the database file, some in the log, and behind that what the
 * log held before it began anew. It ends with an event: a snapshot that a cut log loses behind the last event leaves no
 * trace, and the one before it stands in for it.
 */
export async function makeCrashedStore(folder: string, laboratory: Laboratory): Promise<CrashedStore> {
  const path = `${folder}/source.db`;
  const written: CandidateEvent[] = [];
  {
    await using streams = await sqliteStreamFactory(path, { durability: "normal" });
    await fill(streams, laboratory, 90, written);
  }
  const olderPaths = ["closed", "open"].map((name) => `${folder}/older-${name}.db`);
  await copyStore(path, `${folder}/older-closed.db`);
  await using streams = await sqliteStreamFactory(path, { durability: "normal" });
  await fill(streams, laboratory, 60, written);
  await copyStore(path, `${folder}/older-open.db`);
  await foldLogIn(path);
  await fill(streams, laboratory, 40, written);
  await vi.waitFor(async () => {
    expect(await acknowledgedPosition(path)).toBe(written.length);
  }, RECORD_TIMEOUT_MS);
  const last = await expectWritten(streams, written);
  const contents = await readContents(streams);
  const crashed = `${folder}/crashed.db`;
  await copyStore(path, crashed);
  return { path: crashed, contents, olderPaths, last };
}

/** Copies a store with what stands beside it. */
export async function copyStore(from: string, to: string): Promise<void> {
  for (const ending of ENDINGS) if (existsSync(from + ending)) await copyFile(from + ending, to + ending);
}

/** Removes a store with what stands beside it. */
export async function removeStore(path: string): Promise<void> {
  for (const ending of ENDINGS) await rm(path + ending, { force: true });
}

async function fill(
  streams: StreamFactory,
  { random, integer }: Laboratory,
  writes: number,
  written: CandidateEvent[],
): Promise<void> {
  for (let index = 0; index < writes; index += 1) {
    const stream = await streams.openStream(`stream-${integer(1, STREAMS)}`);
    if (random() < 0.2) await stream.snapshot({ index, text: "x".repeat(integer(0, 3_000)) });
    if (random() < 0.1) await stream.snapshot({ index }, { projection: "small" });
    if (random() < 0.1) await stream.snapshot(new Uint8Array(integer(0, 500)).fill(index), { projection: "bytes" });
    if (random() < 0.1) {
      await (await streams.openStream(ALL_STREAM)).snapshot({ index }, { version: written.length });
    }
    const events = Array.from({ length: integer(1, 3) }, (_, place) =>
      makeEvent({ random, integer }, `${written.length + place}`),
    );
    await stream.write(events);
    written.push(...events);
  }
}

function makeEvent({ random, integer }: Pick<Laboratory, "random" | "integer">, key: string): CandidateEvent {
  const characters = random() < 0.03 ? LARGE_CHARACTERS : integer(0, 400);
  const data =
    random() < 0.2 ? new Uint8Array(characters).fill(integer(0, 255)) : { text: "é".repeat(characters), key };
  return {
    type: `Type${integer(1, 5)}`,
    data,
    ...(random() < 0.5 ? { metadata: { by: key, trace: { id: integer(1, 1e9) } } } : {}),
    ...(random() < 0.5 ? { idempotencyKey: `key-${key}` } : {}),
  };
}

async function foldLogIn(path: string): Promise<void> {
  const connection = await DRIVERS.sqlite3.open(path, "create");
  await connection.all("PRAGMA wal_checkpoint(PASSIVE)");
  await connection.close();
}

/** What is read of the sound store is what was written: the contents that later ones are held against. */
async function expectWritten(streams: StreamFactory, written: readonly CandidateEvent[]): Promise<StoredEvent> {
  const stored: StoredEvent[] = [];
  for await (const event of (await streams.openStream(ALL_STREAM)).read()) stored.push(event);
  expect(stored).toMatchObject(
    written.map(({ type, data, metadata = null, idempotencyKey }) => ({
      id: idempotencyKey ?? expect.any(String),
      type,
      data,
      metadata,
    })),
  );
  return stored.at(-1) as StoredEvent;
}
