/** What failed, with the error that it failed with as its cause. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** What was asked for is not there. */
export class NotFoundError extends Error {
  override readonly name = "NotFoundError";

  constructor(what: string) {
    super(`not found: ${what}`);
  }
}

/** Runs work, and says of its failure what was attempted: `failed to get run: not found: run "r-1"`. */
export async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StoreError(`failed to ${what}: ${reason}`, { cause });
  }
}
