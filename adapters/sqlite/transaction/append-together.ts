import type { AppendRequest, JoinAppends, RequestOutcome, TakeRequests } from "../../../protocols/index.js";
import { appendInTransaction } from "../../../src/adapter-kit/append-together.js";
import type { DoInParts, TransactionWork } from "./pending-transaction.js";
import type { WriteQueue } from "./write-queue.js";

/** Appends those that wait as the transaction begins, each with an outcome of its own. */
export function appendTogether(
  queue: Pick<WriteQueue, "transact">,
  take: TakeRequests,
  join: JoinAppends,
): Promise<readonly RequestOutcome[]> {
  let requests: readonly AppendRequest[] = [];
  const noting: TakeRequests = () => {
    requests = take();
    return requests;
  };
  const eachAlone: DoInParts = async (transact) => {
    const appendAlone = (request: AppendRequest) => appendInTransaction(asAppends(transact), () => [request], join);
    const outcomes = await Promise.all(requests.map(appendAlone));
    return outcomes.flat();
  };
  return appendInTransaction(
    asAppends((work) => queue.transact(work, {}, eachAlone)),
    noting,
    join,
  );
}

/** The queue hands the result of each callback to its own caller. */
function asAppends(transact: (work: TransactionWork) => Promise<unknown>) {
  return (work: TransactionWork) => transact(work) as Promise<readonly RequestOutcome[]>;
}
