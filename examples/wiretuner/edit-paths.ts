import type { Draft } from "./draft.js";
import type { Anchor, Path, Point, Style } from "./vector-document.js";

/** A path as it was at some time: null where there was none. `index` is its place among the others. */
export interface RestoredPath {
  readonly pathId: string;
  readonly index: number;
  readonly path: Path | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** A place further out does not fit: moves would add up to numbers that JSON does not have. */
export const MAX_COORDINATE = 1e12;

/** Whole thousandths: a path that is moved there and back is where it was. */
const PRECISION = 1_000;

/** An edit; null: it does not fit. */
type EditPaths = (paths: readonly Path[], pathId: string, fields: Fields, draft: Draft) => readonly Path[] | null;

const EDITS: ReadonlyMap<string, EditPaths> = new Map<string, EditPaths>([
  ["CreatePathEvent", createPath],
  ["AddAnchorEvent", (paths, pathId, fields, draft) => setAnchor(paths, pathId, fields, draft, 0)],
  ["ModifyAnchorEvent", (paths, pathId, fields, draft) => setAnchor(paths, pathId, fields, draft, 1)],
  ["ClosePathEvent", closePath],
  ["MoveObjectEvent", movePath],
  ["DeleteObjectEvent", deletePath],
]);

/** The events that change paths, besides undo and redo. */
export const EDIT_TYPES: readonly string[] = [...EDITS.keys()];

/**
 * The paths after an edit, or null: an event that is no edit, or that does not fit, changes nothing. The events of a document
 * may have been stored by a program that checks less.
 *
 * @param draft - what may be changed instead of copied
 */
export function editPaths(paths: readonly Path[], type: string, data: unknown, draft: Draft): readonly Path[] | null {
  const edit = EDITS.get(type);
  if (edit === undefined || !isObject(data) || !isPathId(data.pathId)) return null;
  return edit(paths, data.pathId, data, draft);
}

/** What an undo or a redo has to restore: nothing where something of it is no path, or is there twice. */
export function restoredPathsOf(value: unknown): readonly RestoredPath[] {
  if (!Array.isArray(value) || !value.every(isRestoredPath)) return [];
  return new Set(value.map(({ pathId }) => pathId)).size === value.length ? value : [];
}

/** The paths after some of them became what they were. */
export function restorePaths(paths: readonly Path[], restored: readonly RestoredPath[]): readonly Path[] {
  const ids = new Set(restored.map(({ pathId }) => pathId));
  const result = paths.filter(({ pathId }) => !ids.has(pathId));
  // In the order of their places, so that each finds those before it.
  for (const { index, path } of [...restored].sort((a, b) => a.index - b.index)) {
    if (path !== null) result.splice(index, 0, path);
  }
  return result;
}

function createPath(paths: readonly Path[], pathId: string, { style }: Fields, draft: Draft): readonly Path[] | null {
  if (indexOf(paths, pathId) >= 0) return null;
  const result = draft.array(paths);
  result.push(draft.own({ pathId, style: styleOf(style), anchors: draft.own([]), closed: false }));
  return result;
}

function deletePath(paths: readonly Path[], pathId: string): readonly Path[] | null {
  return indexOf(paths, pathId) < 0 ? null : paths.filter((path) => path.pathId !== pathId);
}

function closePath(paths: readonly Path[], pathId: string, _: Fields, draft: Draft): readonly Path[] | null {
  return change(paths, pathId, draft, ({ anchors }) => ({ anchors, closed: true }));
}

function movePath(paths: readonly Path[], pathId: string, { x, y }: Fields, draft: Draft): readonly Path[] | null {
  if (!isCoordinate(x) || !isCoordinate(y)) return null;
  return change(paths, pathId, draft, ({ anchors, closed }) => {
    const [first] = anchors;
    return first === undefined ? null : { anchors: draft.own(moved(anchors, x - first.x, y - first.y)), closed };
  });
}

/** @param gap - how far the index has to be before the end: 0 to add an anchor, 1 to change one */
function setAnchor(
  paths: readonly Path[],
  pathId: string,
  { index, anchor }: Fields,
  draft: Draft,
  gap: 0 | 1,
): readonly Path[] | null {
  if (!isNumber(index) || !Number.isInteger(index) || index < 0 || !isAnchor(anchor)) return null;
  return change(paths, pathId, draft, ({ anchors, closed }) => {
    if (index > anchors.length - gap) return null;
    return { anchors: withAnchor(anchors, index, anchor, draft), closed };
  });
}

/** An array that grows after it was copied is copied again, so a copy is made with the anchor. */
function withAnchor(anchors: readonly Anchor[], index: number, anchor: Anchor, draft: Draft): readonly Anchor[] {
  if (!draft.owns(anchors)) return draft.own(anchors.toSpliced(index, 1, anchor));
  draft.array(anchors)[index] = anchor;
  return anchors;
}

/** The paths with what a change gives one of them; null where it gives nothing, or where there is no such path. */
function change(
  paths: readonly Path[],
  pathId: string,
  draft: Draft,
  changeOf: (path: Path) => Pick<Path, "anchors" | "closed"> | null,
): readonly Path[] | null {
  const index = indexOf(paths, pathId);
  const path = paths[index];
  const changed = path === undefined ? null : changeOf(path);
  if (path === undefined || changed === null) return null;
  const result = draft.array(paths);
  result[index] = draft.with(path, changed);
  return result;
}

/** From the end: what is drawn on is mostly on top. */
function indexOf(paths: readonly Path[], pathId: string): number {
  return paths.findLastIndex((path) => path.pathId === pathId);
}

function moved(anchors: readonly Anchor[], byX: number, byY: number): readonly Anchor[] {
  const movePoint = ([pointX, pointY]: Point): Point => [round(pointX + byX), round(pointY + byY)];
  return anchors.map((anchor): Anchor => {
    const [x, y] = movePoint([anchor.x, anchor.y]);
    return {
      x,
      y,
      ...(anchor.in === undefined ? {} : { in: movePoint(anchor.in) }),
      ...(anchor.out === undefined ? {} : { out: movePoint(anchor.out) }),
    };
  });
}

const round = (value: number): number => Math.round(value * PRECISION) / PRECISION;

function styleOf(value: unknown): Style {
  const { fill, stroke, strokeWidth } = isObject(value) ? value : {};
  return {
    fill: typeof fill === "string" ? fill : "none",
    stroke: typeof stroke === "string" ? stroke : "#000000",
    strokeWidth: isNumber(strokeWidth) ? strokeWidth : 1,
  };
}

/** Half of a surrogate pair is no text that the tables of the caches could have. */
export function isPathId(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

function isRestoredPath(value: unknown): value is RestoredPath {
  if (!isObject(value) || !isPathId(value.pathId) || !isNumber(value.index)) return false;
  const { pathId, path } = value;
  if (path === null) return true;
  if (!isObject(path) || path.pathId !== pathId || !isObject(path.style) || !Array.isArray(path.anchors)) return false;
  const { fill, stroke, strokeWidth } = path.style;
  const isStyle = typeof fill === "string" && typeof stroke === "string" && isNumber(strokeWidth);
  return isStyle && typeof path.closed === "boolean" && path.anchors.every(isRestoredAnchor);
}

/** Moves may have taken it further out than an edit may set it. */
function isRestoredAnchor(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { x, y, in: before = [x, y], out: after = [x, y] } = value;
  return [[x, y], before, after].every((point) => Array.isArray(point) && point.length === 2 && point.every(isNumber));
}

function isAnchor(value: unknown): value is Anchor {
  return isObject(value) && isCoordinate(value.x) && isCoordinate(value.y) && isHandle(value.in) && isHandle(value.out);
}

function isHandle(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 2 && value.every(isCoordinate));
}

function isCoordinate(value: unknown): value is number {
  return isNumber(value) && Math.abs(value) <= MAX_COORDINATE;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
