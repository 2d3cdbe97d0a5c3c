import { createHmac, randomBytes } from "node:crypto";
import { Lifetime } from "../../../src/adapter-kit/lifetime.js";
import { PendingWork } from "../../../src/adapter-kit/pending-work.js";
import { KEY_BYTES, type KeyStore, type KeyWrapping } from "../../../src/privacy/key-store.js";
import { checkName } from "../../../src/validate/check-arguments.js";
import { inAttempt } from "../../../src/validate/in-call.js";
import { pathText } from "../../../src/validate/path-text.js";
import { chooseDriver } from "../drivers/choose-driver.js";
import type { RunResult, SQLiteDriver } from "../drivers/driver.js";
import { parseStorePath } from "../open/store-path.js";
import { LockClock } from "../retry-busy.js";
import { storageError } from "../sqlite-errors.js";
import { parseSQLiteOptions, type SQLiteOptions } from "../sqlite-options.js";
import { type KeyFile, openKeyFile } from "./key-file.js";
import { MasterKey } from "./master-key.js";

/**
 * Opens a key store in a SQLite file of its own, and creates it if there is none. Any number of processes may use it at the
 * same time. Back it up apart from the events, and keep no copy for longer than a forgotten person may be readable in it.
 *
 * The file has keys that are wrapped by your master key, and the ids of persons as keyed hashes. A key that was destroyed is
 * overwritten in the file, and no journal keeps it.
 *
 * @param wrapping - encrypts and decrypts keys with your master key
 * @param options - the driver, as for `sqliteStreamFactory`
 * @throws InvalidArgumentError when the path or the wrapping is invalid.
 * @throws StorageError when the file cannot be used, or the master key is not the one of the file.
 *
 * @example
 * ```ts
 * await using keys = await sqliteKeyStore("keys.db", { wrap: vault.encrypt, unwrap: vault.decrypt });
 * await using streams = protectPersonalData(store, types, keys);
 * ```
 */
export async function sqliteKeyStore(
  path: string | URL,
  wrapping: KeyWrapping,
  options?: Pick<SQLiteOptions, "driver">,
): Promise<KeyStore> {
  return openKeyStore(path, wrapping, options);
}

/** Opens a key store over a driver of the caller's where one is given. */
export async function openKeyStore(
  path: string | URL,
  wrapping: KeyWrapping,
  options?: Pick<SQLiteOptions, "driver">,
  ownDriver?: SQLiteDriver,
): Promise<KeyStore> {
  const { location, name, busyTimeoutMs, masterKey } = inAttempt(
    `open the key store ${pathText(path)}`,
    undefined,
    () => {
      const location = parseStorePath(path);
      const { driver: name, busyTimeoutMs } = parseSQLiteOptions(options);
      return { location, name, busyTimeoutMs, masterKey: new MasterKey(wrapping, location) };
    },
  );
  const file = await openKeyFile(ownDriver ?? (await chooseDriver(name)), location, busyTimeoutMs);
  const keys = new SQLiteKeyStore(file, location, masterKey, busyTimeoutMs);
  try {
    await keys.prepare();
    return keys;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The row of the key that subjects are hashed with. No hash of a subject is empty. */
const HASH_KEY_ROW: Uint8Array = Buffer.alloc(0);

const FIND = "SELECT isForgotten, wrapped FROM es_keys WHERE subject = ?1";
const ADD = "INSERT INTO es_keys (subject, isForgotten, wrapped) VALUES (?1, 0, ?2) ON CONFLICT (subject) DO NOTHING";
const DESTROY = `
  INSERT INTO es_keys (subject, isForgotten, wrapped) VALUES (?1, 1, zeroblob(0))
  ON CONFLICT (subject) DO UPDATE SET isForgotten = 1, wrapped = zeroblob(length(wrapped)) WHERE isForgotten = 0`;

interface KeyRow {
  readonly isForgotten: 0 | 1;
  readonly wrapped: Uint8Array;
}

class SQLiteKeyStore implements KeyStore {
  readonly #file: KeyFile;
  readonly #location: string;
  readonly #masterKey: MasterKey;
  readonly #lock: LockClock;
  readonly #lifetime: Lifetime;
  readonly #pending = new PendingWork();
  #hashKey = HASH_KEY_ROW;
  /** The last call that uses the connection: it takes one at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #disposal: Promise<void> | undefined;

  constructor(file: KeyFile, location: string, masterKey: MasterKey, busyTimeoutMs: number) {
    this.#file = file;
    this.#location = location;
    this.#masterKey = masterKey;
    this.#lock = new LockClock(busyTimeoutMs);
    this.#lifetime = new Lifetime(`the key store ${location}`);
  }

  // A mark of a forgotten person stays for ever, so it must not name the person: subjects are hashed, with a key of the file.
  async prepare(): Promise<void> {
    this.#hashKey = (await this.#getRow(HASH_KEY_ROW, true)) as Uint8Array;
  }

  get(subject: string, create: boolean): Promise<Uint8Array | null | "forgotten"> {
    return this.#counted("read a key", () => this.#getRow(this.#rowOf(subject), create));
  }

  destroy(subject: string): Promise<void> {
    return this.#counted("destroy a key", async () => {
      await this.#run("destroy a key", DESTROY, [this.#rowOf(subject)]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lifetime.refuse();
    this.#disposal ??= this.#pending.drained().then(() => this.#file.close());
    return this.#disposal;
  }

  #rowOf(subject: string): Uint8Array {
    checkName("subject", subject);
    return createHmac("sha256", this.#hashKey).update(subject).digest();
  }

  async #getRow(row: Uint8Array, create: boolean): Promise<Uint8Array | null | "forgotten"> {
    const found = await this.#find(row);
    if (found !== null || !create) return found;
    const key = randomBytes(KEY_BYTES);
    const { changes } = await this.#run("create a key", ADD, [row, await this.#masterKey.wrap(key)]);
    // Otherwise another process was first.
    return changes === 1 ? key : this.#find(row);
  }

  async #find(row: Uint8Array): Promise<Uint8Array | null | "forgotten"> {
    const [found] = await this.#inTurn("read a key", () => this.#file.connection.all<KeyRow>(FIND, [row]));
    if (found === undefined) return null;
    return found.isForgotten === 1 ? "forgotten" : this.#masterKey.unwrap(found.wrapped);
  }

  // Where the file is another by now, that is the error, and not what SQLite says of it.
  #run(attempt: string, sql: string, values: readonly Uint8Array[]): Promise<RunResult> {
    const { connection, check } = this.#file;
    return this.#inTurn(attempt, () => connection.run(sql, values).finally(check));
  }

  async #inTurn<T>(attempt: string, call: () => Promise<T>): Promise<T> {
    const deadline = this.#lock.deadline();
    const result = this.#last.then(() => this.#lock.retryWhileBusy(deadline, call));
    this.#last = result.catch(() => undefined);
    try {
      return await result;
    } catch (error) {
      throw storageError(error, attempt, `the key store ${this.#location}`);
    }
  }

  async #counted<T>(attempt: string, call: () => Promise<T>): Promise<T> {
    this.#lifetime.assertOpen(attempt);
    this.#pending.begin();
    try {
      return await call();
    } finally {
      this.#pending.end();
    }
  }
}
