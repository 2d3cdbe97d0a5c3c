/** A point of the plane. */
export type Point = readonly [x: number, y: number];

/** A point of a path. A handle is where the curve on its side is pulled to; without one that side is straight. */
export interface Anchor {
  readonly x: number;
  readonly y: number;
  readonly in?: Point;
  readonly out?: Point;
}

/** How a path is painted, as SVG says it. */
export interface Style {
  readonly fill: string;
  readonly stroke: string;
  readonly strokeWidth: number;
}

export interface Path {
  readonly pathId: string;
  readonly style: Style;
  readonly anchors: readonly Anchor[];
  readonly closed: boolean;
}

/** The part of the plane that is exported. */
export interface Artboard {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** A drawing. Paths lie above those before them. */
export interface VectorDocument {
  readonly title: string;
  readonly artboard: Artboard;
  readonly viewport: Viewport;
  readonly paths: readonly Path[];
}

export const EMPTY_DOCUMENT: VectorDocument = {
  title: "",
  artboard: { x: 0, y: 0, width: 0, height: 0 },
  viewport: { x: 0, y: 0, zoom: 1 },
  paths: [],
};
