import type { AppendRequest, NewEvent } from "async-streams";
import type { Durability, Store, Subject } from "../subject.js";
import { coreOverLoop } from "./core-over-loop.js";
import { floor } from "./floor.js";
import { openFloorDatabase } from "./floor-database.js";

const NAME = "core-over-floor";

/**
 * The library's core over the floor: what comes in one turn of the event loop is inserted row by row, in one
 * transaction and without checksums. A store on one thread that checks and copies events, and answers with promises,
 * cannot be much faster.
 */
export const coreOverFloor: Subject = {
  name: NAME,
  format: floor.format,
  settings: floor.settings,
  packages: floor.packages,
  only: ["W1", "W2", "W2u", "W3"],
  whyMissing: floor.whyMissing,
  open: openCore,
};

async function openCore(path: string, durability: Durability): Promise<Store> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);

  const storeGroup = database.transaction((group: readonly AppendRequest[]) => {
    for (const { streamId, expectedVersion, events } of group) {
      const stream = streamNumber(streamId);
      let version = Number(expectedVersion);
      for (const event of events) {
        version += 1;
        insert.run(rowOfEncoded(stream, version, event));
      }
    }
  });
  return coreOverLoop({ name: NAME, storeGroup, close: () => database.close() });
}

function rowOfEncoded(stream: number, version: number, event: NewEvent): (string | number | null)[] {
  const { id, idempotencyKey, type, data, metadata } = event;
  return [stream, version, Date.now(), type, data as string, metadata, id, idempotencyKey === null ? 0 : 1];
}
