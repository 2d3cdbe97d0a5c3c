import { readFileSync } from "node:fs";
import type { Call, SequentialModel } from "./linearizability.js";

/** What a client asked of one stream. */
export type StreamInput =
  | { readonly kind: "append"; readonly tags: readonly string[]; readonly expectedVersion: number | "any" }
  | { readonly kind: "read" }
  | { readonly kind: "version" };

/** What it was told. */
export type StreamOutput =
  | { readonly version: number }
  | { readonly actualVersion: number }
  | { readonly tags: readonly string[] };

export type StreamCall = Call<StreamInput, StreamOutput>;

/** A stream as a list of tags, and each call on it as one step. */
export const STREAM_MODEL: SequentialModel<readonly string[], StreamInput, StreamOutput> = {
  initial: [],
  keyOf: (tags) => tags.join(),
  step(tags, input, output) {
    if (input.kind === "append") return stepOfAppend(tags, input, output);
    if (output === undefined) return tags;
    if ("tags" in output) return tags.join() === output.tags.join() ? tags : undefined;
    return "version" in output && output.version === tags.length ? tags : undefined;
  },
};

function stepOfAppend(
  tags: readonly string[],
  { expectedVersion, tags: added }: StreamInput & { kind: "append" },
  output: StreamOutput | undefined,
): readonly string[] | undefined {
  const isExpected = expectedVersion === "any" || expectedVersion === tags.length;
  if (output === undefined) return isExpected ? [...tags, ...added] : tags;
  if ("actualVersion" in output) return !isExpected && output.actualVersion === tags.length ? tags : undefined;
  const after = [...tags, ...added];
  return isExpected && "version" in output && output.version === after.length ? after : undefined;
}

type Line = { readonly id: number; readonly at: string } & (
  | { readonly streamId: string; readonly input: StreamInput }
  | { readonly output: StreamOutput }
);

/** The calls in the logs of several processes, by stream. */
export function readHistories(logPaths: readonly string[]): Map<string, StreamCall[]> {
  const histories = new Map<string, StreamCall[]>();
  for (const path of logPaths) {
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    for (const [streamId, call] of callsOf(lines.map((line) => JSON.parse(line) as Line))) {
      histories.set(streamId, [...(histories.get(streamId) ?? []), call]);
    }
  }
  return histories;
}

function callsOf(lines: readonly Line[]): [string, StreamCall][] {
  const answers = new Map(lines.flatMap((line) => ("output" in line ? [[line.id, line]] : [])));
  return lines.flatMap((line): [string, StreamCall][] => {
    if (!("input" in line)) return [];
    const answer = answers.get(line.id);
    const endNs = answer === undefined ? undefined : BigInt(answer.at);
    return [[line.streamId, { input: line.input, output: answer?.output, startNs: BigInt(line.at), endNs }]];
  });
}
