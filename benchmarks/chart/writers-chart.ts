import { DURABILITIES, type Durability } from "../subject.js";
import { WRITERS } from "../workloads/wc-writers.js";
import { decadeScale, element, escapeText, type LogScale } from "./svg.js";
import type { Measure, Series } from "./writers-series.js";

const TITLE = "Concurrent writers, each append awaited";
const WIDTH = 880;
const HEIGHT = 664;
const FOOT_TOP = 634;
const PANEL = { width: 350, height: 220, left: 70, top: 80, gapX: 90, gapY: 70 };

// Colours that stand out on white as on black; the text follows the reader's scheme.
const COLORS: Readonly<Record<string, string>> = { library: "#2f81f7", "library-better": "#e0823d", floor: "#8b949e" };
const OTHER_COLOR = "#a371f7";

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .grid { stroke: #8b949e; stroke-opacity: 0.3; }
  @media (prefers-color-scheme: dark) { text { fill: #d0d7de; } }`;

const ROWS: readonly { readonly title: string; readonly measures: readonly Measure[] }[] = [
  { title: "appends a second", measures: ["rate"] },
  { title: "milliseconds an append: p50, dashed p99", measures: ["p50", "p99"] },
];

/** Throughput and latency against the number of writers: a column for each durability. */
export function drawWritersChart(series: readonly Series[], captions: readonly string[]): string {
  const panels = ROWS.flatMap(({ title, measures }, row) => {
    const ofRow = series.filter(({ measure }) => measures.includes(measure));
    const top = PANEL.top + row * (PANEL.height + PANEL.gapY);
    // One scale for both durabilities, so that they can be compared.
    const values = ofRow.flatMap(({ points }) => points.map(({ value }) => value));
    const y = decadeScale(values, top + PANEL.height, top);
    return DURABILITIES.map((durability, column) => drawPanel({ title, durability, column, top, y, series: ofRow }));
  });
  const heading = element("text", { x: PANEL.left, y: 24, class: "title" }, TITLE);
  const feet = captions.map((caption, line) =>
    element("text", { x: PANEL.left, y: FOOT_TOP + line * 18 }, escapeText(caption)),
  );
  const content = [element("style", {}, STYLE), heading, drawLegend(series), ...panels, ...feet].join("\n");
  const attributes = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" };
  return `${element("svg", attributes, `\n${element("title", {}, TITLE)}\n${content}\n`)}\n`;
}

interface Panel {
  readonly title: string;
  readonly durability: Durability;
  readonly column: number;
  readonly top: number;
  readonly y: LogScale;
  readonly series: readonly Series[];
}

function drawPanel({ title, durability, column, top, y, series }: Panel): string {
  const left = PANEL.left + column * (PANEL.width + PANEL.gapX);
  const x = (writers: number): number => left + (WRITERS.indexOf(writers) / (WRITERS.length - 1)) * PANEL.width;
  const heading = element("text", { x: left, y: top - 10 }, escapeText(`durability "${durability}": ${title}`));
  const rules = y.decades.map((value) => {
    const line = element("line", { x1: left, x2: left + PANEL.width, y1: y(value), y2: y(value), class: "grid" });
    return line + element("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, formatDecade(value));
  });
  const bottom = top + PANEL.height + 18;
  const ticks = WRITERS.map((writers) =>
    element("text", { x: x(writers), y: bottom, "text-anchor": "middle" }, `${writers}`),
  );
  const lines = series
    .filter((candidate) => candidate.durability === durability)
    .map(({ subject, measure, points }) =>
      element("polyline", {
        points: points.map(({ writers, value }) => `${x(writers).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
        fill: "none",
        stroke: colorOf(subject),
        "stroke-width": 2,
        ...(measure === "p99" ? { "stroke-dasharray": "5 4" } : {}),
      }),
    );
  return [heading, ...rules, ...ticks, ...lines].join("\n");
}

function drawLegend(series: readonly Series[]): string {
  const subjects = [...new Set(series.map(({ subject }) => subject))];
  return subjects
    .map((subject, index) => {
      const left = PANEL.left + index * 150;
      const line = element("line", {
        x1: left,
        x2: left + 24,
        y1: 44,
        y2: 44,
        stroke: colorOf(subject),
        "stroke-width": 3,
      });
      return line + element("text", { x: left + 30, y: 48 }, escapeText(subject));
    })
    .join("\n");
}

const colorOf = (subject: string): string => COLORS[subject] ?? OTHER_COLOR;

const formatDecade = (value: number): string => (value < 1 ? `${value}` : value.toLocaleString("en"));
