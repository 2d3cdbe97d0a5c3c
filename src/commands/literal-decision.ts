import type { CandidateEvent, EventShape, StreamWrite } from "../../protocols/index.js";

/**
 * A decision as `const D` infers it of a literal, whose arrays are readonly all the way down. They are only read, so that they
 * may stand for the arrays of an event type that are not.
 */
export type LiteralDecision<E extends EventShape> = Literal<CandidateEvent<E>> | readonly Literal<CandidateEvent<E>>[];

/** The same for a write to one of several streams. */
export interface LiteralWrite<E extends EventShape> extends Omit<StreamWrite<E>, "events"> {
  readonly events?: LiteralDecision<E> | undefined;
}

type Literal<T> = T extends string | number | boolean | null | undefined | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? LiteralList<Item>
    : { readonly [K in keyof T]: Literal<T[K]> };

/** An interface, because it is not looked into before it is needed: a recursive type would never end. */
interface LiteralList<Item> extends ReadonlyArray<Literal<Item>> {}
