import { InvalidArgumentError, type Records, type TransactionalStreamFactory } from "../../protocols/index.js";
import { CONSUMER_GROUPS_SPACE } from "../administration/reserved-spaces.js";
import { type HeldLeases, onceKnown } from "../leases/held-leases.js";
import { storeAccessOf } from "../transaction/store-access.js";
import { inAttempt, inCall } from "../validate/in-call.js";
import { deleteAllParked, deletePartition, readGroup, readPartitions } from "./consumer-records.js";
import { RECORDS_TIMEOUT_MS } from "./run-context.js";
import { checkConsumerName } from "./settings.js";

const ATTEMPT = "drop a consumer";

/**
 * Deletes the checkpoint and what is parked of a consumer that will not run again, so that it holds up no prune. After the
 * lease of a process that was killed it waits for as long again, to be sure that nobody renews it: clocks may be wrong.
 *
 * @returns false when there is none of that name
 * @throws InvalidArgumentError while a process runs it.
 */
export async function dropConsumer(streams: TransactionalStreamFactory, consumer: string): Promise<boolean> {
  const access = storeAccessOf(streams, ATTEMPT);
  inAttempt(ATTEMPT, access.location, () => checkConsumerName(consumer));
  const plan = { timeoutMs: RECORDS_TIMEOUT_MS, signal: undefined };
  const dropped = await onceKnown((leases) =>
    access.run("dropConsumer", (_, call) => call(ATTEMPT, ({ records }) => drop(records, consumer, leases)), plan),
  );
  if (typeof dropped === "boolean") return dropped;
  const reason = `A process runs "${consumer}", or was killed: its lease ends at ${dropped.toISOString()}. Stop it, or wait, and try again.`;
  throw inCall(new InvalidArgumentError("consumer", reason), ATTEMPT, access.location);
}

/** @returns when the lease of a process that runs it ends; milliseconds: after these it is to be called again */
async function drop(records: Records, consumer: string, leases: HeldLeases): Promise<boolean | Date | number> {
  const group = await readGroup(records, consumer);
  if (group === null) return false;
  const members = Object.entries(group.members).map(([key, member]) => ({ key, ...member }));
  const found = leases.look(members);
  if (found === "held") return new Date(Math.max(...members.map(({ untilMs }) => untilMs)));
  if (found !== "gone") return found;
  for (const { key } of await readPartitions(records, consumer)) await deletePartition(records, key);
  await deleteAllParked(records, consumer);
  await records.delete(CONSUMER_GROUPS_SPACE, consumer);
  return true;
}
