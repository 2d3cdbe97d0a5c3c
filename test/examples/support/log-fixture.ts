import { writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

export interface FixtureLine {
  readonly case: string;
  readonly activity: string;
  readonly timestamp: string;
  readonly lifecycle?: string;
  readonly resource?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

const ACTIVITIES = ["Registered", "Checked", "@Paid"];
const START_MS = Date.UTC(2024, 0, 1);

/** Cases that run side by side, one of them and one activity with a name that the store keeps for itself, and values of every kind. */
export function makeLines(count: number): FixtureLine[] {
  return Array.from({ length: count }, (_, index) => ({
    case: index % 7 === 3 ? "@case" : `case ${index % 7}`,
    activity: ACTIVITIES[index % ACTIVITIES.length] as string,
    timestamp: new Date(START_MS + index * 1_000).toISOString().replace("Z", "+00:00"),
    ...(index % 2 === 0 ? { lifecycle: "complete" } : {}),
    ...(index % 5 === 0 ? {} : { resource: "Zoë" }),
    attributes: { index, nested: { b: [1.5, null, true, "ü"], a: {} } },
  }));
}

export async function writeLog(path: string, lines: readonly FixtureLine[]): Promise<void> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await writeFile(path, path.endsWith(".gz") ? gzipSync(text) : text);
}
