import { readFile } from "node:fs/promises";
import type { Row } from "../ports.js";
import type { NodeOutput, Workflow } from "./graph.js";

/** Moons smaller than this are left out by the rule. */
const LARGE_RADIUS_KM = 200;

export interface DataFiles {
  readonly planets: string | URL;
  readonly moons: string | URL;
}

/** The large moons of each planet, from a CSV file and a JSON file. */
export function planetsAndMoons({ planets, moons }: DataFiles): Workflow {
  return {
    id: "workflow:planets-and-moons",
    name: "Planets and moons",
    description: "How many large moons each planet has, and which one is the largest",
    version: 1,
    nodes: [
      { name: "planets", kind: "source", inputs: [], spec: { format: "csv" }, run: () => readPlanets(planets) },
      { name: "moons", kind: "source", inputs: [], spec: { format: "json" }, run: () => readMoons(moons) },
      { name: "numbers", kind: "transform", inputs: ["moons"], spec: { number: ["radiusKm"] }, run: withNumbers },
      {
        name: "moons of planets",
        kind: "join",
        inputs: ["numbers", "planets"],
        spec: { on: "planet = name" },
        run: join,
      },
      {
        name: "large moons",
        kind: "rule",
        inputs: ["moons of planets"],
        spec: { minRadiusKm: LARGE_RADIUS_KM },
        run: large,
      },
      { name: "summary", kind: "sink", inputs: ["large moons"], spec: { dataset: "planet-summary" }, run: summary },
    ],
  };
}

async function readPlanets(file: string | URL): Promise<NodeOutput> {
  const [header = "", ...lines] = (await readFile(file, "utf8"))
    .trim()
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"));
  const columns = header.split(",");
  const rows = lines.map((line) => {
    const [name, ...numbers] = line.split(",");
    return Object.fromEntries([name, ...numbers.map(Number)].map((value, at) => [columns[at], value]));
  });
  return { rows };
}

async function readMoons(file: string | URL): Promise<NodeOutput> {
  return { rows: JSON.parse(await readFile(file, "utf8")).moons };
}

function withNumbers(moons: readonly Row[]): NodeOutput {
  return { rows: moons.map((moon) => ({ ...moon, radiusKm: Number(moon.radiusKm) })) };
}

function join(moons: readonly Row[], planets: readonly Row[]): NodeOutput {
  const planetOf = new Map(planets.map((planet) => [planet.name, planet]));
  const rows: Row[] = [];
  const warnings: string[] = [];
  for (const moon of moons) {
    const planet = planetOf.get(moon.planet);
    if (planet === undefined) warnings.push(`${moon.name} belongs to ${moon.planet}, which is no planet here.`);
    else rows.push({ ...moon, planetDiameterKm: planet.diameter_km, planetDistance: planet.distance_1e6_km });
  }
  return { rows, warnings };
}

function large(moons: readonly Row[]): NodeOutput {
  return { rows: moons.filter(({ radiusKm }) => Number(radiusKm) >= LARGE_RADIUS_KM) };
}

function summary(moons: readonly Row[]): NodeOutput {
  const byPlanet = new Map<unknown, Row[]>();
  for (const moon of moons) byPlanet.set(moon.planet, [...(byPlanet.get(moon.planet) ?? []), moon]);
  const rows = [...byPlanet].map(([planet, own]) => {
    const largest = own.reduce((best, moon) => (Number(moon.radiusKm) > Number(best.radiusKm) ? moon : best));
    return {
      planet,
      distance: own[0]?.planetDistance,
      large_moons: own.length,
      largest: largest.name,
      share_of_diameter: (2 * Number(largest.radiusKm)) / Number(largest.planetDiameterKm),
    };
  });
  return { rows: rows.toSorted((a, b) => Number(a.distance) - Number(b.distance)) };
}
