import { event } from "async-streams/events";
import { z } from "zod";
import { MAX_COORDINATE } from "./edit-paths.js";

const coordinate = z.number().min(-MAX_COORDINATE).max(MAX_COORDINATE);
const point = z.tuple([coordinate, coordinate]);
const anchor = z.strictObject({ x: coordinate, y: coordinate, in: point.optional(), out: point.optional() });
const style = z.strictObject({ fill: z.string(), stroke: z.string(), strokeWidth: z.number().nonnegative() });
const path = z.strictObject({ pathId: z.string().min(1), style, anchors: z.array(anchor), closed: z.boolean() });
const index = z.int().nonnegative();
const pathId = z.string().min(1);
const restored = z.strictObject({ pathId, index, path: path.nullable() });
const history = z.strictObject({ groupId: z.string().min(1), paths: z.array(restored), title: z.string().optional() });

/** The events of the editor. `typed(db, EDITOR_EVENTS)` refuses everything else. */
export const EDITOR_EVENTS = {
  DocumentCreated: event(z.strictObject({ title: z.string(), formatVersion: z.int().positive() })),
  RenameDocumentEvent: event(z.strictObject({ title: z.string() })),
  SetArtboardEvent: event(z.strictObject({ x: z.number(), y: z.number(), width: z.number(), height: z.number() })),
  CreatePathEvent: event(z.strictObject({ pathId, style })),
  AddAnchorEvent: event(z.strictObject({ pathId, index, anchor })),
  ModifyAnchorEvent: event(z.strictObject({ pathId, index, anchor })),
  ClosePathEvent: event(z.strictObject({ pathId })),
  MoveObjectEvent: event(z.strictObject({ pathId, x: coordinate, y: coordinate })),
  DeleteObjectEvent: event(z.strictObject({ pathId })),
  ViewportPanEvent: event(z.strictObject({ x: z.number(), y: z.number() })),
  ViewportZoomEvent: event(z.strictObject({ zoom: z.number().positive() })),
  UndoEvent: event(history),
  RedoEvent: event(history),
};

/** The events that come as fast as the pointer moves. */
export const SAMPLED_EVENT_TYPES: ReadonlySet<string> = new Set([
  "AddAnchorEvent",
  "ModifyAnchorEvent",
  "MoveObjectEvent",
  "ViewportPanEvent",
  "ViewportZoomEvent",
]);
