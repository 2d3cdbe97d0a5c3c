import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { KeyWrapping } from "../../../../src/privacy/key-store.js";

const ALGORITHM = "aes-256-gcm";

/** A master key that notes what it has wrapped. */
export interface TestMasterKey extends KeyWrapping {
  readonly wrapped: readonly Uint8Array[];
}

/** A master key in memory, as an application has one of its key service. */
export function testMasterKey(secret: Uint8Array = Buffer.alloc(32, 7)): TestMasterKey {
  const all: Uint8Array[] = [];
  return {
    wrapped: all,
    async wrap(key) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv(ALGORITHM, secret, nonce);
      const wrapped = Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
      all.push(wrapped);
      return wrapped;
    },
    async unwrap(wrapped) {
      const decipher = createDecipheriv(ALGORITHM, secret, wrapped.subarray(0, 12));
      decipher.setAuthTag(wrapped.subarray(-16));
      return Buffer.concat([decipher.update(wrapped.subarray(12, -16)), decipher.final()]);
    },
  };
}
