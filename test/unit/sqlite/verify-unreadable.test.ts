import { describe, expect, test, vi } from "vitest";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import type { VerifyProblem } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { acknowledgedPosition } from "../../support/acknowledged.js";
import { type Fault, faultyDriver } from "../../support/faulty-driver.js";
import { createTempDir } from "../../support/temp-dir.js";

const EVENTS = 3;

/** Verifies a sound store over a driver that fails, once the store is filled, where the fault says so. */
async function verifyWith(fault: (sql: string) => string | undefined) {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  let isFailing = false;
  // The connection that a check reads through is the store's; the one that it compares the schema with is not.
  const whenFilled: Fault = ({ sql, mode }) => (isFailing && mode === "readonly" ? fault(sql) : undefined);
  const { maintenance, ...backend } = await openSQLiteBackend(path, {}, faultyDriver(whenFilled));
  await using streams = createStreamFactory(backend);
  const stream = await streams.openStream("a");
  for (let data = 1; data <= EVENTS; data += 1) await stream.write({ type: "Counted", data });
  await stream.snapshot({ count: EVENTS });
  await vi.waitFor(async () => expect(await acknowledgedPosition(path)).toBe(EVENTS));
  isFailing = true;
  return await maintenance.verify();
}

/** What a check reads, by the statement that reads it, and the problem that it is when the file is damaged there. */
const PARTS: readonly (readonly [string, RegExp, Partial<VerifyProblem>])[] = [
  ["where the store ends", /AS stored/, { kind: "unreadable", detail: expect.stringMatching(/where the store ends/) }],
  ["the event that was acknowledged last", /json_each\(\?1\) AS r/, { kind: "head", position: EVENTS }],
  [
    "the schema",
    /AS tableName, sql FROM sqlite_schema/,
    { kind: "unreadable", detail: expect.stringMatching(/schema/) },
  ],
  ["the pages", /integrity_check/, { kind: "structure", detail: expect.stringMatching(/SQLITE_CORRUPT/) }],
  ["the events", /AS uuid/, { kind: "unreadable", position: 2, detail: expect.stringMatching(/cannot read it/) }],
  ["the streams", /FROM es_streams WHERE/, { kind: "unreadable", detail: expect.stringMatching(/the streams/) }],
  ["the snapshots", /min\(rowid\)/, { kind: "unreadable", detail: expect.stringMatching(/the snapshots/) }],
];

describe.each(PARTS)("where SQLite cannot read %s,", (_, statement, problem) => {
  test("because the file is damaged, the check says so and goes on", async () => {
    const { ok, problems } = await verifyWith((sql) => (statement.test(sql) ? "SQLITE_CORRUPT" : undefined));
    expect(ok).toBe(false);
    expect(problems).toContainEqual(expect.objectContaining(problem));
  });

  test("for another reason, the check rejects with it and calls nothing damaged", async () => {
    const verification = verifyWith((sql) => (statement.test(sql) ? "SQLITE_NOMEM" : undefined));
    await expect(verification).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/Cannot verify the store in .*store\.db/),
    });
  });
});

describe("where SQLite cannot read a page of events,", () => {
  const isPage = (sql: string): boolean => /bytesBefore/.test(sql);

  test("but each of them alone, all are checked", async () => {
    const report = await verifyWith((sql) => (isPage(sql) ? "SQLITE_CORRUPT" : undefined));
    expect(report).toEqual({ ok: true, checkedEvents: EVENTS, applicationTables: 0, problems: [] });
  });

  test("and then none of them for another reason than damage, the check rejects with it", async () => {
    const verification = verifyWith((sql) =>
      isPage(sql) ? "SQLITE_CORRUPT" : /AS uuid/.test(sql) ? "SQLITE_NOMEM" : undefined,
    );
    await expect(verification).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });
});
