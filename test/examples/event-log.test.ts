import { readdir, readFile, writeFile } from "node:fs/promises";
import { ALL_STREAM, sqliteStreamFactory } from "async-streams";
import { expect, test, vi } from "vitest";
import { parseArguments } from "../../examples/event-log/arguments.js";
import { readLog } from "../../examples/event-log/read-log.js";
import type { ProcessEnd } from "../support/node-process.js";
import { createTempDir } from "../support/temp-dir.js";
import { makeLines, writeLog } from "./support/log-fixture.js";
import { EXAMPLE_TIMEOUT_MS, runExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

const LINE_COUNT = 60;

function runEventLog(...args: string[]): Promise<ProcessEnd> {
  return runExample("event-log/main.ts", { args });
}

test.each(["log.ndjson", "log.ndjson.gz"])(
  "stores every line of %s as an event, in the order of the log",
  async (file) => {
    await using folder = await createTempDir();
    const lines = makeLines(LINE_COUNT);
    await writeLog(folder.file(file), lines);
    const run = await runEventLog(folder.file(file), "--db", folder.file("log.db"), "--batch", "25");
    expect(run).toMatchObject({ exitCode: 0, stderr: "" });
    expect(run.stdout).toContain("Events     60 in 7 streams");
    expect(run.stdout).toMatch(/^Written {4}60 new, \d/m);
    expect(run.stdout).toContain("Order      that of the log, across all streams");
    expect(run.stdout).toContain("Longest    case 0: 9 events");
    expect(run.stdout).toMatch(/^Types {6}3\n +20 {2}Checked\n +20 {2}Registered\n +20 {2}~@Paid$/m);

    await using streams = await sqliteStreamFactory(folder.file("log.db"));
    await using all = await streams.openStream(ALL_STREAM);
    const stored: unknown[] = [];
    for await (const { streamId, type, data, metadata } of all.read()) {
      stored.push({
        case: streamId.replace(/^~/, ""),
        activity: type.replace(/^~/, ""),
        attributes: data,
        ...metadata,
      });
    }
    expect(stored).toEqual(lines);
  },
);

test("adds nothing when it runs again, and only what is new when the log has grown", async () => {
  await using folder = await createTempDir();
  const log = folder.file("log.ndjson");
  const databasePath = folder.file("log.db");
  await writeLog(log, makeLines(LINE_COUNT));
  await runEventLog(log, "--db", databasePath);

  const again = await runEventLog(log, "--db", databasePath, "--batch", "7");
  expect(again.exitCode).toBe(0);
  expect(again.stdout).toMatch(/^Written {4}0 new, 60 stored before, /m);

  await writeLog(log, makeLines(LINE_COUNT + 5));
  const grown = await runEventLog(log, "--db", databasePath);
  expect(grown.exitCode).toBe(0);
  expect(grown.stdout).toMatch(/^Written {4}5 new, 60 stored before, /m);
});

test("leaves nothing behind when it is given no database", async () => {
  await using folder = await createTempDir();
  await writeLog(folder.file("log.ndjson"), makeLines(LINE_COUNT));
  const temp = { TMPDIR: folder.path, TEMP: folder.path, TMP: folder.path };
  const run = await runExample("event-log/main.ts", { args: [folder.file("log.ndjson")], env: temp });
  expect(run.exitCode).toBe(0);
  expect((await readdir(folder.path)).filter((name) => name.startsWith("event-log-"))).toEqual([]);
});

/** Reads the cases of a log into a list, which has those before an error. */
async function casesOf(log: string, cases: string[] = []): Promise<string[]> {
  for await (const record of readLog(log)) cases.push(record.case);
  return cases;
}

const GOOD_LINE = '{"case": "a", "activity": "b", "timestamp": "2024-01-01T00:00:00Z", "attributes": {}}';

test.each([
  ["text that is no JSON", '{"case": "a", ', "line 3: not valid JSON"],
  ["a value that is no object", "[1]", "line 3: expected a JSON object"],
  ["a missing field", '{"case": "a", "timestamp": "2024-01-01"}', 'line 3: "activity" must be a non-empty string'],
  ["a field of another type", GOOD_LINE.replace('"a"', "7"), 'line 3: "case" must be a non-empty string'],
  ["an unknown field", GOOD_LINE.replace("{", '{"cost": 1, '), 'line 3: unknown field "cost"'],
  ["a time that is none", GOOD_LINE.replace("2024-01-01T00:00:00Z", "soon"), 'line 3: "timestamp" must be a date'],
  ["attributes that are no object", GOOD_LINE.replace("{}", "[]"), 'line 3: "attributes" must be an object'],
])("names the line that has %s", async (_, line, message) => {
  await using folder = await createTempDir();
  const log = folder.file("bad.ndjson");
  await writeFile(log, `${GOOD_LINE}\n\n${line}\n${GOOD_LINE}\n`);
  const cases: string[] = [];
  await expect(casesOf(log, cases)).rejects.toThrow(`${log}, ${message}`);
  expect(cases).toEqual(["a"]);
});

test("prints the one line that is wrong, and no stack", async () => {
  await using folder = await createTempDir();
  const log = folder.file("bad.ndjson");
  await writeFile(log, `${GOOD_LINE}\n[1]\n`);
  const { exitCode, stdout, stderr } = await runEventLog(log);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr.trim()).toBe(`${log}, line 2: expected a JSON object`);
});

test("says that the log is missing, cut off or not text", async () => {
  await using folder = await createTempDir();
  await writeLog(folder.file("whole.gz"), makeLines(LINE_COUNT));
  await writeFile(folder.file("cut.gz"), (await readFile(folder.file("whole.gz"))).subarray(0, -20));
  await writeFile(folder.file("binary.ndjson"), Buffer.from([0x7b, 0xff, 0xfe]));
  await writeFile(folder.file("text.gz"), GOOD_LINE);
  for (const [file, message] of [
    ["missing.ndjson", "Cannot read the log"],
    ["cut.gz", "unexpected end of file"],
    ["binary.ndjson", "not UTF-8 text"],
    ["text.gz", "Cannot read the log"],
  ] as const) {
    await expect(casesOf(folder.file(file)), file).rejects.toThrow(message);
  }
});

test("refuses to mix two logs that name different events alike", async () => {
  await using folder = await createTempDir();
  const lines = makeLines(LINE_COUNT);
  await writeLog(folder.file("one.ndjson"), lines);
  await writeLog(
    folder.file("two.ndjson"),
    lines.map((line) => ({ ...line, activity: "Other" })),
  );
  await runEventLog(folder.file("one.ndjson"), "--db", folder.file("log.db"));
  const { exitCode, stderr } = await runEventLog(folder.file("two.ndjson"), "--db", folder.file("log.db"));
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Cannot import the log");
});

test("notices that the database differs from the log", async () => {
  await using folder = await createTempDir();
  await writeLog(folder.file("log.ndjson"), makeLines(LINE_COUNT));
  {
    await using streams = await sqliteStreamFactory(folder.file("log.db"));
    await using stream = await streams.openStream("case 0");
    await stream.write({ type: "Strange", data: {}, metadata: { timestamp: "2024-01-01T00:00:00Z" } });
  }
  const { exitCode, stderr } = await runEventLog(folder.file("log.ndjson"), "--db", folder.file("log.db"));
  expect(exitCode).toBe(1);
  expect(stderr).toContain('Mismatch in stream "case 0"');
});

test.each([
  ["an unknown option", ["--nope"], "--nope"],
  ["two logs", ["a", "b"], "Expected one log, got 2"],
  ["a batch of nothing", ["--batch", "0"], "--batch must be a whole number"],
  ["a database without a path", ["--db", ""], "--db needs a path"],
])("refuses %s", (_, args, message) => {
  expect(() => parseArguments(args)).toThrow(message);
});

test("explains itself with --help", async () => {
  const { exitCode, stdout } = await runEventLog("--help");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Usage: event-log/);
});
