import { ALL_STREAM } from "../../protocols/index.js";
import { storedStream } from "../stream/stored-stream.js";
import type { ConsumerLag } from "./consumer.js";
import { readGroup, readPartitions } from "./consumer-records.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import type { PartitionRun } from "./partition-run.js";
import { isPast, partitionOf } from "./partitions.js";
import { type RunContext, readRecords, writeRecords } from "./run-context.js";
import { filterOf, isWanted } from "./wanted-events.js";

/** How far a consumer is, over all partitions. What this process has not written down yet counts. */
export async function lagOf(context: RunContext, { runs, group: known }: LeaseKeeper): Promise<ConsumerLag> {
  const { definition } = context;
  let positions: readonly number[] = [];
  let group = known;
  let head = 0;
  await writeRecords(context, async (records, _, headNow) => {
    head = headNow;
    group = (await readGroup(records, definition.name)) ?? known;
    positions = await positionsIn(records, definition.name, runs);
  });
  // They are only counted, so nobody needs them in their current versions.
  await using all = storedStream(context.access.context, ALL_STREAM);
  let events = 0;
  let oldestMs = 0;
  const position = Math.min(head, ...positions);
  for await (const event of all.read({ after: position, upTo: head, filter: filterOf(definition) })) {
    const done = positions[partitionOf(event.streamId, positions.length)] ?? 0;
    if (event.position <= done || !isWanted(event.type, definition.types) || isPast(group, event)) continue;
    if (events === 0) oldestMs = Math.max(0, Date.now() - event.timestamp.getTime());
    events += 1;
  }
  return { position, head, events, oldestMs, parked: group.parked };
}

/** The lowest position of all partitions. */
export async function lowestPosition(context: RunContext, runs: ReadonlyMap<number, PartitionRun>): Promise<number> {
  const positions = await readRecords(context, (records) => positionsIn(records, context.definition.name, runs));
  return Math.min(...positions);
}

async function positionsIn(
  records: Parameters<typeof readPartitions>[0],
  consumer: string,
  runs: ReadonlyMap<number, PartitionRun>,
): Promise<readonly number[]> {
  const rows = await readPartitions(records, consumer);
  // It was dropped.
  if (rows.length === 0) return [0];
  return rows.map(({ value }, index) => Math.max(value.position, runs.get(index)?.position ?? 0));
}
