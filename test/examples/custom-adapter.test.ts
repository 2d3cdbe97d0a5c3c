import { join } from "node:path";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "async-streams/conformance";
import { describe, expect, test } from "vitest";
import {
  jsonLinesStreamFactory,
  openJsonLinesBackend,
} from "../../examples/custom-adapter/json-lines-stream-factory.js";
import { makeTempFolder } from "./support/temp-folder.js";

const name = "JSON lines";

async function makePath(): Promise<string> {
  return join(await makeTempFolder(), "store.jsonl");
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
