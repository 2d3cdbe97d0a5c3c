import { ALL_STREAM, type EventPage, type PlacedEvent, type ReadQuery } from "../../../protocols/index.js";
import { decodeEvent } from "../../../src/adapter-kit/decode-event.js";
import type { StreamHead } from "../append/remembered-store.js";
import type { LogEnd } from "../open/log-end.js";
import { LogEndUse } from "./log-end-use.js";

/** How many streams have their last event kept. The ones that were asked for first go first. */
const MAX_KEPT_STREAMS = 1_000;

/** How large an event may be that is kept: all of them have no more than 4 million characters or bytes. */
const MAX_KEPT_SIZE = 4_096;

/**
 * Answers reads of a stream's end, or of the store's, without a statement, while the end of the log shows that nobody has
 * committed anything behind this process's own last commit. A command that goes on from a state in memory then takes one hop to
 * the thread pool, and not two.
 *
 * It begins once ends are read again and again, as commands do, and stops when they are not, or when others write.
 */
export class KnownTail {
  readonly #log: LogEnd;
  readonly #countFrames: () => Promise<number>;
  /**
   * The last events of the streams whose ends were read, as far as this process has stored them since: as they were at its own
   * last commit of events.
   */
  readonly #last = new Map<string, PlacedEvent | undefined>();
  /** Whether the end of the log is known. */
  #isFound = false;
  /** Whether the end of the log is behind that commit. */
  #isCurrent = false;
  #isSearching = false;
  #hasWritten = false;
  readonly #use = new LogEndUse();

  /** @param countFrames - asks SQLite how many frames the log has */
  constructor(log: LogEnd, countFrames: () => Promise<number>) {
    this.#log = log;
    this.#countFrames = countFrames;
  }

  /** The page, if it is known. */
  page(query: ReadQuery): EventPage | undefined {
    if (!this.#isCurrent || !isOfEnd(query)) return undefined;
    const last = this.#last.get(query.streamId);
    if (last === undefined) return undefined;
    const head = query.streamId === ALL_STREAM ? last.position : last.version;
    if (query.after > head || query.after < head - 1) return undefined;
    if (!this.#log.isLast()) {
      this.#countUnused();
      return undefined;
    }
    this.#use.answered();
    if (query.after === head) return { events: [], next: null, head, contentBytes: 0 };
    return { events: [decodeEvent(last.event, last)], next: null, head, contentBytes: sizeOf(last) };
  }

  /** Takes note of a page that was read from the database. */
  wasRead(query: ReadQuery, { events, next }: EventPage): void {
    if (next !== null || events.length > 1 || !isOfEnd(query)) return;
    if (!this.#last.has(query.streamId)) this.#keep(query.streamId);
    this.#use.readInVain();
    if (!this.#isFound && !this.#isSearching && this.#hasWritten && this.#use.isSearchDue) void this.#search();
  }

  /**
   * Takes note of a commit of this process that has stored events. Nobody else has stored or removed any since the one before it:
   * otherwise {@link KnownTail.forget} was called.
   *
   * Other commits of this process are not followed: one that has changed nothing leaves nothing in the log, and that of somebody
   * else would be taken for it.
   *
   * @param heads - the streams as they are now
   */
  stored(events: readonly PlacedEvent[], heads: ReadonlyMap<string, StreamHead>): void {
    this.#hasWritten = true;
    if (this.#last.size === 0) return;
    for (const event of events) {
      const { streamId } = event;
      if (!this.#last.has(streamId)) continue;
      // A page of a stream says whether its first events were removed, which is not known here.
      const isWhole = heads.get(streamId)?.isPruned === false;
      this.#last.set(streamId, isWhole ? small(event) : undefined);
    }
    const last = events.at(-1);
    if (last !== undefined && this.#last.has(ALL_STREAM)) this.#last.set(ALL_STREAM, small(last));
    if (!this.#isFound) return;
    this.#isCurrent = this.#log.follow();
    if (this.#isCurrent) this.#countUnused();
    else this.#lose();
  }

  /** Comes when others have changed streams, and when what was stored may not be what is remembered. */
  forget(): void {
    this.#last.clear();
    this.#hasWritten = false;
    if (this.#isFound) this.#lose();
  }

  /** Nobody waits for it. Where it fails, ends are read from the database. */
  async #search(): Promise<void> {
    this.#isSearching = true;
    this.#isFound = await this.#log.find(this.#countFrames).catch(() => false);
    this.#isSearching = false;
    this.#use.searched();
  }

  #countUnused(): void {
    this.#use.unused();
    if (this.#use.isOver) this.#lose();
  }

  /** The end of the log is not known any more. */
  #lose(): void {
    this.#isFound = false;
    this.#isCurrent = false;
    this.#use.lost();
  }

  #keep(streamId: string): void {
    this.#last.set(streamId, undefined);
    for (const oldest of this.#last.keys()) {
      if (this.#last.size <= MAX_KEPT_STREAMS) break;
      this.#last.delete(oldest);
    }
  }
}

/** Whether a page may begin right before the last event, or behind it. */
function isOfEnd({ direction, filter, upTo, after }: ReadQuery): boolean {
  return direction === "forward" && filter === undefined && upTo === undefined && after > 0;
}

function small(event: PlacedEvent): PlacedEvent | undefined {
  return sizeOf(event) <= MAX_KEPT_SIZE ? event : undefined;
}

function sizeOf({ event }: PlacedEvent): number {
  return event.data.length + (event.metadata?.length ?? 0);
}
