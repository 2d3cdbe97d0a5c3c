import { cp } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeEvent, makeEvents } from "../bench-event.js";
import type { Seed, SizeName, WorkloadContext } from "../workload.js";

const ACCOUNTS = 100;

/** A store with the events of 100 accounts, in turns. */
export function accountsSeed(
  name: string,
  events: Readonly<Record<SizeName, number>>,
  batch: Readonly<Record<SizeName, number>>,
): Seed {
  return {
    name,
    async fill(store, size) {
      for (let version = 0; version < events[size] / ACCOUNTS; version += batch[size]) {
        for (let account = 0; account < ACCOUNTS; account += 1) {
          const made = makeEvents(makeEvent, version, batch[size]);
          await store.appendBatch(`account-${account}`, made, version);
        }
      }
    },
  };
}

/** A copy of a seed for a measurement that changes it. @returns its path */
export async function copyOfSeed({ folder, seedPath }: WorkloadContext, name: string): Promise<string> {
  const path = seedPath(name);
  const copy = join(folder, "copy");
  await cp(dirname(path), copy, { recursive: true });
  return join(copy, basename(path));
}
