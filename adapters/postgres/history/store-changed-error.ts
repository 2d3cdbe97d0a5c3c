/** The store is not the one that this process has seen. */
export class StoreChangedError extends Error {
  override readonly name = "StoreChangedError";
  readonly code: "STORAGE_REPLACED" | "STORAGE_WENT_BACK";

  constructor(code: StoreChangedError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const REOPEN = "Find out what was lost, and open the store again";

/** Another store is there. */
export function replaced(): StoreChangedError {
  const message = `another store was put in its place, of which this process knows nothing. ${REOPEN}`;
  return new StoreChangedError("STORAGE_REPLACED", message);
}

/** The store lacks what this process has seen. */
export function wentBack(lost: string): StoreChangedError {
  const message =
    `the store went back: ${lost} is not there any more. An older copy was restored, or a ` +
    `standby was promoted that did not have it. ${REOPEN}`;
  return new StoreChangedError("STORAGE_WENT_BACK", message);
}
