import { type NewEvent, SubjectForgottenError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { toJsonText } from "../validate/json-text.js";
import { type Awaitable, andThen } from "../view/event-hooks.js";
import type { KeyState } from "./key-cache.js";
import type { PersonalContext } from "./personal-context.js";
import { type PersonalEvent, personalEvents } from "./personal-values.js";
import { sealValue } from "./sealed-value.js";
import type { SealingKey } from "./sealing-key.js";
import { keySubject } from "./subject-names.js";

/**
 * Seals the personal fields of events that are being written. It waits only for keys that are not in memory.
 *
 * @throws InvalidEventError when an event does not say whose data it has, or has a version that the catalogue does not know
 * @throws SubjectForgottenError when that person is forgotten
 * @throws StorageError when the key store fails
 */
export function sealEvents(
  context: PersonalContext,
  streamId: string,
  events: readonly NewEvent[],
): Awaitable<readonly NewEvent[]> {
  const personal = personalEvents(context.catalogue, streamId, events, context.location);
  if (personal.length === 0) return events;
  const write = new SealedWrite(context, streamId, personal);
  const seal = (): Awaitable<readonly NewEvent[]> => andThen(write.keys(), (keys) => write.seal(events, keys));
  return context.names.isReady ? seal() : context.names.prepare().then(seal);
}

class SealedWrite {
  readonly #context: PersonalContext;
  readonly #streamId: string;
  readonly #events: readonly PersonalEvent[];
  /** The hashed names of its persons. */
  readonly #names = new Map<string, string>();

  constructor(context: PersonalContext, streamId: string, events: readonly PersonalEvent[]) {
    this.#context = context;
    this.#streamId = streamId;
    this.#events = events;
  }

  keys(): Awaitable<ReadonlyMap<string, KeyState>> {
    const wanted = new Map<string, string>();
    for (const { values } of this.#events) {
      for (const { field, subject } of values) {
        const name = this.#nameOf(subject);
        wanted.set(keySubject(field.subject, subject, name), name);
      }
    }
    return this.#context.cache.all(wanted, true);
  }

  seal(events: readonly NewEvent[], keys: ReadonlyMap<string, KeyState>): readonly NewEvent[] {
    const sealed = [...events];
    for (const personal of this.#events) sealed[personal.index] = this.#sealEvent(personal, keys);
    return sealed;
  }

  #sealEvent({ event, index, data, values }: PersonalEvent, keys: ReadonlyMap<string, KeyState>): NewEvent {
    const sealed = { ...data };
    for (const { field, subject } of values) {
      const name = this.#nameOf(subject);
      const key = this.#usable(keys.get(keySubject(field.subject, subject, name)), index);
      const place = field.placeIn(this.#streamId);
      sealed[field.key] = sealValue(key, name, place, data[field.key], event.idempotencyKey);
    }
    return { ...event, data: toJsonText(sealed, "data") };
  }

  #usable(key: KeyState | undefined, index: number): SealingKey {
    if (key !== "forgotten" && key !== null && key !== undefined) return key;
    const streamId = this.#streamId;
    const message =
      `Cannot write to stream "${streamId}"${inStore(this.#context.location)}: the person whose data event ${index} has is ` +
      "forgotten, which is final. Nothing was written; leave the personal fields out, or use a new id for a new person.";
    throw new SubjectForgottenError(streamId, message);
  }

  #nameOf(subject: string): string {
    const known = this.#names.get(subject);
    if (known !== undefined) return known;
    const name = this.#context.names.nameOf(subject);
    this.#names.set(subject, name);
    return name;
  }
}
