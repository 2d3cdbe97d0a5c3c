/**
 * Keeps the keys of persons. Keep it apart from the event store: a backup of the events must not bring the keys along.
 *
 * `sqliteKeyStore` is one. Another one, such as over a key service, implements these methods. Its failures reach the caller
 * of the read or write that needed the key: a `StreamError` as it is, and anything else as `STORAGE_UNAVAILABLE`. A watch does
 * not end with those that are `retryable`: it waits, and asks again.
 */
export interface KeyStore extends AsyncDisposable {
  /**
   * The key of a person: 32 bytes, always the same ones.
   *
   * @param subject - the person's id, or a name of the library's own, which begins with `@personal-data/`
   * @param create - makes a key if there is none, and resolves when it is durable. Concurrent calls, also of other processes,
   * get one key.
   * @returns null if there is none, and `"forgotten"` if it was destroyed. A key that was destroyed is never made again.
   */
  get(subject: string, create: boolean): Promise<Uint8Array | null | "forgotten">;
  /** Destroys the key of a person, and resolves when it is durably gone. Harmless if there is none, or no longer one. */
  destroy(subject: string): Promise<void>;
}

/** Encrypts keys under a master key of yours, such as one of a key service. A key store keeps only what `wrap` returned. */
export interface KeyWrapping {
  /** Encrypts a key of 32 bytes. Note in the result which master key it was, so that you can change it. */
  wrap(key: Uint8Array): Promise<Uint8Array>;
  /**
   * Decrypts it again. It rejects if it cannot, and then a watch ends: it may be another master key's. Reject with a
   * `StorageError` of `STORAGE_UNAVAILABLE` where your key service is away, and a watch waits for it.
   */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>;
}

/** How many bytes a key has: those of AES-256. */
export const KEY_BYTES = 32;
