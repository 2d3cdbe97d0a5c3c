import type { BenchOptions } from "./command-line.js";
import type { Durability, Subject } from "./subject.js";
import { subjectOf } from "./subjects/index.js";
import type { Workload } from "./workload.js";
import { workloadOf } from "./workloads/index.js";

/** One workload in one durability, and who takes part. */
export interface Heat {
  readonly workload: Workload;
  readonly durability: Durability;
  readonly subjects: readonly Subject[];
}

/** What is measured in each round, in order. */
export function planHeats(options: BenchOptions, present: readonly string[]): Heat[] {
  return options.workloads.map(workloadOf).flatMap((workload) => {
    // "full" comes last, and is the one that every subject has.
    const durabilities = workload.isFlushFree ? options.durabilities.slice(-1) : options.durabilities;
    return durabilities
      .map((durability) => ({
        workload,
        durability,
        subjects: present.map(subjectOf).filter((subject) => takesPart(subject, workload, durability)),
      }))
      .filter(({ subjects }) => subjects.length > 0);
  });
}

function takesPart(subject: Subject, workload: Workload, durability: Durability): boolean {
  if (subject.settings[durability] === undefined) return false;
  if (subject.without?.[workload.id] !== undefined) return false;
  if (subject.only !== undefined) return subject.only.includes(workload.id);
  return workload.subjects?.includes(subject.name) ?? true;
}

/** Another subject begins in each round, so that none always runs behind the same one. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const start = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** What is not measured although it was asked for, and why. */
export function describeAbsences(options: BenchOptions, present: readonly string[]): string[] {
  return present.map(subjectOf).flatMap(({ name, settings, without = {} }) => {
    const workloads = options.workloads.filter((id) => without[id] !== undefined);
    const durabilities = options.durabilities.filter((durability) => settings[durability] === undefined);
    return [
      ...workloads.map((id) => `${name} in ${id}: ${without[id]}`),
      ...durabilities.map((durability) => `${name} in durability ${durability}: it cannot be set to it`),
    ];
  });
}
