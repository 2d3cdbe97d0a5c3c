import type { AppendRequest, JoinAppends, RequestOutcome, TakeRequests } from "../../../protocols/index.js";
import { appendInTransaction } from "../../../src/adapter-kit/append-together.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { isOfStore, restated, storageError } from "../postgres-errors.js";
import { PartRefusedError, type PostgresSession } from "./postgres-session.js";
import type { WriteQueue } from "./write-queue.js";

type Work = (session: PostgresSession) => Promise<readonly RequestOutcome[]>;
type Transact = (work: Work) => Promise<readonly RequestOutcome[]>;

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
  const transact: Transact = (work) => queue.transact(work, {});
  const outcomes: RequestOutcome[] = [];
  for (const { request, outcome } of await appendWith(transact, take, join, location)) {
    const isRefused = "error" in outcome && outcome.error instanceof PartRefusedError;
    const retried =
      isRefused &&
      (await appendWith(
        (work) => queue.transactNext(work),
        () => [request],
        join,
        location,
      ));
    outcomes.push(retried ? (retried[0]?.outcome as RequestOutcome) : outcome);
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
  const noting: TakeRequests = () => {
    requests = take();
    return requests;
  };
  let lost: { readonly error: unknown } | undefined;
  const noteLoss: Transact = async (work) => {
    let thrown: { readonly error: unknown } | undefined;
    const noteThrown: Work = (session) =>
      work(session).catch((error: unknown) => {
        thrown = { error };
        throw error;
      });
    return transact(noteThrown).catch((error: unknown) => {
      // What the work of a single request has thrown says itself what failed.
      if (requests?.length === 1 && error === thrown?.error) throw error;
      lost = { error };
      return [];
    });
  };
  const outcomes = await appendInTransaction(noteLoss, noting, join);
  return (requests ?? take()).map((request, index) => {
    const attempt = attemptOf([request]);
    if (lost !== undefined) return { request, outcome: { error: restated(lost.error, attempt, location) } };
    return { request, outcome: saidOf(outcomes[index] as RequestOutcome, attempt, location) };
  });
}

/** Says of what the client has thrown what was attempted. */
function saidOf(outcome: RequestOutcome, attempt: string, location: string): RequestOutcome {
  return "error" in outcome && isOfStore(outcome.error)
    ? { error: storageError(outcome.error, attempt, location) }
    : outcome;
}
