import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { editDocument } from "../../../examples/wiretuner/edit-document.js";
import type { FlatEvent } from "../../../examples/wiretuner/flat-event.js";
import { loadDocument, redo, SqliteEventGateway, undo } from "../../../examples/wiretuner/index.js";
import { readMetadata } from "../../../examples/wiretuner/metadata.js";
import { type Database, makeEvent, openDocument } from "./support/documents.js";

const style = { fill: "none", stroke: "#000000", strokeWidth: 1 };

/** What an edit of the model does, and how the editor says it. */
type ModelEdit =
  | { readonly kind: "create"; readonly pathId: string }
  | { readonly kind: "add" | "move"; readonly pathId: string; readonly x: number; readonly y: number }
  | { readonly kind: "delete"; readonly pathId: string }
  | { readonly kind: "rename"; readonly title: string };
type Step = { readonly kind: "edit"; readonly edits: readonly ModelEdit[] } | { readonly kind: "undo" | "redo" };
type Drawing = { readonly title: string; readonly shapes: readonly Shape[] };
type Shape = { readonly pathId: string; readonly points: readonly (readonly [number, number])[] };

const pathId = fc.constantFrom("a", "b", "c");
const coordinate = fc.integer({ min: -100, max: 100 });
const edit: fc.Arbitrary<ModelEdit> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), pathId }),
  fc.record({ kind: fc.constantFrom("add" as const, "move" as const), pathId, x: coordinate, y: coordinate }),
  fc.record({ kind: fc.constant("delete" as const), pathId }),
  fc.record({ kind: fc.constant("rename" as const), title: fc.constantFrom("Sketch", "Poster") }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant("edit" as const), edits: fc.array(edit, { minLength: 1, maxLength: 3 }) }),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: fc.constantFrom("undo" as const, "redo" as const) }), weight: 2 },
);

/** Keeps every drawing that there was, which the editor does not. */
class Model {
  drawing: Drawing = { title: "Sketch", shapes: [] };
  readonly #before: Drawing[] = [];
  readonly #after: Drawing[] = [];

  take(taken: Step): void {
    if (taken.kind === "edit") {
      const drawing = taken.edits.reduce(edited, this.drawing);
      if (drawing === this.drawing) return;
      this.#before.push(this.drawing);
      this.#after.length = 0;
      this.drawing = drawing;
      return;
    }
    const [from, to] = taken.kind === "undo" ? [this.#before, this.#after] : [this.#after, this.#before];
    const drawing = from.pop();
    if (drawing === undefined) return;
    to.push(this.drawing);
    this.drawing = drawing;
  }
}

function edited(drawing: Drawing, change: ModelEdit): Drawing {
  if (change.kind === "rename") return change.title === drawing.title ? drawing : { ...drawing, title: change.title };
  const shapes = reshaped(drawing.shapes, change);
  return shapes === drawing.shapes ? drawing : { ...drawing, shapes };
}

function reshaped(
  drawing: readonly Shape[],
  change: Exclude<ModelEdit, { readonly kind: "rename" }>,
): readonly Shape[] {
  const shape = drawing.find((candidate) => candidate.pathId === change.pathId);
  if (change.kind === "create")
    return shape === undefined ? [...drawing, { pathId: change.pathId, points: [] }] : drawing;
  if (shape === undefined) return drawing;
  if (change.kind === "delete") return drawing.filter((candidate) => candidate !== shape);
  const points = change.kind === "add" ? [...shape.points, [change.x, change.y] as const] : shiftedTo(shape, change);
  return points === shape.points ? drawing : drawing.map((other) => (other === shape ? { ...shape, points } : other));
}

function shiftedTo({ points }: Shape, { x, y }: { readonly x: number; readonly y: number }): Shape["points"] {
  const [first] = points;
  if (first === undefined) return points;
  return points.map(([pointX, pointY]) => [pointX + x - first[0], pointY + y - first[1]] as const);
}

async function perform(db: Database, documentId: string, taken: Step): Promise<void> {
  if (taken.kind === "edit") {
    await editDocument(db, documentId, ({ document }) => {
      const counts = new Map(document.paths.map((path) => [path.pathId, path.anchors.length]));
      return taken.edits.map((change) => toEdit(change, counts));
    });
  } else {
    await (taken.kind === "undo" ? undo : redo)(db, documentId);
  }
}

/** @param counts - how many anchors each path has, as the edits before this one leave them */
function toEdit(change: ModelEdit, counts: Map<string, number>) {
  if (change.kind === "rename") return { eventType: "RenameDocumentEvent", fields: { title: change.title } };
  const { pathId: id } = change;
  if (change.kind === "create") {
    if (!counts.has(id)) counts.set(id, 0);
    return { eventType: "CreatePathEvent", fields: { pathId: id, style } };
  }
  if (change.kind === "delete") {
    counts.delete(id);
    return { eventType: "DeleteObjectEvent", fields: { pathId: id } };
  }
  const { x, y } = change;
  if (change.kind === "move") return { eventType: "MoveObjectEvent", fields: { pathId: id, x, y } };
  const index = counts.get(id) ?? 0;
  if (counts.has(id)) counts.set(id, index + 1);
  return { eventType: "AddAnchorEvent", fields: { pathId: id, index, anchor: { x, y } } };
}

test("any sequence of edits, undos and redos comes to what a model of it says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
      await using opened = await openDocument();
      const { db, documentId } = opened;
      const model = new Model();
      for (const taken of steps) {
        await perform(db, documentId, taken);
        model.take(taken);
        const { paths, title } = (await loadDocument(db, documentId)).document;
        const shapes = paths.map((path) => ({ pathId: path.pathId, points: path.anchors.map(({ x, y }) => [x, y]) }));
        expect({ title, shapes }).toEqual(model.drawing);
        expect(await readMetadata(db, documentId)).toMatchObject({ title });
      }
    }),
    { numRuns: 25 },
  );
});

/** Two groups of a path with one anchor each, by the gateway. */
async function drawTwoGroups(db: Database, documentId: string): Promise<FlatEvent[]> {
  const [first, second] = [randomUUID(), randomUUID()];
  const anchor = (index: number) => ({ index, anchor: { x: index, y: index } });
  const events = [
    makeEvent(0, { pathId: "a", style, undoGroupId: first }),
    makeEvent(1, { eventType: "AddAnchorEvent", pathId: "a", ...anchor(0), undoGroupId: first }),
    makeEvent(2, { eventType: "AddAnchorEvent", pathId: "a", ...anchor(1), undoGroupId: second }),
    makeEvent(3, { eventType: "AddAnchorEvent", pathId: "a", ...anchor(2), undoGroupId: second }),
  ];
  await new SqliteEventGateway({ db, documentId }).persistEventBatch(events);
  return events;
}

test("a group is undone and redone as a whole, by one new event each, and nothing is rewritten", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const events = await drawTwoGroups(db, documentId);
  const anchorCount = async () => (await loadDocument(db, documentId)).document.paths[0]?.anchors.length;
  expect(await undo(db, documentId)).toBe(events[3]?.undoGroupId);
  expect(await anchorCount()).toBe(1);
  expect(await undo(db, documentId)).toBe(events[0]?.undoGroupId);
  expect(await anchorCount()).toBeUndefined();
  expect(await undo(db, documentId)).toBeNull();
  expect(await redo(db, documentId)).toBe(events[0]?.undoGroupId);
  expect(await redo(db, documentId)).toBe(events[3]?.undoGroupId);
  expect(await redo(db, documentId)).toBeNull();
  expect(await anchorCount()).toBe(3);
  const stored = await new SqliteEventGateway(opened).getEvents({ fromSequence: 0 });
  expect(stored.slice(0, 4)).toEqual(events);
  expect(stored.slice(4).map(({ eventType }) => eventType)).toEqual([
    "UndoEvent",
    "UndoEvent",
    "RedoEvent",
    "RedoEvent",
  ]);
});

test("a new edit ends redo", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  await drawTwoGroups(db, documentId);
  await undo(db, documentId);
  await editDocument(db, documentId, () => [{ eventType: "ClosePathEvent", fields: { pathId: "a" } }]);
  expect(await redo(db, documentId)).toBeNull();
});

test("a rename is undone with its group, in the metadata too, and ends redo", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const rename = (title: string) => ({ eventType: "RenameDocumentEvent", fields: { title } });
  const titles = async () => [
    (await loadDocument(db, documentId)).document.title,
    (await readMetadata(db, documentId))?.title,
  ];
  await editDocument(db, documentId, () => [
    rename("Poster"),
    { eventType: "CreatePathEvent", fields: { pathId: "a", style } },
  ]);
  await undo(db, documentId);
  expect(await titles()).toEqual(["Sketch", "Sketch"]);
  await redo(db, documentId);
  expect(await titles()).toEqual(["Poster", "Poster"]);
  await undo(db, documentId);
  await editDocument(db, documentId, () => [rename("Flyer")]);
  expect(await redo(db, documentId)).toBeNull();
  expect(await titles()).toEqual(["Flyer", "Flyer"]);
});

test("a path that is moved further out than numbers go stays where it is, and undo goes on", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEventBatch([
    makeEvent(0, { eventType: "CreatePathEvent", pathId: "p" }),
    makeEvent(1, { eventType: "AddAnchorEvent", pathId: "p", index: 0, anchor: { x: 1, y: 2 } }),
    makeEvent(2, { eventType: "MoveObjectEvent", pathId: "p", x: 1e307, y: -1e308 }),
    makeEvent(3, { eventType: "AddAnchorEvent", pathId: "p", index: 1, anchor: { x: 1e308, y: 2 } }),
  ]);
  expect((await loadDocument(db, documentId)).document.paths).toMatchObject([{ anchors: [{ x: 1, y: 2 }] }]);
  await undo(db, documentId);
  expect((await loadDocument(db, documentId)).document.paths).toMatchObject([{ anchors: [] }]);
});

test("an undo that another program made up changes the document and its row alike, and undo goes on", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway(opened);
  const [, , , last] = await drawTwoGroups(db, documentId);
  const path = { pathId: "b", style, anchors: [{ x: 1, y: 2 }], closed: true };
  const forged = (sequence: number, fields: Partial<FlatEvent>) =>
    gateway.persistEvent(makeEvent(sequence, { eventType: "UndoEvent", groupId: "no group", ...fields }));
  await forged(4, { title: "Poster", paths: [{ pathId: "b", index: 1, path }] });
  await forged(5, { eventType: "RedoEvent", title: "Flyer", paths: [null] });
  await forged(6, { paths: [{ pathId: "a", index: 0, path: { pathId: "a" } }] });
  const twice = { pathId: "c", index: 0, path: { ...path, pathId: "c" } };
  await forged(7, { paths: [twice, twice] });
  const { document } = await loadDocument(db, documentId);
  expect(document).toMatchObject({ title: "Flyer", paths: [{ pathId: "a" }, path] });
  expect(await readMetadata(db, documentId)).toMatchObject({ title: "Flyer" });
  expect(await undo(db, documentId)).toBe(last?.undoGroupId);
  expect((await loadDocument(db, documentId)).document.paths).toMatchObject([{ anchors: [{ x: 0, y: 0 }] }, path]);
});

test("undo of a document that is not there is refused", async () => {
  await using opened = await openDocument();
  await expect(undo(opened.db, "doc-9")).rejects.toMatchObject({ code: "DOCUMENT_MISSING" });
});
