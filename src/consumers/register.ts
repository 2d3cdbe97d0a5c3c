import type { Records } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import type { ConsumerDefinition } from "./consumer.js";
import {
  deleteAllParked,
  deletePartition,
  type GroupState,
  type PartitionState,
  partitionKey,
  type RecordOf,
  readGroup,
  readPartitions,
  writeGroup,
  writePartition,
} from "./consumer-records.js";
import { type RunContext, writeRecords } from "./run-context.js";

const FREE = { owner: null, untilMs: 0, unsaved: 0, attempt: null } as const;

/** Makes the records of a consumer where there are none, and does what a new number of partitions or a restart asks for. */
export async function register(context: Pick<RunContext, "access" | "definition" | "settings">): Promise<GroupState> {
  const { definition, settings } = context;
  let registered: GroupState | Error | undefined;
  await writeRecords(context, async (records, _, head) => {
    const found = await readGroup(records, definition.name);
    registered = await registerIn(records, found, definition, settings.partitions, head);
  });
  if (registered instanceof Error) throw inCall(registered, "start a consumer", context.access.location);
  return registered as unknown as GroupState;
}

async function registerIn(
  records: Records,
  found: GroupState | null,
  { name, startFrom, restart }: ConsumerDefinition,
  partitions: number,
  head: number,
): Promise<GroupState | Error> {
  const isRestart = restart !== undefined && found !== null && found.restart !== restart;
  const rows = found === null ? [] : await readPartitions(records, name);
  if (found === null || isRestart) {
    const start = startOf(startFrom, head);
    if (start > head) {
      return invalidArgument("startFrom", `the last position of the store is ${head}, got ${start}`);
    }
    await deleteAllParked(records, name);
    return replace(
      records,
      name,
      rows,
      {
        ...(found ?? { members: {}, retries: 0 }),
        parked: 0,
        partitions,
        history: [],
        restart: restart ?? found?.restart ?? null,
      },
      start,
    );
  }
  if (found.partitions === partitions) return found;
  const positions = rows.map(({ value }) => value.position);
  const history = [...found.history, { partitions: found.partitions, positions }];
  return replace(records, name, rows, { ...found, partitions, history }, Math.min(...positions));
}

/** Writes the records of other partitions, which ends all leases. */
async function replace(
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

function startOf(startFrom: ConsumerDefinition["startFrom"], head: number): number {
  if (startFrom === "beginning") return 0;
  return startFrom === "end" ? head : startFrom;
}
