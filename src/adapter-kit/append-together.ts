import type {
  AppendRequest,
  JoinAppends,
  RequestOutcome,
  StorageSession,
  TakeRequests,
} from "../../protocols/index.js";

/** A session that can append several requests at once. */
export interface GroupSession extends StorageSession {
  /** Appends them in order. A conflict of one leaves the others as they are. */
  appendEach(requests: readonly AppendRequest[]): Promise<readonly RequestOutcome[]>;
}

/** What a part of a transaction has come to. */
export type PartOutcome =
  | {
      /** What its work has returned. */
      readonly outcomes: readonly RequestOutcome[];
    }
  | {
      /** What its work has rejected with. Nothing of it is left. */
      readonly undoneBy: unknown;
    };

/**
 * Runs a part of a transaction, and undoes that part alone when its work rejects. Rejects when it cannot undo it: the
 * transaction is lost.
 */
export type RunPart = (work: (session: GroupSession) => Promise<readonly RequestOutcome[]>) => Promise<PartOutcome>;

/** A session whose transaction can be undone in part, as with savepoints. */
export interface PartedSession extends GroupSession {
  /** Runs a part of its transaction. */
  readonly runPart: RunPart;
}

/**
 * Implements `appendTogether`: appends all requests in one part, and each in a part of its own when that one was undone.
 *
 * @param requests - what `take` has returned
 */
export async function appendTogether(
  requests: readonly AppendRequest[],
  join: JoinAppends,
  runPart: RunPart,
): Promise<readonly RequestOutcome[]> {
  const together = await runPart((session) => appendAndJoin(session, requests, join));
  if ("outcomes" in together) return together.outcomes;
  if (requests.length === 1) return [{ error: together.undoneBy }];
  const outcomes: RequestOutcome[] = [];
  for (const request of requests) {
    const alone = await runPart((session) => appendAndJoin(session, [request], join));
    if ("outcomes" in alone) outcomes.push(...alone.outcomes);
    else outcomes.push({ error: alone.undoneBy });
  }
  return outcomes;
}

/** The same in a transaction of a session. A single request needs no part: it is undone with the transaction. */
export async function appendInTransaction(
  transact: (
    work: (session: PartedSession) => Promise<readonly RequestOutcome[]>,
  ) => Promise<readonly RequestOutcome[]>,
  take: TakeRequests,
  join: JoinAppends,
): Promise<readonly RequestOutcome[]> {
  let count = 0;
  try {
    return await transact(async (session) => {
      const requests = take();
      count = requests.length;
      if (count < 2) return appendAndJoin(session, requests, join);
      return appendTogether(requests, join, (work) => session.runPart(work));
    });
  } catch (error) {
    if (count === 1) return [{ error }];
    throw error;
  }
}

async function appendAndJoin(
  session: GroupSession,
  requests: readonly AppendRequest[],
  join: JoinAppends,
): Promise<readonly RequestOutcome[]> {
  const outcomes = await session.appendEach(requests);
  const stored = requests.filter((_, index) => hasStored(outcomes[index]));
  if (stored.length > 0) await join(session, stored);
  return outcomes;
}

function hasStored(outcome: RequestOutcome | undefined): boolean {
  return outcome !== undefined && "result" in outcome && outcome.result.written > 0;
}
