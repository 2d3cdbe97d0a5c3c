import { afterEach, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";

/** What a native part does that was built for another machine. */
class BuiltElsewhere {
  constructor() {
    throw new Error("invalid ELF header");
  }
}

afterEach(() => {
  vi.doUnmock("sqlite3");
  vi.doUnmock("better-sqlite3");
});

test.each([
  ["sqlite3", () => new BuiltElsewhere()],
  ["better-sqlite3", () => ({ default: BuiltElsewhere })],
] as const)(
  "%s that was built for another machine is refused with the command that builds it",
  async (driver, load) => {
    vi.doMock(driver, load);
    await expect(sqliteStreamFactory(":memory:", { driver })).rejects.toMatchObject({
      code: "STORAGE_DRIVER_UNSUPPORTED",
      message: expect.stringContaining(`npm rebuild ${driver}`),
      cause: expect.any(Error),
    });
  },
);
