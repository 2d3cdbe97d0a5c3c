import { join } from "node:path";
import { describeStorageHandle } from "async-streams/conformance";
import { describe, expect, test } from "vitest";
import { JsonLinesNotifier } from "../../examples/custom-adapter/json-lines-notifier.js";
import { JsonLinesStorageHandle } from "../../examples/custom-adapter/json-lines-storage-handle.js";
import { JsonLinesStore } from "../../examples/custom-adapter/json-lines-store.js";
import { makeTempFolder } from "./support/temp-folder.js";

async function openStore(): Promise<JsonLinesStore> {
  return JsonLinesStore.open(join(await makeTempFolder(), "store.jsonl"));
}

describeStorageHandle({
  name: "JSON lines",
  describe,
  test,
  expect,
  open: async () => new JsonLinesStorageHandle(await openStore(), new JsonLinesNotifier()),
});
