import { isStreamError } from "async-streams";
import { checkDocumentId, checkObject, checkSequence } from "./check-arguments.js";
import { checkBatch } from "./check-batch.js";
import type { Database } from "./database.js";
import { documentMissing, duplicateSequence, sequenceGap } from "./document-errors.js";
import { SNAPSHOT_PROJECTION } from "./document-fold.js";
import { sequenceOf, streamOf, versionOf } from "./document-stream.js";
import type { EventStoreGateway } from "./event-store-gateway.js";
import { type FlatEvent, toCandidate, toFlatEvent } from "./flat-event.js";
import { saveDueSnapshots, saveSnapshot } from "./snapshots.js";

/** The events of a document in its SQLite file. */
export class SqliteEventGateway implements EventStoreGateway {
  readonly #db: Database;
  readonly #documentId: string;

  /** @throws TypeError when there is no database, or the document's id is no text */
  constructor(options: { readonly db: Database; readonly documentId: string }) {
    checkObject("options", options);
    const { db, documentId } = options;
    checkObject("db", db);
    checkDocumentId(documentId);
    this.#db = db;
    this.#documentId = documentId;
  }

  persistEvent(event: FlatEvent): Promise<void> {
    return this.persistEventBatch([event]);
  }

  async persistEventBatch(events: readonly FlatEvent[]): Promise<void> {
    checkBatch(this.#documentId, events);
    const [first] = events;
    if (first === undefined) return;
    const { sequenceNumber } = first;
    await using stream = await this.#db.openStream(streamOf(this.#documentId));
    try {
      // A document that was created has a version of 1 at least, so this is the foreign key too.
      await stream.write(events.map(toCandidate), { expectedVersion: versionOf(sequenceNumber) - 1 });
    } catch (error) {
      throw this.#refused(error, sequenceNumber);
    }
    await saveDueSnapshots(this.#db, stream, { after: versionOf(sequenceNumber) - 1, upTo: stream.version });
  }

  /** The error of the seed that a refusal of the store stands for. */
  #refused(error: unknown, sequence: number): unknown {
    if (isStreamError(error, "STREAM_DELETED")) return documentMissing(this.#documentId, error);
    if (!isStreamError(error, "CONCURRENCY_CONFLICT")) return error;
    const next = sequenceOf(error.actualVersion) + 1;
    if (next < 0) return documentMissing(this.#documentId, error);
    if (sequence < next) return duplicateSequence(this.#documentId, sequence, error);
    return sequenceGap(this.#documentId, sequence, next, error);
  }

  async getEvents(range: { readonly fromSequence: number; readonly toSequence?: number }): Promise<FlatEvent[]> {
    checkObject("range", range);
    const { fromSequence, toSequence = Number.POSITIVE_INFINITY } = range;
    checkSequence("fromSequence", fromSequence);
    checkSequence("toSequence", toSequence);
    const streamId = streamOf(this.#documentId);
    const { firstVersion = 1 } = (await this.#db.describeStream(streamId)) ?? {};
    await using stream = await this.#db.openStream(streamId);
    const after = Math.max(versionOf(Math.max(fromSequence, 0)), firstVersion) - 1;
    if (after >= stream.version) return [];
    const events: FlatEvent[] = [];
    const upTo = Math.min(Math.max(after, versionOf(toSequence)), stream.version);
    for await (const event of stream.read({ after, upTo })) {
      if (event.type !== "@deleted") events.push(toFlatEvent(event));
    }
    return events;
  }

  async getLatestSequenceNumber(): Promise<number> {
    const stream = await this.#db.describeStream(streamOf(this.#documentId));
    if (stream === null || stream.deleted) return -1;
    return sequenceOf(stream.version);
  }

  /** The document stays what it is: a snapshot of it is saved first. The last event stays too. */
  async pruneEventsBeforeSequence(sequenceNumber: number): Promise<void> {
    checkSequence("sequenceNumber", sequenceNumber);
    const latest = await this.getLatestSequenceNumber();
    const before = versionOf(Math.min(sequenceNumber, latest));
    if (sequenceNumber <= 0 || latest < 0) return;
    const { firstVersion = 1 } = (await this.#db.describeStream(streamOf(this.#documentId))) ?? {};
    // They are gone already, and so is what a snapshot before them would be made of.
    if (before <= firstVersion) return;
    await using stream = await this.#db.openStream(streamOf(this.#documentId));
    await saveSnapshot(this.#db, stream, before - 1);
    await this.#db.pruneStream(stream.streamId, { before, behindSnapshot: SNAPSHOT_PROJECTION });
  }
}
