import { randomBytes } from "node:crypto";
import type { KeyStore } from "../../../../src/privacy/key-store.js";

/** A key store in memory, as an application may have one of its own. It counts, waits and fails as a test wants. */
export class MemoryKeys implements KeyStore {
  readonly keys = new Map<string, Uint8Array | "forgotten">();
  /** The persons that were asked for, in order. */
  readonly asked: string[] = [];
  /** Thrown by every call. */
  failure: unknown;
  /** Each answer waits for it. */
  gate: Promise<unknown> = Promise.resolve();

  async get(subject: string, create: boolean): Promise<Uint8Array | null | "forgotten"> {
    this.asked.push(subject);
    const found = this.#find(subject, create);
    await this.gate;
    return found;
  }

  async destroy(subject: string): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.keys.set(subject, "forgotten");
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** How often a person was asked for. */
  count(subject: string): number {
    return this.asked.filter((each) => each === subject).length;
  }

  #find(subject: string, create: boolean): Uint8Array | null | "forgotten" {
    if (this.failure !== undefined) throw this.failure;
    const found = this.keys.get(subject);
    if (found !== undefined || !create) return found ?? null;
    const key = randomBytes(32);
    this.keys.set(subject, key);
    return key;
  }
}
