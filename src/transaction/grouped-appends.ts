import type {
  AppendRequest,
  AppendResult,
  JoinAppends,
  RequestOutcome,
  StorageHandle,
  StorageSession,
  TransactionalStorage,
} from "../../protocols/index.js";
import { joinAll, type Participant, participantsOf } from "../stream/participant.js";
import { WaitingAppends } from "./waiting-appends.js";
import { attemptOf } from "./write-all.js";

/**
 * The appends that others take part in. Those that wait for a transaction share it, so that a projection takes the events of
 * all of them at once.
 */
export class GroupedAppends {
  readonly #storage: TransactionalStorage;
  readonly #participants: ReadonlySet<Participant>;
  /** Waits for its transaction, and may take further appends. */
  #open: WaitingAppends | undefined;

  constructor(storage: StorageHandle, participants: ReadonlySet<Participant>) {
    // Only transactional storage has participants.
    this.#storage = storage as TransactionalStorage;
    this.#participants = participants;
  }

  /** @param bytes - about how many it takes in memory */
  append(request: AppendRequest, bytes: number): Promise<AppendResult> {
    if (this.#storage.appendTogether === undefined) return this.#appendAlone(request);
    if (request.signal?.aborted) return Promise.reject(request.signal.reason);
    if (this.#open?.takes(request, bytes)) return this.#open.add(request, bytes);
    const group = new WaitingAppends();
    this.#open = group;
    const result = group.add(request, bytes);
    this.#storage
      .appendTogether(() => {
        this.#end(group);
        return group.take();
      }, this.#join)
      .then(
        (outcomes: readonly RequestOutcome[]) => group.settle(outcomes),
        (error: unknown) => {
          this.#end(group);
          group.fail(error);
        },
      );
    return result;
  }

  /** Nobody joins it any more, and its events are kept no longer than it takes to store them. */
  #end(group: WaitingAppends): void {
    if (this.#open === group) this.#open = undefined;
  }

  /** Lets no later append join those that wait: another call comes in between, and calls keep their order. */
  close(): void {
    this.#open = undefined;
  }

  #appendAlone(request: AppendRequest): Promise<AppendResult> {
    const work = async (session: StorageSession): Promise<AppendResult> => {
      const result = await session.append(request);
      if (result.written > 0) await this.#join(session, [request]);
      return result;
    };
    return this.#storage.transact(work, { signal: request.signal, attempt: attemptOf([request]) });
  }

  readonly #join: JoinAppends = async (session, stored) => {
    const events = stored.flatMap((request) => request.events);
    await joinAll(participantsOf(this.#participants, events), session, this.#storage.location);
  };
}
