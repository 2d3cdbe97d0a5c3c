import { renameSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { openKeyStore, sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import { MAX_WRAPPED_KEY_BYTES } from "../../../src/limits.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { filesWith, partsOf } from "../../support/find-bytes.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { testMasterKey } from "./support/master-key.js";

describe.each(DRIVER_NAMES)("a key store in a SQLite file, through %s", (driver) => {
  test("makes a key where one is asked for, and gives the same one from then on", async () => {
    await using folder = await createTempDir();
    const path = folder.file("keys.db");
    const master = testMasterKey();
    let key: Uint8Array;
    {
      await using keys = await sqliteKeyStore(path, master, { driver });
      expect(await keys.get("ada", false)).toBeNull();
      key = (await keys.get("ada", true)) as Uint8Array;
      expect(key.byteLength).toBe(32);
      expect(await keys.get("ada", true)).toEqual(key);
      expect(await keys.get("ben", true)).not.toEqual(key);
    }
    await using reopened = await sqliteKeyStore(path, master, { driver });
    expect(Buffer.from((await reopened.get("ada", false)) as Uint8Array)).toEqual(Buffer.from(key));
  });

  test("marks whom it has forgotten, and never makes a key for them again", async () => {
    await using folder = await createTempDir();
    const path = folder.file("keys.db");
    const master = testMasterKey();
    {
      await using keys = await sqliteKeyStore(path, master, { driver });
      await keys.get("ada", true);
      await keys.destroy("ada");
      await keys.destroy("ada");
      await keys.destroy("never seen");
      expect(await keys.get("ada", true)).toBe("forgotten");
    }
    await using reopened = await sqliteKeyStore(path, master, { driver });
    expect(await reopened.get("ada", true)).toBe("forgotten");
    expect(await reopened.get("never seen", true)).toBe("forgotten");
  });

  test("has the ids of persons and their keys in no file", async () => {
    await using folder = await createTempDir();
    await using keys = await sqliteKeyStore(folder.file("keys.db"), testMasterKey(), { driver });
    const key = (await keys.get("ada@example.org", true)) as Uint8Array;
    await keys.get("ben@example.org", true);
    await keys.destroy("ben@example.org");
    expect(filesWith(folder.path, "example.org")).toEqual([]);
    expect(filesWith(folder.path, key)).toEqual([]);
  });

  test("leaves no part of a destroyed key in any file, while it is open and afterwards", async () => {
    await using folder = await createTempDir();
    const master = testMasterKey();
    const destroyed: Uint8Array[] = [];
    const kept: Uint8Array[] = [];
    const check = (): void => {
      for (const part of destroyed.flatMap((key) => partsOf(key))) expect(filesWith(folder.path, part)).toEqual([]);
      for (const key of kept) expect(filesWith(folder.path, key)).toEqual(["keys.db"]);
    };
    {
      await using keys = await sqliteKeyStore(folder.file("keys.db"), master, { driver });
      // Enough for several pages, so that the tree of rows has grown in between.
      for (let index = 0; index < 120; index += 1) {
        await keys.get(`subject-${index}`, true);
        (index % 3 === 0 ? destroyed : kept).push(master.wrapped.at(-1) as Uint8Array);
      }
      for (let index = 0; index < 120; index += 3) {
        const bytes = destroyed[index / 3] as Uint8Array;
        expect(filesWith(folder.path, bytes)).toEqual(["keys.db"]);
        await keys.destroy(`subject-${index}`);
      }
      check();
    }
    check();
  });

  test("gives one key to all who ask at once, also through several stores", async () => {
    await using folder = await createTempDir();
    const master = testMasterKey();
    const open = () => sqliteKeyStore(folder.file("keys.db"), master, { driver });
    const stores = await Promise.all([open(), open(), open()]);
    const asked = Array.from({ length: 30 }, (_, index) => stores[index % 3]?.get(`subject-${index % 5}`, true));
    const keys = (await Promise.all(asked)) as Uint8Array[];
    expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(5);
    for (const store of stores) await store[Symbol.asyncDispose]();
  });

  test("loses no race of a creation against a destruction: what was destroyed stays so", async () => {
    await using folder = await createTempDir();
    const master = testMasterKey();
    await using first = await sqliteKeyStore(folder.file("keys.db"), master, { driver });
    await using second = await sqliteKeyStore(folder.file("keys.db"), master, { driver });
    for (let round = 0; round < 10; round += 1) {
      const subject = `subject-${round}`;
      await Promise.all([first.get(subject, true), second.destroy(subject), first.get(subject, true)]);
      expect(await first.get(subject, true)).toBe("forgotten");
      expect(await second.get(subject, true)).toBe("forgotten");
    }
  });

  test("waits for a lock, and then says which file was locked", async () => {
    await using folder = await createTempDir();
    const path = folder.file("keys.db");
    let isLocked = false;
    const locked = faultyDriver(
      ({ sql }) => (isLocked && sql.includes("INSERT INTO es_keys") ? "SQLITE_BUSY" : undefined),
      DRIVERS[driver],
    );
    await using keys = await openKeyStore(path, testMasterKey(), { driver }, locked);
    isLocked = true;
    const waiting = keys.get("ada", true);
    await keys.get("ada", false);
    isLocked = false;
    await expect(waiting).resolves.toBeInstanceOf(Uint8Array);
  });

  test.each([
    ["SQLITE_FULL", "STORAGE_FULL"],
    ["SQLITE_IOERR", "STORAGE_IO"],
    ["SQLITE_CORRUPT", "STORAGE_CORRUPT"],
  ])("%s is %s, names the file, and destroys nothing", async (fault, code) => {
    await using folder = await createTempDir();
    const path = folder.file("keys.db");
    let isBroken = false;
    const broken = faultyDriver(() => (isBroken ? fault : undefined), DRIVERS[driver]);
    await using keys = await openKeyStore(path, testMasterKey(), { driver }, broken);
    const key = await keys.get("ada", true);
    isBroken = true;
    for (const call of [() => keys.get("ada", false), () => keys.get("ben", true), () => keys.destroy("ada")]) {
      await expect(call()).rejects.toMatchObject({ code, message: expect.stringContaining(path) });
    }
    isBroken = false;
    expect(await keys.get("ada", false)).toEqual(key);
  });
});

describe("a key store in a SQLite file", () => {
  test("is refused where the file is a store of events, and the other way round", async () => {
    await using folder = await createTempDir();
    const [events, keys] = [folder.file("events.db"), folder.file("keys.db")];
    await (await sqliteStreamFactory(events))[Symbol.asyncDispose]();
    await (await sqliteKeyStore(keys, testMasterKey()))[Symbol.asyncDispose]();
    const isEvents = {
      code: "STORAGE_FOREIGN_DATABASE",
      message: expect.stringMatching(`${events}: it is a store of events, and not a key store; choose another path`),
    };
    const isKeys = {
      code: "STORAGE_FOREIGN_DATABASE",
      message: expect.stringMatching(`${keys}: it is a key store, and not a store of events; choose another path`),
    };
    await expect(sqliteKeyStore(events, testMasterKey())).rejects.toMatchObject(isEvents);
    await expect(sqliteStreamFactory(keys)).rejects.toMatchObject(isKeys);
    // Nor while they are open.
    await using streams = await sqliteStreamFactory(events);
    await using _ = await sqliteKeyStore(keys, testMasterKey());
    await expect(sqliteKeyStore(events, testMasterKey())).rejects.toMatchObject(isEvents);
    await expect(sqliteStreamFactory(keys)).rejects.toMatchObject(isKeys);
    await (await streams.openStream("a")).write({ type: "Added", data: 1 });
  });

  test("does not open with another master key", async () => {
    await using folder = await createTempDir();
    const path = folder.file("keys.db");
    await (await sqliteKeyStore(path, testMasterKey()))[Symbol.asyncDispose]();
    await expect(sqliteKeyStore(path, testMasterKey(Buffer.alloc(32, 8)))).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringContaining(path),
    });
    await expect(sqliteKeyStore(path, { ...testMasterKey(), unwrap: async () => Buffer.alloc(16) })).rejects.toThrow(
      expect.objectContaining({ code: "STORAGE_CORRUPT" }),
    );
  });

  test("passes on what a key service says, and takes no key that is too long", async () => {
    const master = testMasterKey();
    let wrap = master.wrap;
    await using keys = await sqliteKeyStore(":memory:", { ...master, wrap: (key) => wrap(key) });
    wrap = async () => {
      throw new Error("the service is away");
    };
    await expect(keys.get("ada", true)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });
    wrap = async () => new Uint8Array(MAX_WRAPPED_KEY_BYTES + 1);
    await expect(keys.get("ada", true)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "wrap" });
    wrap = async () => "text" as never;
    await expect(keys.get("ada", true)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "wrap" });
    wrap = master.wrap;
    expect(await keys.get("ada", true)).toBeInstanceOf(Uint8Array);
  });

  test("gives no key that is in a file which nobody will find", async () => {
    await using folder = await createTempDir();
    const path = folder.file("keys.db");
    await using keys = await sqliteKeyStore(path, testMasterKey());
    renameSync(path, folder.file("elsewhere.db"));
    await expect(keys.get("ada", true)).rejects.toMatchObject({ code: "STORAGE_REPLACED" });
    writeFileSync(path, "");
    await expect(keys.destroy("ada")).rejects.toMatchObject({ code: "STORAGE_REPLACED" });
  });

  test("refuses calls after its disposal, which waits for those under way", async () => {
    const master = testMasterKey();
    const keys = await sqliteKeyStore(":memory:", master);
    const key = keys.get("ada", true);
    await keys[Symbol.asyncDispose]();
    await expect(key).resolves.toBeInstanceOf(Uint8Array);
    await expect(keys.get("ada", false)).rejects.toMatchObject({ code: "STREAM_CLOSED" });
    await keys[Symbol.asyncDispose]();
  });

  test.each([
    ["no wrapping", undefined],
    ["half a wrapping", { wrap: async (key: Uint8Array) => key }],
  ])("is refused with %s", async (_, wrapping) => {
    await expect(sqliteKeyStore(":memory:", wrapping as never)).rejects.toMatchObject({ argument: "wrapping" });
  });

  test("takes no subject that is empty or no string", async () => {
    await using keys = await sqliteKeyStore(":memory:", testMasterKey());
    await expect(keys.get("", true)).rejects.toMatchObject({ argument: "subject" });
    await expect(keys.destroy(7 as never)).rejects.toMatchObject({ argument: "subject" });
  });
});
