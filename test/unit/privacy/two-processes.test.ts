import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { openStoreAt, type StoreAddress } from "../../faults/support/store-address.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { createTempDir, type TempDir } from "../../support/temp-dir.js";
import { customerTypes, dataOf, readAll, registered, writeTo } from "./support/customers.js";
import { testMasterKey } from "./support/master-key.js";

const READER = fileURLToPath(new URL("./fixtures/reading-process.ts", import.meta.url));

const server = sharedServer();
const onServer = async (): Promise<StoreAddress> => ({ url: (await server()).url(), ...ownSchemas() });

const ADDRESSES: [string, (folder: TempDir) => Promise<StoreAddress>][] = [
  ["SQLite", async (folder) => ({ path: folder.file("events.db") })],
];
if (NO_POSTGRES === null) ADDRESSES.push(["PostgreSQL", onServer]);

test.each(ADDRESSES)(
  "over %s another process with a key in memory reads null at the latest when the person is forgotten",
  async (_, place) => {
    await using folder = await createTempDir();
    const [address, keys] = [await place(folder), folder.file("keys.db")];
    await using base = await openStoreAt(address);
    await using keyStore = await sqliteKeyStore(keys, testMasterKey());
    // Long enough for the other process to have the key in memory all the time, and not for the test to wait for.
    const keyTtlMs = 500;
    const streams = protectPersonalData(base, customerTypes, keyStore, { keyTtlMs });
    await writeTo(streams, "ada", registered("ada", "ada@example.org"));
    await using reader = new NodeProcess(compiledProgram(READER), {
      args: [JSON.stringify({ address, keys, keyTtlMs })],
    });
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
  },
);
