import type { Anchor, Artboard, Path, Point, VectorDocument } from "./vector-document.js";

/** What an SVG file says. */
export type Drawing = Pick<VectorDocument, "title" | "artboard" | "paths">;

/** Numbers after each command: M and L go to a point, C has two handles before it. */
const ARGUMENT_COUNT: Readonly<Record<string, number>> = { M: 2, L: 2, C: 6, Z: 0 };

/**
 * Reads an SVG of paths with absolute M, L, C and Z, one subpath each.
 *
 * @throws Error when it has anything else: a drawing that would come out different is refused.
 */
export function readSvg(text: string): Drawing {
  const [, viewBox = ""] = /<svg [^>]*viewBox="([^"]*)"/.exec(text) ?? [];
  const sides = viewBox.split(" ").map(Number);
  const [x = 0, y = 0, width = 0, height = 0] = sides;
  if (sides.length !== 4 || !sides.every(Number.isFinite)) {
    throw new Error(`Cannot read the SVG: its viewBox is "${viewBox}".`);
  }
  const other = [...text.matchAll(/<([a-zA-Z]+)/g)].find(([, element = ""]) => !/^(svg|title|path)$/.test(element));
  if (other !== undefined) throw new Error(`Cannot read the SVG: it has an element "${other[1]}".`);
  const title = unescapeXml(/<title>([^<]*)<\/title>/.exec(text)?.[1] ?? "");
  const paths = [...text.matchAll(/<path([^>]*)>/g)].map(([, attributes = ""]) => readPath(attributes));
  const ids = new Set(paths.map(({ pathId }) => pathId));
  if (ids.size < paths.length || ids.has("")) throw new Error("Cannot read the SVG: each path needs an id of its own.");
  return { title, artboard: { x, y, width, height }, paths };
}

/** Writes a drawing as {@link readSvg} reads it: of a file of this form, the same bytes come out. */
export function writeSvg({ title, artboard, paths }: Drawing): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBoxOf(artboard)}">`,
    `  <title>${escapeXml(title)}</title>`,
    ...paths.map((path) => `  ${writePath(path)}`),
    "</svg>",
    "",
  ].join("\n");
}

function readPath(text: string): Path {
  const attributes = new Map(
    [...text.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  const other = text.replaceAll(/ (id|d|fill|stroke|stroke-width)="[^"]*"/g, "").trim();
  if (other !== "/") throw new Error(`Cannot read the SVG: "${other}" of a path.`);
  const attribute = (name: string, otherwise: string): string => unescapeXml(attributes.get(name) ?? otherwise);
  const strokeWidth = Number(attribute("stroke-width", "1"));
  if (!Number.isFinite(strokeWidth)) throw new Error("Cannot read the SVG: a stroke-width is no number.");
  return {
    pathId: attribute("id", ""),
    style: { fill: attribute("fill", "#000000"), stroke: attribute("stroke", "none"), strokeWidth },
    ...readCommands(attribute("d", "")),
  };
}

function readCommands(data: string): Pick<Path, "anchors" | "closed"> {
  const anchors: Anchor[] = [];
  let closed = false;
  for (const [text, command = ""] of data.matchAll(/([a-zA-Z])[^a-zA-Z]*/g)) {
    const numbers = (text.match(/-?[\d.]+/g) ?? []).map(Number);
    const isFirst = anchors.length === 0;
    const hasNumbers = numbers.length === ARGUMENT_COUNT[command] && numbers.every(Number.isFinite);
    if (!hasNumbers || closed || isFirst !== (command === "M")) {
      throw new Error(`Cannot read the SVG: "${text}" of a path.`);
    }
    if (command === "Z") closed = true;
    else addAnchor(anchors, numbers);
  }
  return { anchors: closed ? joinEnds(anchors) : anchors, closed };
}

/** Adds the last point of a command; a handle that lies on its anchor is none. */
function addAnchor(anchors: Anchor[], numbers: readonly number[]): void {
  const [x = 0, y = 0] = numbers.slice(-2);
  const [outX, outY, inX, inY] = numbers.length === 6 ? numbers : [];
  const before = anchors.at(-1);
  if (before !== undefined && outX !== undefined && outY !== undefined && !(outX === before.x && outY === before.y)) {
    anchors[anchors.length - 1] = { ...before, out: [outX, outY] };
  }
  const hasIn = inX !== undefined && inY !== undefined && !(inX === x && inY === y);
  anchors.push(hasIn ? { x, y, in: [inX, inY] } : { x, y });
}

/** A curve that closes a path leads to its first anchor again, and is that anchor's. */
function joinEnds(anchors: readonly Anchor[]): readonly Anchor[] {
  const [first] = anchors;
  const last = anchors.at(-1);
  if (first === undefined || last === undefined || last === first) return anchors;
  if (last.x !== first.x || last.y !== first.y) return anchors;
  const joined = last.in === undefined ? first : { ...first, in: last.in };
  return [joined, ...anchors.slice(1, -1)];
}

function writePath({ pathId, style, anchors, closed }: Path): string {
  const { fill, stroke, strokeWidth } = style;
  const data = writeCommands(anchors, closed);
  const painted = `fill="${escapeXml(fill)}" stroke="${escapeXml(stroke)}" stroke-width="${strokeWidth}"`;
  return `<path id="${escapeXml(pathId)}" d="${data}" ${painted}/>`;
}

function writeCommands(anchors: readonly Anchor[], closed: boolean): string {
  const [first] = anchors;
  if (first === undefined) return "";
  const commands = [`M ${first.x} ${first.y}`];
  for (const [index, anchor] of anchors.entries()) {
    const before = anchors[index - 1];
    if (before !== undefined) commands.push(segment(before, anchor));
  }
  const last = anchors.at(-1) ?? first;
  if (closed && (last.out !== undefined || first.in !== undefined)) commands.push(segment(last, first));
  if (closed) commands.push("Z");
  return commands.join(" ");
}

function segment(from: Anchor, to: Anchor): string {
  if (from.out === undefined && to.in === undefined) return `L ${to.x} ${to.y}`;
  const out: Point = from.out ?? [from.x, from.y];
  const into: Point = to.in ?? [to.x, to.y];
  return `C ${[...out, ...into, to.x, to.y].join(" ")}`;
}

const viewBoxOf = ({ x, y, width, height }: Artboard): string => [x, y, width, height].join(" ");

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);

const unescapeXml = (text: string): string =>
  text.replace(
    /&(amp|lt|gt|quot);/g,
    (entity) => Object.keys(ENTITIES).find((key) => ENTITIES[key] === entity) ?? entity,
  );
