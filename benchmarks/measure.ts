import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runChild } from "./run-child.js";
import type { Durability, Subject } from "./subject.js";
import { type Answer, seedFile, type Task } from "./task.js";
import type { SizeName, Workload } from "./workload.js";

/** What is to be measured, and where. */
export interface Measurement {
  readonly role: "measure" | "profile";
  readonly workload: Workload;
  readonly subject: Subject;
  readonly durability: Durability;
  readonly size: SizeName;
  /** The run's folder, where each measurement has one of its own. */
  readonly folder: string;
  /** The address of the run's PostgreSQL server, where it has one. */
  readonly server?: string | undefined;
}

/** Fills the files that the workload needs where an earlier round has not, and measures in an empty folder. */
export async function measure({ workload, subject, folder, ...rest }: Measurement): Promise<Answer> {
  const task: Task = {
    ...rest,
    workload: workload.id,
    subject: subject.name,
    folder: join(folder, `run-${process.hrtime.bigint()}`),
    seedFolder: join(folder, "seeds"),
  };
  for (const { name } of workload.seeds ?? []) {
    if (existsSync(seedFile(task.seedFolder, subject.format, name))) continue;
    const answer = await runChild({ ...task, role: "seed", seed: name });
    if ("error" in answer) return { error: `filling "${name}" failed: ${answer.error}` };
  }
  await mkdir(task.folder);
  const answer = await runChild(task);
  await rm(task.folder, { recursive: true, force: true });
  return answer;
}
