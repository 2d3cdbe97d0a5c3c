import type { LoadHook } from "node:module";

/** What stands in the place of the modules whose cost is measured, by the end of their address. */
const REPLACEMENTS: Readonly<Record<string, string>> = {
  "/adapters/sqlite/checksum.js": `
    export const eventChecksum = () => 0;
    export const snapshotChecksum = () => 0;`,
  "/adapters/sqlite/maintenance/head-witness.js": `
    export class HeadWitness {
      acknowledged() {}
      async finished() {}
      async close() {}
    }
    export const readWitness = async () => null;
    export const forgetWitness = async () => undefined;`,
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const replaced = Object.keys(REPLACEMENTS).find((end) => url.endsWith(end));
  if (replaced === undefined) return nextLoad(url, context);
  return { format: "module", source: REPLACEMENTS[replaced] as string, shortCircuit: true };
};
