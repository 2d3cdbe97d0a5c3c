import {
  ALL_STREAM,
  type AppendCondition,
  ConditionError,
  type EventFilter,
  type EventPage,
  type ParsedCondition,
  type ReadQuery,
  type StoredEvent,
} from "../../protocols/index.js";
import { compileFilter } from "../filter/compile-filter.js";
import { parseFilter } from "../filter/parse-filter.js";
import { MAX_CONDITION_CLAUSES, MAX_CONDITION_FILTERS, MAX_CONDITIONS, MAX_PAGE_EVENTS } from "../limits.js";
import { checkOptions, checkPlace, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inPlace, inStore } from "../validate/in-call.js";
import type { EventHooks } from "../view/event-hooks.js";

const FIELD = "failIfEventsMatch";
const CONDITION_FIELDS: OptionNames<AppendCondition> = { failIfEventsMatch: true, after: true };

/**
 * @throws InvalidArgumentError
 * @throws InvalidFilterError
 */
export function parseConditions(
  conditions: AppendCondition | readonly AppendCondition[] | undefined,
  hooks?: EventHooks,
): readonly ParsedCondition[] {
  if (conditions === undefined) return [];
  const list = Array.isArray(conditions) ? conditions : [conditions as AppendCondition];
  if (list.length > MAX_CONDITIONS) {
    throw invalidArgument("conditions", `${list.length} conditions are more than ${MAX_CONDITIONS}`);
  }
  return list.map((condition, index) =>
    parseCondition(condition, hooks, list === conditions ? `conditions[${index}].${FIELD}` : FIELD),
  );
}

/**
 * @param place - where the filters are, for a message
 * @throws InvalidArgumentError
 * @throws InvalidFilterError
 */
export function parseCondition(condition: AppendCondition, hooks?: EventHooks, place: string = FIELD): ParsedCondition {
  checkOptions(condition, CONDITION_FIELDS, "field");
  const { failIfEventsMatch, after } = condition;
  checkPlace("after", after);
  const filters = alternativesOf(failIfEventsMatch);
  if (filters.length === 0 || filters.length > MAX_CONDITION_FILTERS) {
    const reason = `expected 1 to ${MAX_CONDITION_FILTERS} filters, got ${filters.length}`;
    throw invalidArgument(FIELD, reason);
  }
  const longest = Math.max(...filters.map((filter) => (Array.isArray(filter) ? filter.length : 0)));
  if (longest > MAX_CONDITION_CLAUSES) {
    throw invalidArgument(FIELD, `a filter of ${longest} clauses has more than ${MAX_CONDITION_CLAUSES}`);
  }
  const isOne = filters[0] === failIfEventsMatch;
  const anyOf = filters.map((filter, index) => parseAt(isOne ? place : `${place}[${index}]`, filter, hooks));
  return { anyOf, after: after ?? 0 };
}

function parseAt(place: string, filter: EventFilter, hooks: EventHooks | undefined): ReturnType<typeof parseFilter> {
  try {
    return parseFilter(filter, hooks);
  } catch (error) {
    throw inPlace(error, place);
  }
}

/** One filter is a list of clauses, and several are a list of such lists. An empty list matches every event. */
function alternativesOf(filters: AppendCondition["failIfEventsMatch"]): readonly EventFilter[] {
  const isList = Array.isArray(filters) && filters.length > 0 && filters.every((item) => Array.isArray(item));
  return isList ? (filters as readonly EventFilter[]) : [filters as EventFilter];
}

/** How pages of the whole store are read. */
export type ReadAllPage = (query: ReadQuery) => Promise<EventPage>;

/** What a look at a condition found. */
export interface ConditionLook {
  /** The first event that matched, or null. */
  readonly match: StoredEvent | null;
  /** The last position that was looked at. */
  readonly upTo: number;
}

/**
 * Looks for the first event after a condition's position that matches it.
 *
 * @param upTo - the last position that counts; default: the end of the store as it is at the first page
 */
export async function lookForMatch(
  readPage: ReadAllPage,
  { anyOf, after }: ParsedCondition,
  upTo?: number,
): Promise<ConditionLook> {
  let match: StoredEvent | null = null;
  let end = upTo;
  for (const filter of anyOf) {
    const matches = compileFilter(filter);
    let next: number | null = after;
    while (next !== null && (end === undefined || next < end)) {
      const query: ReadQuery = {
        streamId: ALL_STREAM,
        after: next,
        upTo: end,
        limit: MAX_PAGE_EVENTS,
        direction: "forward",
        filter,
      };
      const page: EventPage = await readPage(query);
      end ??= Math.max(page.head, after);
      const found: StoredEvent | undefined = page.events.find(matches);
      if (found === undefined) {
        next = page.next;
        continue;
      }
      // Only an earlier event of another filter would be named instead.
      match = found;
      end = found.position - 1;
      break;
    }
  }
  return { match, upTo: end ?? after };
}

/** Says which event a write was refused for. */
export function conditionFailed(
  attempt: string,
  { position, streamId, type }: Pick<StoredEvent, "position" | "streamId" | "type">,
  location: string | undefined,
): ConditionError {
  const message =
    `Cannot ${attempt}${inStore(location)}: the event at position ${position} ("${type}" of stream "${streamId}") matches a ` +
    "condition of the write. Nothing was written; read what is new and decide again.";
  return new ConditionError({ position, streamId, type }, message);
}
