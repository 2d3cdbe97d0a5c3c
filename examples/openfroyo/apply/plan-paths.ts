import { lstat, realpath } from "node:fs/promises";
import { isAbsolute, join, posix, relative, sep } from "node:path";
import { unlessMissing } from "./files.js";

/** The folder of the target in which packages say what they have installed. */
export const MANIFEST_FOLDER = ".packages";

/** Whether a name of a plan stays in the folder that it is applied to. */
export function isInside(name: string): boolean {
  return (
    name !== "" &&
    !name.startsWith("/") &&
    !name.includes("\0") &&
    !name.split("/").some((part) => part === "" || part === "..")
  );
}

/** The same for a file, which has one name only: none of its parts is a dot. */
export function isFileInside(name: string): boolean {
  return isInside(name) && !name.split("/").includes(".");
}

/** Whether a path would be that of a manifest, or in its way. */
export function isManifestPlace(path: string): boolean {
  return posix.normalize(path).split("/")[0] === MANIFEST_FOLDER;
}

/**
 * The path of a name in a folder, which may have been changed by anyone.
 *
 * @throws Error when a symbolic link on the way leads out of the folder, or nowhere
 */
export async function pathInside(folder: string, name: string): Promise<string> {
  const root = await unlessMissing(realpath(folder));
  let path = folder;
  for (const part of root === null ? [] : name.split("/")) {
    path = join(path, part);
    const found = await unlessMissing(lstat(path));
    if (found === null) break;
    if (!found.isSymbolicLink()) continue;
    const place = await unlessMissing(realpath(path));
    if (place === null || !isBelow(root ?? folder, place))
      throw new Error(`${path} is a link that leads out of ${folder}`);
  }
  return join(folder, name);
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
