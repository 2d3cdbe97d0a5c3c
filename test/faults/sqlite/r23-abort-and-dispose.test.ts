import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { isStreamError, type Stream } from "../../../protocols/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { beginCall, type CallOutcome } from "../support/calls-under-way.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { canListOpenFiles, openFilesIn } from "../support/open-files.js";
import { turns } from "../support/turns.js";

const STREAM_IDS = ["a", "b", "@all"];

/** Opens a store, has calls of every kind under way, and disposes of handles and of the store at random turns. */
async function disturb(path: string, laboratory: Laboratory): Promise<readonly CallOutcome[]> {
  const { integer, random } = laboratory;
  const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)];
  const streams = await sqliteStreamFactory(path, { driver, readPoolSize: integer(1, 3) });
  const handles: Stream[] = [];
  for (const id of [...STREAM_IDS, ...STREAM_IDS]) handles.push(await streams.openStream(id));
  const calls = Array.from({ length: integer(8, 40) }, (_, index) => {
    const stream = handles[integer(0, handles.length - 1)] as Stream;
    return beginCall(laboratory, index, stream, streams);
  });
  const disposals = handles.map(async (handle) => {
    await turns(integer(0, 40));
    const once = handle[Symbol.asyncDispose]();
    if (random() < 0.5) await handle[Symbol.asyncDispose]();
    await once;
  });
  await turns(integer(0, 40));
  await Promise.all([streams[Symbol.asyncDispose](), streams[Symbol.asyncDispose]()]);
  await Promise.all(disposals);
  return Promise.all(calls);
}

/** The tags of all that is stored, read by a store that is opened anew. */
async function storedTags(path: string): Promise<string[]> {
  await using streams = await sqliteStreamFactory(path);
  await using all = await streams.openStream("@all");
  const tags: string[] = [];
  const versions = new Map<string, number>();
  for await (const { streamId, version, data } of all.read()) {
    expect(version).toBe((versions.get(streamId) ?? 0) + 1);
    versions.set(streamId, version);
    tags.push(data as string);
  }
  return tags;
}

function expectNoThirdOutcome({ kind, tags, signal, error }: CallOutcome, stored: readonly string[]): void {
  const isStored = tags.filter((tag) => stored.includes(tag)).length;
  expect([kind, tags, isStored]).toEqual([kind, tags, error === undefined ? tags.length : 0]);
  if (error === undefined || error === signal.reason) return;
  const code = isStreamError(error) ? error.code : error;
  expect([kind, code]).toEqual([kind, expect.stringMatching(/^(STREAM_CLOSED|READ_ONLY_STREAM)$/)]);
}

faultTest("R23 everything is aborted and disposed of while it is under way", { quick: 60, soak: 600 }, async (lab) => {
  const { rounds, count } = lab;
  await using folder = await createTempDir();
  if (!canListOpenFiles()) leftOut("R23 open files", "the system does not list them");
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown): number => unhandled.push(reason);
  process.on("unhandledRejection", onUnhandled);
  for (let round = 0; round < rounds; round += 1) {
    const path = folder.file(`${round}.db`);
    const outcomes = await disturb(path, lab);
    // Before a collection of garbage closes what was forgotten.
    if (canListOpenFiles()) expect(openFilesIn(folder.path)).toEqual([]);
    const stored = await storedTags(path);
    for (const outcome of outcomes) {
      expectNoThirdOutcome(outcome, stored);
      count(outcome.error === undefined ? "calls that succeeded" : "calls that were cut short");
    }
    expect(stored.length).toBe(new Set(stored).size);
  }
  await turns(10);
  process.off("unhandledRejection", onUnhandled);
  expect(unhandled).toEqual([]);
});
