import { openSQLiteBackend } from "../../adapters/sqlite/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { type RecordedCall, recordingDriver } from "./recording-driver.js";
import { DRIVERS, type DriverName } from "./sqlite-drivers.js";
import { createTempDir } from "./temp-dir.js";

/** A store in a folder of its own that notes its statements. */
export type RecordedStore = Awaited<ReturnType<typeof openRecordedStore>>;

export async function openRecordedStore(name: DriverName) {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  const { driver, calls } = recordingDriver(DRIVERS[name]);
  const streams = createStreamFactory(await openSQLiteBackend(path, {}, driver));
  return {
    path,
    streams,
    /** The statements that are run during a task. */
    async callsDuring(task: () => Promise<unknown>): Promise<readonly RecordedCall[]> {
      const start = calls.length;
      await task();
      return calls.slice(start);
    },
    async [Symbol.asyncDispose]() {
      await streams[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
