import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { isStreamError, sqliteStreamFactory } from "async-streams";
import { checkDocumentId, checkObject } from "./check-arguments.js";
import type { Database } from "./database.js";
import { DatabaseConfig } from "./database-config.js";
import { permissionDenied } from "./document-errors.js";
import { openDatabase } from "./open-database.js";
import { type Platform, thisPlatform } from "./platform.js";

interface Connection {
  readonly path: string;
  readonly opening: Promise<Database>;
}

/** Opens the files of documents, one connection each. */
export class ConnectionFactory {
  readonly #platform: Platform;
  readonly #connections = new Map<string, Connection>();
  #isInitialized = false;

  /** @param options - `platform` decides where relative paths lead; default this computer's */
  constructor(options: { readonly platform?: Platform } = {}) {
    checkObject("options", options);
    this.#platform = options.platform ?? thisPlatform();
  }

  /** Loads SQLite, so that a program without it fails when it starts. */
  async initialize(): Promise<void> {
    const probe = await sqliteStreamFactory(":memory:");
    await probe[Symbol.asyncDispose]();
    this.#isInitialized = true;
  }

  /** How many documents are open. */
  get activeConnectionCount(): number {
    return this.#connections.size;
  }

  /**
   * The connection of a document: a new one, or the one that it has.
   *
   * @throws TypeError when its id is no text, or its configuration none
   */
  async openConnection(options: { readonly documentId: string; readonly config: DatabaseConfig }): Promise<Database> {
    if (!this.#isInitialized) throw new Error("The ConnectionFactory is not initialized. Call initialize() first.");
    checkObject("options", options);
    const { documentId, config } = options;
    checkDocumentId(documentId);
    if (!(config instanceof DatabaseConfig)) throw new TypeError("config must be a DatabaseConfig.");
    const path = config.databasePath(this.#platform);
    const found = this.#connections.get(documentId);
    if (found !== undefined && found.path !== path) {
      throw new Error(`Document "${documentId}" is open from ${found.path}. Close it before you open ${path}.`);
    }
    if (found !== undefined) return found.opening;
    const connection = { path, opening: open(documentId, path) };
    this.#connections.set(documentId, connection);
    try {
      return await connection.opening;
    } catch (error) {
      if (this.#connections.get(documentId) === connection) this.#connections.delete(documentId);
      throw error;
    }
  }

  /** Closes the connection of a document, if it has one. */
  async closeConnection(documentId: string): Promise<void> {
    const connection = this.#connections.get(documentId);
    if (connection === undefined) return;
    this.#connections.delete(documentId);
    // One that cannot be opened is closed. Who opens it gets the error.
    const db = await connection.opening.catch(() => undefined);
    await db?.[Symbol.asyncDispose]();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#connections.keys()].map((documentId) => this.closeConnection(documentId)));
  }
}

async function open(documentId: string, path: string): Promise<Database> {
  try {
    if (path !== ":memory:") await mkdir(dirname(path), { recursive: true });
    return await openDatabase(path);
  } catch (error) {
    if (isDenied(error)) throw permissionDenied(documentId, path, error);
    throw error;
  }
}

function isDenied(error: unknown): boolean {
  if (isStreamError(error, "STORAGE_PERMISSION_DENIED")) return true;
  const { code } = error as NodeJS.ErrnoException;
  return code === "EACCES" || code === "EPERM" || code === "EROFS";
}
