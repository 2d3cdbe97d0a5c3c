import type { Durability } from "../subject.js";

/** How the server flushes its log for the sessions of a subject that sets it by its connection string. */
export const POSTGRES_SETTINGS = { normal: "synchronous_commit off", full: "synchronous_commit on" };

export function withDurability(url: string, durability: Durability): string {
  const setting = encodeURIComponent(`-c synchronous_commit=${durability === "full" ? "on" : "off"}`);
  return `${url}?options=${setting}`;
}

/** Why no server can be started; null when one can. */
export async function whyServerIsMissing(): Promise<string | null> {
  // Loaded here, so that the processes of other subjects are without it.
  const { NO_POSTGRES } = await import("../../test/support/postgres-server.js");
  return NO_POSTGRES && "PostgreSQL is not installed, or cannot be started here";
}
