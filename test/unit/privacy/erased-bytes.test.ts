import { appendFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import { sqliteReadModels } from "../../../adapters/sqlite/read-models.js";
import type { EventShape, JsonValue, MaintainableStreamFactory } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { consume } from "../../../src/consumers/index.js";
import { copyStore } from "../../../src/copy/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { documents, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { filesWith, partsOf } from "../../support/find-bytes.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { createTempDir, type TempDir } from "../../support/temp-dir.js";
import type { Store } from "../consumers/support/stores.js";
import { customerTypes, registered, writeTo } from "./support/customers.js";
import { testMasterKey } from "./support/master-key.js";

type EventStore = Store & MaintainableStreamFactory;

/** A store, and where everything is that was ever written for it. */
interface Written {
  readonly store: EventStore;
  /** The files that have some bytes, or one of several. */
  readonly filesWith: (...contents: readonly (Uint8Array | string)[]) => Promise<readonly string[]>;
}

async function inFile(folder: TempDir): Promise<Written> {
  const store = await sqliteStreamFactory(folder.file("events.db"));
  return { store, filesWith: async (...contents) => filesWith(folder.path, ...contents) };
}

const server = sharedServer(THROWAWAY);

async function onServer(folder: TempDir): Promise<Written> {
  const started = await server();
  const store = await postgresStreamFactory(started.url(), { ...ownSchemas(), durability: "normal" });
  return {
    store,
    filesWith: async (...contents) => {
      // What the server has in memory gets into its files.
      await started.query("CHECKPOINT");
      return [...filesWith(folder.path, ...contents), ...filesWith(started.dataFolder, ...contents)];
    },
  };
}

const STORES: [string, (folder: TempDir) => Promise<Written>][] = [["SQLite", inFile]];
if (NO_POSTGRES === null) STORES.push(["PostgreSQL", onServer]);

let persons = 0;

/** An address that no other test has written to the files of the server. */
function newEmail(): string {
  persons += 1;
  return `ada.lovelace.${persons}@example.org`;
}

interface Place {
  readonly streams: EventStore;
  readonly email: string;
  readonly file: (name: string) => string;
}

/** What has the data of a person where nothing is sealed: a part of a file's name, and a text that only this writer writes. */
interface Proof {
  readonly file?: string;
  readonly text?: string;
}

/** What writes a file that may have personal data in it: each from a store with the events of a person. */
const WRITERS: readonly [string, (place: Place) => Promise<Proof>][] = [
  ["the store and its log", async () => ({})],
  [
    "a backup",
    async ({ streams, file }) => {
      await streams.backup(file("backup.db"));
      return { file: "backup.db" };
    },
  ],
  [
    "a copy to another store",
    async ({ streams, file }) => {
      await using target = await sqliteStreamFactory(file("copy.db"));
      await copyStore(streams, target);
      return { file: "copy.db" };
    },
  ],
  [
    "a snapshot",
    async ({ streams, email }) => {
      await using stream = await streams.openStream("ada");
      await stream.snapshot({ email: `snapshot.${email}` });
      return { text: `snapshot.${email}` };
    },
  ],
  [
    "an archive",
    async ({ streams, file }) => {
      await streams.pruneStream("ada", {
        before: 2,
        archive: async (events) => appendFileSync(file("archive.json"), JSON.stringify(events)),
      });
      return { file: "archive.json" };
    },
  ],
  [
    "a parked event",
    async ({ streams }) => {
      const handle = () => Promise.reject(new Error("no mail today"));
      const definition = { name: "mail", startFrom: "beginning", handle } as const;
      await using consumer = await consume(streams, definition, { retry: { attempts: 1 } });
      await consumer.whenProcessed(2);
      return {};
    },
  ],
];

/** The mail addresses of customers, in a file of their own. */
async function project(streams: EventStore, path: string, upTo: number): Promise<void> {
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

describe.each(STORES)("over %s, no file has anything of a person who is forgotten:", (__, open) => {
  test.each(WRITERS)("%s", async (_, write) => {
    await using folder = await createTempDir();
    const master = testMasterKey();
    const email = newEmail();
    const written = await open(folder);
    {
      await using store = written.store;
      await using keys = await sqliteKeyStore(folder.file("keys.db"), master);
      const snapshotSubject = (streamId: string) => streamId;
      const streams = protectPersonalData(store, customerTypes, keys, { keyTtlMs: 0, snapshotSubject });
      await writeTo(streams, "ada", registered("ada", email), registered("ada", email, "key"));
      const key = (await keys.get("ada", false)) as Uint8Array;
      await write({ streams, email, file: folder.file });
      expect(await written.filesWith(master.wrapped.at(-1) as Uint8Array)).toEqual(["keys.db"]);
      await streams.forget("ada");
      expect(await written.filesWith(email)).toEqual([]);
      const destroyed = [...master.wrapped.slice(2), key].flatMap((bytes) => partsOf(bytes));
      expect(await written.filesWith(...destroyed)).toEqual([]);
      expect(await streams.forgetReport("ada")).toMatchObject({ keyDestroyed: true, openable: 0 });
    }
    expect(await written.filesWith(email)).toEqual([]);
  });

  test.each(WRITERS)("%s has it where nothing is sealed, so that this search finds it", async (_, write) => {
    await using folder = await createTempDir();
    const email = newEmail();
    const written = await open(folder);
    await using streams = written.store;
    await writeTo(streams, "ada", registered("ada", email), registered("ada", email, "key"));
    const { file = "", text = email } = await write({ streams, email, file: folder.file });
    expect((await written.filesWith(text)).some((name) => name.startsWith(file))).toBe(true);
  });

  test("a read model that was built again, while the earlier one still has it", async () => {
    await using folder = await createTempDir();
    const email = newEmail();
    const written = await open(folder);
    await using store = written.store;
    await using keys = await sqliteKeyStore(folder.file("keys.db"), testMasterKey());
    const streams = protectPersonalData(store, customerTypes, keys, { keyTtlMs: 0 });
    await writeTo(streams, "ada", registered("ada", email));
    await project(streams, folder.file("models-1.db"), 1);
    const { position } = await streams.forget("ada");
    await project(streams, folder.file("models-2.db"), position);
    const found = await written.filesWith(email);
    expect(found.filter((name) => !name.startsWith("models-1.db"))).toEqual([]);
    expect(found).not.toEqual([]);
  });
});
