import type { AppendRequest, AppendResult } from "../../../protocols/index.js";
import { PendingWork } from "../../../src/adapter-kit/pending-work.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { LockClock } from "../retry-busy.js";
import { isBusy, storageError } from "../sqlite-errors.js";
import type { WalCheckpointer } from "../transaction/wal-checkpointer.js";
import type { Writer } from "../transaction/writer.js";
import type { AppendGroup } from "./append-group.js";
import type { AppendOutcome } from "./append-plan.js";
import { MAX_STATEMENT_CHARACTERS } from "./event-rows.js";
import { PendingAppend } from "./pending-append.js";

/** How many events one group takes; a single append may have more. */
const MAX_GROUP_EVENTS = 4_096;

/** The context of the queue. */
export interface AppendQueueContext {
  readonly writer: Writer;
  readonly group: AppendGroup;
  readonly location: string;
  readonly lock: LockClock;
  /** Absent where there is no log to keep short. */
  readonly checkpointer: WalCheckpointer | undefined;
}

/**
 * Groups appends: while one transaction commits, what arrives waits, and the next takes all of it, up to
 * MAX_GROUP_EVENTS. Each append keeps an outcome of its own.
 */
export class AppendQueue {
  readonly #context: AppendQueueContext;
  #waiting: PendingAppend[] = [];
  #isScheduled = false;
  readonly #storing = new PendingWork();

  constructor(context: AppendQueueContext) {
    this.#context = context;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const append = new PendingAppend(request, this.#context.lock.deadline(), resolve, reject);
      this.#waiting.push(append);
      if (!this.#isScheduled) this.#schedule();
    });
  }

  /** Resolves once every append that was accepted has settled. */
  drained(): Promise<void> {
    return this.#storing.drained();
  }

  // At the end of this turn of the event loop, so that all callers of the last commit can be in the next one.
  #schedule(): void {
    this.#isScheduled = true;
    this.#storing.begin();
    setImmediate(() => void this.#storeWaiting());
  }

  // The next group is on its way before the callers of the one before are told: they go on while it is stored.
  async #storeWaiting(): Promise<void> {
    let tell: Tell = () => undefined;
    do {
      const group = this.#takeGroup();
      const storing = this.#storeGroup(group);
      tell();
      tell = await storing;
    } while (this.#waiting.length > 0);
    this.#isScheduled = false;
    tell();
    this.#storing.end();
  }

  async #storeGroup(group: Group): Promise<Tell> {
    const { writer, checkpointer } = this.#context;
    try {
      const tell = await writer.use((connection) => this.#store(connection, group.appends));
      checkpointer?.written(group.characters, group.indexPages);
      return tell;
    } catch (error) {
      // Before the next group is planned on what is not true any more.
      this.#context.group.failed();
      return () => this.#fail(group, error);
    }
  }

  #fail({ appends }: Group, error: unknown): void {
    for (const append of appends) this.#failOne(append, error);
  }

  #failOne(append: PendingAppend, error: unknown): void {
    const attempt = `write to stream "${append.request.streamId}"`;
    append.settle({ error: storageError(error, attempt, this.#context.location) });
  }

  #store(connection: SQLiteConnection, appends: readonly PendingAppend[]): Promise<Tell> {
    const { group, lock } = this.#context;
    let begun = appends;
    // The last one was made last, and so gives up last.
    return lock.retryWhileBusy(appends.at(-1)?.lockDeadline ?? 0, async () => {
      begun = begun.filter((append) => append.isWanted());
      if (begun.length === 0) return () => undefined;
      const requests = begun.map(({ request }) => request);
      const outcomes = await group.store(connection, requests).catch((error: unknown) => {
        if (isBusy(error)) this.#giveUpLate(begun, error);
        throw error;
      });
      return () => {
        for (let index = 0; index < begun.length; index += 1) begun[index]?.settle(outcomes[index] as AppendOutcome);
      };
    });
  }

  /** Rejects those that have waited for the lock as long as they may, while others of their group still wait. */
  #giveUpLate(appends: readonly PendingAppend[], error: unknown): void {
    for (const append of appends) {
      if (this.#context.lock.isPast(append.lockDeadline)) this.#failOne(append, error);
    }
  }

  #takeGroup(): Group {
    let events = 0;
    let characters = 0;
    let indexPages = 0;
    let count = 0;
    for (const { characters: more, indexPages: pages, request } of this.#waiting) {
      const isOver = events + request.events.length > MAX_GROUP_EVENTS || characters + more > MAX_STATEMENT_CHARACTERS;
      if (count > 0 && isOver) break;
      events += request.events.length;
      characters += more;
      indexPages += pages;
      count += 1;
    }
    return { appends: this.#waiting.splice(0, count), characters, indexPages };
  }
}

/** Appends that share a transaction. */
interface Group {
  readonly appends: readonly PendingAppend[];
  readonly characters: number;
  readonly indexPages: number;
}

/** Tells the callers of a group what became of their appends. */
type Tell = () => void;
