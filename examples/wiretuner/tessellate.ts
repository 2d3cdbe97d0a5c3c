import type { Anchor, Path, Point } from "./vector-document.js";

/** The lines that a curve becomes. */
const LINES_OF_CURVE = 16;

/** A path as points of a line, x and y in turn. A closed one ends where it begins. */
export function tessellate({ anchors, closed }: Path): Float32Array<ArrayBuffer> {
  const [first] = anchors;
  const vertices: number[] = first === undefined ? [] : [first.x, first.y];
  const ends = closed && first !== undefined ? [...anchors.slice(1), first] : anchors.slice(1);
  for (const [index, to] of ends.entries()) addSegment(vertices, anchors[index] ?? to, to);
  return new Float32Array(vertices);
}

function addSegment(vertices: number[], from: Anchor, to: Anchor): void {
  if (from.out === undefined && to.in === undefined) {
    vertices.push(to.x, to.y);
    return;
  }
  const points: readonly Point[] = [
    [from.x, from.y],
    from.out ?? [from.x, from.y],
    to.in ?? [to.x, to.y],
    [to.x, to.y],
  ];
  for (let line = 1; line <= LINES_OF_CURVE; line += 1) {
    const share = line / LINES_OF_CURVE;
    vertices.push(bezier(points, 0, share), bezier(points, 1, share));
  }
}

/** One coordinate of a cubic Bézier curve. */
function bezier(points: readonly Point[], axis: 0 | 1, share: number): number {
  const [start = 0, out = 0, into = 0, end = 0] = points.map((point) => point[axis]);
  const rest = 1 - share;
  return rest ** 3 * start + 3 * rest ** 2 * share * out + 3 * rest * share ** 2 * into + share ** 3 * end;
}
