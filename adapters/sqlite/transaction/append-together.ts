import type { AppendRequest, JoinAppends, RequestOutcome, TakeRequests } from "../../../protocols/index.js";
import { appendInTransaction } from "../../../src/adapter-kit/append-together.js";
import { isConstraint } from "../sqlite-errors.js";
import { causeOf } from "./fatal-error.js";
import type { TransactionWork } from "./pending-transaction.js";
import type { WriteQueue } from "./write-queue.js";

/** Appends those that wait as the transaction begins, each with an outcome of its own. */
export async function appendTogether(
  queue: Pick<WriteQueue, "transact">,
  take: TakeRequests,
  join: JoinAppends,
): Promise<readonly RequestOutcome[]> {
  let requests: readonly AppendRequest[] = [];
  const noting: TakeRequests = () => {
    requests = take();
    return requests;
  };
  try {
    return await appendInTransaction((work) => transact(queue, work), noting, join);
  } catch (error) {
    // A deferred foreign key fails the commit, and nothing says whose it is.
    if (requests.length < 2 || !isConstraint(causeOf(error))) throw error;
    return Promise.all(requests.map((request) => appendAlone(queue, request, join)));
  }
}

// The queue hands the result of each callback to its own caller.
function transact(queue: Pick<WriteQueue, "transact">, work: TransactionWork): Promise<readonly RequestOutcome[]> {
  return queue.transact(work, {}) as Promise<readonly RequestOutcome[]>;
}

async function appendAlone(
  queue: Pick<WriteQueue, "transact">,
  request: AppendRequest,
  join: JoinAppends,
): Promise<RequestOutcome> {
  try {
    const [outcome] = await appendTogether(queue, () => [request], join);
    return outcome as RequestOutcome;
  } catch (error) {
    return { error };
  }
}
