import type { Style } from "./vector-document.js";

/** What is drawn: points of a line, x and y in turn. */
export interface Shape {
  readonly style: Style;
  readonly vertices: Float32Array;
}

const WIDTH = 160;
const HEIGHT = 120;
const CHANNELS = 3;

/** A small picture of shapes, fitted into its frame, without smoothing. */
export class Thumbnail {
  readonly width = WIDTH;
  readonly height = HEIGHT;
  /** Red, green and blue of each pixel, row by row. */
  readonly pixels = new Uint8Array(WIDTH * HEIGHT * CHANNELS).fill(255);

  constructor(shapes: readonly Shape[]) {
    const toPixels = fitted(shapes);
    for (const { style, vertices } of shapes) {
      const points = toPixels(vertices);
      const fill = colorOf(style.fill);
      const stroke = colorOf(style.stroke);
      if (fill !== null) this.#fill(points, fill);
      if (stroke !== null) this.#stroke(points, stroke);
    }
  }

  /** Even and odd: from the left, each edge that is crossed changes sides. */
  #fill(points: readonly number[], color: readonly number[]): void {
    for (const [row, crossings] of crossingsByRow(points)) {
      crossings.sort((a, b) => a - b);
      for (let index = 0; index + 1 < crossings.length; index += 2) {
        const end = Math.min(WIDTH - 1, Math.round(crossings[index + 1] ?? 0) - 1);
        for (let column = Math.max(0, Math.round(crossings[index] ?? 0)); column <= end; column += 1) {
          this.#set(column, row, color);
        }
      }
    }
  }

  #stroke(points: readonly number[], color: readonly number[]): void {
    for (let index = 0; index + 3 < points.length; index += 2) {
      const [fromX = 0, fromY = 0, toX = 0, toY = 0] = [
        points[index],
        points[index + 1],
        points[index + 2],
        points[index + 3],
      ];
      const steps = Math.max(1, Math.ceil(Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY))));
      for (let step = 0; step <= steps; step += 1) {
        const share = step / steps;
        this.#set(Math.floor(fromX + (toX - fromX) * share), Math.floor(fromY + (toY - fromY) * share), color);
      }
    }
  }

  #set(column: number, row: number, color: readonly number[]): void {
    if (column < 0 || column >= WIDTH || row < 0 || row >= HEIGHT) return;
    this.pixels.set(color, (row * WIDTH + column) * CHANNELS);
  }
}

/** Where the closed line crosses the middle of each row. */
function crossingsByRow(points: readonly number[]): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let index = 0; index < points.length; index += 2) {
    const next = (index + 2) % points.length;
    const [fromX = 0, fromY = 0, toX = 0, toY = 0] = [points[index], points[index + 1], points[next], points[next + 1]];
    const last = Math.min(HEIGHT, Math.ceil(Math.max(fromY, toY) - 0.5));
    for (let row = Math.max(0, Math.ceil(Math.min(fromY, toY) - 0.5)); row < last; row += 1) {
      const crossing = fromX + ((row + 0.5 - fromY) / (toY - fromY)) * (toX - fromX);
      const crossings = rows.get(row);
      if (crossings === undefined) rows.set(row, [crossing]);
      else crossings.push(crossing);
    }
  }
  return rows;
}

/** Fits everything into the frame. */
function fitted(shapes: readonly Shape[]): (vertices: Float32Array) => number[] {
  let [left, top, right, bottom] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (const { vertices } of shapes) {
    for (let index = 0; index + 1 < vertices.length; index += 2) {
      left = Math.min(left, vertices[index] ?? left);
      right = Math.max(right, vertices[index] ?? right);
      top = Math.min(top, vertices[index + 1] ?? top);
      bottom = Math.max(bottom, vertices[index + 1] ?? bottom);
    }
  }
  const scale = Math.min(WIDTH / Math.max(right - left, 1), HEIGHT / Math.max(bottom - top, 1));
  return (vertices) => Array.from(vertices, (value, index) => (value - (index % 2 === 0 ? left : top)) * scale);
}

/** Red, green and blue; null for what is not painted. */
function colorOf(color: string): readonly number[] | null {
  const [, digits] = /^#([0-9a-f]{6})$/i.exec(color) ?? [];
  if (digits === undefined) return null;
  return [0, 2, 4].map((start) => Number.parseInt(digits.slice(start, start + 2), 16));
}
