import type { StreamFactory } from "../../protocols/index.js";
import { streamContextOf } from "../stream/context-access.js";
import { checkFlag, checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { viewOf } from "../view/store-view.js";
import { decodeTyped } from "./decode-typed.js";
import { encodeTyped } from "./encode-typed.js";
import { type EventTypes, parseCatalogue } from "./event-catalogue.js";

/** The options of {@link typed}. */
export interface TypedOptions {
  /** What reading does with an event whose type the catalogue does not have. Default `"throw"`. */
  readonly unknown?: "throw" | "skip" | "keep" | undefined;
  /** Whether what was stored in the current version is checked by its schema too. Default false; what an upcast made is always checked. */
  readonly validateReads?: boolean | undefined;
}

const OPTIONS: OptionNames<TypedOptions> = { unknown: true, validateReads: true };

/**
 * The same store with a catalogue of event types over it. What is written is checked, and stamped with
 * `metadata.schemaVersion` (left out for 1). What is read comes in its current version: by reads, watches, transactions,
 * projections and consumers alike. Filters see what is stored.
 *
 * Types that begin with `@`, and `SubjectForgotten`, pass every catalogue as they are. Disposing of it disposes of the store.
 *
 * A write through it fails with `InvalidEventError` when the schema refuses an event (`path` is that of the first issue, and
 * `cause` has all), or when the type is not in the catalogue. Reading fails with `EventVersionError` at an event whose version
 * is newer than the catalogue knows, whose type is unknown, or whose upcast failed.
 *
 * @throws InvalidArgumentError when an argument is invalid.
 *
 * @example
 * ```ts
 * const bank = typed(streams, {
 *   Opened: event<{ owner: string }>().next(({ owner }) => ({ owner, currency: "EUR" })),
 *   Deposited: event<{ amount: number }>(),
 * });
 * ```
 */
export function typed<F extends StreamFactory>(streams: F, types: EventTypes, options: TypedOptions = {}): F {
  return inAttempt("type a store", undefined, () => {
    checkOptions(options, OPTIONS);
    const { unknown = "throw", validateReads = false } = options;
    if (unknown !== "throw" && unknown !== "skip" && unknown !== "keep") {
      throw invalidArgument("unknown", `expected "throw", "skip" or "keep", got ${describeValue(unknown)}`);
    }
    checkFlag("validateReads", validateReads);
    const catalogue = parseCatalogue(types);
    const { location } = streamContextOf(streams).storage;
    const reading = { catalogue, unknown, validateReads, location };
    return viewOf(streams, { beforeEncode: encodeTyped(catalogue), afterRead: decodeTyped(reading) });
  });
}
