import type { Records } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import type { ConsumerDefinition } from "./consumer.js";
import { deleteAllParked, type GroupState, readGroup, readPartitions, writeGroup } from "./consumer-records.js";
import { layPartitions } from "./lay-partitions.js";
import { type RunContext, writeRecords } from "./run-context.js";
import { startAttempt } from "./settings.js";

/** Makes the records of a consumer where there are none, does what a restart asks for, and asks for a new number of partitions. */
export async function register(context: Pick<RunContext, "access" | "definition" | "settings">): Promise<GroupState> {
  const { definition, settings } = context;
  let registered: GroupState | Error | undefined;
  await writeRecords(context, async (records, _, head) => {
    const found = await readGroup(records, definition.name);
    registered = await registerIn(records, found, definition, settings.partitions, head);
  });
  if (registered instanceof Error) throw inCall(registered, startAttempt(definition), context.access.location);
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
  if (found === null || isRestart) {
    const start = startOf(startFrom, head);
    if (start > head) {
      return invalidArgument("startFrom", `the last position of the store is ${head}, got ${start}`);
    }
    const rows = await readPartitions(records, name);
    await deleteAllParked(records, name);
    return layPartitions(
      records,
      name,
      rows,
      {
        members: found?.members ?? {},
        retries: found?.retries ?? 0,
        parked: 0,
        partitions,
        history: [],
        restart: restart ?? found?.restart ?? null,
      },
      start,
    );
  }
  const { nextPartitions, ...current } = found;
  if ((nextPartitions ?? found.partitions) === partitions) return found;
  // Whoever has partitions gives them back first: an event that is under way must not be handled by another.
  const asked = found.partitions === partitions ? current : { ...current, nextPartitions: partitions };
  await writeGroup(records, name, asked);
  return asked;
}

function startOf(startFrom: ConsumerDefinition["startFrom"], head: number): number {
  if (startFrom === "beginning") return 0;
  return startFrom === "end" ? head : startFrom;
}
