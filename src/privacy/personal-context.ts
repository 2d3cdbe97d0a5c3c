import type { KeyCache } from "./key-cache.js";
import type { PersonalCatalogue } from "./personal-catalogue.js";
import type { SubjectNames } from "./subject-names.js";

/** What the parts of a store with sealed fields share. */
export interface PersonalContext {
  readonly catalogue: PersonalCatalogue;
  readonly cache: KeyCache;
  readonly names: SubjectNames;
  /** The name of the store, for messages. */
  readonly location: string | undefined;
}
