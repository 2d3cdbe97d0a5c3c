import type { StoredEvent } from "async-streams";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DocumentState, documentFold, replayFold } from "../../../examples/wiretuner/document-fold.js";
import { editDocument } from "../../../examples/wiretuner/edit-document.js";
import { loadDocument, SqliteEventGateway, undo } from "../../../examples/wiretuner/index.js";
import { makeEvent, openDocument } from "./support/documents.js";

const style = { fill: "none", stroke: "#000000", strokeWidth: 1 };
const pathId = fc.constantFrom("a", "b", "c");
const anchor = fc.record({ x: fc.integer({ min: -9, max: 9 }), y: fc.integer({ min: -9, max: 9 }) });
const index = fc.integer({ min: 0, max: 3 });
const path = fc.record({ pathId, style: fc.constant(style), anchors: fc.array(anchor), closed: fc.boolean() });
const restored = path.map((former) => [{ pathId: former.pathId, index: 0, path: former }]);
const change = fc.oneof(
  fc.record({ type: fc.constant("CreatePathEvent"), data: fc.record({ pathId, style: fc.constant(style) }) }),
  fc.record({
    type: fc.constantFrom("AddAnchorEvent", "ModifyAnchorEvent"),
    data: fc.record({ pathId, index, anchor }),
  }),
  fc.record({ type: fc.constantFrom("ClosePathEvent", "DeleteObjectEvent"), data: fc.record({ pathId }) }),
  fc.record({
    type: fc.constant("MoveObjectEvent"),
    data: fc.tuple(pathId, anchor).map(([moved, place]) => ({ pathId: moved, ...place })),
  }),
  fc.record({ type: fc.constant("RenameDocumentEvent"), data: fc.record({ title: fc.constantFrom("S", "T") }) }),
  fc.record({
    type: fc.constantFrom("UndoEvent", "RedoEvent"),
    data: fc.record({ groupId: fc.constantFrom("1", "2"), paths: restored }),
  }),
);
const event = fc.record({ change, undoGroupId: fc.constantFrom("1", "2", "3") });

test("a replay comes to the same as events that come one at a time, and changes nothing that it was given", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.nat(40), (changes, replayedFrom) => {
      const events = changes.map((taken, at) => freeze(toStored(taken, at)));
      // What is frozen cannot be changed without an error.
      const states = [freeze(documentFold.initial())];
      for (const next of events) states.push(freeze(documentFold.evolve(states.at(-1) as DocumentState, next)));
      const first = Math.min(replayedFrom, events.length);
      const replay = replayFold();
      const replayed = events.slice(first).reduce(replay.evolve, states[first] as DocumentState);
      expect(replayed).toEqual(states.at(-1));
    }),
  );
});

test("a replay copies the anchors of a path once, and not for each of them", () => {
  const { initial, evolve } = replayFold();
  const created = evolve(initial(), toStored({ change: { type: "CreatePathEvent", data: { pathId: "a" } } }, 0));
  const add = (state: DocumentState, at: number): DocumentState =>
    evolve(state, toStored({ change: { type: "AddAnchorEvent", data: addition(at) } }, at));
  const state = add(created, 0);
  const anchors = state.document.paths[0]?.anchors;
  const later = add(add(state, 1), 2);
  expect(anchors).toHaveLength(3);
  expect(later.document.paths[0]?.anchors).toBe(anchors);
});

test("a document that was loaded stays what it was, whatever is done later", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEvent(makeEvent(0, { pathId: "a", style }));
  const add = (sequence: number) =>
    gateway.persistEvent(makeEvent(sequence, { eventType: "AddAnchorEvent", ...addition(sequence - 1) }));
  await add(1);
  const { document } = await loadDocument(db, documentId);
  const before = structuredClone(document);
  await add(2);
  await editDocument(db, documentId, () => [{ eventType: "ClosePathEvent", fields: { pathId: "a" } }]);
  await undo(db, documentId);
  const { document: later } = await loadDocument(db, documentId);
  expect(document).toEqual(before);
  expect(later.paths[0]?.anchors).toHaveLength(2);
});

const addition = (at: number) => ({ pathId: "a", index: at, anchor: { x: at, y: 0 } });

function toStored(
  { change: { type, data }, undoGroupId }: { change: { type: string; data: object }; undoGroupId?: string },
  at: number,
): StoredEvent {
  const version = at + 1;
  return { id: `event-${version}`, type, data, metadata: { undoGroupId }, version } as unknown as StoredEvent;
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}
