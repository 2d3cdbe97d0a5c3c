import { afterEach, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";

/** What a native part does that was built for another machine. */
class BuiltElsewhere {
  constructor() {
    throw new Error("invalid ELF header");
  }
}

afterEach(() => {
  vi.doUnmock("sqlite3");
  vi.doUnmock("better-sqlite3");
  vi.doUnmock("sqlite");
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
      message: expect.stringMatching(
        new RegExp(
          `driver "${driver}": .*native part.* npm rebuild ${driver}; with pnpm, .*; in a bundle, keep it external`,
        ),
      ),
      cause: expect.any(Error),
    });
  },
);

test("the package sqlite3 in a runtime that has another module named sqlite counts as not installed", async () => {
  vi.doMock("sqlite3", () => ({ default: {} }));
  vi.doMock("sqlite", () => ({ open: undefined, DatabaseSync: class {} }));
  await expect(sqliteStreamFactory(":memory:", { driver: "sqlite3" })).rejects.toMatchObject({
    code: "STORAGE_DRIVER_UNSUPPORTED",
    message: expect.stringMatching(/in place of the package "sqlite"\. Install it: .*Or use another driver\.$/),
  });
});
