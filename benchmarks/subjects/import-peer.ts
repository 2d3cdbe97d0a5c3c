import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PACKAGE_ROOT } from "../package-root.js";

const LOADER_URL = pathToFileURL(join(PACKAGE_ROOT, "benchmarks", "peers", "import-peer.mjs")).href;

/** Imports a package out of benchmarks/peers, whose types this project does not have. */
export async function importPeer<Module>(name: string): Promise<Module> {
  const loader = (await import(LOADER_URL)) as { importPeer(name: string): Promise<Module> };
  return loader.importPeer(name);
}

/** Why a peer cannot be imported; null when it can. */
export async function whyPeerIsMissing(name: string): Promise<string | null> {
  try {
    await importPeer(name);
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ERR_MODULE_NOT_FOUND" ? "it is not installed" : message.split("\n")[0];
    return `${reason} (npm install --prefix benchmarks/peers --legacy-peer-deps)`;
  }
}
