import { type EventTypes, parseCatalogue } from "../events/event-catalogue.js";
import type { PersonalFields } from "../events/event-versions.js";
import { parseField } from "../filter/parse-field.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { placesOf } from "./sealed-value.js";

/** A field that is sealed. */
export interface PersonalField {
  /** Its key in `data`. */
  readonly key: string;
  /** Its path, such as `data.email`. */
  readonly path: string;
  /** Its place in a stream: see `placeOf`. */
  readonly placeIn: (streamId: string) => string;
  readonly subject: SubjectPath;
}

/** Where the person's id is. */
export interface SubjectPath {
  readonly path: string;
  readonly root: "data" | "metadata" | "streamId";
  readonly keys: readonly string[];
  /** Whether the id is a personal field itself, so that readers have nothing but the hashed name. */
  readonly isHidden: boolean;
}

/** What of an event a person's id is looked for in. */
export interface SubjectSource {
  readonly streamId: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

/** The personal fields of the versions of a type, those of version 1 first. */
type FieldsOfVersions = readonly (readonly PersonalField[])[];

/** The personal fields of a catalogue of event types. */
export class PersonalCatalogue {
  readonly #byType = new Map<string, FieldsOfVersions>();

  /** @throws InvalidArgumentError */
  constructor(types: EventTypes) {
    for (const [type, steps] of parseCatalogue(types)) {
      const fields = steps.map(({ personal }, index) => fieldsOfVersion(type, personal, index + 1));
      if (fields.some(({ length }) => length > 0)) this.#byType.set(type, fields);
    }
  }

  /** The types that have personal fields, in any version. */
  get types(): readonly string[] {
    return [...this.#byType.keys()];
  }

  has(type: string): boolean {
    return this.#byType.has(type);
  }

  /** The personal fields of a version. Undefined: the type has none, or the catalogue does not know the version. */
  fieldsOf(type: string, version: unknown): readonly PersonalField[] | undefined {
    return typeof version === "number" ? this.#byType.get(type)?.[version - 1] : undefined;
  }

  /** Whether any version of a type has a personal field of this key. */
  isPersonal(type: string, key: string): boolean {
    return this.#byType.get(type)?.some((fields) => fields.some((field) => field.key === key)) ?? false;
  }
}

function fieldsOfVersion(type: string, personal: readonly PersonalFields[], version: number): readonly PersonalField[] {
  const argument = `types.${type}`;
  const keys = personal.flatMap(({ fields }) => fields);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) {
    throw invalidArgument(argument, `version ${version} has the personal field ${describeValue(twice)} twice`);
  }
  const path = keys.find((key) => key.includes("."));
  if (path !== undefined) {
    // Nothing would be at this key, and the value that was meant would stay open.
    const reason = `personal fields are keys of data, got ${describeValue(path)}; declare the whole of data.<key>`;
    throw invalidArgument(argument, reason);
  }
  return personal.flatMap(({ subject, fields }) => {
    const subjectPath = parseSubject(subject, new Set(keys), argument);
    return fields.map((key) => {
      const path = `data.${key}`;
      return { key, path, placeIn: placesOf(type, path), subject: subjectPath };
    });
  });
}

function parseSubject(path: string, personalKeys: ReadonlySet<string>, argument: string): SubjectPath {
  const { field: root, path: keys } = parseSubjectField(path, argument);
  if (root !== "data" && root !== "metadata" && root !== "streamId") throw noSubject(path, argument);
  return { path, root, keys, isHidden: root === "data" && personalKeys.has(keys[0] as string) };
}

function parseSubjectField(path: string, argument: string): ReturnType<typeof parseField> {
  try {
    return parseField(path, 0);
  } catch (error) {
    throw noSubject(path, argument, error);
  }
}

function noSubject(path: string, argument: string, cause?: unknown): Error {
  const reason = `a person's id is at data.<path>, metadata.<path> or streamId, got ${describeValue(path)}`;
  return invalidArgument(argument, reason, cause);
}

/** The id of the person. Undefined: there is none where it should be. */
export function subjectOf({ root, keys }: SubjectPath, event: SubjectSource): string | undefined {
  let found: unknown = event[root];
  for (const key of keys) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Readonly<Record<string, unknown>>)[key];
  }
  if (typeof found === "number") return String(found);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** The version of an event's data, as its metadata says: 1 where it says nothing. It may be no number. */
export function schemaVersionOf(metadata: unknown): unknown {
  if (typeof metadata !== "object" || metadata === null) return 1;
  return (metadata as { readonly schemaVersion?: unknown }).schemaVersion ?? 1;
}
