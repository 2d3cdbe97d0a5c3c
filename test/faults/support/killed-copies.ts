import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { MaintainableStreamFactory } from "../../../protocols/index.js";
import { countedUpTo } from "../../conformance/support/sample-events.js";
import { contentsOf, fillRichly, type Streams } from "../../unit/copy/support/rich-store.js";
import type { CopyingConfig, CopyingResult, StorePlace } from "../fixtures/copying-process.js";
import type { Laboratory } from "./fault-test.js";
import { startFixture } from "./fixture.js";

const EVENTS = 12_000;

/** A store that is filled, and one that is not there yet. */
export interface CopiedPair extends AsyncDisposable {
  readonly source: StorePlace;
  readonly target: StorePlace;
}

/** Fills a store as the source of copies. */
export async function fillForCopies(streams: Streams): Promise<void> {
  await fillRichly(streams);
  await (await streams.openStream("many")).write(countedUpTo(EVENTS));
}

/**
 * Kills processes that copy at their statements. A call after the kill goes on, and what it ends with is what the source is.
 *
 * @param makePair - makes the stores of one round
 */
export async function killCopies(
  { rounds, integer, count }: Laboratory,
  makePair: (round: number) => Promise<CopiedPair>,
): Promise<void> {
  let statements = 200;
  for (let round = 0; round < rounds; round += 1) {
    await using pair = await makePair(round);
    // A first copy, and then what is new since.
    for (const part of ["copy", "update"] as const) {
      let result: CopyingResult | undefined;
      while (result === undefined) {
        result = await copyIn({ source: pair.source, target: pair.target, killAt: integer(1, statements) });
        count(result === undefined ? `kills of a ${part}` : `complete ${part} calls`);
        if (result === undefined && part === "copy") await expectRefused(pair.target);
      }
      statements = Math.max(statements, result.statements);
      await using from = await open(pair.source);
      await using to = await open(pair.target);
      expect(await contentsOf(to)).toEqual(await contentsOf(from));
      expect(await to.verify()).toMatchObject({ ok: true, problems: [] });
      if (part === "copy") await changeStore(from, round);
    }
  }
}

/** Lets a process copy until it kills itself. @returns what it has done, if it came to its end */
async function copyIn(config: CopyingConfig): Promise<CopyingResult | undefined> {
  await using copying = startFixture("copying-process.ts", { args: [JSON.stringify(config)] });
  const { exitCode, stdout, stderr } = await copying.ended;
  if (exitCode === null) return undefined;
  expect([exitCode, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as CopyingResult;
}

function open(place: StorePlace): Promise<Streams & MaintainableStreamFactory> {
  return "url" in place ? postgresStreamFactory(place.url) : sqliteStreamFactory(place.path, { driver: place.driver });
}

/** Changes a store as an application does between two copies. */
async function changeStore(streams: Streams, round: number): Promise<void> {
  await using stream = await streams.openStream("many");
  await stream.write(countedUpTo(1_500));
  await streams.pruneStream("many", { before: stream.version - 100 * (1 + (round % 3)) });
  await stream.snapshot({ round }, { version: stream.version });
  await streams.transaction(({ records }) => records.put("space", "changed", { round }));
}

async function expectRefused(place: StorePlace): Promise<void> {
  await using streams = await open(place);
  // Where it was killed before the first batch, the target is an empty store.
  const outcome = await streams.openStream("many").then(
    ({ version }) => version,
    (error: { readonly code: string }) => error.code,
  );
  expect(["STORAGE_COPY_UNFINISHED", 0]).toContain(outcome);
}
