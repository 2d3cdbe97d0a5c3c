import { expect } from "vitest";
import type { AdministrableStreamFactory, MaintainableStreamFactory, StoredEvent } from "../../../index.js";
import { allEventsOf } from "../../conformance/support/transactions.js";
import type { AcknowledgedEvent, RacingRemoverConfig, RacingRemoverReport } from "../fixtures/racing-remover.js";
import type { Laboratory } from "./fault-test.js";
import { startFixture } from "./fixture.js";

const PROCESSES = 3;
const STREAM_IDS = ["s-0", "s-1", "s-2", "s-3"];

/** What the race was over. */
type RacedStore = AdministrableStreamFactory & MaintainableStreamFactory;

/** Has processes write to streams, prune and delete them at the same time, and checks what is left. */
export async function raceRemovals(
  streams: RacedStore,
  path: string,
  { integer, count }: Pick<Laboratory, "integer" | "count">,
): Promise<void> {
  const configs = Array.from({ length: PROCESSES }, (_, process) => ({
    path,
    clients: 3,
    calls: 30,
    streamIds: STREAM_IDS,
    process,
    seed: integer(1, 2 ** 30),
  }));
  const reports = await race(configs);
  for (const { figures } of reports) for (const [figure, amount] of Object.entries(figures)) count(figure, amount);
  await expectSound(streams, reports, count);
}

async function expectSound(
  streams: RacedStore,
  reports: readonly RacingRemoverReport[],
  count: Laboratory["count"],
): Promise<void> {
  const acknowledged = reports.flatMap(({ events }) => events).sort((a, b) => a.position - b.position);
  expect(new Set(acknowledged.map(({ position }) => position)).size).toBe(acknowledged.length);
  const deleted = reports.flatMap((report) => report.deleted);
  const all = await allEventsOf(streams);
  for (const id of STREAM_IDS) {
    const first = (await streams.describeStream(id))?.firstVersion ?? 1;
    const tombstones = new Set(deleted.flatMap(({ streamId, version }) => (streamId === id ? [version] : [])));
    const own = ({ streamId }: { readonly streamId: string }): boolean => streamId === id;
    expectWhole(first, all.filter(own), acknowledged.filter(own), tombstones);
    count("deleted streams", tombstones.size);
  }
  const tagsOf = (streamId: string): unknown[] =>
    all.filter((event) => event.streamId === streamId).map(({ data }) => data);
  expect(tagsOf("log").sort()).toEqual(reports.flatMap(({ units }) => units).sort());
  const claims = all.filter(({ streamId }) => streamId === "claims").map(({ type }) => type);
  expect(new Set(claims).size).toBe(claims.length);
  expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
}

/** Lets processes race until each has made its calls. */
async function race(configs: readonly RacingRemoverConfig[]): Promise<readonly RacingRemoverReport[]> {
  const processes = configs.map((config) => startFixture("racing-remover.ts", { args: [JSON.stringify(config)] }));
  try {
    await Promise.all(processes.map((process) => process.ready()));
    for (const process of processes) process.say("begin");
    const ends = await Promise.all(processes.map(({ ended }) => ended));
    return ends.map(({ exitCode, stdout, stderr }) => {
      expect([exitCode, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout.split("\n")[1] ?? "") as RacingRemoverReport;
    });
  } finally {
    await Promise.all(processes.map((process) => process[Symbol.asyncDispose]()));
  }
}

/** Checks that a stream has what was acknowledged of it, from its first version on, and nothing behind its tombstone. */
function expectWhole(
  first: number,
  events: readonly StoredEvent[],
  acknowledged: readonly AcknowledgedEvent[],
  tombstones: ReadonlySet<number>,
): void {
  expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => first + index));
  const deletions = events.filter(({ type }) => type === "@deleted");
  expect(deletions.map(({ version }) => version)).toEqual([...tombstones]);
  expect(deletions).toEqual(events.slice(events.length - deletions.length));
  const known = acknowledged.filter(({ version }) => version >= first);
  const stored = events.filter(({ type }) => type !== "@deleted");
  const placed = stored.map(({ version, position, data }) => ({ version, position, tag: data }));
  expect(placed).toEqual(known.map(({ version, position, tag }) => ({ version, position, tag })));
}
