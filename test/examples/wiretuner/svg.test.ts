import { expect, test } from "vitest";
import { readSvg, writeSvg } from "../../../examples/wiretuner/svg.js";

const svg = (path: string, viewBox = "0 0 8 8") =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox}">\n  <title>a &amp;lt; b</title>\n  ${path}\n</svg>\n`;

const painted = 'fill="none" stroke="#000000" stroke-width="1.5"';

test("an SVG of paths comes out as it went in", () => {
  const text = svg(`<path id="a&quot;" d="M 0 -1.5 C 1 2 3 4 5 6 L 7 8 Z" ${painted}/>`);
  expect(writeSvg(readSvg(text))).toBe(text);
});

test.each([
  ["a viewBox without numbers", svg("", "a b c d")],
  ["a viewBox of three numbers", svg("", "0 0 8")],
  ["another element", svg("<g/>")],
  ["a number that is none", svg('<path id="a" d="M 1.2.3 4"/>')],
  ["a relative command", svg('<path id="a" d="m 1 2"/>')],
  ["a path without an id", svg('<path d="M 1 2"/>')],
  ["an id that is there twice", svg('<path id="a" d="M 1 2"/><path id="a" d="M 3 4"/>')],
  ["another attribute", svg('<path id="a" d="M 1 2" transform="scale(2)"/>')],
  ["a path with content", svg('<path id="a" d="M 1 2"></path>')],
  ["a stroke-width that is no number", svg('<path id="a" d="M 1 2" stroke-width="1px"/>')],
])("an SVG with %s is refused: it would come out different", (_, text) => {
  expect(() => readSvg(text)).toThrow("Cannot read the SVG: ");
});
