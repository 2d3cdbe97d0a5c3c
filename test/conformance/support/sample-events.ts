import type { CandidateEvent, StoredEvent } from "../../../protocols/index.js";

/** An event that carries a number, so that each can be told from the others. */
export function counted(number: number): CandidateEvent {
  return { type: "Counted", data: { number } };
}

/** Events that carry the numbers from the first to the last. */
export function countedUpTo(last: number, first = 1): CandidateEvent[] {
  return Array.from({ length: last - first + 1 }, (_, index) => counted(first + index));
}

/** An event with an idempotency key. */
export function keyed(idempotencyKey: string, data: unknown = { key: idempotencyKey }): CandidateEvent {
  return { type: "Keyed", data, idempotencyKey };
}

/** The numbers that events made by {@link counted} carry. */
export function numbersOf(events: readonly StoredEvent[]): unknown[] {
  return events.map((event) => (event.data as { readonly number: number }).number);
}

export function versionsOf(events: readonly StoredEvent[]): number[] {
  return events.map((event) => event.version);
}

export function positionsOf(events: readonly StoredEvent[]): number[] {
  return events.map((event) => event.position);
}

/** Whole numbers from the first to the last. */
export function wholeNumbers(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

/** Whether each number is greater than the one before it. */
export function isStrictlyRising(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number));
}
