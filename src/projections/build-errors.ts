import { StorageError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import type { ShownBefore } from "./builds.js";
import type { Build } from "./projection-records.js";

/** Says that a build has more than the store does, as after a restore of an older copy of the events. */
export function wentBack({ name }: Build, place: number, head: number, location: string | undefined): StorageError {
  const message =
    `Projection "${name}"${inStore(location)} has ${place} as its checkpoint, and the last position is ${head}: ` +
    "the store went back. Find out what was lost, and rebuild the projection.";
  return new StorageError("STORAGE_WENT_BACK", message);
}

/** Says that a build has all that there is, and is not shown, since readers see more. */
export function heldBack(
  { name, version }: Build,
  shown: ShownBefore,
  place: number,
  location: string | undefined,
): StorageError {
  const message =
    `Cannot show version ${version} of projection "${name}"${inStore(location)}: it has everything up to ${place}, ` +
    `the end of the store, and version ${shown.version}, which readers see, has ${shown.position} as its checkpoint: ` +
    `the store went back. Find out what was lost; rebuild("${name}") shows what is left.`;
  return new StorageError("STORAGE_WENT_BACK", message);
}

/** Nobody drops what a process runs, but this one may have been suspended for longer than its lease. */
export function dropped({ name, version }: Build): Error {
  return new Error(
    `The records of version ${version} of "${name}" were deleted while this process did not renew its lease: by ` +
      "dropProjection, or a day after a later version was shown. Run it again, and it is built again.",
  );
}
