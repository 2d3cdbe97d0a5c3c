import type { ImportResult } from "./import-events.js";
import type { AllStreamFindings } from "./read-back.js";

const SHOWN_TYPES = 10;

/** How long each step took. */
export interface Durations {
  readonly writeMs: number;
  readonly readAllMs: number;
  readonly readStreamsMs: number;
}

/** The report as text: what was in the log, what the store made of it, and how fast. */
export function formatReport(log: ImportResult, all: AllStreamFindings, durations: Durations): string {
  const { writeMs, readAllMs, readStreamsMs } = durations;
  const eventCount = log.total.count;
  const streamCount = log.streams.size;
  const stored = eventCount - log.written;
  const order = all.isInLogOrder ? "that of the log, across all streams" : "that of the log within each stream";
  return [
    `Events     ${group(eventCount)} in ${group(streamCount)} streams`,
    `Written    ${group(log.written)} new${stored > 0 ? `, ${group(stored)} stored before` : ""}, ${pace(eventCount, writeMs)}`,
    `Read       ${group(all.eventCount)} from @all, ${pace(all.eventCount, readAllMs)}`,
    `           ${group(streamCount)} streams one by one, ${pace(eventCount, readStreamsMs)}`,
    "Verified   every event equals its source, in @all and in its stream",
    `Order      ${order}`,
    `Longest    ${formatLongest(log)}`,
    `Types      ${group(all.countByType.size)}`,
    ...formatTypes(all.countByType),
  ].join("\n");
}

function formatLongest({ streams }: ImportResult): string {
  let longest = { streamId: "", count: 0 };
  for (const [streamId, { count }] of streams) if (count > longest.count) longest = { streamId, count };
  return longest.count === 0 ? "none" : `${longest.streamId}: ${group(longest.count)} events`;
}

function formatTypes(countByType: ReadonlyMap<string, number>): string[] {
  const ranked = [...countByType].sort(([typeA, a], [typeB, b]) => b - a || (typeA < typeB ? -1 : 1));
  const lines = ranked.slice(0, SHOWN_TYPES).map(([type, count]) => `${group(count).padStart(11)}  ${type}`);
  const hidden = ranked.length - lines.length;
  return hidden > 0 ? [...lines, `${" ".repeat(13)}and ${hidden} more`] : lines;
}

function pace(count: number, durationMs: number): string {
  const perSecond = Math.round((count * 1_000) / Math.max(durationMs, 1));
  return `${(durationMs / 1_000).toFixed(2)} s (${group(perSecond)} events/s)`;
}

function group(count: number): string {
  return count.toLocaleString("en-US");
}
