import type { Commit } from "../../../src/adapter-kit/commit-feed.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesOf } from "../sql-text.js";
import { replaced, type StoreChangedError, wentBack } from "./store-changed-error.js";
import { storeIdentity } from "./store-mark.js";

/** Takes what statements say of the store that they ran in. */
export interface StoreMarks {
  /** Names the store; the same as long as it has all that this process has seen. */
  readonly epoch: string;
  /**
   * Takes the mark of a statement: see `markSQL`.
   *
   * @throws an error when it is of another store, or of one that lacks what was seen
   */
  take(mark: string | null | undefined, connection: PostgresConnection): Promise<void>;
}

/** An event by which a store is told from one that has another past. */
interface SeenEvent {
  readonly position: number;
  readonly version: number;
  /** As bytes, or as the server writes them. */
  readonly id: Uint8Array | string;
  /** The number of its stream, or the id where the number is not known. */
  readonly stream: number | string;
}

/**
 * What this process knows of the store: which tables it is in, and the last event that was read or written. A dump that was
 * restored, a store that was made anew and a standby that was promoted without some of the events are told by that, however
 * much was written to them since. A store that lacks nothing that was seen counts as the same.
 *
 * Once the store was found to be another, every later call fails: versions and events that a program remembers are not of
 * that store.
 */
export class StoreHistory implements StoreMarks {
  readonly epoch: string;
  readonly #names: StoreNames;
  #identity: string;
  #last: SeenEvent | undefined;
  #lastPosition = 0;
  #change: StoreChangedError | undefined;

  private constructor(names: StoreNames, identity: string) {
    this.#names = names;
    this.#identity = identity;
    this.epoch = identity;
  }

  /** Begins with the store as a connection finds it. */
  static async begin(connection: PostgresConnection, names: StoreNames): Promise<StoreHistory> {
    const { rows } = await connection.query<{ identity: string }>({ text: identitySQL(names) });
    return new StoreHistory(names, rows[0]?.identity ?? "");
  }

  /** What `storeIdentity` is as long as nobody has replaced the tables. */
  get identity(): string {
    return this.#identity;
  }

  /** The part of the identity that tells the tables from those of a dump. */
  get table(): string {
    return tableOf(this.#identity);
  }

  /** The last position that anything has shown. */
  get lastPosition(): number {
    return this.#lastPosition;
  }

  /** @throws StoreChangedError when it was found before that the store is another */
  assertUnchanged(): void {
    if (this.#change !== undefined) throw this.#change;
  }

  async take(mark: string | null | undefined, connection: PostgresConnection): Promise<void> {
    if (!this.note(mark)) await this.check(connection);
  }

  /** Takes note of the last event that a mark names. @returns false for the mark of another store */
  note(mark: string | null | undefined): boolean {
    const [identity, position, version, stream, id] = (mark ?? "").split(" ");
    if (identity !== this.#identity) return false;
    if (id !== undefined) {
      this.#see({ position: Number(position), version: Number(version), stream: Number(stream), id });
    }
    return true;
  }

  /** Takes note of a position that was committed, where the event is not known. */
  notePosition(position: number): void {
    if (position > this.#lastPosition) this.#lastPosition = position;
  }

  noteCommit({ events }: Commit): void {
    const last = events.at(-1);
    if (last === undefined) return;
    const { position, version, streamId, event } = last;
    this.#see({ position, version, stream: streamId, id: bytesOf(event.id) });
  }

  /**
   * Asks whether the store is still the one, or has all that was seen. For every new connection, which may be to another
   * server, and where a statement ran in other tables.
   *
   * @throws StoreChangedError
   */
  async check(connection: PostgresConnection): Promise<void> {
    this.assertUnchanged();
    const last = this.#last;
    let found = await this.#look(connection, last);
    if (found?.hasLast === false) {
      // A replica may show an event before its commit is over on the primary. Until then the lock is held.
      await connection.script(`SELECT pg_advisory_xact_lock(${this.#names.lockKey})`);
      found = await this.#look(connection, last);
    }
    if (found === undefined || epochOf(found.identity) !== epochOf(this.#identity)) this.#change = replaced();
    else if (!found.hasLast) this.#change = wentBack(`the event at position ${last?.position}`);
    else this.#identity = found.identity;
    this.assertUnchanged();
  }

  /**
   * A transaction of this process that was acknowledged is not there.
   *
   * @throws StoreChangedError
   */
  failForLostTransaction(): never {
    this.#change = wentBack("the last transaction of this process");
    throw this.#change;
  }

  /** Whether a server shows all that was seen. A replica may lag, or follow another server. */
  async isIn(connection: PostgresConnection): Promise<boolean> {
    const position = this.#lastPosition;
    const found = await this.#look(connection, this.#last);
    return found !== undefined && found.identity === this.#identity && found.hasLast && found.head >= position;
  }

  #see(event: SeenEvent): void {
    if (this.#last === undefined || event.position > this.#last.position) this.#last = event;
    this.notePosition(event.position);
  }

  async #look(connection: PostgresConnection, last: SeenEvent | undefined): Promise<Found | undefined> {
    const number = typeof last?.stream === "number" ? last.stream : null;
    const name = typeof last?.stream === "string" ? bytesOf(last.stream) : null;
    const values = last === undefined ? [] : [last.position, last.id, last.version, number, name];
    const text = last === undefined ? identitySQL(this.#names) : lookSQL(this.#names);
    const { rows } = await connection.query<Row>({ text, values });
    return rows[0] && { ...rows[0], hasLast: rows[0].hasLast === "t" };
  }
}

interface Row {
  readonly identity: string;
  readonly head: number;
  readonly hasLast: string;
}

/** What a connection finds: the store, its last position, and whether it has the last event that was seen. */
interface Found extends Omit<Row, "hasLast"> {
  readonly hasLast: boolean;
}

/** The part of an identity that a dump has. */
function epochOf(identity: string): string {
  return identity.split("/")[0] as string;
}

function tableOf(identity: string): string {
  return identity.split("/")[1] as string;
}

function identitySQL({ prefix }: StoreNames): string {
  return `SELECT ${storeIdentity("s")} AS identity, ${headSQL(prefix)} AS head, true AS "hasLast" FROM ${prefix}es_store s`;
}

function headSQL(prefix: string): string {
  return `(SELECT coalesce(max(position), 0) FROM ${prefix}es_events)`;
}

// An event that was removed with others of its stream is not lost: the stream begins behind it.
function lookSQL({ prefix }: StoreNames): string {
  return `
    SELECT ${storeIdentity("s")} AS identity, ${headSQL(prefix)} AS head,
           EXISTS (SELECT FROM ${prefix}es_events WHERE position = $1::bigint AND id = $2::bytea)
           OR coalesce((
             SELECT version FROM ${prefix}es_events
             WHERE stream = coalesce($4::bigint, (SELECT id FROM ${prefix}es_streams WHERE hash = sha256($5::bytea)))
             ORDER BY version LIMIT 1), 0) > $3::bigint AS "hasLast"
    FROM ${prefix}es_store s`;
}
