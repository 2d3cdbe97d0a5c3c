import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConnectionFactory, createDocument, DatabaseConfig, loadDocument } from "../../../examples/wiretuner/index.js";
import { dataFolder } from "../../../examples/wiretuner/platform.js";
import { createTempDir } from "../../support/temp-dir.js";

async function initialized(): Promise<ConnectionFactory> {
  const factory = new ConnectionFactory();
  await factory.initialize();
  return factory;
}

test("a factory opens nothing before it is initialized", async () => {
  const opening = new ConnectionFactory().openConnection({ documentId: "doc-123", config: DatabaseConfig.inMemory() });
  await expect(opening).rejects.toThrow("Call initialize() first");
});

test.each([undefined, null, 5, "", {}] as never[])("%j is no document's id, and opens nothing", async (documentId) => {
  const factory = await initialized();
  const opening = factory.openConnection({ documentId, config: DatabaseConfig.inMemory() });
  await expect(opening).rejects.toThrow(new TypeError("documentId must be a text."));
  const config = {} as DatabaseConfig;
  await expect(factory.openConnection({ documentId: "a", config })).rejects.toThrow("config must be a DatabaseConfig.");
  expect(factory.activeConnectionCount).toBe(0);
});

test("the same document has one connection, however many windows open it at once", async () => {
  const factory = await initialized();
  const config = DatabaseConfig.inMemory();
  const open = () => factory.openConnection({ documentId: "doc-a", config });
  const [first, second] = await Promise.all([open(), open()]);
  expect(second).toBe(first);
  expect(await open()).toBe(first);
  expect(factory.activeConnectionCount).toBe(1);
  await factory.closeAll();
});

test("two documents are independent: closing one leaves the other open", async () => {
  await using folder = await createTempDir();
  const factory = await initialized();
  const open = (documentId: string) =>
    factory.openConnection({ documentId, config: DatabaseConfig.file({ filePath: folder.file(documentId) }) });
  const [dbA, dbB] = [await open("doc-a"), await open("doc-b")];
  expect(factory.activeConnectionCount).toBe(2);
  await createDocument(dbA, { documentId: "doc-a", title: "A" });
  await createDocument(dbB, { documentId: "doc-b", title: "B" });
  await factory.closeConnection("doc-a");
  expect(factory.activeConnectionCount).toBe(1);
  await expect(loadDocument(dbA, "doc-a")).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  expect((await loadDocument(dbB, "doc-b")).document.title).toBe("B");
  await expect(loadDocument(dbB, "doc-a")).rejects.toMatchObject({ code: "DOCUMENT_MISSING" });
  await factory.closeAll();
  expect(factory.activeConnectionCount).toBe(0);
});

test("a document that is open from one file is not opened from another", async () => {
  await using folder = await createTempDir();
  const factory = await initialized();
  await factory.openConnection({ documentId: "doc-a", config: DatabaseConfig.inMemory() });
  const config = DatabaseConfig.file({ filePath: folder.file("other") });
  await expect(factory.openConnection({ documentId: "doc-a", config })).rejects.toThrow("is open from :memory:");
  await factory.closeAll();
});

test("closing what is not open is harmless", async () => {
  const factory = await initialized();
  await factory.closeConnection("doc-a");
  await factory.closeAll();
  expect(factory.activeConnectionCount).toBe(0);
});

test("closing while files are opened waits for all of them, and for one that cannot be opened too", async () => {
  await using folder = await createTempDir();
  await writeFile(folder.file("file"), "");
  const factory = await initialized();
  const open = (documentId: string, filePath: string) =>
    factory.openConnection({ documentId, config: DatabaseConfig.file({ filePath: folder.file(filePath) }) });
  const opening = open("doc-a", "a.wiretuner");
  const failing = open("doc-b", "file/b.wiretuner");
  const [closed, failed] = await Promise.allSettled([factory.closeAll(), failing]);
  expect([closed.status, failed.status]).toEqual(["fulfilled", "rejected"]);
  await expect(loadDocument(await opening, "doc-a")).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  expect(factory.activeConnectionCount).toBe(0);
  const refused = open("doc-b", "file/b.wiretuner");
  const closing = factory.closeConnection("doc-b");
  await expect(refused).rejects.toThrow();
  await expect(closing).resolves.toBeUndefined();
});

test.runIf(process.platform === "linux")(
  "a folder that nobody may write is refused in the words of the seed",
  async () => {
    const factory = await initialized();
    const filePath = "/sys/wiretuner/doc.wiretuner";
    const opening = factory.openConnection({ documentId: "doc-123", config: DatabaseConfig.file({ filePath }) });
    await expect(opening).rejects.toThrow(
      [
        'Failed to open database for document "doc-123": Permission denied.',
        "Ensure the application has write permissions to the database directory.",
        `Path: ${filePath}`,
      ].join("\n"),
    );
    expect(factory.activeConnectionCount).toBe(0);
  },
);

test.each([
  ["darwin", {}, "/home/ada", "/home/ada/Library/Application Support/WireTuner"],
  [
    "win32",
    { APPDATA: "C:\\Users\\ada\\AppData\\Roaming" },
    "C:\\Users\\ada",
    "C:\\Users\\ada\\AppData\\Roaming\\WireTuner",
  ],
  ["win32", {}, "C:\\Users\\ada", "C:\\Users\\ada\\AppData\\Roaming\\WireTuner"],
  ["linux", { XDG_DATA_HOME: "/data" }, "/home/ada", "/data/WireTuner"],
  ["linux", { XDG_DATA_HOME: "not/absolute" }, "/home/ada", "/home/ada/.local/share/WireTuner"],
  ["linux", {}, "/home/ada", "/home/ada/.local/share/WireTuner"],
] as const)("on %s with %j, the documents of %s are in %s", (name, env, homeFolder, folder) => {
  expect(dataFolder({ name, env, homeFolder })).toBe(folder);
});

test.runIf(process.platform !== "win32")(
  "a relative path leads to the platform's data folder, which is made",
  async () => {
    await using folder = await createTempDir();
    const platform = { name: "darwin", env: {}, homeFolder: folder.path } as const;
    const factory = new ConnectionFactory({ platform });
    await factory.initialize();
    const config = DatabaseConfig.file({ filePath: "my_document.wiretuner" });
    const expected = `${folder.path}/Library/Application Support/WireTuner/my_document.wiretuner`;
    expect(config.databasePath(platform)).toBe(expected);
    expect(DatabaseConfig.file({ filePath: "/x/../a.wiretuner" }).databasePath(platform)).toBe("/a.wiretuner");
    const db = await factory.openConnection({ documentId: "doc-1", config });
    await createDocument(db, { documentId: "doc-1", title: "Sketch" });
    await factory.closeAll();
    const reopened = await (await initialized()).openConnection({
      documentId: "doc-1",
      config: DatabaseConfig.file({ filePath: expected }),
    });
    expect((await loadDocument(reopened, "doc-1")).document.title).toBe("Sketch");
    await reopened[Symbol.asyncDispose]();
  },
);
