import type { InvalidArgumentError, SQLName, SQLStatement, SQLValue } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { thrownValue } from "../validate/thrown-value.js";

// By name, so that it is found across copies of the package. A value from outside, such as a parsed request, has no symbols.
const MADE_HERE: unique symbol = Symbol.for("async-streams.SQL");

/** The prototype of what may become a part of a text, where others must be bound. It adds no property of their own. */
const MARK: object = Object.freeze({ [MADE_HERE]: true });

function isMarked(value: unknown): value is object {
  return typeof value === "object" && value !== null && MADE_HERE in value;
}

/**
 * Makes a statement of a template. Its values are bound to the statement, and never become part of its text. A value that is
 * a statement itself becomes a part of this one, with its own values.
 *
 * @example
 * ```ts
 * const statement = sql`UPDATE accounts SET balance = balance + ${amount} WHERE id = ${id}`;
 * const condition = owner === undefined ? sql`true` : sql`owner = ${owner}`;
 * const list = sql`SELECT id FROM accounts WHERE ${condition} ORDER BY id`;
 * ```
 */
export function sql(
  strings: TemplateStringsArray,
  ...values: readonly (SQLValue | SQLName | SQLStatement)[]
): SQLStatement {
  if (values.some(isPart)) return joined(strings, values);
  return statementOf(strings, values as readonly (SQLValue | SQLName)[]);
}

// A literal with a prototype, since `defineProperty` takes longer than all the rest.
function statementOf(strings: readonly string[], values: readonly (SQLValue | SQLName)[]): SQLStatement {
  return { __proto__: MARK, strings, values } as SQLStatement;
}

function joined(strings: readonly string[], values: readonly (SQLValue | SQLName | SQLStatement)[]): SQLStatement {
  const [first = "", ...following] = strings;
  const texts: string[] = [];
  const bound: (SQLValue | SQLName)[] = [];
  let text = first;
  for (const [index, value] of values.entries()) {
    const part = isPart(value) ? value : { strings: ["", ""], values: [value as SQLValue | SQLName] };
    for (const [place, inner] of part.strings.entries()) {
      if (place > 0) {
        texts.push(text);
        text = "";
      }
      text += inner;
    }
    bound.push(...part.values);
    text += following[index] ?? "";
  }
  return statementOf([...texts, text], bound);
}

/** One of `rawSQL` with values has placeholders of its own, which could not be told from those of the whole. */
function isPart(value: unknown): value is SQLStatement {
  return isStatement(value) && value.strings.length === value.values.length + 1;
}

function isStatement(value: unknown): value is SQLStatement {
  return isMarked(value) && "strings" in value;
}

/**
 * The name of a table or a column as a part of a statement. The adapter quotes it.
 *
 * @example
 * ```ts
 * const statement = sql`SELECT count(*) AS rows FROM ${name("orders")}`;
 * ```
 */
export function name(text: string): SQLName {
  return { __proto__: MARK, name: text } as SQLName;
}

/**
 * Makes a statement of a text that has the database's own placeholders (`?` in SQLite), for query builders and for
 * statements from elsewhere. Never put a caller's value into the text.
 *
 * @param values - the values of the placeholders, in order
 *
 * @example
 * ```ts
 * const statement = rawSQL("SELECT * FROM orders WHERE id = ?", [7]);
 * ```
 */
export function rawSQL(text: string, values: readonly SQLValue[] = []): SQLStatement {
  return statementOf([text], values);
}

/**
 * Takes a statement as it is now, and checks it before an adapter sees it: drivers change some values without a word, or crash
 * on them. The call may wait for its turn, while the caller changes a list or bytes.
 *
 * @throws InvalidArgumentError
 */
export function takeStatement(statement: unknown): SQLStatement {
  const given = (typeof statement === "object" && statement !== null ? statement : {}) as SQLStatement;
  const { strings, values } = given;
  if (!Array.isArray(values)) throw notAStatement(statement);
  const texts = CHECKED_TEMPLATES.has(strings) ? strings : takeTexts(statement, strings);
  const isRaw = texts.length === 1;
  const taken = takeValues(values);
  if (!isRaw && texts.length !== taken.length + 1) {
    throw invalidArgument("statement", `${taken.length} values do not fit between ${texts.length} strings`);
  }
  for (let index = 0; index < taken.length; index += 1) {
    const value = taken[index];
    if (isSQLValue(value) || (!isRaw && isMarked(value) && isSQLName(value))) continue;
    throw invalidArgument("statement", `value ${index} cannot be bound: ${problemOf(value)}`);
  }
  return statementOf(texts, taken);
}

/** Those of the program, which are run again and again and do not change. */
const CHECKED_TEMPLATES = new WeakSet<readonly string[]>();

function takeTexts(statement: unknown, strings: unknown): readonly string[] {
  if (!Array.isArray(strings)) throw notAStatement(statement);
  const texts: readonly string[] = Object.isFrozen(strings) ? strings : [...strings];
  if (!areTexts(texts)) throw notAStatement(statement);
  if (!areWellFormed(texts)) throw invalidArgument("statement", `its text has ${LONE_SURROGATE}`);
  if (texts === strings) CHECKED_TEMPLATES.add(texts);
  return texts;
}

function notAStatement(statement: unknown): InvalidArgumentError {
  const got = typeof statement === "string" ? "a string" : describeValue(statement);
  return invalidArgument("statement", `expected a statement that sql\`...\` or rawSQL() made, got ${got}`);
}

function takeValues(values: readonly (SQLValue | SQLName)[]): readonly (SQLValue | SQLName)[] {
  const taken: (SQLValue | SQLName)[] = [];
  try {
    // A loop, since each statement of a projection pays for its closures.
    for (let index = 0; index < values.length; index += 1) taken.push(takeValue(values[index] as SQLValue | SQLName));
  } catch (error) {
    throw invalidArgument("statement", "reading its values failed", thrownValue(error));
  }
  return taken;
}

function takeValue(value: SQLValue | SQLName): SQLValue | SQLName {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return isMarked(value) && "name" in value ? takeName(value.name) : value;
}

/** The copy of a name that was made last. Nobody but adapters gets it, and a loop of statements has one and the same. */
let copy: SQLName = name("");

function takeName(text: string): SQLName {
  if (copy.name !== text) copy = name(text);
  return copy;
}

/** A loop, since `every` is slow on the frozen list of a template. */
function areTexts(strings: readonly unknown[]): boolean {
  for (const part of strings) if (typeof part !== "string") return false;
  return true;
}

function areWellFormed(strings: readonly string[]): boolean {
  for (const part of strings) if (!part.isWellFormed()) return false;
  return true;
}

/** The name that was found right last: a loop of statements has one and the same. */
let lastName: string | undefined;

export function isSQLName(value: unknown): value is SQLName {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  const text: unknown = (value as Partial<SQLName>).name;
  if (typeof text !== "string" || text === "") return false;
  if (text !== lastName && (!text.isWellFormed() || text.includes("\0"))) return false;
  lastName = text;
  return true;
}

function isSQLValue(value: unknown): value is SQLValue {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  return value === null || typeof value === "boolean" || value instanceof Uint8Array;
}

const LONE_SURROGATE = "a lone surrogate, which no database keeps";

const LIST_ADVICE =
  `it is an array; for IN (...), make a list of its items: items.map((item) => sql\`\${item}\`).reduce((list, item) => ` +
  `sql\`\${list}, \${item}\`); to store it, pass JSON.stringify(items)`;

function problemOf(value: unknown): string {
  if (value === undefined) return "it is undefined; pass null for NULL";
  if (value instanceof Date) return "it is a Date; pass date.toISOString() or date.getTime()";
  if (Array.isArray(value)) return LIST_ADVICE;
  if (isMarked(value) && "name" in value) {
    if (isSQLName(value)) return "name() is a part of a text, and not a value of one; use sql`...`";
    return `name() takes a text that is not empty, and has no zero character and no lone surrogate, got ${describeValue(value.name)}`;
  }
  if (isStatement(value)) return "rawSQL() with values cannot be a part of another statement; use sql`...`";
  if (typeof value === "bigint") return "it is a BigInt; pass Number(value), or String(value) where it is larger";
  if (typeof value === "string") return `it has ${LONE_SURROGATE}`;
  return `expected a string, a finite number, a boolean, null or a Uint8Array, got ${describeValue(value)}`;
}
