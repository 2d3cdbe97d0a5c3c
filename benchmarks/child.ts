import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runChild } from "./run-child.js";
import { subjectOf } from "./subjects/index.js";
import { type Answer, seedFile, type Task } from "./task.js";
import type { WorkloadContext } from "./workload.js";
import { workloadOf } from "./workloads/index.js";

// One measurement: its process does nothing else, and answers with one line of JSON.
const task = JSON.parse(process.argv[2] ?? "{}") as Task;
const answer = await perform(task).catch((error: Error): Answer => ({ error: error.message.split("\n")[0] ?? "" }));
// Some peers leave work in the thread pool behind, and an ordinary exit would wait for it.
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.kill(process.pid, "SIGKILL"));

async function perform({ role, workload, subject }: Task): Promise<Answer> {
  if (role === "ask") return { missing: await subjectOf(subject).whyMissing() };
  if (role === "seed") return fillSeed();
  const context = contextOf();
  if (role === "profile") {
    // Loaded here, so that a measurement does not have the library twice in memory.
    const { profileWorkload } = await import("./profile/profile-workload.js");
    return { profile: await profileWorkload(workloadOf(workload), context) };
  }
  if (role === "measure") {
    const figures = await workloadOf(workload).run(context);
    return { figures: Object.fromEntries(Object.entries(figures).filter(([, value]) => Number.isFinite(value))) };
  }
  const { help } = workloadOf(workload);
  if (help === undefined) throw new Error(`${workload} needs no helper`);
  return { figures: await help(context) };
}

function contextOf(): WorkloadContext {
  const subject = subjectOf(task.subject);
  return {
    subject,
    durability: task.durability,
    size: task.size,
    folder: task.folder,
    uniqueName: basename(task.folder),
    seedPath: (name) => seedPath(name),
    serverUrl() {
      if (task.server === undefined) throw new Error(`${task.workload} has no server`);
      return task.server;
    },
    helpers: task.helpers ?? { processes: 1, callers: 1 },
    async startHelper(helpers) {
      const answer = await runChild({ ...task, role: "help", helpers });
      if ("error" in answer) throw new Error(`the helper failed: ${answer.error}`);
      return "figures" in answer ? answer.figures : {};
    },
  };
}

function seedPath(name: string): string {
  return seedFile(task.seedFolder, subjectOf(task.subject).format, name);
}

async function fillSeed(): Promise<Answer> {
  const { seed: name = "" } = task;
  const seed = workloadOf(task.workload).seeds?.find((candidate) => candidate.name === name);
  if (seed === undefined) throw new Error(`${task.workload} has no seed "${name}"`);
  // Under another name until it is full. The folder is what is renamed: subjects keep files beside the database.
  const folder = dirname(seedPath(name));
  const unfinished = `${folder}-unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const store = await subjectOf(task.subject).open(join(unfinished, basename(seedPath(name))), task.durability);
  await seed.fill(store, task.size);
  await store.close();
  await rename(unfinished, folder);
  return { figures: {} };
}
