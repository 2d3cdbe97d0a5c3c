import { expect } from "vitest";
import type { AdministrableStreamFactory, MaintainableStreamFactory } from "../../../protocols/index.js";
import type { Laboratory } from "./fault-test.js";
import { startFixture } from "./fixture.js";
import { expectRemoved, expectWholeStream, REMOVALS, type RemovalKind, remove } from "./removal.js";

/** A store that was filled for a removal. */
export interface FilledStore extends AsyncDisposable {
  /** What the process that removes needs to open it. */
  readonly place: object;
  open(): Promise<AdministrableStreamFactory & MaintainableStreamFactory>;
}

/**
 * Kills processes that remove events at their statements. Whatever they leave behind is sound, and a second call finishes it.
 *
 * @param fixture - the program that removes, until it kills itself
 * @param makeStore - makes a filled store for one round
 */
export async function killRemovals(
  { rounds, integer, count }: Laboratory,
  fixture: string,
  makeStore: (round: number) => Promise<FilledStore>,
): Promise<void> {
  const statements = new Map<RemovalKind, number>();
  for (let round = 0; round < rounds; round += 1) {
    const kind = REMOVALS[round % REMOVALS.length] as RemovalKind;
    await using store = await makeStore(round);
    // Every statement has its turn in a long run, and chance chooses some in a short one.
    const known = statements.get(kind);
    const turn = Math.floor(round / REMOVALS.length);
    const killAt = known === undefined ? 0 : rounds > known * REMOVALS.length ? turn : integer(1, known);
    const made = await removeIn(fixture, { ...store.place, kind, killAt });
    if (made !== undefined && killAt === 0) statements.set(kind, made);
    count(made === undefined ? "kills" : "removals that came to their end");

    const first = await expectSound(store, kind);
    if (made === undefined && first > 1) count("kills between two steps");
  }
}

/** Lets a process remove events until it kills itself. @returns how many statements it made, if it came to its end */
async function removeIn(fixture: string, config: object): Promise<number | undefined> {
  await using removing = startFixture(fixture, { args: [JSON.stringify(config)] });
  const { exitCode, stdout, stderr } = await removing.ended;
  if (exitCode === null) return undefined;
  expect([exitCode, stderr]).toEqual([0, ""]);
  return Number(stdout);
}

/** Checks what an interrupted removal left, and finishes it. @returns the first version that was left */
export async function expectSound(store: Pick<FilledStore, "open">, kind: RemovalKind): Promise<number> {
  await using streams = await store.open();
  const first = await expectWholeStream(streams);
  expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  await remove(streams, kind);
  await expectRemoved(streams, kind);
  expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  return first;
}
