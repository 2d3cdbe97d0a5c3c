import { InvalidFilterError, type ParsedClause } from "../../protocols/index.js";
import type { PersonalCatalogue } from "./personal-catalogue.js";

/**
 * Refuses a filter on a field that is sealed: it would match nothing, and look as if there were nothing. A clause on `type`
 * says whose field it is; without one it may be that of any type in the catalogue.
 *
 * @throws InvalidFilterError
 */
export function checkSealedFilter(catalogue: PersonalCatalogue, clauses: readonly ParsedClause[]): void {
  for (const [index, { field, path }] of clauses.entries()) {
    const [key] = path;
    if (field !== "data" || key === undefined) continue;
    const type = typesIn(clauses, catalogue).find((each) => catalogue.isPersonal(each, key));
    if (type === undefined) continue;
    const message =
      `Clause ${index} filters by data.${path.join(".")}, and events of type "${type}" have data.${key} sealed: it would not ` +
      "match any of them. Filter by the person's id, or add a clause with the type of other events that have this field.";
    throw new InvalidFilterError(index, message);
  }
}

function typesIn(clauses: readonly ParsedClause[], catalogue: PersonalCatalogue): readonly string[] {
  const clause = clauses.find(({ field, op }) => field === "type" && (op === "=" || op === "in"));
  if (clause === undefined) return catalogue.types;
  return (Array.isArray(clause.value) ? clause.value : [clause.value]) as readonly string[];
}
