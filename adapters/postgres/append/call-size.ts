import type { NewEvent } from "../../../protocols/index.js";
import type { CallPart } from "./append-call.js";
import { type GroupMember, requestsOf } from "./append-member.js";

/** How much content one call takes; a larger append is stored by several calls in one transaction. */
export const MAX_CALL_CHARACTERS = 16 * 1024 * 1024;

/** About how much a row takes besides its content. */
const ROW_CHARACTERS = 100;

/** How much content members store. */
export function charactersOf(members: readonly GroupMember[]): number {
  let characters = 0;
  for (const member of members) {
    for (const { events } of requestsOf(member)) for (const event of events) characters += eventCharacters(event);
  }
  return characters;
}

function eventCharacters({ data, metadata }: NewEvent): number {
  return data.length + (metadata?.length ?? 0) + ROW_CHARACTERS;
}

/** A piece of a part. */
interface Piece {
  /** The number of the part, from 0. */
  readonly number: number;
  readonly part: CallPart;
}

/** Splits parts into calls that are not too large, in order. Nobody else appends between them: no version is expected. */
export function* chunksOf(parts: readonly CallPart[]): Generator<readonly Piece[]> {
  let chunk: Piece[] = [];
  let characters = 0;
  for (const [number, { streamId, events }] of parts.entries()) {
    let piece: NewEvent[] = [];
    const add = (): void => {
      chunk.push({ number, part: { streamId, expectedVersion: "any", events: piece } });
      piece = [];
    };
    for (const event of events) {
      if (characters > 0 && characters + eventCharacters(event) > MAX_CALL_CHARACTERS) {
        if (piece.length > 0) add();
        yield chunk;
        chunk = [];
        characters = 0;
      }
      piece.push(event);
      characters += eventCharacters(event);
    }
    if (piece.length > 0 || events.length === 0) add();
  }
  if (chunk.length > 0) yield chunk;
}
