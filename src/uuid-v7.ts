import { randomFillSync } from "node:crypto";
import { flatText } from "./flat-text.js";

// Random bytes are drawn for many ids at once: one draw an id costs more than the rest of the id.
const IDS_PER_DRAW = 256;
const RANDOM_BYTES_PER_ID = 10;
const pool = Buffer.allocUnsafe(IDS_PER_DRAW * RANDOM_BYTES_PER_ID);
let used = pool.length;

/**
 * A UUIDv7: 48 bits of milliseconds since 1970, then 74 random bits, so that ids sort by time.
 *
 * Source: RFC 9562, section 5.7. Ids of one millisecond are in no order among themselves; `version` and `position` are
 * what orders events.
 */
export function uuidV7(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.toString("hex", used, used + RANDOM_BYTES_PER_ID);
  const variant = VARIANT_DIGITS[(pool[used + 2] as number) & 3] as string;
  used += RANDOM_BYTES_PER_ID;
  // The form has no room for a clock that is set before 1970.
  const time = Math.max(nowMs, 0).toString(16).padStart(12, "0");
  return flatText(
    `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(5, 8)}-${random.slice(8)}`,
  );
}

const VARIANT_DIGITS = ["8", "9", "a", "b"];
