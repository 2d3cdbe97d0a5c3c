import type { ContentsFigures, StoreContents, StreamFactory } from "../../protocols/index.js";
import { MAX_COPY_PAGE_ITEMS, MAX_COPY_ROUNDS } from "../limits.js";
import {
  checkFunction,
  checkOptions,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { type CopyProgressContext, compareEvents, copyEvents, differs } from "./copy-events.js";
import { CHANGING_PARTS, comparePart, copyPart } from "./copy-parts.js";
import { type CopySide, copySideOf } from "./copy-side.js";
import { assertSameSource, checkSource } from "./copy-source.js";
import { CopyTarget } from "./copy-target.js";

/** The options of {@link copyStore}. */
export interface CopyOptions {
  /**
   * With `"none"` the application's tables stay behind. Default: a store that has any, besides read models, is not copied.
   */
  readonly tables?: "none" | undefined;
  /** Called after each batch of at most 1,000 events, and of each comparison. An error that it throws ends the copy. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Ends the copy between two batches: it rejects with the signal's reason. What was copied stays. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a copy is. */
export interface CopyProgress {
  /** How many events are in the copy. */
  readonly copiedEvents: number;
  /** How many events the source had when the call began. */
  readonly totalEvents: number;
  /** The position of the last event in the copy. */
  readonly position: number;
  /** Up to this position the events of the copy were compared with the source's. */
  readonly verifiedPosition: number;
}

/** What a copy has. Everything was compared with the source. */
export interface CopyReport {
  /** The position of the last event. The copy is the source as it was when this was its last event. */
  readonly position: number;
  /** How many events it has. */
  readonly events: number;
  /** How many of them this call has brought. */
  readonly copiedEvents: number;
  /** How many snapshots it has. */
  readonly snapshots: number;
  /** How many records it has, the metadata of streams and the places of consumers among them. */
  readonly records: number;
}

const OPTIONS: OptionNames<CopyOptions> = { tables: true, onProgress: true, signal: true };

/**
 * Copies a store to another one, between any two adapters: events with their ids, keys, positions and timestamps, snapshots,
 * metadata of streams, tombstones, the first versions and the keys of pruned streams, and records. Leases are released. The
 * records of projections and migrations stay behind with the tables that they describe.
 *
 * The source may be written to meanwhile: the copy is what the source was at one moment, and the report says at which
 * position. Called again, it brings what is new since. After an abort, an error or a kill it goes on where it was. Until it
 * has resolved, the target refuses every other use once it is opened (`STORAGE_COPY_UNFINISHED`).
 *
 * @param from - what an adapter's factory function returned
 * @param to - an empty store, or one that a copy of the same source was begun into
 * @throws InvalidArgumentError when an argument is invalid.
 * @throws StorageError `STORAGE_UNSUPPORTED` when the application has tables that would not come along, or an adapter cannot
 * copy; `STORAGE_TARGET_EXISTS` when the target has contents that no copy of this source has brought;
 * `STORAGE_COPY_UNFINISHED` when the source is an unfinished copy; `STORAGE_CORRUPT` when the source is damaged, or the copy is
 * not what was copied.
 * @throws the signal's reason when it is aborted.
 * @throws StreamClosedError when either store is disposed of.
 *
 * @example
 * ```ts
 * await using from = await sqliteStreamFactory("bank.db", { mode: "readonly" });
 * await using to = await postgresStreamFactory("postgresql://bank@localhost/bank");
 * const { events, position } = await copyStore(from, to);
 * console.log(`${events} events, up to position ${position}`);
 * ```
 */
export async function copyStore(
  from: StreamFactory,
  to: StreamFactory,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const source = copySideOf(from, "copy the store");
  const attempt = `copy ${source.name}`;
  const targetSide = copySideOf(to, attempt);
  for (const { context } of [source, targetSide]) {
    context.lifetime.assertOpen(attempt);
    context.calls.assertOutside("copyStore");
  }
  inAttempt(`${attempt} to ${targetSide.name}`, undefined, () => checkArguments(source, targetSide, options));
  options.signal?.throwIfAborted();
  const copying = () => new CopyRun(source, targetSide, options).run();
  return source.context.calls.note(() => targetSide.context.calls.note(copying, "copyStore"), "copyStore");
}

function checkArguments(source: CopySide, target: CopySide, options: CopyOptions): void {
  checkOptions(options, OPTIONS);
  checkFunction("onProgress", options.onProgress);
  checkSignal(options.signal);
  if (options.tables !== undefined && options.tables !== "none") {
    throw invalidArgument("tables", `expected "none", got ${describeValue(options.tables)}`);
  }
  if (source.storage === target.storage) throw invalidArgument("to", "it is the store that is copied");
}

/** One call of `copyStore`. */
class CopyRun {
  readonly #source: CopySide;
  readonly #targetSide: CopySide;
  readonly #options: CopyOptions;
  readonly #attempt: string;

  constructor(source: CopySide, targetSide: CopySide, options: CopyOptions) {
    this.#source = source;
    this.#targetSide = targetSide;
    this.#options = options;
    this.#attempt = `copy ${source.name} to ${targetSide.name}`;
  }

  async run(): Promise<CopyReport> {
    const target = await CopyTarget.open(this.#targetSide, this.#source.name, this.#attempt);
    await assertSameSource(this.#source, this.#targetSide, this.#attempt);
    const totalEvents = await this.#export((contents) =>
      checkSource(contents, this.#source, this.#options.tables, this.#attempt),
    );
    const { eventCount } = await this.#targetSide.storage.exportContents((contents) => contents.readFigures());
    let copiedEvents = 0;
    const context: CopyProgressContext = {
      source: this.#source.name,
      target,
      attempt: this.#attempt,
      assertWanted: () => this.#assertWanted(),
      onCopied: (events) => {
        copiedEvents += events;
        const { position, verifiedPosition } = target.note;
        this.#options.onProgress?.({
          copiedEvents: eventCount + copiedEvents,
          totalEvents,
          position,
          verifiedPosition,
        });
      },
    };
    // From here on the target is known to be an unfinished copy.
    await target.import({}, { source: this.#source.name, isComplete: false });
    await this.#catchUp(context);
    const report = await this.#export((contents) => this.#takeMoment(contents, context));
    await target.import({}, { isComplete: true, verifiedPosition: target.note.position });
    return { ...report, copiedEvents };
  }

  /** Brings the events while others write, until little is left, and compares them. */
  async #catchUp(context: CopyProgressContext): Promise<void> {
    const { target } = context;
    for (let round = 0; round < MAX_COPY_ROUNDS; round += 1) {
      const { lastPosition } = await this.#export((contents) => contents.readFigures());
      if (lastPosition - target.note.position < MAX_COPY_PAGE_ITEMS) break;
      for (let before = -1; before < target.note.position && target.note.position < lastPosition; ) {
        before = target.note.position;
        await this.#export((contents) => copyEvents(contents, lastPosition, context));
      }
    }
    while (target.note.verifiedPosition < target.note.position) {
      const verifiedPosition = await this.#export((contents) => compareEvents(contents, context, true));
      await target.import({}, { verifiedPosition });
      context.onCopied(0);
    }
  }

  /** Makes the copy what the source is at one moment. */
  async #takeMoment(contents: StoreContents, context: CopyProgressContext): Promise<Omit<CopyReport, "copiedEvents">> {
    const { target } = context;
    const figures = await contents.readFigures();
    await copyEvents(contents, figures.lastPosition, context, null);
    for (const part of CHANGING_PARTS) await copyPart(contents, part, context);
    const { givenPosition, lastRevision } = figures;
    await target.import({ figures: { givenPosition, lastRevision } }, { lastRevision });
    await compareEvents(contents, context, false);
    const counts = { prunedStreams: 0, keptKeys: 0, snapshots: 0, records: 0 };
    for (const part of CHANGING_PARTS) counts[part] = await comparePart(contents, part, context);
    await this.#compareFigures(figures);
    const { snapshots, records } = counts;
    return { position: figures.lastPosition, events: figures.eventCount, snapshots, records };
  }

  async #compareFigures({ eventCount, lastPosition }: ContentsFigures): Promise<void> {
    const copied = await this.#targetSide.storage.exportContents((contents) => contents.readFigures());
    if (copied.eventCount === eventCount && copied.lastPosition === lastPosition) return;
    throw differs(this.#attempt, `the number of events (${copied.eventCount} instead of ${eventCount})`);
  }

  #export<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    this.#assertWanted();
    return this.#source.storage.exportContents(work);
  }

  #assertWanted(): void {
    this.#options.signal?.throwIfAborted();
    this.#source.context.lifetime.assertOpen(this.#attempt);
    this.#targetSide.context.lifetime.assertOpen(this.#attempt);
  }
}
