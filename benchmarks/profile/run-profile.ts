import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchOptions } from "../command-line.js";
import { formatNumber } from "../format-value.js";
import { measure } from "../measure.js";
import { planHeats } from "../plan.js";
import { formatTable } from "../tables.js";
import { makeTempFolder } from "../temp-folder.js";
import { LIBRARY_SUBJECTS } from "../workloads/library-subjects.js";
import type { Profile, StatementProfile } from "./profile.js";

const SQL_CHARACTERS = 100;

const PROFILE_FILE = "profile.md";

/** Profiles the library in the chosen workloads; prints and saves what was counted. */
export async function runProfile(options: BenchOptions, command: string): Promise<void> {
  const { size, out } = options;
  const sections = [`# Profile\n\n\`${command}\`, ${new Date().toISOString()}`];
  const folder = await makeTempFolder(options.temp);
  const subjects = options.subjects.filter((name) => LIBRARY_SUBJECTS.includes(name));
  for (const { workload, durability, subjects: profiled } of planHeats(options, subjects)) {
    for (const subject of profiled) {
      const answer = await measure({ role: "profile", workload, subject, durability, size, folder });
      const title = `## ${workload.id}, durability ${durability}, ${subject.name}: ${workload.title}`;
      const section = `${title}\n\n${describeAnswer(answer)}`;
      sections.push(section);
      console.log(`\n${section}`);
    }
  }
  await mkdir(out, { recursive: true });
  await writeFile(join(out, PROFILE_FILE), `${sections.join("\n\n")}\n`);
}

function describeAnswer(answer: Awaited<ReturnType<typeof measure>>): string {
  if ("profile" in answer) return formatProfile(answer.profile);
  return "error" in answer ? `not profiled: ${answer.error}` : "not profiled";
}

function formatProfile(profile: Profile): string {
  const { operations, events, wallMs, cpuMs, mainThreadCpuMs, loopActiveMs, statements } = profile;
  const hops = statements.reduce((sum, { calls }) => sum + calls, 0);
  const perOperation = (value: number): string => formatNumber((value / operations) * 1_000);
  const share = (value: number): string => `${formatNumber((value / wallMs) * 100)} % of wall`;
  const line = (name: string, ms: number): string[] => [name, `${formatNumber(ms)} ms`, perOperation(ms), share(ms)];
  const time = formatTable(
    ["time", "total", "us/operation", "share"],
    [
      line("wall", wallMs),
      line("CPU of all threads", cpuMs),
      ...(mainThreadCpuMs === null ? [] : [line("CPU of the main thread", mainThreadCpuMs)]),
      line("event loop not idle", loopActiveMs),
    ],
  );
  const counts = `${operations.toLocaleString("en")} operations, ${events.toLocaleString("en")} events, ${hops.toLocaleString("en")} hops`;
  const rates = `${formatNumber(hops / operations)} hops an operation, ${formatNumber(events / Math.max(1, hops))} events a hop`;
  return `${counts}: ${rates}\n\n${time}\n\n${formatStatements(statements, operations, events)}`;
}

function formatStatements(statements: readonly StatementProfile[], operations: number, events: number): string {
  return formatTable(
    ["call", "calls", "calls/operation", "us/call", "bytes bound/event", "bytes returned/event", "SQL"],
    statements.map(({ call, sql, calls, waitedMs, boundBytes, returnedBytes }) => [
      call,
      calls.toLocaleString("en"),
      formatNumber(calls / operations),
      formatNumber((waitedMs / calls) * 1_000),
      formatNumber(boundBytes / events),
      formatNumber(returnedBytes / events),
      sql.replaceAll(/\s+/g, " ").trim().slice(0, SQL_CHARACTERS),
    ]),
  );
}
