import { fileProvider } from "./file-provider.js";
import { folderProvider } from "./folder-provider.js";
import { packageProvider } from "./package-provider.js";
import type { Provider } from "./provider.js";

/** By the type of the resources that they know. */
export const PROVIDERS: ReadonlyMap<string, Provider> = new Map([
  ["fs.folder", folderProvider],
  ["fs.file", fileProvider],
  ["pkg.files", packageProvider],
]);
