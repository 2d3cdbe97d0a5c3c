import { EventVersionError, type JsonObject, type StoredEvent } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { isThenable } from "../validate/is-thenable.js";
import { describeValue } from "../validate/json-text.js";
import { thrownValue } from "../validate/thrown-value.js";
import type { ReadFailure, ReadResult } from "../view/event-hooks.js";
import { type Catalogue, passesCatalogues } from "./event-catalogue.js";
import type { VersionStep } from "./event-versions.js";
import { ignoreResult, validateData } from "./validate-data.js";

/** How events are read through a catalogue. */
export interface TypedReading {
  readonly catalogue: Catalogue;
  readonly unknown: "throw" | "skip" | "keep";
  readonly validateReads: boolean;
  /** The name of the store in messages. */
  readonly location: string | undefined;
}

/** Brings stored events to the current versions of their types. It ends before the first that it cannot read. */
export function decodeTyped(reading: TypedReading): (events: readonly StoredEvent[]) => ReadResult {
  return (events) => {
    // Most events are what they were written as: the list is copied only once one is not.
    let changed: StoredEvent[] | undefined;
    for (let index = 0; index < events.length; index += 1) {
      const event = events[index] as StoredEvent;
      const read = readEvent(event, reading);
      if (read === event) {
        changed?.push(event);
        continue;
      }
      changed ??= events.slice(0, index);
      if (read === undefined) continue;
      if ("error" in read) return { events: changed, failure: read };
      changed.push(read);
    }
    return { events: changed ?? events };
  };
}

/** The event as it is, in its current version, not at all, or why it cannot be read. */
function readEvent(event: StoredEvent, reading: TypedReading): StoredEvent | undefined | ReadFailure {
  const { catalogue, unknown, validateReads } = reading;
  const steps = catalogue.get(event.type);
  if (steps !== undefined) {
    return validateReads || versionOf(event) !== steps.length ? atCurrentVersion(event, steps, reading) : event;
  }
  if (unknown === "keep" || passesCatalogues(event.type)) return event;
  return unknown === "skip" ? undefined : unknownType(event, reading);
}

/** The version of an event's data, or whatever its metadata have in its place. */
function versionOf({ metadata }: StoredEvent): unknown {
  return metadata === null ? 1 : ((metadata as JsonObject).schemaVersion ?? 1);
}

function atCurrentVersion(
  event: StoredEvent,
  steps: readonly VersionStep[],
  reading: TypedReading,
): StoredEvent | ReadFailure {
  const current = steps.length;
  const stored = versionOf(event);
  if (!(typeof stored === "number" && Number.isSafeInteger(stored) && stored >= 1)) {
    return failure(event, reading, `its metadata.schemaVersion is ${describeValue(stored)}, which is no version`);
  }
  if (stored > current) {
    const reason = `its data have version ${stored}, and the catalogue of this process knows ${current}`;
    return failure(event, reading, `${reason}. Deploy a catalogue that knows it`);
  }
  try {
    const data = validated(event.type, upcast(event.data, steps, stored), steps.at(-1) as VersionStep);
    // It says which version the data have now.
    const metadata = current === 1 ? event.metadata : { ...event.metadata, schemaVersion: current };
    return { ...event, data, metadata };
  } catch (thrown) {
    const error = thrownValue(thrown);
    if (error instanceof UnreadableData) return failure(event, reading, error.message, error.cause);
    return failure(event, reading, `bringing its data from version ${stored} to ${current} failed`, error);
  }
}

/** Why data cannot be given to a reader. */
class UnreadableData extends Error {}

/** @param from - the version that the data have */
function upcast(stored: unknown, steps: readonly VersionStep[], from: number): unknown {
  let data = stored;
  for (let index = from; index < steps.length; index += 1) {
    data = steps[index]?.upcast?.(data);
    if (data === undefined) throw new UnreadableData("an upcast returned undefined");
    if (isThenable(data)) {
      ignoreResult(data);
      throw new UnreadableData("an upcast returned a promise, and upcasts are synchronous");
    }
  }
  return data;
}

function validated(type: string, data: unknown, { schema }: VersionStep): unknown {
  if (schema === undefined) return data;
  const result = validateData(schema, type, data);
  if (result.isValid) return result.data;
  const { path, reason, cause } = result;
  throw new UnreadableData(`the schema of the current version refuses ${path}: ${reason}`, { cause });
}

function unknownType(event: StoredEvent, reading: TypedReading): ReadFailure {
  const reason = "its type is not in the catalogue of this process. Deploy a catalogue that has it, read with a filter";
  return failure(event, reading, `${reason} of types, or use the option unknown`);
}

function failure(event: StoredEvent, { location }: TypedReading, reason: string, cause?: unknown): ReadFailure {
  const { streamId, version, position, type } = event;
  const stored = versionOf(event);
  const schemaVersion = typeof stored === "number" ? stored : Number.NaN;
  const message =
    `Cannot read version ${version} of stream "${streamId}"${inStore(location)} (position ${position}, type ` +
    `${describeValue(type)}): ${reason}. The events before it were delivered.`;
  const options = cause === undefined ? undefined : { cause };
  return { error: new EventVersionError({ streamId, version, position, type, schemaVersion }, message, options) };
}
