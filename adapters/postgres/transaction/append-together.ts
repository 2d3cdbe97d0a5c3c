import type { AppendRequest, JoinAppends, RequestOutcome, TakeRequests } from "../../../protocols/index.js";
import { appendTogether as appendInParts, type RunPart } from "../../../src/adapter-kit/append-together.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { isOfStore, restated, storageError } from "../postgres-errors.js";
import { PartRefusedError, type PostgresSession } from "./postgres-session.js";
import type { WriteQueue } from "./write-queue.js";

type Transact = <T>(work: (session: PostgresSession) => Promise<T>) => Promise<T>;

/**
 * Implements `appendTogether`. What a transaction cannot take, because an earlier one of the same transaction has left
 * something in the session, has a transaction of its own before any later call.
 */
export async function appendTogether(
  queue: Pick<WriteQueue, "transact" | "transactNext">,
  take: TakeRequests,
  join: JoinAppends,
  location: string,
): Promise<readonly RequestOutcome[]> {
  const outcomes: RequestOutcome[] = [];
  const appended = await appendWith((work) => queue.transact(work, {}), take, join, location);
  for (const { request, outcome } of appended) {
    const isRefused = "error" in outcome && outcome.error instanceof PartRefusedError;
    const [alone] = isRefused
      ? await appendWith(
          (work) => queue.transactNext(work),
          () => [request],
          join,
          location,
        )
      : [];
    outcomes.push(alone?.outcome ?? outcome);
  }
  return outcomes;
}

interface Appended {
  readonly request: AppendRequest;
  readonly outcome: RequestOutcome;
}

/** Appends requests in one transaction. Each error says which of them it is of. */
async function appendWith(
  transact: Transact,
  take: TakeRequests,
  join: JoinAppends,
  location: string,
): Promise<readonly Appended[]> {
  let requests: readonly AppendRequest[] | undefined;
  let undoneBy: unknown;
  try {
    return await transact(async (session) => {
      const taken = take();
      requests = taken;
      // One alone needs no part: it is undone with the transaction.
      const runAlone: RunPart = async (work) => ({
        outcomes: await work(session).catch((error: unknown) => {
          undoneBy = error;
          throw error;
        }),
      });
      const runPart: RunPart = taken.length > 1 ? (work) => session.runPart(work) : runAlone;
      const outcomes = await appendInParts(taken, join, runPart);
      return taken.map((request, index) => saidOf(request, outcomes[index] as RequestOutcome, location));
    });
  } catch (error) {
    return (requests ?? take()).map((request) => {
      if (error === undoneBy) return saidOf(request, { error }, location);
      return { request, outcome: { error: restated(error, attemptOf([request]), location) } };
    });
  }
}

/** Says of what the client has thrown what was attempted. */
function saidOf(request: AppendRequest, outcome: RequestOutcome, location: string): Appended {
  if (!("error" in outcome && isOfStore(outcome.error))) return { request, outcome };
  return { request, outcome: { error: storageError(outcome.error, attemptOf([request]), location) } };
}
