import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import { customerTypes, dataOf, readAll, registered, writeTo } from "./support/customers.js";
import { testMasterKey } from "./support/master-key.js";

const READER = fileURLToPath(new URL("./fixtures/reading-process.ts", import.meta.url));

test("another process with a key in memory reads null at the latest when the person is forgotten", async () => {
  await using folder = await createTempDir();
  const [store, keys] = [folder.file("events.db"), folder.file("keys.db")];
  await using base = await sqliteStreamFactory(store);
  await using keyStore = await sqliteKeyStore(keys, testMasterKey());
  // Long enough for the other process to have the key in memory all the time, and not for the test to wait for.
  const keyTtlMs = 500;
  const streams = protectPersonalData(base, customerTypes, keyStore, { keyTtlMs });
  await writeTo(streams, "ada", registered("ada", "ada@example.org"));
  await using reader = new NodeProcess(compiledProgram(READER), { args: [JSON.stringify({ store, keys, keyTtlMs })] });
  await reader.ready();
  const ask = async (): Promise<unknown> => {
    const count = reader.lines.length;
    reader.say("read");
    await reader.waitFor(() => reader.lines.length > count);
    return JSON.parse(reader.lines.at(-1) as string);
  };
  expect(await ask()).toBe("ada@example.org");
  await streams.forget("ada");
  expect(await ask()).toBeNull();
  expect(dataOf(await readAll(streams, "ada"))).toMatchObject([{ email: null }]);
  // Nor does it write for somebody who is forgotten.
  reader.say("write");
  await reader.waitFor(() => reader.lines.at(-1) === '"SUBJECT_FORGOTTEN"');
  expect(await reader.finish()).toBe(0);
});
