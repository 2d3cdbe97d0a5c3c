import { appendFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import { sqliteReadModels } from "../../../adapters/sqlite/read-models.js";
import type { EventShape, JsonValue } from "../../../index.js";
import { consume } from "../../../src/consumers/index.js";
import { copyStore } from "../../../src/copy/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { documents, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { customerTypes, registered, writeTo } from "./support/customers.js";
import { filesWith, partsOf } from "./support/find-bytes.js";
import { testMasterKey } from "./support/master-key.js";

const EMAIL = "ada.lovelace@example.org";

interface Place {
  readonly streams: SQLiteStreamFactory;
  readonly file: (name: string) => string;
}

/** What writes a file that may have personal data in it: each from a store with the events of a person. */
const WRITERS: readonly [string, (place: Place) => Promise<void>][] = [
  ["the store and its log", async () => undefined],
  [
    "a backup",
    async ({ streams, file }) => {
      await streams.backup(file("backup.db"));
    },
  ],
  [
    "a copy to another store",
    async ({ streams, file }) => {
      await using target = await sqliteStreamFactory(file("copy.db"));
      await copyStore(streams, target);
    },
  ],
  [
    "a snapshot",
    async ({ streams }) => {
      await using stream = await streams.openStream("ada");
      await stream.snapshot({ email: EMAIL });
    },
  ],
  [
    "an archive",
    async ({ streams, file }) => {
      await streams.pruneStream("ada", {
        before: 2,
        archive: async (events) => appendFileSync(file("archive.json"), JSON.stringify(events)),
      });
    },
  ],
  [
    "a parked event",
    async ({ streams }) => {
      const handle = () => Promise.reject(new Error("no mail today"));
      const definition = { name: "mail", startFrom: "beginning", handle } as const;
      await using consumer = await consume(streams, definition, { retry: { attempts: 1 } });
      await consumer.whenProcessed(2);
    },
  ],
];

/** The mail addresses of customers, in a file of their own. */
async function project(streams: SQLiteStreamFactory, path: string, upTo: number): Promise<void> {
  await using models = await sqliteReadModels(path);
  const projection = documents<JsonValue, EventShape>({
    name: "customers",
    types: ["Registered"],
    key: ({ streamId }) => streamId,
    evolve: (_, { data }) => data as never,
  });
  await using _runner = await runProjections(streams, [projection], { store: models });
  await whenProcessed(models, "customers", upTo);
}

describe("no file has anything of a person who is forgotten:", () => {
  test.each(WRITERS)("%s", async (_, write) => {
    await using folder = await createTempDir();
    const master = testMasterKey();
    {
      await using store = await sqliteStreamFactory(folder.file("events.db"));
      await using keys = await sqliteKeyStore(folder.file("keys.db"), master);
      const snapshotSubject = (streamId: string) => streamId;
      const streams = protectPersonalData(store, customerTypes, keys, { keyTtlMs: 0, snapshotSubject });
      await writeTo(streams, "ada", registered("ada", EMAIL), registered("ada", EMAIL, "key"));
      const key = (await keys.get("ada", false)) as Uint8Array;
      await write({ streams, file: folder.file });
      expect(filesWith(folder.path, master.wrapped.at(-1) as Uint8Array)).toEqual(["keys.db"]);
      await streams.forget("ada");
      expect(filesWith(folder.path, EMAIL)).toEqual([]);
      for (const wrapped of master.wrapped.slice(2)) {
        for (const part of [...partsOf(wrapped), ...partsOf(key)]) expect(filesWith(folder.path, part)).toEqual([]);
      }
      expect(await streams.forgetReport("ada")).toMatchObject({ keyDestroyed: true, openable: 0 });
    }
    expect(filesWith(folder.path, EMAIL)).toEqual([]);
  });

  test.each(WRITERS)("%s has it where nothing is sealed, so that this search finds it", async (_, write) => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("events.db"));
    await writeTo(streams, "ada", registered("ada", EMAIL), registered("ada", EMAIL, "key"));
    await write({ streams, file: folder.file });
    expect(filesWith(folder.path, EMAIL)).not.toEqual([]);
  });

  test("a read model that was built again, while the earlier one still has it", async () => {
    await using folder = await createTempDir();
    await using store = await sqliteStreamFactory(folder.file("events.db"));
    await using keys = await sqliteKeyStore(folder.file("keys.db"), testMasterKey());
    const streams = protectPersonalData(store, customerTypes, keys, { keyTtlMs: 0 });
    await writeTo(streams, "ada", registered("ada", EMAIL));
    await project(streams, folder.file("models-1.db"), 1);
    const { position } = await streams.forget("ada");
    await project(streams, folder.file("models-2.db"), position);
    expect(filesWith(folder.path, EMAIL).filter((name) => !name.startsWith("models-1.db"))).toEqual([]);
    expect(filesWith(folder.path, EMAIL)).not.toEqual([]);
  });
});
