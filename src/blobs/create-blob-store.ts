import type {
  BlobData,
  BlobStat,
  BlobStore,
  ListBlobsOptions,
  ListedBlob,
  PutBlobOptions,
  StoredBlob,
} from "../../protocols/index.js";
import { MAX_BLOB_KEY_LENGTH } from "../limits.js";
import { checkBlobData, checkBlobKey, parsePrefix, parsePutOptions } from "./blob-arguments.js";
import { inBlobCall } from "./blob-errors.js";
import { chunksOf } from "./chunks.js";

/** A put, checked and complete. */
export interface BlobPut {
  readonly key: string;
  /** Of the backend's `chunkBytes`, but for the last. There is none when the blob is empty. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly contentType: string;
  readonly signal: AbortSignal | undefined;
}

/** Where blobs are. Its arguments are checked. */
export interface BlobBackend {
  /** Names the place in messages. */
  readonly location: string | undefined;
  readonly chunkBytes: number;
  put(request: BlobPut): Promise<BlobStat>;
  get(key: string): Promise<StoredBlob | null>;
  stat(key: string): Promise<BlobStat | null>;
  delete(key: string): Promise<void>;
  list(prefix: string): AsyncIterable<ListedBlob>;
}

/** Makes a store of a backend: checks what comes in, and says of each failure in which call it was. */
export function createBlobStore(backend: BlobBackend): BlobStore {
  const { location } = backend;
  return {
    async put(key: string, data: BlobData, options: PutBlobOptions = {}): Promise<BlobStat> {
      return inAttempt(onKey("put", key), location, async () => {
        checkBlobKey(key);
        checkBlobData(data);
        const { contentType, signal } = parsePutOptions(options);
        signal?.throwIfAborted();
        leaveErrorsToIteration(data);
        return backend.put({ key, chunks: chunksOf(data, backend.chunkBytes, signal), contentType, signal });
      });
    },
    async get(key: string): Promise<StoredBlob | null> {
      const attempt = onKey("get", key);
      const found = await inAttempt(attempt, location, async () => {
        checkBlobKey(key);
        return backend.get(key);
      });
      return found === null ? null : { ...found, data: eachInAttempt(() => found.data, attempt, location) };
    },
    async stat(key: string): Promise<BlobStat | null> {
      return inAttempt(onKey("find", key), location, async () => {
        checkBlobKey(key);
        return backend.stat(key);
      });
    },
    async delete(key: string): Promise<void> {
      await inAttempt(onKey("delete", key), location, async () => {
        checkBlobKey(key);
        await backend.delete(key);
      });
    },
    list(options: ListBlobsOptions = {}): AsyncIterable<ListedBlob> {
      return eachInAttempt(() => backend.list(parsePrefix(options)), "list blobs", location);
    },
  };
}

/** A stream of Node may fail before its first bytes are asked for, and an error that nobody listens to ends the process. */
function leaveErrorsToIteration(data: BlobData): void {
  if ("on" in data && typeof data.on === "function") data.on("error", () => undefined);
}

async function inAttempt<T>(attempt: string, location: string | undefined, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw inBlobCall(error, attempt, location);
  }
}

/** Each iteration starts anew. */
function eachInAttempt<T>(
  start: () => AsyncIterable<T>,
  attempt: string,
  location: string | undefined,
): AsyncIterable<T> {
  async function* iterate(): AsyncGenerator<T, void> {
    try {
      yield* start();
    } catch (error) {
      throw inBlobCall(error, attempt, location);
    }
  }
  return { [Symbol.asyncIterator]: iterate };
}

function onKey(verb: string, key: unknown): string {
  const isShown = typeof key === "string" && key.length <= MAX_BLOB_KEY_LENGTH;
  return isShown ? `${verb} blob "${key}"` : `${verb} a blob`;
}
