import { createHash, randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { sql } from "async-streams";
import { expect, test, vi } from "vitest";
import { loadDocument } from "../../../examples/wiretuner/index.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS } from "../support/run-example.js";
import { openDocument } from "./support/documents.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

const EDITS = 25;

function startEditor(...args: readonly (string | number)[]): NodeProcess {
  const file = compiledProgram(fileURLToPath(new URL("support/editor-process.ts", import.meta.url)));
  return new NodeProcess(file, { args });
}

async function edited(editor: NodeProcess): Promise<void> {
  await editor.waitFor(() => editor.lines.some((line) => line.startsWith("edited")));
}

test("two windows edit one document at once: no edit is lost, each is rebased, and both see the same in the end", async () => {
  await using folder = await createTempDir();
  const filePath = folder.file("shared.wiretuner");
  await using opened = await openDocument({ filePath });
  const { db, documentId } = opened;
  await using ada = startEditor("edit", filePath, documentId, "ada", EDITS);
  await using bob = startEditor("edit", filePath, documentId, "bob", EDITS);
  await Promise.all([ada.ready(), bob.ready()]);
  for (const editor of [ada, bob]) editor.say("go");
  await Promise.all([edited(ada), edited(bob)]);

  const { document, latestSequence } = await loadDocument(db, documentId);
  expect(document.paths).toHaveLength(2 * EDITS);
  // Each path knows how many there were before it: only an edit that was decided on the newest state is right.
  expect(document.paths.map(({ anchors }) => anchors[0]?.x)).toEqual(document.paths.map((_, index) => index));
  for (const user of ["ada", "bob"]) {
    const places = document.paths.filter(({ pathId }) => pathId.startsWith(user)).map(({ anchors }) => anchors[0]?.y);
    expect(places).toEqual(Array.from({ length: EDITS }, (_, index) => index));
  }
  for (const editor of [ada, bob]) editor.say(String(latestSequence));
  expect(await Promise.all([ada.finish(), bob.finish()])).toEqual([0, 0]);
  const hash = createHash("sha256").update(JSON.stringify(document)).digest("hex");
  expect([ada.lines.at(-1), bob.lines.at(-1)]).toEqual([`sees ${hash}`, `sees ${hash}`]);
});

test("two windows with a file each do not disturb each other", async () => {
  await using folder = await createTempDir();
  const files = await Promise.all(
    ["a", "b"].map(async (name) => {
      const filePath = folder.file(`${name}.wiretuner`);
      const opened = await openDocument({ filePath, documentId: randomUUID() });
      return { filePath, ...opened };
    }),
  );
  const editors = files.map(({ filePath, documentId }) => startEditor("edit", filePath, documentId, "ada", EDITS));
  await Promise.all(editors.map((editor) => editor.ready()));
  for (const editor of editors) editor.say("go");
  await Promise.all(editors.map(edited));
  for (const [index, { db, documentId, factory }] of files.entries()) {
    const { document, latestSequence } = await loadDocument(db, documentId);
    expect(document.paths).toHaveLength(EDITS);
    expect(editors[index]?.lines).toContain(`edited ${EDITS}`);
    editors[index]?.say(String(latestSequence));
    expect(await editors[index]?.finish()).toBe(0);
    await factory.closeAll();
  }
});

test.each([1, 4, 9, 16])(
  "after a kill with %i documents done, a row is there exactly where its document is",
  async (count) => {
    await using folder = await createTempDir();
    const filePath = folder.file("killed.wiretuner");
    {
      await using writer = startEditor("delete", filePath, "doc", "ada", 1_000);
      await writer.waitFor(() => writer.lines.length >= count);
      await writer.kill();
    }
    await using opened = await openDocument({ filePath });
    const alive: string[] = [];
    for await (const { streamId, deleted } of opened.db.listStreams({ deleted: true })) {
      const stream = await opened.db.describeStream(streamId);
      // What a kill has left of a deletion was removed when the file was opened.
      if (deleted) expect(stream?.eventCount).toBe(1);
      else alive.push(streamId.slice("document/".length));
    }
    const rows = await opened.db.query<{ document_id: string }>(
      sql`SELECT document_id FROM metadata ORDER BY document_id`,
    );
    expect(rows.map((row) => row.document_id)).toEqual(alive.sort());
  },
);
