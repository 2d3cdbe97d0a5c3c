import { ALL_STREAM, type EventFilter, StorageError, type StoredEvent, type Stream } from "../../protocols/index.js";
import { MAX_BYTES_AHEAD, MAX_EVENTS_AHEAD } from "../limits.js";
import { inStore } from "../validate/in-call.js";
import type { PartitionRun } from "./partition-run.js";
import { partitionOf } from "./partitions.js";
import { type ReadEvent, readGeneration } from "./read-event.js";
import type { RunContext } from "./run-context.js";
import { filterOf, isWanted } from "./wanted-events.js";

/**
 * Reads the store once for all partitions of this process, from the lowest place on, and gives each its events. A partition
 * that has enough for now is left behind, and holds up no other: it is read for again once it has room.
 */
export class EventFeed {
  readonly #context: RunContext;
  readonly #all: Stream;
  readonly #noticeRetries: () => Promise<void>;
  readonly #filter: EventFilter;

  /** @param noticeRetries - called before the first event of a page is given */
  constructor(context: RunContext, all: Stream, noticeRetries: () => Promise<void>) {
    this.#context = context;
    this.#all = all;
    this.#noticeRetries = noticeRetries;
    this.#filter = filterOf(context.definition);
  }

  /** Reads one page for those that have room. @returns whether there may be more to read */
  async read(runs: ReadonlyMap<number, PartitionRun>, partitions: number, signal: AbortSignal): Promise<boolean> {
    const fed = new Map([...runs].filter(([, run]) => runsLow(run, runs)));
    if (fed.size === 0) return false;
    const from = Math.min(...[...fed.values()].map(({ readPosition }) => readPosition));
    const head = await this.#context.access.storage.getVersion(ALL_STREAM);
    if (from > head) throw this.#wentBack(from, head);
    if (from === head) return false;
    let count = 0;
    let last = from;
    const generation = readGeneration(this.#context);
    const options = { after: from, upTo: head, limit: MAX_EVENTS_AHEAD, filter: this.#filter, signal };
    for await (const event of this.#all.read(options)) {
      count += 1;
      if (count === 1) await this.#noticeRetries();
      this.#give({ event, generation }, fed, partitions, runs);
      if (fed.size === 0) return true;
      last = event.position;
    }
    const readUpTo = count < MAX_EVENTS_AHEAD ? head : last;
    for (const run of fed.values()) run.readUpTo(readUpTo);
    this.#context.onProgress();
    return true;
  }

  #give(
    { event, generation }: ReadEvent,
    fed: Map<number, PartitionRun>,
    partitions: number,
    runs: ReadonlyMap<number, PartitionRun>,
  ) {
    const index = partitionOf(event.streamId, partitions);
    const run = fed.get(index);
    if (run === undefined || event.position <= run.readPosition || !this.#isWanted(event)) return;
    if (!hasRoom(run, runs)) {
      fed.delete(index);
      return;
    }
    run.offer({ event, generation });
    run.readPosition = event.position;
  }

  #isWanted({ type }: StoredEvent): boolean {
    return isWanted(type, this.#context.definition.types);
  }

  #wentBack(place: number, head: number): StorageError {
    const { definition, access } = this.#context;
    const message =
      `Consumer "${definition.name}"${inStore(access.location)} has ended: its checkpoint is ${place}, and the last position ` +
      `is ${head}. The store went back: an older copy was put in its place, or its log was cut. Find out what was lost, and ` +
      "start again with `restart`.";
    return new StorageError("STORAGE_WENT_BACK", message);
  }
}

/** A partition has room up to its share of what may be read ahead, and always for one event. */
function hasRoom(run: PartitionRun, runs: ReadonlyMap<number, PartitionRun>): boolean {
  return hasLess(run, runs, 1);
}

/** Whether a partition has used up half of its share: a page that is read for one event is mostly thrown away. */
function runsLow(run: PartitionRun, runs: ReadonlyMap<number, PartitionRun>): boolean {
  return hasLess(run, runs, 0.5);
}

function hasLess(run: PartitionRun, runs: ReadonlyMap<number, PartitionRun>, part: number): boolean {
  if (run.queued === 0) return true;
  const share = Math.max(1, Math.floor(MAX_EVENTS_AHEAD / runs.size));
  return run.queued < share * part && run.queuedBytes < (MAX_BYTES_AHEAD / runs.size) * part;
}
