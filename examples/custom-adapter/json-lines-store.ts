import { type EncodedState, type NewEvent, type Snapshot, StorageError } from "async-streams";
import type { PlacedEvent } from "async-streams/adapter";
import { EventIndex, type EventPlace, type IndexedEvent } from "./event-index.js";
import { LineFile, type LinePlace } from "./line-file.js";
import {
  decodeLine,
  type EventLine,
  encodeLine,
  LINE_START,
  type LineRecord,
  type SnapshotLine,
} from "./line-record.js";
import { SnapshotIndex } from "./snapshot-index.js";

/** The file and what is known of it: whatever is added goes to the disk first and into the indexes then. */
export class JsonLinesStore {
  readonly file: LineFile;
  readonly events = new EventIndex();
  readonly snapshots = new SnapshotIndex();

  private constructor(file: LineFile) {
    this.file = file;
  }

  static async open(path: string): Promise<JsonLinesStore> {
    const store = new JsonLinesStore(await LineFile.open(path));
    try {
      await store.#loadIndexes();
    } catch (error) {
      await store.file.close();
      throw error;
    }
    return store;
  }

  async addEvents(streamId: string, events: readonly NewEvent[], timestampMs: number): Promise<PlacedEvent[]> {
    const texts = events.map((event, index) =>
      encodeLine({ kind: "event", streamId, timestampMs, linesLeft: events.length - 1 - index, event }),
    );
    const lines = await this.file.append(texts);
    return lines.map((line, index) => {
      const event = events[index] as NewEvent;
      const { idempotencyKey } = event;
      return { ...this.events.add({ streamId, idempotencyKey, timestampMs, line }), event };
    });
  }

  async addSnapshot(snapshot: Snapshot<EncodedState>): Promise<void> {
    const [line] = await this.file.append([encodeLine({ kind: "snapshot", snapshot })]);
    this.snapshots.add(snapshot, line as LinePlace);
  }

  async readEvent(place: EventPlace): Promise<NewEvent> {
    const record = this.#decode(await this.file.read(place.line), place.line);
    return (record as EventLine).event;
  }

  async readSnapshot(line: LinePlace): Promise<Snapshot<EncodedState>> {
    const record = this.#decode(await this.file.read(line), line);
    return (record as SnapshotLine).snapshot;
  }

  async #loadIndexes(): Promise<void> {
    // The events of an append wait here until its last line has been seen.
    let pending: IndexedEvent[] = [];
    await this.file.recover(LINE_START, (text, line) => {
      const record = this.#decode(text, line);
      if (record.kind === "snapshot") {
        this.snapshots.add(record.snapshot, line);
        return true;
      }
      const { streamId, timestampMs, event, linesLeft } = record;
      pending.push({ streamId, idempotencyKey: event.idempotencyKey, timestampMs, line });
      if (linesLeft > 0) return false;
      for (const indexed of pending) this.events.add(indexed);
      pending = [];
      return true;
    });
  }

  #decode(text: string, { offset }: LinePlace): LineRecord {
    try {
      return decodeLine(text);
    } catch (error) {
      const message = `Cannot read ${this.file.path}: the line at byte ${offset} is damaged, or the file is another program's`;
      throw new StorageError("STORAGE_CORRUPT", message, { cause: error });
    }
  }
}
