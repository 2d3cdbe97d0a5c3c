import type { StreamCall } from "./stream-history.js";

/** Spoils a history in one place, or returns null where it has no such place. */
type PlantedFault = (history: readonly StreamCall[]) => readonly StreamCall[] | null;

/** A read that began after an append had been acknowledged is answered as if it had not been. */
const staleRead: PlantedFault = (history) => {
  for (const append of history) {
    const tag = storedTags(append)[0];
    if (tag === undefined) continue;
    const read = history.find((call) => isAfter(call, append) && readTags(call).includes(tag));
    if (read === undefined) continue;
    const tags = readTags(read);
    return replaced(history, read, { ...read, output: { tags: tags.slice(0, tags.indexOf(tag)) } });
  }
  return null;
};

/** What an acknowledged append stored is in no read, as if another one had been stored over it. */
const lostUpdate: PlantedFault = (history) => {
  const lost = history.flatMap(storedTags).find((tag) => history.some((call) => readTags(call).includes(tag)));
  if (lost === undefined) return null;
  return history.map((call) => {
    const tags = readTags(call);
    return tags.includes(lost) ? { ...call, output: { tags: tags.filter((tag) => tag !== lost) } } : call;
  });
};

/** An append that was refused for its expected version is told that it was stored at that version. */
const twoWinners: PlantedFault = (history) => {
  const loser = history.find(({ output }) => output !== undefined && "actualVersion" in output);
  if (loser?.input.kind !== "append" || loser.input.expectedVersion === "any") return null;
  const version = loser.input.expectedVersion + loser.input.tags.length;
  return replaced(history, loser, { ...loser, output: { version } });
};

export const PLANTED_FAULTS: readonly (readonly [string, PlantedFault])[] = [
  ["stale reads", staleRead],
  ["lost updates", lostUpdate],
  ["two winners", twoWinners],
];

function storedTags({ input, output }: StreamCall): readonly string[] {
  return input.kind === "append" && output !== undefined && "version" in output ? input.tags : [];
}

function readTags({ output }: StreamCall): readonly string[] {
  return output !== undefined && "tags" in output ? output.tags : [];
}

function isAfter(call: StreamCall, earlier: StreamCall): boolean {
  return earlier.endNs !== undefined && call.startNs > earlier.endNs;
}

function replaced(history: readonly StreamCall[], old: StreamCall, spoilt: StreamCall): readonly StreamCall[] {
  return history.map((call) => (call === old ? spoilt : call));
}
