import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { name, rawSQL, type SQLStatement, sql, sqliteStreamFactory } from "../../../index.js";

test("a template keeps its text and its values apart", () => {
  const id = "'; DROP TABLE accounts; --";

  expect(sql`UPDATE ${name("accounts")} SET balance = ${1} WHERE id = ${id}`).toEqual({
    strings: ["UPDATE ", " SET balance = ", " WHERE id = ", ""],
    values: [{ name: "accounts" }, 1, id],
  });
  expect(sql`SELECT 1`).toEqual({ strings: ["SELECT 1"], values: [] });
});

test("a text of its own has its values in order, or none", () => {
  expect(rawSQL("SELECT ?, ?", [1, null])).toEqual({ strings: ["SELECT ?, ?"], values: [1, null] });
  expect(rawSQL("SELECT 1")).toEqual({ strings: ["SELECT 1"], values: [] });
});

test("a statement inside a template becomes a part of it, with its values in their places", () => {
  const columns = sql`${name("id")}, ${name("owner")}`;
  const condition = sql`owner = ${"ann"} AND ${sql`balance > ${5}`}`;
  expect(sql`SELECT ${columns} FROM accounts WHERE ${condition} LIMIT ${3}`).toEqual({
    strings: ["SELECT ", ", ", " FROM accounts WHERE owner = ", " AND balance > ", " LIMIT ", ""],
    values: [name("id"), name("owner"), "ann", 5, 3],
  });
  expect(sql`${sql`a`}${rawSQL("b")}`).toEqual({ strings: ["ab"], values: [] });
});

test.each<[string, unknown, RegExp]>([
  ["a text", "SELECT 1", /expected a statement that sql`\.\.\.` or rawSQL\(\) made, got a string/],
  ["nothing", undefined, /expected a statement that sql`\.\.\.` or rawSQL\(\) made, got undefined/],
  ["parts that are no texts", { strings: [1], values: [] }, /expected a statement/],
  ["values that do not fit", { strings: ["a", "b"], values: [1, 2] }, /2 values do not fit between 2 strings/],
  ["undefined", sql`SELECT ${undefined as never}`, /value 0 cannot be bound: it is undefined; pass null for NULL/],
  [
    "a Date",
    sql`SELECT ${1}, ${new Date() as never}`,
    /value 1 cannot be bound: it is a Date; pass date\.toISOString\(\)/,
  ],
  ["a BigInt", sql`SELECT ${1n as never}`, /it is a BigInt; pass Number\(value\), or String\(value\)/],
  ["NaN", sql`SELECT ${Number.NaN}`, /expected a string, a finite number, a boolean, null or a Uint8Array, got NaN/],
  ["an object", sql`SELECT ${{} as never}`, /expected a string, .* got an object/],
  ["an object that looks like a name", sql`SELECT ${JSON.parse('{"name":"password"}')}`, /got an object/],
  [
    "an object that looks like a statement",
    sql`SELECT ${JSON.parse('{"strings":["1; x"],"values":[]}')}`,
    /got an object/,
  ],
  [
    "a list",
    sql`SELECT ${[1] as never}`,
    /value 0 cannot be bound: it is an array; for IN \(\.\.\.\), make a list of its items: items\.map\(/,
  ],
  ["a lone surrogate", sql`SELECT ${"\ud800"}`, /it has a lone surrogate, which no database keeps/],
  [
    "a lone surrogate in the text",
    sql`SELECT ${1}, '\ud800'`,
    /its text has a lone surrogate, which no database keeps/,
  ],
  ["an empty name", sql`SELECT ${name("")}`, /value 0 cannot be bound: name\(\) takes a text .*, got ""/],
  ["a name with a zero character", sql`SELECT ${name("a\0b")}`, /value 0 cannot be bound: name\(\) takes a text/],
  ["a text with placeholders inside a template", sql`SELECT ${rawSQL("?", [1])}`, /rawSQL\(\) with values cannot be/],
  ["a name among the values of a text", rawSQL("SELECT ?", [name("a") as never]), /name\(\) is a part of a text/],
])("a statement is refused before a database sees it: %s", async (_, statement, message) => {
  await using streams = memoryStreamFactory();

  await expect(streams.query(statement as SQLStatement)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "statement",
    message: expect.stringMatching(message),
  });
});

test("a statement that is something else at every look is run as it was checked", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  let looks = 0;
  const changing = {
    get strings() {
      looks += 1;
      return looks === 1 ? ["SELECT 1 AS one"] : ["SELECT 2 AS two"];
    },
    values: [],
  };
  expect(await streams.query(changing)).toEqual([{ one: 1 }]);
});

test("what is bound is what SQL has", async () => {
  await using streams = memoryStreamFactory();
  const statement = sql`SELECT ${"text"}, ${0.5}, ${true}, ${null}, ${new Uint8Array(1)}, ${Buffer.from("x")}, ${name("a")}`;

  // The store in memory has no SQL: the statement itself is not what is refused.
  await expect(streams.query(statement)).rejects.toMatchObject({
    code: "STORAGE_UNSUPPORTED",
    message: expect.stringMatching(
      /Cannot query the tables in memory: this store has no SQL\. Use records, or a store/,
    ),
  });
});

test("a name that is used again with another text is taken as it is at each call", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const table = { ...name("first") } as { name: string };
  Object.setPrototypeOf(table, Object.getPrototypeOf(name("first")));
  const read = await streams.transaction(async (tx) => {
    await tx.sql.run(sql`CREATE TABLE first (id TEXT)`);
    await tx.sql.run(sql`CREATE TABLE second (id TEXT)`);
    const calls = ["first", "second", "first"].map((text) => {
      table.name = text;
      return tx.sql.run(sql`INSERT INTO ${table} VALUES (${text})`);
    });
    table.name = "none";
    await Promise.all(calls);
    return tx.sql.all(sql`SELECT (SELECT count(*) FROM first) AS first, (SELECT count(*) FROM second) AS second`);
  });
  expect(read).toEqual([{ first: 2, second: 1 }]);
});
