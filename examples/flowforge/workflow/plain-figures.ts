import { readFile } from "node:fs/promises";
import type { DataFiles } from "./planets-and-moons.js";

export interface PlanetFigures {
  readonly planet: string;
  readonly largeMoons: number;
  readonly largest: string;
}

/** The figures of the workflow, computed from the files alone: without nodes, joins or a database. */
export async function plainFigures({ planets, moons }: DataFiles): Promise<PlanetFigures[]> {
  const { moons: all } = JSON.parse(await readFile(moons, "utf8")) as {
    moons: { name: string; planet: string; radiusKm: string }[];
  };
  const figures: PlanetFigures[] = [];
  for (const line of (await readFile(planets, "utf8")).split("\n")) {
    const planet = line.slice(0, line.indexOf(","));
    let largeMoons = 0;
    let largest = { name: "", radiusKm: 0 };
    for (const { name, planet: own, radiusKm } of all) {
      if (own !== planet || Number(radiusKm) < 200) continue;
      largeMoons += 1;
      if (Number(radiusKm) > largest.radiusKm) largest = { name, radiusKm: Number(radiusKm) };
    }
    if (largeMoons > 0) figures.push({ planet, largeMoons, largest: largest.name });
  }
  return figures;
}
