import { describe, expect, test } from "vitest";
import { sqliteBlobs } from "../../../blobs.js";
import { describeBlobStore } from "../../conformance/index.js";
import { STORES } from "./support/blob-tables-stores.js";

for (const [name, openStore] of STORES) {
  const open = async () => {
    const streams = await openStore();
    return Object.assign(sqliteBlobs(streams), { [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() });
  };
  describeBlobStore({ name, describe, test, expect, open });
}
