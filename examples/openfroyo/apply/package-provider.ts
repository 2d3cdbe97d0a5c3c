import { readdir, readFile } from "node:fs/promises";
import { join, posix, relative, sep } from "node:path";
import { buffer } from "node:stream/consumers";
import type { JsonObject, JsonValue } from "async-streams";
import {
  EXECUTABLE_MODE,
  FILE_MODE,
  hashOfFile,
  isExecutable,
  removeEmptyFolder,
  removeFile,
  sha256,
  unlessMissing,
  writeWhole,
} from "./files.js";
import { isObject } from "./plan-file.js";
import { isFileInside, isInside, isManifestPlace, MANIFEST_FOLDER, pathInside } from "./plan-paths.js";
import type { Provider, Target } from "./provider.js";

/** What is installed, as the target itself has it. */
interface Manifest {
  readonly version: JsonValue;
  readonly into: string;
  /** By path: SHA-256 of the content. */
  readonly files: Readonly<Record<string, string>>;
  /** The paths of those that are programs. */
  readonly executable?: readonly string[];
  /** Where another version may have left files that was not installed to its end. */
  readonly begun?: readonly string[];
}

/**
 * A package of files: `{ "version": "1.2.0", "source": "packages/site", "into": "srv/www" }`. Before a run its files become
 * artifacts, and are installed from there: whoever goes on with the run does not need the folder of the plan.
 */
export const packageProvider: Provider = {
  check({ source, into }) {
    if (typeof source !== "string" || source === "") throw new Error("source must be a path");
    if (typeof into !== "string" || !isInside(into)) throw new Error("into must be a path inside the target");
    if (isManifestPlace(into)) throw new Error("into must not be where packages say what they have installed");
  },

  async prepare({ artifacts }, planFolder, name, { version = "1", source = "", into = "" }) {
    const folder = join(planFolder, String(source));
    const files: [path: string, hash: string][] = [];
    const executable: string[] = [];
    for (const path of await filesIn(folder, name)) {
      if (isManifestPlace(posix.join(String(into), path))) {
        throw new Error(`package "${name}": its file ${path} would be where packages say what they have installed`);
      }
      const bytes = await readFile(join(folder, path));
      const hash = sha256(bytes);
      files.push([path, hash]);
      if (await isExecutable(join(folder, path))) executable.push(path);
      const key = artifactKey(name, hash);
      // Its key is its content: one that is there needs no second put.
      if ((await artifacts.stat(key)) === null) await artifacts.put(key, bytes);
    }
    // A file may have the name of what every object has, such as `__proto__`.
    return { version, into, files: Object.fromEntries(files), executable };
  },

  async read(target, name) {
    const installed = await readManifest(target, name);
    if (installed === null) return null;
    const found: [path: string, hash: string | null][] = [];
    const executable: string[] = [];
    for (const path of Object.keys(installed.files).sort()) {
      const place = await pathInside(target.folder, `${installed.into}/${path}`);
      found.push([path, await hashOfFile(place)]);
      if (await isExecutable(place)) executable.push(path);
    }
    return { ...installed, files: Object.fromEntries(found), executable };
  },

  expected: (state) => ({ executable: [], ...state }),

  async apply(target, name, state) {
    const { into, files, executable = [] } = state as unknown as Manifest;
    const former = await readManifest(target, name);
    const formerPlaces = new Set(former === null ? [] : placesOf(former));
    const places = new Set(placesOf({ into, files }));
    // Whoever goes on with another version, after a kill, removes what this one has begun.
    const begun = [...new Set([...(former?.begun ?? []), ...places])];
    if (begun.some((place) => !formerPlaces.has(place))) {
      const installed = former ?? { version: null, into, files: {} };
      await writeWhole(await manifestPath(target, name), JSON.stringify({ ...installed, begun }));
    }
    const obsolete = [...formerPlaces].filter((place) => !places.has(place));
    await removeFromTheWay(target, obsolete, places);
    for (const [path, hash] of Object.entries(files)) {
      const place = await pathInside(target.folder, `${into}/${path}`);
      const isProgram = executable.includes(path);
      if ((await hashOfFile(place)) === hash && (await isExecutable(place)) === isProgram) continue;
      const mode = isProgram ? EXECUTABLE_MODE : FILE_MODE;
      await writeWhole(place, await artifactOf(target, name, hash), mode);
    }
    for (const place of obsolete) await removeFile(await pathInside(target.folder, place));
    // Last: a package is not installed before its manifest says so.
    await writeWhole(await manifestPath(target, name), JSON.stringify(state));
  },
};

/** Where in the target it has its files, or may have some. */
function placesOf({ into, files, begun = [] }: Pick<Manifest, "into" | "files" | "begun">): string[] {
  return [...Object.keys(files).map((path) => posix.join(into, path)), ...begun];
}

/** Where a former version had a file, this one may have a folder; where it had folders, this one may have a file. */
async function removeFromTheWay(
  { folder }: Target,
  obsolete: readonly string[],
  places: ReadonlySet<string>,
): Promise<void> {
  const neededFolders = new Set([...places].flatMap(foldersOf));
  for (const place of obsolete) {
    const folders = foldersOf(place);
    const first = folders.findIndex((path) => places.has(path));
    if (first === -1 && !neededFolders.has(place)) continue;
    await removeFile(await pathInside(folder, place));
    const emptied = first === -1 ? [] : folders.slice(first).reverse();
    for (const path of emptied) await removeEmptyFolder(await pathInside(folder, path));
  }
}

/** The folders that a path is in, the outermost first. */
function foldersOf(place: string): string[] {
  const parts = place.split("/");
  return parts.map((_, index) => parts.slice(0, index).join("/")).slice(1);
}

const artifactKey = (name: string, hash: string): string => `packages/${name}/${hash}`;

async function artifactOf({ artifacts }: Target, name: string, hash: string): Promise<Uint8Array> {
  const blob = await artifacts.get(artifactKey(name, hash));
  if (blob === null) throw new Error(`package "${name}": the artifact ${hash} is missing`);
  return buffer(blob.data);
}

const manifestPath = ({ folder }: Target, name: string): Promise<string> =>
  pathInside(folder, `${MANIFEST_FOLDER}/${name}.json`);

/** Null where the package is not installed, or what says so was damaged: then it is installed again. */
async function readManifest(target: Target, name: string): Promise<(Manifest & JsonObject) | null> {
  const text = await unlessMissing(readFile(await manifestPath(target, name), "utf8"));
  try {
    const manifest = text === null ? null : JSON.parse(text);
    return isManifest(manifest) ? manifest : null;
  } catch {
    return null;
  }
}

/** The target may have been changed by anyone. Files that it names are deleted, so none may be outside. */
function isManifest(value: JsonValue): value is Manifest & JsonObject {
  if (!isObject(value) || !isObject(value.files) || typeof value.into !== "string") return false;
  const { begun = [] } = value;
  const isList = Array.isArray(begun) && begun.every((place) => typeof place === "string" && isFileInside(place));
  return isList && isInside(value.into) && Object.keys(value.files).every(isFileInside);
}

/**
 * All files of a package, by their paths with slashes.
 *
 * @throws Error where it has something else, such as a symbolic link, which would be left out
 */
async function filesIn(folder: string, name: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/");
    if (!entry.isFile())
      throw new Error(`package "${name}": ${path} is neither a file nor a folder; put a copy in its place`);
    files.push(path);
  }
  return files.sort();
}
