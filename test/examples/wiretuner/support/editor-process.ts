/** An editor in a process of its own: `edit` adds to a document and moves what is there, `delete` creates and deletes documents. */
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { stateCache } from "async-streams/commands";
import { firstValueFrom, ReplaySubject } from "rxjs";
import { filter } from "rxjs/operators";
import { editDocument } from "../../../../examples/wiretuner/edit-document.js";
import {
  ConnectionFactory,
  createDocument,
  DatabaseConfig,
  deleteDocument,
} from "../../../../examples/wiretuner/index.js";
import { type WatchedDocument, watchDocument } from "../../../../examples/wiretuner/watch-document.js";

const [mode = "", filePath = "", documentId = "", userId = "", count = "0"] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const factory = new ConnectionFactory();
await factory.initialize();
const db = await factory.openConnection({ documentId, config: DatabaseConfig.file({ filePath }) });
if (mode === "edit") await edit();
else await createAndDelete();
await factory.closeAll();

/** Edits, and then says what its watch has come to, once that has reached the sequence that it is told. */
async function edit(): Promise<void> {
  const watched = new ReplaySubject<WatchedDocument>(1);
  const watching = watchDocument(db, documentId).subscribe(watched);
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const cache = stateCache();
  say("ready");
  await lines.next();
  let decisions = 0;
  for (let index = 0; index < Number(count); index += 1) {
    const pathId = `${userId}-${index}`;
    await editDocument(
      db,
      documentId,
      ({ document }) => {
        decisions += 1;
        // It depends on what the other one does: decided on an old state, it would be another number.
        const x = document.paths.length;
        return [
          {
            eventType: "CreatePathEvent",
            fields: { pathId, style: { fill: "none", stroke: "#000000", strokeWidth: 1 } },
          },
          { eventType: "AddAnchorEvent", fields: { pathId, index: 0, anchor: { x, y: index } } },
        ];
      },
      { userId, cache },
    );
  }
  say(`edited ${decisions}`);
  const { value } = await lines.next();
  const { document } = await firstValueFrom(watched.pipe(filter((seen) => seen.latestSequence === Number(value))));
  say(`sees ${createHash("sha256").update(JSON.stringify(document)).digest("hex")}`);
  watching.unsubscribe();
}

async function createAndDelete(): Promise<void> {
  for (let index = 0; index < Number(count); index += 1) {
    const id = `${documentId}-${index}`;
    await createDocument(db, { documentId: id, title: id });
    if (index % 2 === 0) await deleteDocument(db, id);
    say(id);
  }
}
