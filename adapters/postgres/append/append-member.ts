import type { AppendRequest, AppendResult, AppendUnit, UnitRequest } from "../../../protocols/index.js";
import type { AppendDecision } from "../../../src/adapter-kit/decide-append.js";
import type { CallMember, StoredPart } from "./append-call.js";

/** A member of a group: an append to one stream, or one to several that share their fate. */
export type GroupMember = AppendRequest | AppendUnit;

/** The outcome of one member of a group: a unit has a result for each of its appends. */
export type AppendOutcome = { readonly result: AppendResult | readonly AppendResult[] } | { readonly error: unknown };

export function isUnit(member: GroupMember): member is AppendUnit {
  return "requests" in member;
}

/** The appends of a member. */
export function requestsOf(member: GroupMember): readonly UnitRequest[] {
  return isUnit(member) ? member.requests : [member];
}

/** A member as the core has decided it on a state of the store that was read. */
export interface DecidedMember {
  readonly decisions: readonly AppendDecision[];
  /** The versions of its streams as they were read. */
  readonly versions: readonly number[];
  /** The last position as it was read. */
  readonly position: number;
}

/**
 * What to send of a member: as it came, or as it was decided. Then it is clean only where nobody has changed since what the
 * decision was made on.
 */
export function callMember(member: GroupMember, decided: DecidedMember | undefined): CallMember {
  if (decided === undefined && !isUnit(member) && member.events.length > 0) return { parts: [member] };
  const requests = requestsOf(member);
  const conditions = isUnit(member) ? member.conditions : [];
  if (decided === undefined) {
    const parts = requests.map(({ streamId, expectedVersion, events }) => ({
      streamId,
      // An append without events asks for the version, and expects none.
      expectedVersion: isUnit(member) || events.length > 0 ? expectedVersion : ("any" as const),
      events,
    }));
    if (conditions.length === 0) return { parts };
    return { parts, position: Math.min(...conditions.map(({ after }) => after)) };
  }
  const parts = requests.map(({ streamId }, index) => ({
    streamId,
    expectedVersion: decided.versions[index] as number,
    events: (decided.decisions[index] as AppendDecision).fresh,
  }));
  return conditions.length === 0 ? { parts } : { parts, position: decided.position };
}

/** The result of a part that was stored, in a stream of which `head` was the last position. */
export function resultOf(
  request: AppendRequest,
  decision: AppendDecision | undefined,
  { version, firstPosition }: Pick<StoredPart, "version" | "firstPosition">,
  head: number,
): AppendResult {
  const written = decision?.fresh.length ?? request.events.length;
  const last = decision === undefined ? { freshIndex: written - 1 } : decision.last;
  if (last === undefined || ("freshIndex" in last && written === 0)) return { version, position: head, written };
  if (!("freshIndex" in last)) return { version: last.version, position: last.position, written };
  return { version: version + last.freshIndex + 1, position: firstPosition + last.freshIndex, written };
}
