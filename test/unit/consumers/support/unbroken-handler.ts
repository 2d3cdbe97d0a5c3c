import { expect } from "vitest";
import type { StoredEvent } from "../../../../index.js";

/** A handler that fails while it is broken, and afterwards takes no event that it is handling already. */
export function unbrokenHandler(handled: unknown[], isBroken: () => boolean) {
  const underWay = new Set<unknown>();
  return async ({ data }: StoredEvent): Promise<void> => {
    if (isBroken()) throw new Error("broken");
    expect(underWay.has(data)).toBe(false);
    underWay.add(data);
    await new Promise((resolve) => setImmediate(resolve));
    underWay.delete(data);
    handled.push(data);
  };
}
