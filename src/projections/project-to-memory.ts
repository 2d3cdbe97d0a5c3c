import {
  ALL_STREAM,
  type EventShape,
  isStreamError,
  type Snapshot,
  type Stream,
  type StreamFactory,
} from "../../protocols/index.js";
import { tell } from "../commands/command-messages.js";
import { isUnusable } from "../commands/fold-snapshots.js";
import { checkTypes, filterOf } from "../consumers/wanted-events.js";
import { parseFilter } from "../filter/parse-filter.js";
import { findStreamContext } from "../stream/context-access.js";
import { checkFunction, checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { synchronous } from "../validate/synchronous.js";
import type { EventHooks } from "../view/event-hooks.js";
import { checkPlainName } from "./definition.js";
import { EventSource } from "./event-source.js";
import { MemoryModel } from "./memory-model.js";
import type { MemoryProjection, MemoryReadModel } from "./memory-projection.js";
import { RemovedEventsCheck } from "./removed-events.js";

const FIELDS: OptionNames<MemoryProjection<unknown, EventShape>> = {
  name: true,
  version: true,
  types: true,
  filter: true,
  initial: true,
  evolve: true,
  snapshotEvery: true,
};

const ATTEMPT = "project to memory";

/**
 * Builds a read model in memory, from a snapshot on `@all` if there is one, and keeps it up to date. Resolves when it has all
 * that was stored at the call.
 *
 * @throws InvalidArgumentError when the definition is invalid, or a state is a promise.
 *
 * @example
 * ```ts
 * await using total = await projectToMemory(streams, {
 *   name: "total",
 *   types: ["Deposited"],
 *   initial: () => 0,
 *   evolve: (sum, { data }) => sum + data.amount,
 * });
 * console.log(total.state);
 * ```
 */
export async function projectToMemory<S, E extends EventShape>(
  streams: StreamFactory,
  definition: MemoryProjection<S, E>,
): Promise<MemoryReadModel<S>> {
  const { hooks } = findStreamContext(streams) ?? {};
  inAttempt(ATTEMPT, undefined, () => check(definition as never, hooks));
  const all = await streams.openStream(ALL_STREAM);
  const source = await EventSource.open(streams);
  const projection = snapshotName(definition);
  const head = (await all.metrics()).currentVersion;
  const snapshot = await loadUsable<S>(streams, definition, all, { projection, atOrBefore: head });
  const start =
    snapshot === null
      ? { state: synchronous("initial", definition.initial()), position: 0 }
      : { state: snapshot.state, position: snapshot.version };
  const model = new MemoryModel<S, E>({ streams, all, source, definition, projection }, start);
  await model.start(head);
  return model;
}

/** A snapshot that cannot be used counts as none, unless events were removed: the others may not lead to its state. */
async function loadUsable<S>(
  streams: StreamFactory,
  { name, version = 1 }: Pick<MemoryProjection<S, never>, "name" | "version">,
  all: Stream,
  query: { readonly projection: string; readonly atOrBefore: number },
): Promise<Snapshot<S> | null> {
  try {
    return await all.loadSnapshot<S>(query);
  } catch (error) {
    if (!isUnusable(error)) throw error;
    const check = new RemovedEventsCheck(streams, { name, version }, undefined);
    await check.assertNoneRemoved().catch((removed: unknown) => {
      throw isStreamError(removed, "EVENTS_REMOVED") ? error : removed;
    });
    tell({ kind: "snapshot-skipped", streamId: ALL_STREAM, projection: query.projection, error });
    return null;
  }
}

/** Snapshots of another version are of another projection. */
const snapshotName = ({
  name,
  version = 1,
}: {
  readonly name: string;
  readonly version?: number | undefined;
}): string => `${name}@${version}`;

function check(definition: MemoryProjection<never, never>, hooks: EventHooks | undefined): void {
  if (typeof definition !== "object" || definition === null) {
    throw invalidArgument("definition", `expected { name, initial, evolve }, got ${describeValue(definition)}`);
  }
  checkOptions(definition, FIELDS as never, "field");
  const { name, version = 1, types, filter, initial, evolve, snapshotEvery = 1 } = definition;
  checkPlainName("name", name);
  checkCount("version", version);
  checkTypes(types);
  parseFilter(filterOf({ types, filter }), hooks);
  checkFunction("initial", initial);
  checkFunction("evolve", evolve);
  if (initial === undefined || evolve === undefined) {
    throw invalidArgument("definition", `expected initial and evolve, got ${describeValue(definition)}`);
  }
  checkCount("snapshotEvery", snapshotEvery);
}

function checkCount(argument: string, value: unknown): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return;
  throw invalidArgument(argument, `expected a whole number, 1 or more, got ${describeValue(value)}`);
}
