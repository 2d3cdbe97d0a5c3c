import type { StoredEvent } from "../../protocols/index.js";
import type { Awaitable, ReadFailure, ReadResult } from "../view/event-hooks.js";
import { damagedValue, missingKey } from "./closed-value-errors.js";
import { type ClosedValue, closedValues } from "./closed-values.js";
import { forgottenName } from "./forgotten-event.js";
import type { KeyState } from "./key-cache.js";
import type { PersonalContext } from "./personal-context.js";
import type { Data } from "./personal-values.js";
import { type OpenedValue, openValues, type ValueToOpen } from "./sealed-value.js";

/**
 * Opens the personal fields of events that were read, in place. What is erased becomes null. It waits only for keys that are
 * not in memory. Of events that cannot be opened the reader gets those before them, and then the error.
 */
export function openEvents(context: PersonalContext, events: readonly StoredEvent[]): Awaitable<ReadResult> {
  const page = new ClosedPage(context, events);
  return page.openWhile(NO_KEYS) ? page.result() : page.openRest();
}

type Keys = ReadonlyMap<string, KeyState>;
const NO_KEYS: Keys = new Map();

/** A sealed value of an event, and what is known of its key. */
interface KnownValue extends ClosedValue {
  /** The index of its event. */
  readonly index: number;
  readonly key: KeyState;
}

class ClosedPage {
  readonly #context: PersonalContext;
  readonly #events: readonly StoredEvent[];
  /** How many events are open. */
  #opened = 0;
  #failure: ReadFailure | undefined;

  constructor(context: PersonalContext, events: readonly StoredEvent[]) {
    this.#context = context;
    this.#events = events;
  }

  /** Opens events up to the first whose key is not at hand. @returns whether there is none */
  openWhile(keys: Keys): boolean {
    const known: KnownValue[] = [];
    const end = this.#takeKnown(keys, known);
    try {
      this.#open(known);
      this.#opened = end;
    } catch (error) {
      this.#failure = { error };
    }
    return this.#failure !== undefined || end === this.#events.length;
  }

  /** Opens the others with keys that are looked up, once for each person. */
  async openRest(): Promise<ReadResult> {
    try {
      const keys = await this.#lookUpKeys();
      // Whether an erased value is that person's shows in the name.
      if ([...keys.values()].includes("forgotten")) await this.#context.names.prepare();
      this.openWhile(keys);
    } catch (error) {
      this.#failure = { error };
    }
    return this.result();
  }

  result(): ReadResult {
    if (this.#failure === undefined) return { events: this.#events };
    return { events: this.#events.slice(0, this.#opened), failure: this.#failure };
  }

  #lookUpKeys(): Awaitable<Keys> {
    const wanted = new Map<string, string>();
    for (const event of this.#events.slice(this.#opened)) {
      for (const { subject, sealed } of closedValues(this.#context.catalogue, event)) wanted.set(subject, sealed.k);
    }
    return this.#context.cache.all(wanted, false);
  }

  /** Collects the values of events whose keys are at hand. @returns the index of the first event with another key */
  #takeKnown(keys: Keys, known: KnownValue[]): number {
    const { catalogue, cache, names } = this.#context;
    for (let index = this.#opened; index < this.#events.length; index += 1) {
      const event = this.#events[index] as StoredEvent;
      const forgotten = forgottenName(event);
      if (forgotten !== undefined) cache.drop(forgotten);
      const { length } = known;
      for (const value of closedValues(catalogue, event)) {
        const { subject, sealed } = value;
        const key = keys.has(subject) ? keys.get(subject) : cache.peek(subject, sealed.k);
        if (key === undefined || (key === "forgotten" && !names.isReady)) {
          known.length = length;
          return index;
        }
        known.push({ ...value, index, key });
      }
    }
    return this.#events.length;
  }

  /** @throws StorageError at the first value that does not open; `#opened` is the index of its event */
  #open(known: readonly KnownValue[]): void {
    const openable = known.filter(({ key }) => key !== null && key !== "forgotten");
    const opened = openValues(openable.map((value) => this.#valueToOpen(value)));
    let next = 0;
    for (const value of known) {
      const isOpenable = value.key !== null && value.key !== "forgotten";
      const result = isOpenable ? opened[next++] : this.#withoutKey(value);
      const event = this.#events[value.index] as StoredEvent;
      if (result === undefined) {
        this.#opened = value.index;
        throw this.#error(event, value);
      }
      (event.data as Data)[value.field.key] = result.value;
    }
  }

  #valueToOpen({ index, field, sealed, key }: KnownValue): ValueToOpen {
    const { streamId, type } = this.#events[index] as StoredEvent;
    return { key: key as ValueToOpen["key"], place: { streamId, type, path: field.path }, sealed };
  }

  /** Null where the person is forgotten. Otherwise it was sealed for somebody else, and moved here. */
  #withoutKey({ key, person, sealed }: KnownValue): OpenedValue | undefined {
    if (key !== "forgotten") return undefined;
    return person === undefined || this.#context.names.nameOf(person) === sealed.k ? ERASED : undefined;
  }

  #error(event: StoredEvent, { key, field }: KnownValue): Error {
    const { location } = this.#context;
    return key === null ? missingKey(event, field.path, location) : damagedValue(event, field.path, location);
  }
}

const ERASED: OpenedValue = { value: null };
