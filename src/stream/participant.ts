import { type NewEvent, type StorageSession, TransactionError } from "../../protocols/index.js";
import { TimeLimit } from "../transaction/time-limit.js";
import { TransactionCalls } from "../transaction/transaction-calls.js";
import { inStore } from "../validate/in-call.js";

/** What takes part in the transactions that store events, such as an inline projection. */
export interface Participant {
  /** For how long it may hold the writer where the transaction itself has no end. */
  readonly timeoutMs: number;
  /** Whether it has something to do when events of these types are stored. */
  wants(types: ReadonlySet<string>): boolean;
  /** Does it, after everything else in the transaction, through its calls. Its failure fails the transaction. */
  join(session: StorageSession, calls: TransactionCalls): Promise<void>;
  /** Writes down that it wants none of the events up to the first one that it has yet to take. */
  passOverUnwanted(session: StorageSession, calls: TransactionCalls): Promise<void>;
}

/** Those who take part when these events are stored. Undefined: nobody, and the write is what it is without them. */
export function participantsOf(
  participants: ReadonlySet<Participant>,
  events: readonly NewEvent[],
): readonly Participant[] | undefined {
  return participants.size === 0 ? undefined : participantsFor(participants, new Set(events.map(({ type }) => type)));
}

/** Those who take part when events of these types are stored. Undefined: nobody. */
export function participantsFor(
  participants: ReadonlySet<Participant>,
  types: ReadonlySet<string>,
): readonly Participant[] | undefined {
  const joining = [...participants].filter((participant) => participant.wants(types));
  return joining.length === 0 ? undefined : joining;
}

/**
 * Lets them take part in a transaction that has no other calls.
 *
 * @throws TransactionError `TRANSACTION_TIMEOUT` when one of them takes longer than it may: every writer waits for it
 */
export async function joinAll(
  joining: readonly Participant[] | undefined,
  session: StorageSession,
  location: string | undefined,
): Promise<void> {
  if (joining === undefined) return;
  await inCalls(location, async (calls) => {
    for (const participant of joining) {
      using limit = new TimeLimit(participant, (timeoutMs) => timeoutError(timeoutMs, location));
      await Promise.race([participant.join(session, calls), limit.reached]);
    }
  });
}

/** Lets all of them pass over what they do not want, in a transaction that has no other calls. */
export async function passOverUnwanted(
  participants: ReadonlySet<Participant>,
  session: StorageSession,
  location: string | undefined,
): Promise<void> {
  if (participants.size === 0) return;
  await inCalls(location, async (calls) => {
    for (const participant of participants) await participant.passOverUnwanted(session, calls);
  });
}

async function inCalls(location: string | undefined, work: (calls: TransactionCalls) => Promise<void>): Promise<void> {
  const calls = new TransactionCalls(location);
  try {
    await work(calls);
    await calls.finish();
    if (calls.failure !== undefined) throw calls.failure.error;
  } catch (error) {
    calls.fail(error);
    await calls.abandon();
    throw error;
  }
}

function timeoutError(timeoutMs: number, location: string | undefined): TransactionError {
  const message =
    `A projection that runs inline took longer than its leaseMs (${timeoutMs} ms), and the write${inStore(location)} was ` +
    "rolled back. Every writer waits for it: do no slow work in it, and use its context for all that it reads and writes.";
  return new TransactionError("TRANSACTION_TIMEOUT", message);
}
