import { checkName, invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { type EventVersions, stepsOf, type VersionStep } from "./event-versions.js";

/** A catalogue of event types, by their names. */
// biome-ignore lint/suspicious/noExplicitAny: each type has data of its own.
export type EventTypes = { readonly [type: string]: EventVersions<any> };

/**
 * The union of the events of a catalogue in their current versions, which handles and folds are typed with.
 *
 * @example
 * ```ts
 * const bankEvents = { Deposited: event<{ amount: number }>() };
 * type BankEvent = EventOf<typeof bankEvents>;
 * ```
 */
export type EventOf<T extends EventTypes> = {
  [K in keyof T & string]: {
    /** Its name in the catalogue. */
    readonly type: K;
    /** Its data in the current version. */
    readonly data: Exclude<T[K]["~data"], undefined>;
  };
}[keyof T & string];

/** The type of the events that say whose personal data cannot be read any more. */
export const SUBJECT_FORGOTTEN_TYPE = "SubjectForgotten";

/** Whether events of this type pass every catalogue as they are. */
export function passesCatalogues(type: string): boolean {
  return type.startsWith("@") || type === SUBJECT_FORGOTTEN_TYPE;
}

/** The versions of each type, the first one first. */
export type Catalogue = ReadonlyMap<string, readonly VersionStep[]>;

/**
 * Checks a catalogue, and copies it.
 *
 * @throws InvalidArgumentError
 */
export function parseCatalogue(types: EventTypes): Catalogue {
  if (typeof types !== "object" || types === null || Array.isArray(types)) {
    throw invalidArgument("types", `expected an object of event types, got ${describeValue(types)}`);
  }
  return new Map(
    Object.entries(types).map(([type, versions]) => [checkType(type), stepsOf(`types.${type}`, versions)]),
  );
}

function checkType(type: string): string {
  checkName("types", type);
  if (!passesCatalogues(type)) return type;
  throw invalidArgument(
    "types",
    `${describeValue(type)} is a type of the library, and passes every catalogue as it is`,
  );
}
