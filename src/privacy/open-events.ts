import type { StoredEvent } from "../../protocols/index.js";
import type { Awaitable, ReadFailure, ReadResult } from "../view/event-hooks.js";
import { addClosedValues, type ClosedValue } from "./closed-value.js";
import { damagedValue, missingKey } from "./closed-value-errors.js";
import { forgottenName } from "./forgotten-event.js";
import type { KeyState } from "./key-cache.js";
import { mayKeyStoreRecover } from "./key-store-failed.js";
import { openTexts } from "./open-texts.js";
import type { PersonalContext } from "./personal-context.js";

/**
 * Opens the personal fields of events that were read, in place. What is erased becomes null. It waits only for keys that are
 * not in memory. Of events that cannot be opened the reader gets those before them, and then the error.
 */
export function openEvents(context: PersonalContext, events: readonly StoredEvent[]): Awaitable<ReadResult> {
  const page = new ClosedPage(context, events);
  return page.openWhile() ? page.result() : page.openRest();
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

  /**
   * Opens events up to the first whose key is not at hand.
   *
   * @param keys - those that were looked up
   * @returns whether there is none
   */
  openWhile(keys?: ReadonlyMap<string, KeyState>): boolean {
    const known: ClosedValue[] = [];
    const end = this.#takeKnown(known, keys);
    const failed = this.#open(known);
    if (failed === undefined) this.#opened = end;
    else this.#fail(failed);
    return this.#failure !== undefined || end === this.#events.length;
  }

  /** Opens the others with keys that are looked up, once for each person. */
  async openRest(): Promise<ReadResult> {
    try {
      const { names } = this.#context;
      let keys = await this.#lookUpKeys();
      // Whether an erased value is that person's shows in the name.
      if ([...keys.values()].includes("forgotten") && !names.isReady) {
        await names.prepare();
        // They may be too old by now.
        keys = await this.#lookUpKeys();
      }
      this.openWhile(keys);
    } catch (error) {
      this.#failure = { error, mayPass: mayKeyStoreRecover(error) };
    }
    return this.result();
  }

  result(): ReadResult {
    if (this.#failure === undefined) return { events: this.#events };
    return { events: this.#events.slice(0, this.#opened), failure: this.#failure };
  }

  #lookUpKeys(): Awaitable<ReadonlyMap<string, KeyState>> {
    const wanted = new Map<string, string>();
    const values: ClosedValue[] = [];
    for (const event of this.#events.slice(this.#opened)) addClosedValues(this.#context.catalogue, event, values);
    for (const { subject, name } of values) wanted.set(subject, name);
    return this.#context.cache.all(wanted, false);
  }

  /** Collects the values of events whose keys are at hand. @returns the index of the first event with another key */
  #takeKnown(known: ClosedValue[], keys: ReadonlyMap<string, KeyState> | undefined): number {
    const { catalogue, cache } = this.#context;
    // Nothing else runs until the values are open.
    const nowMs = cache.nowMs();
    for (let index = this.#opened; index < this.#events.length; index += 1) {
      const event = this.#events[index] as StoredEvent;
      const forgotten = forgottenName(event);
      if (forgotten !== undefined) cache.drop(forgotten);
      const first = known.length;
      addClosedValues(catalogue, event, known);
      let last: ClosedValue | undefined;
      for (let at = first; at < known.length; at += 1) {
        const value = known[at] as ClosedValue;
        // Mostly all of an event are one person's.
        if (last?.subject === value.subject && last.name === value.name) value.key = last.key;
        else if (!this.#findKey(value, keys, nowMs)) {
          known.length = first;
          return index;
        }
        last = value;
      }
    }
    return this.#events.length;
  }

  /** @returns whether it is at hand */
  #findKey(value: ClosedValue, keys: ReadonlyMap<string, KeyState> | undefined, nowMs: number): boolean {
    const { cache, names } = this.#context;
    value.key = keys?.get(value.subject);
    if (value.key === undefined) value.key = cache.peek(value.subject, value.name, nowMs);
    return value.key !== undefined && (value.key !== "forgotten" || names.isReady);
  }

  /** Opens values until one does not open, and returns that one. */
  #open(known: readonly ClosedValue[]): ClosedValue | undefined {
    openTexts(known);
    return known.find((value) => {
      if (value.text === undefined && !this.#isErased(value)) return true;
      value.set(value.text === undefined ? null : parseContent(value.text));
      return false;
    });
  }

  /** Whether the person is forgotten. Otherwise it was sealed for somebody else, and moved here. */
  #isErased({ key, person, name }: ClosedValue): boolean {
    return key === "forgotten" && (person === undefined || this.#context.names.nameOf(person) === name);
  }

  #fail({ event, key, field }: ClosedValue): void {
    const { location } = this.#context;
    this.#opened = this.#events.indexOf(event);
    const unopened = key === null ? missingKey : damagedValue;
    this.#failure = { error: unopened(event, field.path, location) };
  }
}

/** What was sealed. A string without escapes, which most are, is what is between its quotes. */
function parseContent(text: string): unknown {
  const isPlain = text.length > 1 && text.startsWith('"') && text.endsWith('"') && !text.includes("\\");
  return isPlain ? text.slice(1, -1) : JSON.parse(text);
}
