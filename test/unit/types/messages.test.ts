import { expect, test } from "vitest";
import { typeErrorsOf } from "../../support/type-errors.js";

const PREAMBLE = `
  import type { StoredEvent, Stream } from "async-streams/protocols";
  type BankEvent =
    | { type: "Deposited"; data: { amount: number } }
    | { type: "Withdrawn"; data: { amount: number; reason: string } }
    | { type: "Closed"; data: null };
  declare const account: Stream<BankEvent>;
  declare const stored: StoredEvent<BankEvent>;
  declare const dated: Stream<{ type: "A"; data: { at: Date } }>;
`;

const EVERY_TYPE = `Type '"Depositd"' is not assignable to type '"Deposited" | "Withdrawn" | "Closed"'. Did you mean '"Deposited"'?`;

/** A wrong program, and how what the compiler says of it begins and ends. */
const MESSAGES: readonly (readonly [string, string, string, string?])[] = [
  ["a misspelt type", `account.write({ type: "Depositd", data: { amount: 1 } })`, EVERY_TYPE],
  ["one in a list", `account.write([{ type: "Closed", data: null }, { type: "Depositd", data: null }])`, EVERY_TYPE],
  ["one in a filter", `account.read({ filter: [{ field: "type", op: "=", value: "Depositd" }] })`, EVERY_TYPE],
  ["one in a watch", `account.watch({ filter: [{ field: "type", op: "in", value: ["Depositd"] }] })`, EVERY_TYPE],
  [
    "a value of another type",
    `account.write({ type: "Deposited", data: { amount: "1" } })`,
    "Type 'string' is not assignable to type 'number'.",
  ],
  [
    "data of another event",
    `account.write({ type: "Withdrawn", data: { amount: 1 } })`,
    `Argument of type '{ type: "Withdrawn"; data: { amount: number; }; }' is not assignable to parameter of type ` +
      `'Candidate<"Deposited", { amount: number; }, JsonObject> | Candidate<"Withdrawn", { amount: number; reason: ` +
      "string; }, JsonObject> | Candidate<...> | CandidateList<...>'.   Types of property 'data' are incompatible.     " +
      "Property 'reason' is missing",
  ],
  [
    "a misspelt field",
    `account.write({ type: "Closed", data: null, idempotencykey: "1" })`,
    "Object literal may only specify known properties, but 'idempotencykey' does not exist in type 'Candidate<\"Closed\"",
  ],
  [
    "a misspelt option",
    "account.read({ limt: 3 })",
    "Object literal may only specify known properties, but 'limt' does not exist in type 'ReadOptions",
  ],
  [
    "a misspelt field of a filter",
    `account.read({ filter: [{ field: "typ", op: "=", value: "Closed" }] })`,
    `Type '"typ"' is not assignable to type 'FilterField'. Did you mean '"type"'?`,
  ],
  [
    "a stored event",
    "account.write([stored])",
    `Type 'StoredEvent<BankEvent>' is not assignable to type 'Candidate<"Deposited", { amount: number; }, JsonObject> | `,
    "Types of property 'position' are incompatible.         Type 'number' is not assignable to type " +
      `'"To write a stored event again, write { type, data, metadata, idempotencyKey: id }."'.`,
  ],
  [
    "a Date",
    `dated.write({ type: "A", data: { at: new Date() } })`,
    `Type 'Date' is not assignable to type '"A Date would come back as a string. Use its toISOString()."'.`,
  ],
];

test("the compiler names what is wrong with an event or a filter, and what there is instead", () => {
  const errors = typeErrorsOf(MESSAGES.map(([, code]) => `${PREAMBLE} void ${code};`));
  const messages = MESSAGES.map((_, index) => errors.filter(({ module }) => module === index));
  for (const [index, [what, , beginning, end = ""]] of MESSAGES.entries()) {
    expect(messages[index]?.length, what).toBe(1);
    expect(messages[index]?.[0]?.message.slice(0, beginning.length), what).toBe(beginning);
    expect(messages[index]?.[0]?.message.endsWith(end), what).toBe(true);
  }
});
