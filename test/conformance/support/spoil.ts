import type { StoredEvent } from "../../../protocols/index.js";

/** Changes all of an event that can be changed, as a reader may who takes it for its own. */
export function spoil(event: StoredEvent): void {
  const { data, metadata, timestamp } = event;
  if (data instanceof Uint8Array) data.fill(0);
  else if (typeof data === "object" && data !== null)
    for (const key of Object.keys(data)) Reflect.set(data, key, "spoilt");
  if (metadata !== null) for (const key of Object.keys(metadata)) Reflect.set(metadata, key, "spoilt");
  timestamp.setTime(0);
}
