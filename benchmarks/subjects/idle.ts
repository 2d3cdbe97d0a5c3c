import { type Durability, type Subject, unsupported, type WatchedStream } from "../subject.js";

/** How often the library polls when it is not told otherwise. */
const WAKE_EVERY_MS = 100;

/** A process that does nothing but wake up as often as a watcher does: what such a process takes by itself. */
export const idleProcess: Subject = {
  ...idleSubject("idle-process", "no database"),
  packages: [],
  openWatched: async (_path, _durability, listener) => wakeUp(() => undefined, listener),
};

/** The same, but each time it asks SQLite whether the file has changed: what every watcher that polls has to do. */
export const idlePoll: Subject = {
  ...idleSubject("idle-poll", "WAL"),
  packages: ["better-sqlite3"],
  openWatched: openPoll,
};

function idleSubject(name: string, setting: string): Omit<Subject, "packages"> {
  return {
    name,
    format: name,
    settings: { normal: setting, full: setting },
    only: ["W7"],
    whyMissing: async () => null,
    open: () => unsupported(name, "store"),
  };
}

async function openPoll(path: string, _durability: Durability, listener: (number: number) => void) {
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(path);
  database.pragma("journal_mode = WAL");
  const select = database.prepare("PRAGMA data_version").pluck();
  return wakeUp(
    () => select.get(),
    listener,
    () => database.close(),
  );
}

/** Nothing is stored: an append only tells the listener, who waits for it. */
function wakeUp(work: () => void, listener: (number: number) => void, stop?: () => void): WatchedStream {
  const timer = setInterval(work, WAKE_EVERY_MS);
  return {
    append: async (number) => listener(number),
    async close() {
      clearInterval(timer);
      stop?.();
    },
  };
}
