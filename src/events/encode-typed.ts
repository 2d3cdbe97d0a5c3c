import { describeValue, isPlainObject } from "../validate/json-text.js";
import { didYouMean } from "../validate/nearest-name.js";
import type { PrepareCandidate } from "../write/encode-events.js";
import { invalidEvent } from "../write/encode-events.js";
import { type Catalogue, passesCatalogues } from "./event-catalogue.js";
import type { VersionStep } from "./event-versions.js";
import { validateData } from "./validate-data.js";

type Place = Parameters<PrepareCandidate>[1];

/** A candidate event, as far as it is known to be one. */
interface TypedCandidate {
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly idempotencyKey?: unknown;
}

/** Checks events to write against a catalogue, and says in their metadata which version their data have. */
export function encodeTyped(catalogue: Catalogue): PrepareCandidate {
  return (candidate, place) => {
    if (!isTyped(candidate)) return candidate;
    const steps = catalogue.get(candidate.type);
    if (steps === undefined) throw unknownType(candidate.type, place, catalogue);
    const { data } = candidate;
    const { schema } = steps.at(-1) as VersionStep;
    const metadata = withVersion(candidate.metadata, steps.length, place);
    if (schema === undefined && metadata === candidate.metadata) return candidate;
    const validData = schema === undefined ? data : valid(schema, candidate.type, data, place);
    // Fields that no event has are refused later, so they stay.
    const { type, idempotencyKey } = candidate;
    return { ...candidate, type, data: validData, metadata, idempotencyKey };
  };
}

/** Whether the catalogue is asked. What is no event is refused when it is encoded, and library types pass. */
function isTyped(candidate: unknown): candidate is TypedCandidate {
  if (typeof candidate !== "object" || candidate === null || Array.isArray(candidate)) return false;
  const { type } = candidate as Partial<TypedCandidate>;
  return typeof type === "string" && type !== "" && !passesCatalogues(type);
}

function unknownType(type: string, place: Place, catalogue: Catalogue): Error {
  const meant = didYouMean(type, [...catalogue.keys()]);
  return invalidEvent(place, "type", `${describeValue(type)} is not in the catalogue of event types${meant}`);
}

function valid(schema: NonNullable<VersionStep["schema"]>, type: string, data: unknown, place: Place): unknown {
  const validated = validateData(schema, type, data);
  if (validated.isValid) return validated.data;
  const { path, reason, cause } = validated;
  throw invalidEvent(place, path, reason, cause);
}

/** The metadata with the version of the data: left out for 1, so that stores from before catalogues are at version 1. */
function withVersion(metadata: unknown, version: number, place: Place): unknown {
  if (metadata === undefined || metadata === null) return version === 1 ? metadata : { schemaVersion: version };
  // What is no metadata is refused when it is encoded.
  if (typeof metadata !== "object" || !isPlainObject(metadata)) return metadata;
  const { schemaVersion = version, ...rest } = metadata;
  if (schemaVersion !== version) {
    const reason = `data are written in their current version, which is ${version}, got ${describeValue(schemaVersion)}`;
    throw invalidEvent(place, "metadata.schemaVersion", `${reason}; leave it out`);
  }
  if (version > 1) return { ...metadata, schemaVersion };
  return metadata.schemaVersion === undefined ? metadata : rest;
}
