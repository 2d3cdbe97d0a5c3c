import { DRIVERS } from "../../adapters/sqlite/drivers/choose-driver.js";
import type { SQLiteDriver } from "../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend } from "../../adapters/sqlite/sqlite-stream-factory.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import type { Store, Subject } from "../subject.js";
import { libraryBetter, libraryNode, storeOverFactory } from "../subjects/library.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { CallCounter, countCalls } from "./counting-driver.js";
import type { Profile } from "./profile.js";
import { currentUsage, usageBetween } from "./usage.js";

/** Runs a workload on the library over a driver that counts, from when its store is open until it is closed. */
export async function profileWorkload(workload: Workload, context: WorkloadContext): Promise<Profile> {
  const counter = new CallCounter();
  let profile: Profile | undefined;
  const subject: Subject = {
    ...context.subject,
    async open(path, durability) {
      const driver = countCalls(driverOf(context.subject), counter);
      const factory = createStreamFactory(await openSQLiteBackend(path, { durability }, driver));
      const { store, done } = countWork(storeOverFactory(factory));
      counter.reset();
      const before = currentUsage();
      return {
        ...store,
        async close() {
          const usage = usageBetween(before, currentUsage());
          profile = { ...done, ...usage, statements: counter.statements() };
          await store.close();
        },
      };
    },
  };
  await workload.run({ ...context, subject });
  if (profile === undefined) throw new Error(`${workload.id} closes no store itself and cannot be profiled`);
  return profile;
}

function driverOf({ name }: Subject): SQLiteDriver {
  if (name === libraryNode.name) return DRIVERS["node:sqlite"];
  return name === libraryBetter.name ? DRIVERS["better-sqlite3"] : DRIVERS.sqlite3;
}

/** Counts what a workload asks of its store. */
function countWork(store: Store): { store: Store; done: { operations: number; events: number } } {
  const done = { operations: 0, events: 0 };
  const count = (events: number): void => {
    done.operations += 1;
    done.events += events;
  };
  const counting: Store = {
    ...store,
    append(...args) {
      count(1);
      return store.append(...args);
    },
    appendBatch(streamId, events, version) {
      count(events.length);
      return store.appendBatch(streamId, events, version);
    },
    async readAll(...args) {
      const events = await store.readAll(...args);
      count(events);
      return events;
    },
    async readLast(...args) {
      const events = await store.readLast(...args);
      count(events);
      return events;
    },
  };
  return { store: counting, done };
}
