import type { NodeProcess } from "../../support/node-process.js";
import type { CommandAnswer } from "../fixtures/commanding-process.js";
import { startFixture } from "./fixture.js";
import type { StoreAddress } from "./store-address.js";

/** Starts processes that handle commands of one store. */
export async function startCommanding(address: StoreAddress, count: number): Promise<readonly NodeProcess[]> {
  const processes = Array.from({ length: count }, () =>
    startFixture("commanding-process.ts", { args: [JSON.stringify(address)] }),
  );
  await Promise.all(processes.map((process) => process.ready()));
  return processes;
}

/** The answers of a process, those after the first so many lines. */
export function answersOf({ lines }: NodeProcess, after = 0): readonly CommandAnswer[] {
  return lines.slice(after).flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as CommandAnswer] : []));
}

/** Gives each process its commands at the same time, and waits for all answers. */
export async function answersTo(
  processes: readonly NodeProcess[],
  commands: (process: number) => readonly string[],
): Promise<readonly CommandAnswer[]> {
  const seen = processes.map(({ lines }) => lines.length);
  const given = processes.map((_, index) => commands(index));
  for (const [index, process] of processes.entries()) for (const command of given[index] ?? []) process.say(command);
  await Promise.all(
    processes.map((process, index) =>
      process.waitFor(() => process.lines.length >= (seen[index] ?? 0) + (given[index]?.length ?? 0)),
    ),
  );
  return processes.flatMap((process, index) => answersOf(process, seen[index]));
}
