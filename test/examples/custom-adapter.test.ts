import { describeNotifier, describeStorageHandle, describeStreamFactory } from "async-streams/conformance";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  jsonLinesStreamFactory,
  openJsonLinesBackend,
} from "../../examples/custom-adapter/json-lines-stream-factory.js";
import { createTempDir } from "../support/temp-dir.js";

const name = "JSON lines";

async function makePath(): Promise<string> {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.file("store.jsonl");
}

describeStorageHandle({
  name,
  describe,
  test,
  expect,
  open: async () => (await openJsonLinesBackend(await makePath())).storage,
});

describeNotifier({ name, describe, test, expect, open: async () => openJsonLinesBackend(await makePath()) });

describeStreamFactory({ name, describe, test, expect, open: async () => jsonLinesStreamFactory(await makePath()) });
