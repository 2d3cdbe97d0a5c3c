import { describe, expect, test } from "vitest";
import { fileBlobs } from "../../../blobs.js";
import { describeBlobStore } from "../../conformance/index.js";
import { createTempDir } from "../../support/temp-dir.js";

const open = async () => {
  const folder = await createTempDir();
  const blobs = fileBlobs(folder.file("made at the first put/blobs"));
  return Object.assign(blobs, { [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() });
};

describeBlobStore({ name: "files", describe, test, expect, open });
