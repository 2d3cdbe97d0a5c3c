import { isStreamError, StorageError } from "../../protocols/index.js";
import type { ProjectionFailure } from "./projection.js";
import type { Spaces } from "./projection-records.js";

/** An event that could not be projected, and by now is known. */
export class ProjectionError extends Error {
  readonly failure: ProjectionFailure;

  constructor(failure: ProjectionFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What a statement of `project` fails with: any other error of storage is an outage, which is no event's fault. */
const CODES_OF_STATEMENTS: ReadonlySet<string> = new Set(["STORAGE_FAILED", "STORAGE_UNSUPPORTED"]);

/** Whether an error comes from `project`, and not from the store or from another process. */
export function isOfProject(error: unknown, spaces: Spaces): boolean {
  if (isFenced(error, spaces) || isStreamError(error, "STREAM_CLOSED")) return false;
  return !(error instanceof StorageError) || CODES_OF_STATEMENTS.has(error.code);
}

/** Whether somebody else has written the record of a build. */
export function isFenced(error: unknown, spaces: Spaces): boolean {
  return isStreamError(error, "RECORD_CONFLICT") && error.space === spaces.builds;
}
