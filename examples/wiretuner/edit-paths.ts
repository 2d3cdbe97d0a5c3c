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

type EditPaths = (paths: readonly Path[], pathId: string, fields: Fields) => readonly Path[];

const EDITS: ReadonlyMap<string, EditPaths> = new Map<string, EditPaths>([
  ["CreatePathEvent", createPath],
  ["AddAnchorEvent", (paths, pathId, fields) => setAnchor(paths, pathId, fields, 0)],
  ["ModifyAnchorEvent", (paths, pathId, fields) => setAnchor(paths, pathId, fields, 1)],
  ["ClosePathEvent", (paths, pathId) => replace(paths, pathId, (path) => ({ ...path, closed: true }))],
  ["MoveObjectEvent", movePath],
  ["DeleteObjectEvent", deletePath],
]);

/** The events that change paths, besides undo and redo. */
export const EDIT_TYPES: readonly string[] = [...EDITS.keys()];

/**
 * The paths after an edit. An event that is no edit, or that does not fit, changes nothing: then it is the same array. The
 * events of a document may have been stored by a program that checks less.
 */
export function editPaths(paths: readonly Path[], type: string, data: unknown): readonly Path[] {
  const edit = EDITS.get(type);
  if (edit === undefined || !isObject(data) || typeof data.pathId !== "string") return paths;
  return edit(paths, data.pathId, data);
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

function createPath(paths: readonly Path[], pathId: string, { style }: Fields): readonly Path[] {
  if (indexOf(paths, pathId) >= 0) return paths;
  return [...paths, { pathId, style: styleOf(style), anchors: [], closed: false }];
}

function deletePath(paths: readonly Path[], pathId: string): readonly Path[] {
  return indexOf(paths, pathId) < 0 ? paths : paths.filter((path) => path.pathId !== pathId);
}

function movePath(paths: readonly Path[], pathId: string, { x, y }: Fields): readonly Path[] {
  if (!isCoordinate(x) || !isCoordinate(y)) return paths;
  return replace(paths, pathId, (path) => moved(path, x, y));
}

/** @param gap - how far the index has to be before the end: 0 to add an anchor, 1 to change one */
function setAnchor(paths: readonly Path[], pathId: string, fields: Fields, gap: 0 | 1): readonly Path[] {
  const { index, anchor } = fields;
  if (!isNumber(index) || !Number.isInteger(index) || index < 0 || !isAnchor(anchor)) return paths;
  return replace(paths, pathId, (path) => {
    if (index > path.anchors.length - gap) return path;
    // One copy: an array that grows after it was copied is copied again, and long paths take it for each event.
    return { ...path, anchors: path.anchors.toSpliced(index, 1, anchor) };
  });
}

function replace(paths: readonly Path[], pathId: string, change: (path: Path) => Path): readonly Path[] {
  const index = indexOf(paths, pathId);
  const path = paths[index];
  if (path === undefined) return paths;
  const changed = change(path);
  if (changed === path) return paths;
  const result = paths.slice();
  result[index] = changed;
  return result;
}

/** From the end: what is drawn on is mostly on top. */
function indexOf(paths: readonly Path[], pathId: string): number {
  return paths.findLastIndex((path) => path.pathId === pathId);
}

/** The path with its first anchor at a point. */
function moved(path: Path, x: number, y: number): Path {
  const [first] = path.anchors;
  if (first === undefined) return path;
  const byX = x - first.x;
  const byY = y - first.y;
  const movePoint = ([pointX, pointY]: Point): Point => [round(pointX + byX), round(pointY + byY)];
  const anchors = path.anchors.map((anchor): Anchor => {
    const [anchorX, anchorY] = movePoint([anchor.x, anchor.y]);
    return {
      x: anchorX,
      y: anchorY,
      ...(anchor.in === undefined ? {} : { in: movePoint(anchor.in) }),
      ...(anchor.out === undefined ? {} : { out: movePoint(anchor.out) }),
    };
  });
  return { ...path, anchors };
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

function isRestoredPath(value: unknown): value is RestoredPath {
  if (!isObject(value) || typeof value.pathId !== "string" || !isNumber(value.index)) return false;
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
