import { event } from "../../../src/events/index.js";
import type { KeyWrapping } from "../../../src/privacy/index.js";

/** Events with the data of persons. */
export const PERSONAL_TYPES = {
  Registered: event<{ person: string; email: string | null }>().personal("data.person", ["email"]),
};

const flipped = async (bytes: Uint8Array): Promise<Uint8Array> => bytes.map((byte) => byte ^ 0x5a);

/** No secret, but what it wraps is not the key as it is. */
export const TEST_MASTER_KEY: KeyWrapping = { wrap: flipped, unwrap: flipped };
