import { chmod, stat } from "node:fs/promises";
import { makeFolder, syncFolder, unlessMissing } from "./files.js";
import { pathInside } from "./plan-paths.js";
import type { Provider } from "./provider.js";

const DEFAULT_MODE = "755";
/** As a mode is read back: another form of it would be a change in every run. */
const MODE = /^[0-7]{3}$/;

/** A folder, and who may use it: `{ "mode": "750" }`. */
export const folderProvider: Provider = {
  check({ mode = DEFAULT_MODE }) {
    if (typeof mode !== "string" || !MODE.test(mode)) throw new Error('mode must be a text such as "750"');
  },
  async read({ folder }, name) {
    const found = await unlessMissing(stat(await pathInside(folder, name)));
    if (found === null) return null;
    // A file in its place may have the mode of the plan.
    return found.isDirectory() ? { mode: (found.mode & 0o777).toString(8).padStart(3, "0") } : { mode: null };
  },
  expected: ({ mode = DEFAULT_MODE }) => ({ mode }),
  async apply({ folder }, name, { mode = DEFAULT_MODE }) {
    const path = await pathInside(folder, name);
    const found = await unlessMissing(stat(path));
    if (found?.isDirectory() === false) throw new Error(`${path} is no folder; remove it, and apply the plan again`);
    await makeFolder(path);
    await chmod(path, Number.parseInt(String(mode), 8));
    await syncFolder(path);
  },
};
