import { startFixture } from "./fixture.js";

/** The write lock of a database in the hands of another process. */
export interface HeldLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Has another process take the lock, and waits until it has it. */
export async function holdLock(path: string): Promise<HeldLock> {
  const holder = startFixture("lock-holder.mjs", { args: [path] });
  await holder.ready();
  const release = async (): Promise<void> => {
    holder.say("release");
    await holder.ended;
  };
  return { release, [Symbol.asyncDispose]: release };
}
