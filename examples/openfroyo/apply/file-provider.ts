import { hashOfFile, sha256, writeWhole } from "./files.js";
import { pathInside } from "./plan-paths.js";
import type { Provider } from "./provider.js";

/** A file with a content that the plan has: `{ "content": "..." }`. */
export const fileProvider: Provider = {
  check({ content = "" }) {
    if (typeof content !== "string") throw new Error("content must be a text");
  },
  async read({ folder }, name) {
    const hash = await hashOfFile(await pathInside(folder, name));
    return hash === null ? null : { sha256: hash };
  },
  expected: ({ content = "" }) => ({ sha256: sha256(String(content)) }),
  async apply({ folder }, name, { content = "" }) {
    await writeWhole(await pathInside(folder, name), String(content));
  },
};
