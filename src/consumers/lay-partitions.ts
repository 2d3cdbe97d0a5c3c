import type { Records } from "../../protocols/index.js";
import {
  deletePartition,
  type GroupState,
  type PartitionState,
  partitionKey,
  type RecordOf,
  writeGroup,
  writePartition,
} from "./consumer-records.js";

const FREE = { owner: null, untilMs: 0, unsaved: 0, attempt: null } as const;

/** Goes over to the number of partitions that somebody has asked for. Nobody may hold one of those before. */
export function changePartitions(
  records: Records,
  name: string,
  rows: readonly RecordOf<PartitionState>[],
  { nextPartitions, ...group }: GroupState,
): Promise<GroupState> {
  const positions = rows.map(({ value }) => value.position);
  const attempts = rows.flatMap(({ value: { attempt } }) => attempt ?? []);
  const history = [...group.history, { partitions: group.partitions, positions, attempts }];
  const changed = { ...group, partitions: nextPartitions ?? group.partitions, history };
  return layPartitions(records, name, rows, changed, Math.min(...positions));
}

/** Writes the records of other partitions, which ends all leases. */
export async function layPartitions(
  records: Records,
  name: string,
  rows: readonly RecordOf<PartitionState>[],
  group: GroupState,
  position: number,
): Promise<GroupState> {
  for (const { key } of rows) await deletePartition(records, key);
  // What the owners before may have had under way is not known.
  const unsaved = Math.max(0, ...rows.map(({ value }) => value.unsaved));
  const owner = rows.find(({ value }) => value.owner !== null)?.value.owner ?? null;
  for (let index = 0; index < group.partitions; index += 1) {
    await writePartition(records, partitionKey(name, index), { ...FREE, owner, unsaved, position }, 0);
  }
  await writeGroup(records, name, group);
  return group;
}
