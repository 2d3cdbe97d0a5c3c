import type { StreamFactory } from "../../protocols/index.js";
import { inAttempt } from "../validate/in-call.js";
import type { Clock } from "./clock.js";
import type { Forgotten } from "./forgotten.js";
import { forgottenEvent } from "./forgotten-event.js";
import type { KeyStore } from "./key-store.js";
import { keyStoreFailed } from "./key-store-failed.js";
import type { PersonalContext } from "./personal-context.js";
import { checkSubject, hiddenSubject } from "./subject-names.js";

/** What forgetting needs besides. */
export interface ForgetContext extends PersonalContext {
  /** The store below the sealing. */
  readonly streams: StreamFactory;
  readonly keys: KeyStore;
  readonly auditStream: string;
  readonly keyTtlMs: number;
  readonly clock: Clock;
}

/** Destroys the keys of a person, then says so in the audit stream, and waits until nobody can hold them any more. */
export async function forget(context: ForgetContext, subject: string): Promise<Forgotten> {
  const { streams, names, cache, clock, auditStream, keyTtlMs } = context;
  inAttempt("forget a person", context.location, () => checkSubject(subject));
  await using audit = await streams.openStream(auditStream);
  await names.prepare();
  const name = names.nameOf(subject);
  for (const each of [subject, hiddenSubject(name)]) {
    await destroyKey(context.keys, each);
    cache.forget(each);
  }
  const destroyedMs = clock.nowMs();
  const { position } = await audit.write(forgottenEvent(name));
  const leftMs = keyTtlMs - (clock.nowMs() - destroyedMs);
  if (leftMs > 0) await clock.delay(leftMs);
  return { position };
}

async function destroyKey(keys: KeyStore, subject: string): Promise<void> {
  try {
    await keys.destroy(subject);
  } catch (error) {
    throw keyStoreFailed("destroy a key", error);
  }
}
