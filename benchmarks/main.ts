import { type BenchOptions, parseCommandLine, USAGE, UsageError } from "./command-line.js";
import { describeMachine } from "./machine.js";
import { describeAbsences, planHeats } from "./plan.js";
import { serverFor } from "./postgres-server.js";
import { runProfile } from "./profile/run-profile.js";
import { describeFailures, saveResults, workloadsOf } from "./results.js";
import { endChildren, runChild } from "./run-child.js";
import { describeSample, runRounds, type Sample } from "./run-rounds.js";
import { subjectOf } from "./subjects/index.js";
import { summarize } from "./summary.js";
import { goalTable, subjectTable } from "./tables.js";
import { makeTempFolder } from "./temp-folder.js";

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    endChildren();
    process.exit(1);
  });
}

try {
  const options = parseCommandLine(process.argv.slice(2));
  if (options === null) console.log(USAGE);
  else if (options.isProfile) await runProfile(options, commandLine());
  else process.exitCode = await runBenchmarks(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

function commandLine(): string {
  return ["npm run bench --", ...process.argv.slice(2)].join(" ");
}

/** @returns the exit code: 1 when a measurement of our own failed */
async function runBenchmarks(options: BenchOptions): Promise<number> {
  const folder = await makeTempFolder(options.temp);
  const { present, missing } = await askSubjects(options, folder);
  const leftOut = [...missing, ...describeAbsences(options, present)];
  for (const line of leftOut) console.log(`left out: ${line}`);
  const heats = planHeats(options, present);
  const samples: Sample[] = [];
  await using server = await serverFor(heats, folder);
  for await (const sample of runRounds(options, heats, { folder, server: server?.url() })) {
    samples.push(sample);
    console.log(describeSample(sample, heats, options.rounds));
  }
  const summary = summarize(heats, samples);
  const workloads = workloadsOf(heats);
  const subjects = present.map(subjectOf);
  const results = {
    command: commandLine(),
    date: new Date().toISOString(),
    size: options.size,
    rounds: options.rounds,
    machine: await describeMachine(folder, subjects, server),
    workloads: workloads.map(({ id, title }) => ({ id, title })),
    settings: Object.fromEntries(subjects.map(({ name, settings }) => [name, settings])),
    leftOut,
    summary,
    samples,
  };
  await saveResults(options.out, results, heats);
  console.log(`\n${goalTable(summary)}\n\n${subjectTable(summary, workloads)}\n`);
  const failures = describeFailures(samples);
  for (const line of failures) console.log(`failed: ${line}`);
  console.log(`saved in ${options.out}`);
  // That a peer fails is a result.
  return samples.some(({ subject, error }) => error !== undefined && !subjectOf(subject).isPeer) ? 1 : 0;
}

async function askSubjects(options: BenchOptions, folder: string): Promise<{ present: string[]; missing: string[] }> {
  const present: string[] = [];
  const missing = new Map<string, string[]>();
  for (const subject of options.subjects) {
    const task = { role: "ask", workload: "", subject, durability: "normal", size: options.size } as const;
    const answer = await runChild({ ...task, folder, seedFolder: folder });
    const reason = "missing" in answer ? answer.missing : "error" in answer ? answer.error : null;
    if (reason === null) present.push(subject);
    else missing.set(reason, [...(missing.get(reason) ?? []), subject]);
  }
  return { present, missing: [...missing].map(([reason, subjects]) => `${subjects.join(", ")}: ${reason}`) };
}
